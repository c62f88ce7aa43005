"""What detectors conclude: every condition as it is now, and the findings that were published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import Fault
from core.patterns import matches
from functions.adapters.ports import Clock, Data, Store, Warehouse
from functions.adapters.store import is_key
from functions.api.body import BodyError
from functions.api.cache import Cache
from functions.api.listing import LAST, LONGEST, Place, like, next_cursor, read_cursor
from functions.api.parameters import PAGED, RANGE, Choice, Parameter, Text, next_step, range_of
from functions.services.detection import COLLECTION

FINDINGS = (Path(__file__).parent / "findings.sql").read_text()
_TARGET = Parameter("target", Text(LONGEST), "A pattern of targets, as in model/*.")
_SOURCE = Parameter("source", Text(LONGEST), "The detector, as in drift_score.")
OF_CONDITIONS = (
    _TARGET,
    _SOURCE,
    Parameter("firing", Choice(("true",)), "Only those that fire."),
    *PAGED,
)
OF_FINDINGS = (_TARGET, _SOURCE, Parameter("kind", Text(LONGEST), "Their kind, as in drift."), *RANGE, *PAGED)
USUAL = timedelta(days=7)
"""How far back findings are read where the request names no start."""
PATIENCE = 8.0
"""Seconds that a page waits for the warehouse."""
_FRESH_SECONDS = 10.0
_READ = 500
"""Conditions that are read at once."""
_SHOWN = ("status", "since", "at", "streak", "severity", "reason", "unknown_since", "source")


class _Key(NamedTuple):
    key: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Reads conditions and findings.

    Attributes:
        store: has the conditions.
        warehouse: has the findings.
        clock: now.
    """

    store: Store
    warehouse: Warehouse
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def conditions(self, values: Mapping[str, Any]) -> Data:
        """A page of conditions by their keys, `TARGET:KIND`, as they were last counted.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the store does not answer.
        """
        after, most = _after(values["cursor"]), values["limit"]
        found: list[Data] = []
        for one in self._conditions(after, values["source"]):
            if _is_wanted(one, values):
                found.append(one)
            if len(found) > most:
                break
        return {"conditions": found[:most], "next": next_cursor(found, most, lambda one: _Key(one["key"]))}

    def published(self, values: Mapping[str, Any]) -> Data:
        """A page of findings, the newest first.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the warehouse does not answer.
        """
        after, most = read_cursor(values["cursor"], Place), values["limit"]
        since, until = range_of(values, usual=USUAL).ending(next_step(self.clock(), timedelta(seconds=_FRESH_SECONDS)))
        parameters: Data = {
            "since": since,
            "until": until,
            "before": after.at if after else until,
            "before_id": after.id if after else LAST,
            "target": like(values["target"]),
            "source": values["source"] or "",
            "kind": values["kind"] or "",
            "most": most + 1,
        }
        found = self._cache.within(
            PATIENCE,
            ("findings", *parameters.values()),
            lambda: self.warehouse.query(FINDINGS, **parameters),
            seconds=_FRESH_SECONDS,
        )
        following = next_cursor(found, most, lambda row: Place(row["published_at"], row["id"]))
        return {"findings": found[:most], "next": following}

    def _conditions(self, after: str, source: str | None) -> Iterator[Data]:
        where = {"source": source} if source else None
        while documents := self.store.find(COLLECTION, where=where, after=after, limit=_READ):
            for one in documents:
                yield {"key": one.key} | {name: one.data.get(name) for name in _SHOWN}
            after = documents[-1].key


def _after(cursor: str | None) -> str:
    """The key after which a page begins, before all where it is the first; raises `BodyError` where no document can have it."""
    key = found.key if (found := read_cursor(cursor, _Key)) else ""
    if key and not is_key(key):
        raise BodyError([Fault("cursor", "must be what `next` said", cursor)])
    return key


def _is_wanted(condition: Data, values: Mapping[str, Any]) -> bool:
    target = values["target"]
    if target and not matches(f"{target}:*", condition["key"]):
        return False
    return not values["firing"] or condition["status"] == "firing"
