"""The kept decisions: rows of `ops.incident_decisions` with the events that they are about."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from core.errors import UnreadableError
from core.events import ActionDecision, Command, DecisionKind, Delivered, Finding
from core.incidents.measured import KnownOrders
from core.replay.inputs import Input

_EVENTS: dict[DecisionKind, Any] = {
    DecisionKind.FINDING: Finding,
    DecisionKind.COMMAND: Command,
    DecisionKind.ACTION_DECISION: ActionDecision,
    DecisionKind.DELIVERY: Delivered,
}
_known = msgspec.json.Decoder(KnownOrders)
_decoders = {kind: msgspec.json.Decoder(event) for kind, event in _EVENTS.items()}


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


def rows_of(found: Sequence[Any]) -> list[Row]:
    """What the warehouse answers as rows.

    Raises:
        UnreadableError: a row has another form than this version knows.
    """
    try:
        return msgspec.convert(found, list[Row], builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        raise UnreadableError(f"ops.incident_decisions: {error}") from error


def inputs(rows: Sequence[Row]) -> list[Input]:
    """The rows as inputs of a replay, each once, as it was decided on first.

    Raises:
        UnreadableError: an event has another form than this version knows; the message names the row.
    """
    first: dict[str, Row] = {}
    for row in rows:
        known = first.setdefault(row.id, row)
        if (row.decided_at, row.revision) < (known.decided_at, known.revision):
            first[row.id] = row
    return list(_inputs(first.values()))


def _inputs(rows: Iterable[Row]) -> Iterator[Input]:
    for row in rows:
        decoder = _decoders.get(row.kind)
        try:
            event = decoder.decode(row.event) if decoder else None
            known = _known.decode(row.known) if row.known else KnownOrders()
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableError(f"row {row.id}: event: must be a {row.kind}: {error}") from error
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
