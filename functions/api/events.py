"""The event log: what people and the system did, from the audit tables of the warehouse."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.listing import choices, instant, like, limit, read_cursor, text, words, write_cursor
from functions.api.request import Request

KINDS = (
    "command",
    "incident",
    "action",
    "notification",
    "model",
    "version",
    "training",
    "recommendation",
    "upkeep",
)
"""What an event is about."""
LOOKED_BACK = timedelta(days=30)
"""How far back events are read where the request names no start."""
PATIENCE = 8.0
"""Seconds that a page waits for the warehouse."""
_FRESH_SECONDS = 10.0
_LAST = "\U0010ffff"
EVENTS = (Path(__file__).parent / "events.sql").read_text()


class Place(NamedTuple):
    """Where an event is in the log.

    Attributes:
        at: its instant.
        id: its kind and id.
    """

    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Reads the log, page by page, the newest first.

    Attributes:
        warehouse: has the audit tables.
        clock: now.
    """

    warehouse: Warehouse
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def page(self, request: Request) -> Data:
        """A page of events, with `next`, the cursor of the next one, which is empty on the last.

        Raises:
            BadRequest: a parameter is invalid.
            UnavailableError: the warehouse does not answer.
        """
        after, most, now = read_cursor(request, Place), limit(request), self._now()
        since, until = instant(request, "since") or now - LOOKED_BACK, instant(request, "until") or now
        parameters: Data = {
            "since": since,
            "until": until,
            "before": after.at if after else until,
            "before_id": after.id if after else _LAST,
            "kinds": choices(request, "kind", KINDS) or list(KINDS),
            "target": like(text(request, "target")),
            "person": text(request, "person").lower(),
            "words": " ".join(words(request, "q")),
            "most": most + 1,
        }
        key = ("events", *(tuple(one) if isinstance(one, list) else one for one in parameters.values()))
        found = self._cache.within(
            PATIENCE, key, lambda: self.warehouse.query(EVENTS, **parameters), seconds=_FRESH_SECONDS
        )
        rows = found[:most]
        following = Place(rows[-1]["at"], rows[-1]["kind"] + rows[-1]["id"]) if len(found) > most else None
        return {"events": rows, "next": write_cursor(following) if following else "", "since": since, "kinds": KINDS}

    def _now(self) -> datetime:
        """A moment from now, the same for all viewers within ten seconds: what is written at this instant is seen."""
        seconds = int(self.clock().timestamp() // _FRESH_SECONDS + 1) * _FRESH_SECONDS
        return datetime.fromtimestamp(seconds, UTC)
