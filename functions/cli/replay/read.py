"""The kept decisions: rows of `ops.incident_decisions`, from BigQuery or from a file of JSON lines."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from core.errors import AiaError
from functions.adapters.ports import Warehouse
from functions.services.incidents.kept_decisions import Row, rows_of

_STATEMENT = Path(__file__).with_name("decisions.sql").read_text()
_DAY = timedelta(days=1)


class ReplayError(AiaError):
    """What was kept cannot be read; the message is one line."""


_row = msgspec.json.Decoder(Row)


def from_warehouse(warehouse: Warehouse, since: datetime, until: datetime) -> list[Row]:
    """The rows that were published in a time, day by day: a statement's answer stays small.

    Raises:
        AiaError: BigQuery does not answer or refuses the statement.
        UnreadableError: a row has another form than this version knows.
    """
    rows: list[Row] = []
    while since < until:
        end = min(since + _DAY, until)
        rows += rows_of(warehouse.query(_STATEMENT, since=since, until=end))
        since = end
    return rows


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
