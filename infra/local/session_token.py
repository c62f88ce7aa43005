"""The token of the local session: generated once for a data folder, and readable by its owner only."""

import os
import secrets
from pathlib import Path

from functions.cli.api import SESSION_FILE, login

_BYTES = 16


def environment(folder: Path) -> dict[str, str]:
    """The variables by which the API, and the silences of the intake, know the session; the token is generated where the folder has none."""
    token = _token(folder / SESSION_FILE)
    return {"AIA_SESSION_TOKEN": token, "AIA_SESSION_PERSON": login(), "AIA_SILENCES_TOKEN": token}


def read(folder: Path) -> str:
    """The token in a data folder whose system has started."""
    return (folder / SESSION_FILE).read_text(encoding="ascii").strip()


def entry(page: str, folder: Path) -> str:
    """The address by which a browser gets the session of a page."""
    return f"{page}/session?token={read(folder)}"


def _token(file: Path) -> str:
    try:
        kept = file.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        kept = ""
    if len(kept) == 2 * _BYTES and kept.isalnum():
        file.chmod(0o600)
        return kept
    made = secrets.token_hex(_BYTES)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(made)
    return made
