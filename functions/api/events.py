"""The event log: what people and the system did, from the audit tables of the warehouse."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.incident_filter import like
from functions.api.pages import after_of, spelt
from functions.api.parameters import Parameter, Several, Text

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
MOST = 200
"""Events of a page."""
_MOST_WORDS = 10
_FRESH_SECONDS = 10.0
_LAST = "\U0010ffff"
EVENTS = (Path(__file__).parent / "events.sql").read_text()


FILTERS = (
    Parameter("kind", Several(KINDS), "What they are about."),
    Parameter("target", Text(), "A pattern of targets or subjects, as in model/*."),
    Parameter("person", Text(), "A part of the name of who did it."),
    Parameter("q", Text(), f"Words, all of which it says somewhere; the first {_MOST_WORDS} count."),
)


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

    def page(self, values: dict[str, Any]) -> Data:
        """A page of events, with `next`, the cursor of the next one, which is empty on the last.

        Args:
            values: the parameters `FILTERS` and `RANGE`, `cursor` and `limit`.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the warehouse does not answer.
        """
        after, most, now = after_of(values), values["limit"], self._now()
        since, until = values["since"] or now - LOOKED_BACK, values["until"] or now
        before, before_id = after or (until, _LAST)
        parameters: Data = {
            "since": since,
            "until": until,
            "before": before,
            "before_id": before_id,
            "kinds": [*(values["kind"] or KINDS)],
            "target": like(values["target"] or ""),
            "person": (values["person"] or "").strip().lower(),
            "words": " ".join((values["q"] or "").lower().split()[:_MOST_WORDS]),
            "most": most + 1,
        }
        key = ("events", *(tuple(one) if isinstance(one, list) else one for one in parameters.values()))
        found = self._cache.within(
            PATIENCE, key, lambda: self.warehouse.query(EVENTS, **parameters), seconds=_FRESH_SECONDS
        )
        rows = found[:most]
        following = spelt((rows[-1]["at"], rows[-1]["kind"] + rows[-1]["id"])) if len(found) > most else ""
        return {"events": rows, "next": following, "since": since, "kinds": KINDS}

    def _now(self) -> datetime:
        """A moment from now, the same for all viewers within ten seconds: what is written at this instant is seen."""
        seconds = int(self.clock().timestamp() // _FRESH_SECONDS + 1) * _FRESH_SECONDS
        return datetime.fromtimestamp(seconds, UTC)
