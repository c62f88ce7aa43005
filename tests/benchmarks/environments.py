"""Environments of their own for other libraries, with pinned versions."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "build" / "baselines"


def python_of(name: str, packages: Sequence[str]) -> Path:
    """The Python of an environment, which is made anew where it has other versions.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be made.
    """
    home, stamp = FOLDER / name, FOLDER / f"{name}.txt"
    python, wanted = home / "bin" / "python", "\n".join(packages)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for command in (
        ["uv", "venv", "-q", str(home)],
        ["uv", "pip", "install", "-q", "--python", str(python), *packages],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    stamp.write_text(wanted)
    return python
