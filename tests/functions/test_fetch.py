"""What the installation fetches where the system has no package: pinned for the machine, checked, and never cut off."""

import hashlib
import io
import os
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra import stage
from infra.local import fetch

INSTALL = stage.ROOT / "infra" / "local" / "install.sh"


@pytest.mark.parametrize(
    ("system", "machine", "tag"),
    [
        ("linux", "x86_64", "manylinux_2_17_x86_64"),
        ("linux", "aarch64", "manylinux_2_17_aarch64"),
        ("darwin", "arm64", "macosx_11_0_arm64"),
        ("darwin", "x86_64", "macosx_10_12_x86_64"),
    ],
)
def test_the_lock_file_pins_a_wheel_of_uv_for_every_machine_the_readme_names(
    system: str, machine: str, tag: str
) -> None:
    pinned = fetch.pinned_uv(fetch.LOCK.read_text(), system, machine)
    assert tag in pinned.url
    assert len(bytes.fromhex(pinned.sha256)) == 32


def test_a_machine_without_a_pinned_file_is_named() -> None:
    with pytest.raises(fetch.FetchError, match="linux on sparc"):
        fetch.pinned_uv(fetch.LOCK.read_text(), "linux", "sparc")
    with pytest.raises(fetch.FetchError, match="darwin on arm64"):
        fetch.pinned_prometheus("darwin", "arm64")


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"something")
    url = (tmp_path / "file").as_uri()
    right = hashlib.sha256(b"something").hexdigest()
    assert fetch.download(fetch.Pinned(url, right)) == b"something"
    with pytest.raises(fetch.FetchError, match="checksum"):
        fetch.download(fetch.Pinned(url, "0" * 64))
    with pytest.raises(fetch.FetchError, match="nowhere"):
        fetch.download(fetch.Pinned((tmp_path / "nowhere").as_uri(), right))


def test_uv_is_taken_out_of_its_wheel_and_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("uv-1.data/scripts/uvx", "no")
        file.writestr("uv-1.data/scripts/uv", "#!/bin/sh\necho this is uv\n")
    (tmp_path / "wheel").write_bytes(wheel.getvalue())
    pinned = fetch.Pinned((tmp_path / "wheel").as_uri(), hashlib.sha256(wheel.getvalue()).hexdigest())
    monkeypatch.setattr(fetch, "pinned_uv", lambda *_: pinned)
    assert fetch.main(["uv", str(tmp_path)]) == 0
    assert subprocess.run([tmp_path / "uv"], check=True, capture_output=True, text=True).stdout == "this is uv\n"


def test_prometheus_and_promtool_are_taken_out_of_the_release_and_nothing_else(tmp_path: Path) -> None:
    release = io.BytesIO()
    with tarfile.open(fileobj=release, mode="w:gz") as file:
        for name in ("prometheus", "LICENSE", "consoles/prometheus.html", "promtool"):
            entry = tarfile.TarInfo(f"prometheus-1.linux-amd64/{name}")
            entry.size = len(name)
            file.addfile(entry, io.BytesIO(name.encode()))
    programs = fetch.unpack_prometheus(release.getvalue())
    assert programs == {"prometheus": b"prometheus", "promtool": b"promtool"}
    fetch.put(programs, tmp_path)
    assert {path.name: path.stat().st_mode & 0o111 for path in tmp_path.iterdir()} == dict.fromkeys(programs, 0o111)


def test_what_cannot_be_fetched_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "sparc")
    assert fetch.main(["prometheus", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_pip_installs_the_version_of_uv_that_is_locked() -> None:
    command = next(line.strip() for line in INSTALL.read_text().splitlines() if line.strip().startswith("version=$("))
    found = subprocess.run(
        ["bash", "-c", f"{command}; echo $version"], cwd=stage.ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    packages = tomllib.loads(fetch.LOCK.read_text())["package"]
    assert found == next(package["version"] for package in packages if package["name"] == "uv")


def test_a_python_that_is_too_old_is_refused_with_what_helps(tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("bash", "dirname"):
        (old / name).symlink_to(
            next(Path(folder, name) for folder in os.get_exec_path() if Path(folder, name).exists())
        )
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (old / name).write_text("#!/bin/sh\nexit 1\n")
        (old / name).chmod(0o755)
    found = subprocess.run(["bash", INSTALL], env={"PATH": str(old)}, check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr == "install: Python 3.11 or newer is needed; set PYTHON to its path\n"


def test_an_environment_that_is_a_link_to_another_ones_is_left_alone(tmp_path: Path) -> None:
    here, others = tmp_path / "here", tmp_path / "others"
    (here / "infra" / "local").mkdir(parents=True)
    (others / "bin").mkdir(parents=True)
    (here / ".venv").symlink_to(others)
    script = here / "infra" / "local" / "install.sh"
    script.write_bytes(INSTALL.read_bytes())
    found = subprocess.run(["bash", script], check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert f".venv is a link to {others}" in found.stderr
    assert (others / "bin").is_dir()
