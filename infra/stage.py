"""Stages the functions: what is deployed is what runs.

The archive of a function holds, at its root, `main.py`, `monitoring.yaml`, `requirements.txt` (locked, of its own extra
in pyproject.toml), `core/`, `functions/adapters/`, the function's own modules and what `include` in
functions.yaml names, and nothing else. The same tree gives the same bytes, so that a change of the code redeploys just
the functions it touches.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3  # what the archive says it was made on, wherever that is


class StageError(Exception):
    """A function cannot be staged; the message says why."""


def deployment() -> dict[str, Any]:
    """What `infra/functions.yaml` says is deployed."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "functions.yaml").read_text())
    return document


def sources(function: str) -> Iterator[tuple[str, Path]]:
    """The files of a function's archive, as name in the archive and path here, in order of the names."""
    own = ROOT / "functions" / function
    if not (own / "main.py").is_file():
        raise FileNotFoundError(f"function: must be a folder of functions/ with a main.py, got {function!r}")
    files = {"main.py": own / "main.py", "monitoring.yaml": ROOT / "infra" / "monitoring.yaml"}
    files["functions/__init__.py"] = ROOT / "functions" / "__init__.py"
    included = deployment()["functions"].get(function, {}).get("include", [])
    wanted = [
        ROOT / "core",
        ROOT / "functions" / "adapters",
        own,
        *(path for name in included for path in ROOT.glob(name)),
    ]
    for given in wanted:
        for path in (given, *given.rglob("*")):
            name = path.relative_to(ROOT)
            if path.is_file() and not any(map(_is_litter, name.parts)) and path != own / "main.py":
                files[name.as_posix()] = path
    yield from sorted(files.items())


def _is_litter(name: str) -> bool:
    """Whether tools, editors or the system leave files or folders of that name behind."""
    return name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", "~"))


def requirements(function: str) -> str:
    """The locked requirements of a function, as pip reads them, with hashes."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        "export",
        "--frozen",
        "--quiet",
        "--no-header",
        "--no-annotate",
        "--no-emit-project",
    ]
    command += ["--extra", function.replace("_", "-")]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise StageError(f"{function}: its requirements could not be exported: {done.stderr.strip()}")
    return done.stdout


def stage(function: str, into: Path) -> Path:
    """Lay the files of a function's archive into a new folder `into/<function>`, and return it."""
    folder = into / function
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in sources(function):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    (folder / "requirements.txt").write_text(requirements(function))
    return folder


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
    return draft.rename(into / f"{function}-{digest}.zip")


def main(arguments: list[str] | None = None) -> int:
    """Stage functions into folders or archives, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.stage", description="Stage the functions as they are deployed."
    )
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="which (default: all)")
    parser.add_argument("--folders", type=Path, metavar="DIR", help="one folder a function")
    parser.add_argument("--archives", type=Path, metavar="DIR", help="one archive a function, named by its hash")
    options = parser.parse_args(arguments)
    known = deployment()["functions"]
    for function in options.functions or known:
        if function not in known:
            parser.error(f"FUNCTION: must be one of {', '.join(known)}, got {function!r}")
        if options.folders:
            print(stage(function, options.folders))
        if options.archives:
            print(archive(function, options.archives))
    return 0


if __name__ == "__main__":
    sys.exit(main())
