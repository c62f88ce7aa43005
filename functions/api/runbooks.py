"""The runbooks: the very files of the sources, so that a page can lead to them wherever it runs."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
"""Where an archive and the sources have them, from their root."""


def named(name: str, folder: Path = FOLDER) -> Path:
    """The file of a runbook; `LookupError` where none has exactly that name."""
    known = {path.name: path for path in folder.glob("*.md")}
    if name not in known:
        raise LookupError(f"runbook: must be one of {', '.join(sorted(known))}, got {name[:80]!r}")
    return known[name]
