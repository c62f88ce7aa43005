"""Other libraries beside ours: each in an environment of its own, with pinned versions, on the same windows."""

import json
import pickle
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tests.benchmarks.environments import python_of

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
        python = python_of(library.name, library.packages)
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
