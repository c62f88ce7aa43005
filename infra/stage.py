"""Stages the functions: what is deployed is what runs.

The archive of a function holds, at its root, `main.py`, `monitoring.yaml`, `requirements.txt` (locked, of its own extra
in pyproject.toml), `core/`, `functions/adapters/`, `functions/runtime/`, `functions/services/`, the function's own modules
and what `include` in functions.yaml names, and nothing else. The same tree gives the same bytes, so that a change of the
code redeploys just the functions it touches.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.maintenance.dead_letters import subscriptions

ROOT = Path(__file__).resolve().parent.parent
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3  # what the archive says it was made on, wherever that is
SETTINGS = "settings.json"
"""Beside the archives: SHA-256 of the settings in each."""
_RECORD = ".staged"
"""In a staged folder: the digest of what it was staged from. No archive holds a name with a dot before it."""


class StageError(Exception):
    """A function cannot be staged; the message says why."""


def deployment() -> dict[str, Any]:
    """What `infra/functions.yaml` says is deployed."""
    file = ROOT / "infra" / "functions.yaml"
    document: dict[str, Any] = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    return document


def acknowledgement_deadlines(functions: Collection[str]) -> str:
    """Seconds after which each push subscription of functions delivers again, as JSON for `AIA_ACK_DEADLINES`; Terraform has them by itself."""
    found = {name: one["ack_deadline_seconds"] for name, of, one in subscriptions(deployment()) if of in functions}
    return json.dumps(found)


def sources(function: str) -> Iterator[tuple[str, Path]]:
    """The files of a function's archive, as name in the archive and path here, in order of the names.

    Raises:
        FileNotFoundError: there is no such function.
    """
    return _sources(function, deployment(), _files)


def _sources(
    function: str, deployed: Mapping[str, Any], files_in: Callable[[Path], Iterable[tuple[str, Path]]]
) -> Iterator[tuple[str, Path]]:
    own = ROOT / "functions" / function
    if not (own / "main.py").is_file():
        raise FileNotFoundError(f"function: must be a folder of functions/ with a main.py, got {function!r}")
    files = {"main.py": own / "main.py", "monitoring.yaml": ROOT / "infra" / "monitoring.yaml"}
    files["functions/__init__.py"] = ROOT / "functions" / "__init__.py"
    included = deployed["functions"].get(function, {}).get("include", [])
    wanted = [
        ROOT / "core",
        ROOT / "functions" / "adapters",
        ROOT / "functions" / "runtime",
        ROOT / "functions" / "services",
        own,
        *(path for name in included for path in ROOT.glob(name)),
    ]
    for given in wanted:
        files.update((name, path) for name, path in files_in(given) if path != own / "main.py")
    yield from sorted(files.items())


def _files(given: Path) -> list[tuple[str, Path]]:
    """A file, or the files of a folder, as name and path; without litter."""
    files = []
    for path in (given, *given.rglob("*")):
        name = path.relative_to(ROOT)
        if not any(map(_is_litter, name.parts)) and path.is_file():
            files.append((name.as_posix(), path))
    return files


def _is_litter(name: str) -> bool:
    """Whether tools, editors or the system leave files or folders of that name behind."""
    return name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", "~"))


def requirements(function: str) -> str:
    """The locked requirements of a function, as pip reads them, with hashes."""
    return exported(function.replace("_", "-"))


def exported(extra: str, *options: str) -> str:
    """The locked requirements of an extra of pyproject.toml, as `uv export` writes them.

    Args:
        extra: its name.
        options: further options of `uv export`.

    Raises:
        StageError: uv.lock does not have the extra, or does not match pyproject.toml.
    """
    command = [
        str(Path(sys.executable).with_name("uv")),
        "export",
        "--frozen",
        "--quiet",
        "--no-header",
        "--no-annotate",
    ]
    command += ["--no-emit-project", "--extra", extra, *options]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise StageError(f"{extra}: its requirements could not be exported from uv.lock: {done.stderr.strip()}")
    return done.stdout


def stage_all(functions: Iterable[str], into: Path, *, locked: bool = True) -> dict[str, Path]:
    """Lay the files of each function's archive into a folder `into/<function>`.

    A folder that holds the same already is left as it is, with what Python compiled in it. A new one takes its name when
    it is complete, so an interruption leaves none that only looks so.

    Args:
        functions: their names.
        into: where the folders are.
        locked: whether `requirements.txt` is written as well; without it, the folders run only in this environment.

    Returns:
        The folders by function.

    Raises:
        FileNotFoundError: there is no such function.
        StageError: the requirements of a function could not be exported.
    """
    deployed, files_in, content = deployment(), cache(_files), cache(Path.read_bytes)
    digest_of = cache(lambda path: hashlib.sha256(content(path)).hexdigest())
    lock = {name: digest_of(ROOT / name) for name in ("pyproject.toml", "uv.lock")} if locked else {}
    staged: dict[str, Path] = {}
    written: dict[tuple[str, bytes], Path] = {}
    for function in functions:
        files = dict(_sources(function, deployed, files_in))
        record = json.dumps(lock | {name: digest_of(path) for name, path in files.items()})
        contents = {name: content(path) for name, path in files.items()}
        staged[function] = into / function
        if not _holds(staged[function], record, contents):
            extra = {"requirements.txt": requirements(function).encode()} if locked else {}
            _write(staged[function], contents | extra | {_RECORD: record.encode()}, written)
        written |= {(name, data): staged[function] / name for name, data in contents.items()}
    return staged


def _holds(folder: Path, record: str, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder was staged from the very same files, and none of them was lost or cut off since."""
    try:
        return (folder / _RECORD).read_text() == record and all(
            os.stat(f"{folder}/{name}").st_size == len(data)  # noqa: PTH116 - thousands of files, and a Path costs more
            for name, data in contents.items()
        )
    except OSError:
        return False


