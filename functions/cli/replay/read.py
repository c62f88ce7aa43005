"""The kept decisions in a file of JSON lines."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from core.errors import AiaError
from functions.services.incidents.kept_decisions import Row


class ReplayError(AiaError):
    """What was kept cannot be read; the message is one line."""


_row = msgspec.json.Decoder(Row)


def from_file(path: Path) -> list[Row]:
    """The rows of a file of JSON lines.

    Raises:
        ReplayError: the file cannot be read, or a line is no row; the message names the line.
    """
    try:
        with path.open("rb") as lines:
            return [_read(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except OSError as error:
        raise ReplayError(f"{path}: must be a file that can be read: {error.strerror}") from error


def save(rows: Iterable[Row], path: Path) -> None:
    """Write rows as JSON lines, the oldest first.

    Raises:
        ReplayError: the file cannot be written.
    """
    ordered = sorted(rows, key=lambda row: row.decided_at)
    try:
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in ordered))
    except OSError as error:
        raise ReplayError(f"--save: {path} cannot be written: {error.strerror}") from error


def _read(path: Path, number: int, line: bytes) -> Row:
    try:
        return _row.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReplayError(f"{path}:{number}: must be a row of ops.incident_decisions: {error}") from error
