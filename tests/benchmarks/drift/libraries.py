"""Other libraries beside ours: each in an environment of its own, with pinned versions, on the same windows."""

import json
import pickle
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "build" / "baselines"
SCRIPTS = Path(__file__).resolve().parent / "others"
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A library.

    Attributes:
        name: of it.
        packages: what is installed.
        seconds: that it may take; what it has judged until then is counted.
    """

    name: str
    packages: tuple[str, ...]
    seconds: int

    @property
    def label(self) -> str:
        """Its name and version."""
        return self.packages[0].replace("==", " ")


LIBRARIES = (
    Library(name="evidently", packages=("evidently==0.7.23", "pandas==2.3.3", "numpy==2.3.5"), seconds=400),
    Library(name="nannyml", packages=("nannyml==0.13.1", "pandas==2.3.3", "statsmodels==0.15.0"), seconds=120),
)


def save(folder: Path, name: str, old: Columns, new: Columns) -> None:
    """Keep a window and its reference where the libraries read them."""
    plain = [{column: values.tolist() for column, values in part.items()} for part in (old, new)]
    (folder / f"{name}.pickle").write_bytes(pickle.dumps(plain))


def judged(library: Library, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """What a library says of the windows of a folder, and why it says nothing, if it does not."""
    try:
        python = _installed(library)
        script = SCRIPTS / f"{library.name}_alarms.py"
        done = subprocess.run(
            [str(python), "-W", "ignore", str(script), str(folder), str(library.seconds)],
            capture_output=True,
            text=True,
            check=False,
            timeout=library.seconds + 60,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return [], str(getattr(error, "stderr", "") or error).strip()[-300:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines], done.stderr.strip()[-300:] if done.returncode else ""


def _installed(library: Library) -> Path:
    """The Python of its environment, which is made anew where it has other versions."""
    home, stamp = FOLDER / library.name, FOLDER / f"{library.name}.txt"
    python, wanted = home / "bin" / "python", "\n".join(library.packages)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for command in (
        ["uv", "venv", "-q", str(home)],
        ["uv", "pip", "install", "-q", "--python", str(python), *library.packages],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    stamp.write_text(wanted)
    return python
