"""What is measured of all incidents together."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from core.errors import AiaError
from core.events import Severity
from core.incidents.model import Impact, State
from core.incidents.timing import Closed, Times, began, by_severity
from functions.adapters.desks.desk import Desks
from functions.adapters.desks.documents import INCIDENTS

log = logging.getLogger(__name__)
DAYS = 7
"""Over which the mean times are."""
EVERY_MINUTES = 5
"""How often those are computed: they change slowly, and every incident of a week is read for them."""
MOST = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy(Closed):
    """As much of the copy of an incident as is measured."""

    state: State
    impact: Impact | None = None


def measure(desks: Desks, *, channels: Mapping[str, int], at: datetime) -> None:
    """Set the metrics; where the store does not answer, the next sweep does.

    Args:
        desks: where the incidents are.
        channels: how many messages wait, by channel.
        at: of the tick.
    """
    for name in desks.performer.channels:
        desks.metrics.gauge("aia_notifications_waiting", channels.get(name, 0), channel=name)
    try:
        live = _read(desks, open=True)
        _count(desks, live, at)
        if at.minute % EVERY_MINUTES == 0:
            _times(desks, live, at)
    except AiaError as error:
        log.warning("incidents not measured: %s", error)


def _read(desks: Desks, **where: object) -> list[_Copy]:
    """What is measured of some copies; one that cannot be read, as from an older version, is left out."""
    found: list[_Copy] = []
    for document in desks.store.find(INCIDENTS, where=where, limit=MOST):
        try:
            found.append(msgspec.convert(document.data, _Copy, builtin_types=(datetime,)))
        except msgspec.ValidationError as error:
            log.warning("not measured: %s: %s", document.key, error)
    return found


def _count(desks: Desks, live: Sequence[_Copy], at: datetime) -> None:
    for severity in Severity:
        of_it = [one for one in live if one.severity is severity]
        desks.metrics.gauge("aia_incidents_open", len(of_it), severity=severity)
        ignored = [one for one in of_it if one.state is State.OPEN]
        desks.metrics.gauge("aia_incidents_unacknowledged", len(ignored), severity=severity)
        longest = max(((at - began(one)).total_seconds() for one in ignored), default=0.0)
        desks.metrics.gauge("aia_incident_waiting_seconds", max(longest, 0.0), severity=severity)
    dollars = sum(one.impact.dollars_per_hour for one in live if one.impact)
    desks.metrics.gauge("aia_incidents_impact_dollars_per_hour", dollars)


def _times(desks: Desks, live: Sequence[_Copy], at: datetime) -> None:
    days = [(at - timedelta(days=ago)).date().isoformat() for ago in range(DAYS + 1)]
    over = [one for day in days for one in _read(desks, over_on=day)]
    for severity, times in by_severity((*live, *over), at - timedelta(days=DAYS), at).items():
        _set(desks, severity, times)


def _set(desks: Desks, severity: Severity, times: Times) -> None:
    if times.mtta is not None:
        desks.metrics.gauge("aia_incident_mtta_seconds", times.mtta.total_seconds(), severity=severity)
    if times.mttr is not None:
        desks.metrics.gauge("aia_incident_mttr_seconds", times.mttr.total_seconds(), severity=severity)
