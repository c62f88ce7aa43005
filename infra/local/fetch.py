"""Downloads a program that the system has no package of, checks it against a pinned SHA-256, and installs it into a folder.

    python infra/local/fetch.py uv .venv/bin            the wheel that uv.lock pins, for a Python without pip
    python infra/local/fetch.py prometheus .venv/bin    the official release

Standard library only: it runs before anything is installed.
"""

import argparse
import hashlib
import io
import platform
import sys
import tarfile
import tomllib
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LOCK = Path(__file__).resolve().parents[2] / "uv.lock"
PROMETHEUS = "2.53.4"
_PROMETHEUS_SHA256 = {
    "linux-amd64": "b8b497c4610d1b93208252b60c8f20f6b2e78596ae8df43397a2e805aa53d475",
    "linux-arm64": "ec7236ecea7154d0bfe142921708b1ae7b5e921e100e0ee85ab92b7c444357e0",
}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_WHEELS = {"linux": "manylinux", "darwin": "macosx"}
_TIMEOUT = 60.0


class FetchError(Exception):
    """A program cannot be had; the message says why."""


class Pinned(NamedTuple):
    """A remote file, and its pinned hash."""

    url: str
    sha256: str


def pinned_uv(lock: str, system: str, machine: str) -> Pinned:
    """The wheel of uv for a machine, as the text of a lock file pins it.

    Raises:
        FetchError: there is none for it.
    """
    packages = tomllib.loads(lock)["package"]
    for wheel in next(package["wheels"] for package in packages if package["name"] == "uv"):
        tags = wheel["url"].rsplit("-", 1)[-1]
        if tags.startswith(_WHEELS.get(system, "none")) and f"_{machine}." in tags:
            return Pinned(wheel["url"], wheel["hash"].removeprefix("sha256:"))
    raise FetchError(f"uv.lock pins no wheel for {system} on {machine}")


def pinned_prometheus(system: str, machine: str) -> Pinned:
    """The release of Prometheus for a machine.

    Raises:
        FetchError: none is pinned for it.
    """
    build = f"{system}-{_MACHINES.get(machine, machine)}"
    if build not in _PROMETHEUS_SHA256:
        raise FetchError(f"no release is pinned for {system} on {machine}")
    release = f"https://github.com/prometheus/prometheus/releases/download/v{PROMETHEUS}"
    return Pinned(f"{release}/prometheus-{PROMETHEUS}.{build}.tar.gz", _PROMETHEUS_SHA256[build])


def download(pinned: Pinned) -> bytes:
    """The file at the address.

    Raises:
        FetchError: it cannot be downloaded, or its hash differs.
    """
    try:
        with urllib.request.urlopen(pinned.url, timeout=_TIMEOUT) as response:  # noqa: S310 - an address of this project
            data: bytes = response.read()
    except OSError as error:
        raise FetchError(f"{pinned.url}: {error}") from error
    if hashlib.sha256(data).hexdigest() != pinned.sha256:
        raise FetchError(f"{pinned.url}: the checksum is not the pinned one")
    return data


def unpack_uv(wheel: bytes) -> dict[str, bytes]:
    """The program in a wheel of uv."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as file:
        return {"uv": file.read(next(name for name in file.namelist() if name.endswith(".data/scripts/uv")))}


def unpack_prometheus(release: bytes) -> dict[str, bytes]:
    """The programs in a release of Prometheus."""
    wheels: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(release)) as file:
        for member in file:
            name = member.name.rsplit("/", 1)[-1]
            content = file.extractfile(member) if name in {"prometheus", "promtool"} else None
            if content:
                wheels[name] = content.read()
    return wheels


def put(programs: Mapping[str, bytes], folder: Path) -> None:
    """Write programs; an interruption leaves no truncated file."""
    for name, data in programs.items():
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(data)
        unfinished.chmod(0o755)
        unfinished.replace(folder / name)


def main(arguments: list[str] | None = None) -> int:
    """Download the programs that the command line names; returns 0, or 1 on failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=["uv", "prometheus"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    system, machine = platform.system().lower(), platform.machine()
    try:
        if given.program == "uv":
            put(unpack_uv(download(pinned_uv(LOCK.read_text(), system, machine))), given.folder)
        else:
            put(unpack_prometheus(download(pinned_prometheus(system, machine))), given.folder)
    except FetchError as error:
        print(f"install: {given.program}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
