"""The incidents of a period, from the documents of the router."""

import logging
from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from core.incidents.impact import estimate_loss
from core.incidents.model import Incident
from functions.adapters.ports import Data, Store
from functions.bi_rollup.spans import DAY
from functions.services.incidents.documents import INCIDENTS

log = logging.getLogger(__name__)
MOST = 5000


def read(store: Store, since: datetime, until: datetime) -> list[Incident]:
    """The incidents that were open at some time in a period, without cancelled and merged ones."""
    incidents = [found for data in _documents(store, since, until) if (found := _incident(data)) is not None]
    return [
        incident
        for incident in incidents
        if not incident.cancelled and not incident.merged_into and incident.opened_at < until
    ]


def cost(incident: Incident, since: datetime, until: datetime) -> float:
    """The cost of an incident within a period in dollars; of an older incident, its share of the time."""
    start, end = cost_period(incident, until)
    dollars = estimate_loss(incident, until).dollars
    if start >= since:
        return dollars
    return dollars * max(0.0, (end - since) / (end - start)) if end > start else 0.0


def cost_period(incident: Incident, until: datetime) -> tuple[datetime, datetime]:
    """From when to when an incident had a cost: until it was mitigated or ended."""
    ends = (until, incident.mitigated_at, incident.ended_at)
    return incident.opened_at, min(at for at in ends if at is not None)


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
