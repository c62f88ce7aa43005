"""The list of incidents: those of the store, and older ones by their recorded changes in the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from core.events import Severity, Status
from core.incidents.model import State
from functions.adapters.ports import Clock, Data, Store, Warehouse
from functions.api.cache import Cache
from functions.api.incident_filter import (
    IncidentFilter,
    Place,
    place_of,
    read_filter,
    standing,
    targets,
)
from functions.api.incidents import Incidents
from functions.api.listing import like, read_cursor, write_cursor
from functions.services.incidents.documents import INCIDENTS

LOOKED_BACK = timedelta(days=400)
"""How far back recorded changes are searched."""
PATIENCE = 8.0
"""Seconds that a page waits for the warehouse."""
_FRESH_SECONDS = 60.0
_STORE, _WAREHOUSE = "store", "warehouse"
PAST_INCIDENTS = (Path(__file__).parent / "past_incidents.sql").read_text()
_SEVERITIES = tuple(sorted(Severity, key=lambda severity: severity.rank))


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSearch:
    """Finds incidents, page by page: first the open ones, the most severe first, then those that are over, the last to end first.

    Attributes:
        incidents: of the store: the open ones, and those that ended in the last days.
        store: has the copies of older ones.
        warehouse: has the recorded changes of all.
        clock: now.
    """

    incidents: Incidents
    store: Store
    warehouse: Warehouse
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def page(self, values: Mapping[str, Any]) -> Data:
        """A page of incidents, with `next`, the cursor of the next one, which is empty on the last.

        A page may have fewer incidents than were asked for, and a next one nevertheless. Each says in `source` whether it is as the
        store has it, or only as its recorded changes in the warehouse tell.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the source that the page is read from does not answer.
        """
        wanted, after, most = read_filter(values), read_cursor(values["cursor"], Place), values["limit"]
        known, first_day = self.incidents.listed()
        boundary = datetime.combine(first_day, time.min, tzinfo=UTC)
        if after is None or after.is_open or after.at >= boundary:
            found = self._of_store(known, wanted, after)
            following = self._next(found, most, wanted, boundary)
            rows = [listed(one, _STORE) for one in found[:most]]
        else:
            rows, following = self._of_warehouse(wanted, after, most)
        return {
            "incidents": rows,
            "next": write_cursor(following) if following else "",
            "stored_since": boundary,
            "recorded_since": self._since(),
            "choices": _choices(known),
        }

    def _of_store(self, known: Sequence[Data], wanted: IncidentFilter, after: Place | None) -> list[Data]:
        found = [one for one in known if wanted.takes(one) and (after is None or place_of(one) < after)]
        return sorted(found, key=place_of, reverse=True)

    def _next(self, found: Sequence[Data], most: int, wanted: IncidentFilter, boundary: datetime) -> Place | None:
        """The place after the page; after the last one of the store, the end of what it lists."""
        if len(found) > most:
            return place_of(found[most - 1])
        if not wanted.takes_over:
            return None
        # Strictly before the boundary: the days from there on are the store's.
        return Place(is_open=False, rank=0, at=boundary - timedelta(microseconds=1), id="\U0010ffff")

    def _of_warehouse(self, wanted: IncidentFilter, after: Place, most: int) -> tuple[list[Data], Place | None]:
        since = self._since()
        parameters: Data = {
            "since": since,
            "opened_since": max(wanted.since or since, since),
            "until": wanted.until or self.clock() + timedelta(days=1),
            "before": after.at,
            "before_id": after.id,
            "severities": [one.rank for one in wanted.severities or _SEVERITIES],
            "target": like(wanted.target),
            "person": wanted.person,
            "words": " ".join(wanted.words),
            "most": most + 1,
        }
        key = ("past incidents", *(tuple(one) if isinstance(one, list) else one for one in parameters.values()))
        found = self._cache.within(
            PATIENCE, key, lambda: self.warehouse.query(PAST_INCIDENTS, **parameters), seconds=_FRESH_SECONDS
        )
        rows, last = found[:most], found[most - 1] if len(found) > most else None
        copies = self.store.get_many(INCIDENTS, [row["id"] for row in rows])
        shown = [copies[row["id"]].data if row["id"] in copies else _recorded(row) for row in rows]
        taken = [listed(one, _STORE if one["id"] in copies else _WAREHOUSE) for one in shown if wanted.takes_class(one)]
        return taken, Place(is_open=False, rank=0, at=last["resolved_at"], id=last["id"]) if last else None

    def _since(self) -> datetime:
        """The start of a day: the same for all pages of that day."""
        today = self.clock().astimezone(UTC).date()
        return datetime.combine(today, time.min, tzinfo=UTC) - LOOKED_BACK


def listed(incident: Data, source: str) -> Data:
    """A line of the list, from the copy of an incident."""
    impact = incident["impact"]
    firing = [one for one in incident["conditions"] if one["status"] == Status.FIRING]
    return {
        "id": incident["id"],
        "title": incident["title"],
        "target": incident["target"],
        "targets": targets(incident),
        "state": standing(incident),
        "severity": incident["severity"],
        "peak": incident["peak"],
        "category": incident["category"],
        "opened_at": incident["opened_at"],
        "acknowledged_by": incident["acknowledged_by"],
        "resolved_at": incident["resolved_at"],
        "mitigated_at": incident["mitigated_at"],
        "merged_into": incident["merged_into"],
        "dollars_per_hour": impact["dollars_per_hour"] if impact else None,
        "n_firing": len(firing),
        "n_comments": sum(one["reason"] == "comment" for one in incident["timeline"]),
        "source": source,
    }


def _recorded(row: Data) -> Data:
    """An incident of which only the recorded changes are known: what they do not tell is None."""
    severity = _SEVERITIES[row["severity_rank"]].value
    return {
        "id": row["id"],
        "title": row["title"],
        "target": row["target"],
        "targets": (),
        "state": State.RESOLVED,
        "severity": severity,
        "peak": severity,
        "category": None,
        "opened_at": row["opened_at"],
        "acknowledged_by": None,
        "resolved_at": row["resolved_at"],
        "mitigated_at": None,
        "merged_into": "",
        "cancelled": False,
        "impact": None,
        "conditions": (),
        "timeline": (),
    }


def _choices(known: Sequence[Data]) -> Data:
    """What can be chosen from, of the incidents of the store."""
    names = {target.removeprefix("model/") for one in known for target in targets(one) if target.startswith("model/")}
    return {
        "categories": sorted({one["category"] for one in known if one["category"]}),
        "people": sorted({one["acknowledged_by"] for one in known if one["acknowledged_by"]}),
        "models": sorted(names),
    }
