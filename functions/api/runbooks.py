"""The runbooks and the guides that they link, served from the files of the sources."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
"""Where an archive and the sources have the runbooks, from their root; the guides are in the folder above."""


def named(name: str, folder: Path = FOLDER) -> Path:
    """The file of a runbook; `LookupError` where none has exactly that name."""
    return _one_of(name, folder, "runbook")


def guide(name: str, folder: Path = FOLDER.parent) -> Path:
    """The file of a guide; `LookupError` where none has exactly that name."""
    return _one_of(name, folder, "guide")


def _one_of(name: str, folder: Path, what: str) -> Path:
    known = {path.name: path for path in folder.glob("*.md")}
    if name not in known:
        raise LookupError(f"{what}: must be one of {', '.join(sorted(known))}, got {name[:80]!r}")
    return known[name]
