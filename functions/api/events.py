"""The event log: what people and the system did, from the audit tables of the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.listing import LAST, LONGEST, WORDS, Place, like, next_cursor, read_cursor, words
from functions.api.parameters import LINES, RANGE, Parameter, Several, Text, next_step, range_of

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
PARAMETERS = (
    Parameter("kind", Several(KINDS), "What they are about."),
    Parameter("target", Text(LONGEST), "A pattern of targets, as in model/*."),
    Parameter("person", Text(LONGEST), "A part of the name of who did it."),
    WORDS,
    *RANGE,
    *LINES,
)
LOOKED_BACK = timedelta(days=30)
"""How far back events are read where the request names no start."""
PATIENCE = 8.0
"""Seconds that a page waits for the warehouse."""
_FRESH = timedelta(seconds=10)
"""A range without an end ends a moment from now, the same for all viewers meanwhile: what is written at this instant is seen."""
EVENTS = (Path(__file__).parent / "events.sql").read_text()


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

    def page(self, values: Mapping[str, Any]) -> Data:
        """A page of events, with `next`, the cursor of the next one, which is empty on the last.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the warehouse does not answer.
        """
        after, most = read_cursor(values["cursor"], Place), values["limit"]
        since, until = range_of(values, usual=LOOKED_BACK).ending(next_step(self.clock(), _FRESH))
        parameters: Data = {
            "since": since,
            "until": until,
            "before": after.at if after else until,
            "before_id": after.id if after else LAST,
            "kinds": [*(values["kind"] or KINDS)],
            "target": like(values["target"]),
            "person": (values["person"] or "").strip().lower(),
            "words": " ".join(words(values["q"])),
            "most": most + 1,
        }
        key = ("events", *(tuple(one) if isinstance(one, list) else one for one in parameters.values()))
        found = self._cache.within(
            PATIENCE, key, lambda: self.warehouse.query(EVENTS, **parameters), seconds=_FRESH.total_seconds()
        )
        return {
            "events": found[:most],
            "next": next_cursor(found, most, lambda row: Place(row["at"], row["kind"] + row["id"])),
            "since": since,
            "kinds": KINDS,
        }