def _write(folder: Path, contents: Mapping[str, bytes], written: Mapping[tuple[str, bytes], Path]) -> None:
    """Write the files of a folder in place of what is there; what was written for another one before is the same file."""
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    for parent in {(draft / name).parent for name in contents}:
        parent.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        _link_or_write(draft / name, data, written.get((name, data)))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _link_or_write(path: Path, data: bytes, same: Path | None) -> None:
    if same is not None:
        with suppress(OSError):  # a file system without links
            path.hardlink_to(same)
            return
    path.write_bytes(data)


def archive(function: str, into: Path) -> Path:
    """Write the archive of a function, named by its hash, and return its path; older ones of it are removed."""
    into.mkdir(parents=True, exist_ok=True)
    draft = into / f"{function}.zip"
    entries = [(name, path.read_bytes()) for name, path in sources(function)]
    entries.append(("requirements.txt", requirements(function).encode()))
    with zipfile.ZipFile(draft, "w") as file:
        for name, data in sorted(entries):
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = _UNIX
            info.external_attr = 0o644 << 16
            file.writestr(info, data)  # not compressed: no two versions of zlib promise the same bytes
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()[:16]
    for old in into.glob(f"{function}-*.zip"):
        old.unlink()
    _note_settings(into, function, hashlib.sha256(dict(entries)["monitoring.yaml"]).hexdigest())
    return draft.rename(into / f"{function}-{digest}.zip")


def _note_settings(into: Path, function: str, digest: str) -> None:
    """Note the digest of the settings in an archive: Terraform does not look into one, and each may be packaged alone."""
    file = into / SETTINGS
    noted = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(noted | {function: digest}, indent=2, sort_keys=True) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Stage functions into folders or archives, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.stage", description="Stage the functions as they are deployed."
    )
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="which (default: all)")
    parser.add_argument("--folders", type=Path, metavar="DIR", help="one folder a function")
    parser.add_argument("--unlocked", action="store_true", help="folders without requirements.txt")
    parser.add_argument("--archives", type=Path, metavar="DIR", help="one archive a function, named by its hash")
    options = parser.parse_args(arguments)
    known = deployment()["functions"]
    wanted = options.functions or list(known)
    for function in wanted:
        if function not in known:
            parser.error(f"FUNCTION: must be one of {', '.join(known)}, got {function!r}")
    if options.folders:
        print(*stage_all(wanted, options.folders, locked=not options.unlocked).values(), sep="\n")
    for function in wanted:
        if options.archives:
            print(archive(function, options.archives))
    return 0


if __name__ == "__main__":
    sys.exit(main())
