"""The incidents of some days, read from the copies that the router keeps."""

import logging
from collections.abc import Iterator
from datetime import date, datetime

import msgspec

from core.incidents.impact import lost
from core.incidents.model import Incident
from core.incidents.timing import ended
from functions.adapters.desks.documents import INCIDENTS
from functions.adapters.ports import Data, Store
from functions.bi_rollup.spans import DAY

log = logging.getLogger(__name__)
MOST = 5000


def read(store: Store, since: datetime, until: datetime) -> list[Incident]:
    """Every incident that was open at some time within; those that were none, or are part of another one, are left out."""
    found = [one for data in _documents(store, since, until) if (one := _incident(data)) is not None]
    return [one for one in found if not one.cancelled and not one.merged_into and one.opened_at < until]


def cost(incident: Incident, since: datetime, until: datetime) -> float:
    """What an incident cost within a span, in dollars: of one that reaches beyond it, the part of its time that lies within."""
    start, end = lasted(incident, until)
    dollars = lost(incident, until).dollars
    if start >= since:
        return dollars
    return dollars * max(0.0, (end - since) / (end - start)) if end > start else 0.0


def lasted(incident: Incident, until: datetime) -> tuple[datetime, datetime]:
    """From when to when an incident cost anything: until it was mitigated or over."""
    ends = (until, incident.mitigated_at, ended(incident))
    return incident.opened_at, min(at for at in ends if at is not None)


def _documents(store: Store, since: datetime, until: datetime) -> Iterator[Data]:
    yield from (document.data for document in store.find(INCIDENTS, where={"open": True}, limit=MOST))
    for day in _days(since, until):
        found = store.find(INCIDENTS, where={"over_on": day.isoformat()}, limit=MOST)
        yield from (document.data for document in found)


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day <= until.date():
        yield day
        day += DAY


def _incident(data: Data) -> Incident | None:
    """The incident of a copy; one that cannot be read, as from an older version, is left out."""
    keys = [member["key"] for member in data["conditions"]]
    try:
        return msgspec.convert(data | {"conditions": keys}, Incident, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        log.warning("not counted: %s: %s", data.get("id"), error)
        return None
