"""The incidents of a period, from the documents of the router."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from core.actions.effectiveness import EndedIncident
from core.events import Change, Severity
from core.incidents.impact import with_measured
from core.incidents.model import Incident, IncidentReason
from functions.adapters.ports import Data, Store
from functions.bi_rollup.spans import DAY
from functions.services.incidents.documents import INCIDENTS, losses_of

log = logging.getLogger(__name__)
MOST = 5000


def read(store: Store, since: datetime, until: datetime) -> list[Incident]:
    """The incidents that were open at some time in a period, without cancelled and merged ones; with their losses, where measured."""
    incidents = [found for data in _documents(store, since, until) if (found := _incident(data)) is not None]
    counted = [
        incident
        for incident in incidents
        if not incident.cancelled and not incident.merged_into and incident.opened_at < until
    ]
    losses = losses_of(store, [incident.id for incident in counted if incident.impact and incident.impact.orders])
    return [with_measured(incident, losses.get(incident.id)) for incident in counted]


def with_parts(store: Store, since: datetime, until: datetime) -> Iterator[Incident]:
    """All incidents that were open at some time in a period, each once; what people merged is not over while it fires."""
    seen = set[str]()
    parts = [document.data | {"resolved_at": None} for document in store.find(INCIDENTS, where={"lasting_part": True})]
    for data in (*parts, *_documents(store, since, until)):
        incident = None if data["id"] in seen else _incident(data)
        if incident is not None and incident.opened_at < until:
            seen.add(incident.id)
            yield incident


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What is read of an entry of a timeline."""

    at: datetime
    change: Change
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """What is read of an incident that is over: little of its document, as thousands are read."""

    id: str
    category: str
    severity: Severity
    peak: Severity = Severity.INFO
    opened_at: datetime
    resolved_at: datetime
    closed_at: datetime | None = None
    cancelled: bool = False
    merged_into: str = ""
    expired: bool = False
    timeline: tuple[_Entry, ...] = ()


def ended(store: Store, since: datetime, until: datetime) -> Iterator[EndedIncident]:
    """The incidents that ended from an instant until before another, also cancelled and merged ones."""
    for day in _days(since, until):
        for document in store.find(INCIDENTS, where={"over_on": day.isoformat()}, limit=MOST):
            one = _ended(document.data)
            if one is not None and since <= one.ended_at < until:
                yield one


def _ended(data: Data) -> EndedIncident | None:
    try:
        copy = msgspec.convert(data, _Copy, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        log.warning("incident %s skipped: %s", data.get("id"), error)
        return None
    ended_at = min(copy.resolved_at, copy.closed_at or copy.resolved_at)
    resolved = (entry for entry in copy.timeline if entry.change is Change.RESOLVED)
    recoveries = {entry.at for entry in resolved if entry.reason != IncidentReason.COMMAND}
    return EndedIncident(
        id=copy.id,
        category=copy.category,
        severity=max(copy.severity, copy.peak, key=lambda severity: severity.rank),
        opened_at=copy.opened_at,
        ended_at=ended_at,
        recoveries=tuple(sorted(recoveries if copy.closed_at or copy.expired else {*recoveries, ended_at})),
        merged_into=copy.merged_into,
        counts=not (copy.expired or copy.cancelled or copy.merged_into),
    )


def _documents(store: Store, since: datetime, until: datetime) -> Iterator[Data]:
    yield from (document.data for document in store.find(INCIDENTS, where={"open": True}, limit=MOST))
    for day in _days(since, until):
        documents = store.find(INCIDENTS, where={"over_on": day.isoformat()}, limit=MOST)
        yield from (document.data for document in documents)


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= until.date():
        yield day
        day += DAY


def _incident(data: Data) -> Incident | None:
    """The incident of a document; one that cannot be decoded, as of an older version, is skipped."""
    keys = [member["key"] for member in data["conditions"]]
    try:
        return msgspec.convert(data | {"conditions": keys}, Incident, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        log.warning("incident %s skipped: %s", data.get("id"), error)
        return None
