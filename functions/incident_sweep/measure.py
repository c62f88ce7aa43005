"""Metrics of all incidents together."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from core.errors import AiaError
from core.events import Severity
from core.incidents.endings import EndedBy, ended_by
from core.incidents.impact import total_at_risk
from core.incidents.model import Impact, State
from core.incidents.response_times import ResponseRecord, ResponseTimes, response_times, response_times_by_severity
from functions.services.incidents.documents import INCIDENTS
from functions.services.incidents.service import IncidentService

log = logging.getLogger(__name__)
DAYS = 7
"""The span of the mean response times."""
EVERY_MINUTES = 5
"""How often those are computed: they change slowly, and every incident of a week is read for them."""
MOST_INCIDENTS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy(ResponseRecord):
    """The measured fields of the copy of an incident."""

    state: State
    impact: Impact | None = None
    mitigated_at: datetime | None = None
    closed_at: datetime | None = None
    acted_at: datetime | None = None
    healed_at: datetime | None = None


def measure(service: IncidentService, *, waiting: Mapping[str, int], is_all: bool, at: datetime) -> None:
    """Set the metrics; where the store does not answer, the next sweep does.

    Args:
        service: the incident service.
        waiting: the number of groups with pending messages, by channel, of those that this request swept.
        is_all: whether it swept all that were due; else the numbers are the least that they may be, and none is known to be 0.
        at: of the tick.
    """
    for name in service.dispatcher.channels:
        count = waiting.get(name, 0)
        if count or is_all:
            service.metrics.gauge("aia_notifications_waiting", count, channel=name)
    try:
        live = _copies(service, open=True)
        _measure_live(service, live, at)
        _measure_impact(service, (*live, *_copies(service, lasting_part=True)))
        if at.minute % EVERY_MINUTES == 0:
            _measure_response_times(service, live)
    except AiaError as error:
        log.warning("incidents not measured: %s", error)


def _copies(service: IncidentService, **where: object) -> list[_Copy]:
    """The measured fields of some copies; an unreadable one, as from an older version, is skipped."""
    copies: list[_Copy] = []
    for document in service.store.find(INCIDENTS, where=where, limit=MOST_INCIDENTS):
        try:
            copies.append(msgspec.convert(document.data, _Copy, builtin_types=(datetime,)))
        except msgspec.ValidationError as error:
            log.warning("not measured: %s: %s", document.key, error)
    return copies


def _measure_live(service: IncidentService, live: Sequence[_Copy], at: datetime) -> None:
    metrics = service.metrics
    for severity in Severity:
        incidents = [incident for incident in live if incident.severity is severity]
        unacknowledged = [incident for incident in incidents if incident.state is State.OPEN]
        waited = max(((at - incident.last_opened_at).total_seconds() for incident in unacknowledged), default=0.0)
        metrics.gauge("aia_incidents_open", len(incidents), severity=severity)
        metrics.gauge("aia_incidents_unacknowledged", len(unacknowledged), severity=severity)
        metrics.gauge("aia_incident_waiting_seconds", max(waited, 0.0), severity=severity)


def _measure_impact(service: IncidentService, lasting: Sequence[_Copy]) -> None:
    """The impact of all that lasts: what was merged costs on, and is not in the impact of the incident that it is a part of."""
    dollars = total_at_risk(incident.impact for incident in lasting if incident.impact)
    unknown = sum(one.impact is None and one.state is not State.MITIGATED for one in lasting)
    service.metrics.gauge("aia_incidents_impact_dollars_per_hour", dollars)
    service.metrics.gauge("aia_incidents_impact_unknown", unknown)


def _measure_response_times(service: IncidentService, live: Sequence[_Copy]) -> None:
    """The times until now: people act by the clock, also between the instant of a tick and the tick itself."""
    now = service.clock()
    days = [(now - timedelta(days=ago)).date().isoformat() for ago in range(DAYS + 1)]
    ended = [copy for day in days for copy in _copies(service, over_on=day)]
    copies, since = (*live, *ended), now - timedelta(days=DAYS)
    for severity, times in response_times_by_severity(copies, since, now).items():
        _set(service, severity, times)
    for ending in EndedBy:
        times = response_times((copy for copy in copies if ended_by(copy) is ending), since, now)
        service.metrics.gauge("aia_incidents_ended", times.n_resolved, ended_by=ending)
        if times.mttr is not None:
            service.metrics.gauge("aia_incident_mttr_by_ending_seconds", times.mttr.total_seconds(), ended_by=ending)


def _set(service: IncidentService, severity: Severity, times: ResponseTimes) -> None:
    if times.mtta is not None:
        service.metrics.gauge("aia_incident_mtta_seconds", times.mtta.total_seconds(), severity=severity)
    if times.mttr is not None:
        service.metrics.gauge("aia_incident_mttr_seconds", times.mttr.total_seconds(), severity=severity)
