"""The readings of a report: its statements, run in the warehouse, and the incidents of the store."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from core.errors import QueryError
from core.incidents.model import Incident
from core.reports.daily import NAMES
from core.reports.document import QueryRecord
from core.reports.queries import FIRESTORE, LOSSES, Query, Row
from core.reports.rows import IncidentLoss
from core.reports.section import Reading
from core.reports.weeks import Week
from core.text import clean
from functions.adapters.ports import Clock, Data, Store, Warehouse
from functions.adapters.store import every
from functions.services.incidents.documents import INCIDENTS, losses_of
from functions.services.incidents.documents import LOSSES as COLLECTION_OF_LOSSES

MOST_INCIDENTS = 5000
"""Of one day."""
STATEMENTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "statements").glob("*.sql")}
_PARAMETER = re.compile(r"@(\w+)")
_PROBLEM = 200
_DAY = timedelta(days=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads what reports are made of.

    Attributes:
        warehouse: has the tables.
        store: has the incidents.
        clock: now.
    """

    warehouse: Warehouse
    store: Store
    clock: Clock

    def read(self, query: Query, week: Week, complete_until: datetime | None) -> Reading:  # type: ignore[type-arg]  # of any row
        """Run a query for a week. A table that does not exist, or a statement that is refused, is a problem of the reading.

        Args:
            query: which one.
            week: of the report.
            complete_until: up to when its table is complete, where that is kept.

        Raises:
            UnavailableError: the warehouse or the store does not answer.
        """
        if query.source == FIRESTORE:
            return self._losses(query, week) if query is LOSSES else self._incidents(query, week)
        text = statement(query.name, week.zone)
        every = parameters(query, week)
        given = {name: every[name] for name in dict.fromkeys(_PARAMETER.findall(text))}
        rows, problem = self._rows(query, text, given)
        record = QueryRecord(
            name=query.name,
            title=query.title,
            source=query.source,
            text=text.strip(),
            parameters={name: _shown(value) for name, value in given.items()},
            read_at=self.clock(),
            complete_until=complete_until,
            rows=len(rows),
            problem=problem,
        )
        return Reading(record=record, rows=rows)

    def _rows(self, query: Query[Row], text: str, given: Mapping[str, Any]) -> tuple[tuple[Row, ...], str]:
        """The rows, or the problem."""
        try:
            return tuple(query.row(**row) for row in self.warehouse.query(text, **given)), ""
        except QueryError as error:
            problem = clean(str(error), _PROBLEM)
        except TypeError as error:
            problem = clean(f"the rows of {query.name} have other columns: {error}", _PROBLEM)
        log.warning("query of a report: %s", problem)
        return (), problem

    def _incidents(self, query: Query[Incident], week: Week) -> Reading:
        first, last = week.before().since, max(week.until, self.clock())
        documents = list(self._documents(first, last))
        incidents = [incident for data in documents if (incident := _incident(data)) is not None]
        record = QueryRecord(
            name=query.name,
            title=query.title,
            source=query.source,
            text=f"documents of the collection {INCIDENTS} with open = true, and those with over_on from first to last",
            parameters={"first": first.date().isoformat(), "last": last.date().isoformat()},
            read_at=self.clock(),
            rows=len(incidents),
            problem=self._problem(len(documents) - len(incidents), incidents, week),
        )
        return Reading(record=record, rows=tuple(incidents))

    def _losses(self, query: Query[IncidentLoss], week: Week) -> Reading:
        """What the incidents lost that have orders at risk, where it is measured."""
        documents = self._documents(week.before().since, max(week.until, self.clock()))
        ids = {data["id"] for data in documents if (data.get("impact") or {}).get("orders")}
        found = losses_of(self.store, sorted(ids))
        record = QueryRecord(
            name=query.name,
            title=query.title,
            source=query.source,
            text=f"documents of the collection {COLLECTION_OF_LOSSES} with the id of an incident that has orders at risk",
            read_at=self.clock(),
            rows=len(found),
        )
        return Reading(
            record=record, rows=tuple(IncidentLoss(incident_id=key, loss=loss) for key, loss in found.items())
        )

    def _problem(self, skipped: int, incidents: list[Incident], week: Week) -> str:
        """Why the incidents are not known. Where none was recorded before the end of the week, none may have been looked for."""
        if skipped:
            return f"{skipped} documents of the collection {INCIDENTS} cannot be read"
        if any(incident.opened_at < week.until for incident in incidents):
            return ""
        before = (document.data["opened_at"] < week.until for document in every(self.store, INCIDENTS))
        return "" if any(before) else "no incident was recorded before the end of this week"

    def _documents(self, first: datetime, last: datetime) -> Iterator[Data]:
        """The incidents that are open, and those that ended on a day of a period, in which they were open at some time."""
        for document in self.store.find(INCIDENTS, where={"open": True}, limit=MOST_INCIDENTS):
            yield document.data
        for ago in range((last.date() - first.date()).days + 1):
            day = (first.date() + ago * _DAY).isoformat()
            for document in self.store.find(INCIDENTS, where={"over_on": day}, limit=MOST_INCIDENTS):
                yield document.data


def statement(name: str, zone: str) -> str:
    """The statement of a query, for the local days of a time zone, which the settings validate."""
    local = "hour" if zone == "UTC" else f"TIMESTAMP(DATETIME(hour, '{zone}'))"
    return STATEMENTS[name].replace("{local_hour}", local)


def parameters(query: Query, week: Week) -> dict[str, Any]:  # type: ignore[type-arg]  # of any row
    """Every parameter that a statement may name: see `core.reports.queries`."""
    oldest = week.before(query.weeks - 1)
    return {
        "since": week.since,
        "until": week.until,
        "before": week.before().since,
        "oldest": oldest.since,
        "day_since": week.day_since,
        "day_until": week.day_until,
        "midnight": week.midnight,
        "oldest_day": oldest.day_since,
        "names": list(NAMES),
    }


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _incident(data: Data) -> Incident | None:
    """The incident of a document; one of another version is counted as a problem of the reading."""
    try:
        keys = [member["key"] for member in data["conditions"]]
        return msgspec.convert(data | {"conditions": keys}, Incident, builtin_types=(datetime,))
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        log.warning("incident %s skipped: %s", data.get("id"), error)
        return None
