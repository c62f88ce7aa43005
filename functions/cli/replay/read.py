"""The kept decisions: rows of `ops.incident_decisions`, from BigQuery or from a file of JSON lines."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from core.errors import AiaError
from core.events import ActionDecision, Command, DecisionKind, Delivered, Finding
from core.incidents.measured import KnownOrders
from core.replay.inputs import Input
from functions.adapters.ports import Warehouse

_STATEMENT = Path(__file__).with_name("decisions.sql").read_text()
_DAY = timedelta(days=1)
_EVENTS: dict[DecisionKind, Any] = {
    DecisionKind.FINDING: Finding,
    DecisionKind.COMMAND: Command,
    DecisionKind.ACTION_DECISION: ActionDecision,
    DecisionKind.DELIVERY: Delivered,
}
_known = msgspec.json.Decoder(KnownOrders)
_decoders = {kind: msgspec.json.Decoder(event) for kind, event in _EVENTS.items()}


class ReplayError(AiaError):
    """What was kept cannot be read; the message is one line."""


class Row(msgspec.Struct, frozen=True):
    """A row of `ops.incident_decisions`."""

    id: str
    kind: DecisionKind
    incident_group: str
    revision: int
    event_id: str
    target: str
    event: str
    published_at: datetime
    decided_at: datetime
    known: str = ""


_row = msgspec.json.Decoder(Row)


def from_warehouse(warehouse: Warehouse, since: datetime, until: datetime) -> list[Row]:
    """The rows that were published in a time, day by day: a statement's answer stays small.

    Raises:
        AiaError: BigQuery does not answer or refuses the statement.
        ReplayError: a row has another form than this version knows.
    """
    rows: list[Row] = []
    while since < until:
        end = min(since + _DAY, until)
        found = warehouse.query(_STATEMENT, since=since, until=end)
        try:
            rows += msgspec.convert(found, list[Row], builtin_types=(datetime,))
        except msgspec.ValidationError as error:
            raise ReplayError(f"ops.incident_decisions: {error}") from error
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


def inputs(rows: Sequence[Row]) -> list[Input]:
    """The rows as inputs of a replay, each once, as it was decided on first.

    Raises:
        ReplayError: an event has another form than this version knows; the message names the row.
    """
    first: dict[str, Row] = {}
    for row in rows:
        known = first.setdefault(row.id, row)
        if (row.decided_at, row.revision) < (known.decided_at, known.revision):
            first[row.id] = row
    return list(_inputs(first.values()))


def _read(path: Path, number: int, line: bytes) -> Row:
    try:
        return _row.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReplayError(f"{path}:{number}: must be a row of ops.incident_decisions: {error}") from error


def _inputs(rows: Iterable[Row]) -> Iterator[Input]:
    for row in rows:
        decoder = _decoders.get(row.kind)
        try:
            event = decoder.decode(row.event) if decoder else None
            known = _known.decode(row.known) if row.known else KnownOrders()
        except (msgspec.MsgspecError, ValueError) as error:
            raise ReplayError(f"row {row.id}: event: must be a {row.kind}: {error}") from error
        yield Input(
            kind=row.kind,
            group=row.incident_group,
            revision=row.revision,
            key=row.event_id,
            event=event,
            published_at=row.published_at,
            decided_at=row.decided_at,
            known=known,
        )
