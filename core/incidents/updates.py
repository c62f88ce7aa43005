"""The difference between an incident and what people were last notified of: what happened, and why it is news."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Change
from core.incidents.lifecycle import RESPONSES
from core.incidents.model import Incident, IncidentReason, State
from core.incidents.notified import NotificationState
from core.settings.response import Policy

_REST = timedelta(hours=1)
"""Flaps are forgotten after so long without a notification."""


_DOUBLINGS = 5


FLAPS = 2
"""Reopenings that are notified without an hour of rest between: from the last of them on it flaps."""


@dataclass(frozen=True, slots=True)
class Update:
    """A difference between an incident and its last notification."""

    change: Change
    reason: IncidentReason


def calm_time(timing: Policy) -> timedelta:
    """How long what flaps must stay off or on: no longer than until a firing opens another incident."""
    return min(timing.calm_after, timing.reopen_within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When an incident is compared, and what holds then.

    Attributes:
        at: the instant of the decision.
        timing: what settles, and what is calm.
    """

    at: datetime
    timing: Policy

    @property
    def calm_at(self) -> datetime:
        """What has not changed since then is calm."""
        return self.at - calm_time(self.timing)


def pending_update(incident: Incident, moment: Moment) -> Update | None:
    """The difference to the last notification, or None where there is none."""
    if incident.notified.flapping and incident.closed_at is None and not incident.merged_into:
        return _while_flapping(incident, moment)
    if incident.state is State.RESOLVED:
        return _resolution(incident, moment)
    return _change_while_firing(incident) if incident.notified.firing else _opening(incident, moment)


def _while_flapping(incident: Incident, moment: Moment) -> Update | None:
    """That it has stayed off or on for long enough; in between only what is worse, and what people and actions did."""
    calm_at = moment.calm_at
    if incident.state is State.RESOLVED:
        change = _ending(incident)
        is_off = incident.resolved_at is not None and incident.resolved_at <= calm_at
        return change if is_off else Update(change.change, IncidentReason.FLAPPING)
    if incident.last_opened_at <= calm_at:
        return Update(Change.REOPENED, IncidentReason.STOPPED_FLAPPING)
    return _change_while_firing(incident)


def _ending(incident: Incident) -> Update:
    change = Change.EXPIRED if incident.expired else Change.RESOLVED
    return Update(change, _reason_of(incident, change) or IncidentReason.ALL_RECOVERED)


def _change_while_firing(incident: Incident) -> Update | None:
    notified = incident.notified
    if notified.severity is not None and incident.severity.rank > notified.severity.rank:
        return Update(Change.ESCALATED, IncidentReason.WORSENED)
    if incident.pending_update:
        return Update(Change.UPDATED, IncidentReason.ACTION)
    return _change_of_owner(incident) or _introduction(incident)


def _introduction(incident: Incident) -> Update | None:
    """That another incident is a part of it now, for those who know only that one."""
    response = response_of(incident)
    change = response.change if response else Change.UPDATED
    return Update(change, IncidentReason.MERGED) if incident.joining else None


def _change_of_owner(incident: Incident) -> Update | None:
    notified = incident.notified
    if not notified.acknowledged:
        return response_of(incident)
    if incident.state is State.OPEN:
        return _withdrawal(incident)
    # Of one that was notified before owners were recorded, nothing is known.
    same = notified.owner is None or notified.owner == incident.acknowledged_by
    return None if same else Update(Change.ACKNOWLEDGED, IncidentReason.COMMAND)


def _withdrawal(incident: Incident) -> Update | None:
    """That nobody has the incident any more; an acknowledgement holds through a flap that people were not notified of."""
    responses = {*RESPONSES, Change.UNACKNOWLEDGED}
    last = next((entry for entry in reversed(incident.timeline) if entry.change in responses), None)
    if last is None or last.change is not Change.UNACKNOWLEDGED:
        return None
    return Update(Change.UNACKNOWLEDGED, last.reason)


def _opening(incident: Incident, moment: Moment) -> Update | None:
    """An incident that fires, although no notification or one of its recovery was sent."""
    notified = incident.notified
    if notified.severity is None:
        return response_of(incident) or Update(Change.OPENED, IncidentReason.FIRST_FIRING)
    why = _reason_of(incident, Change.REOPENED) or IncidentReason.FIRED_AGAIN
    worse = incident.severity.rank > notified.severity.rank
    if why is IncidentReason.FIRED_AGAIN and not worse and _must_settle(notified, moment):
        return Update(Change.REOPENED, IncidentReason.FLAPPING)
    again = why is IncidentReason.FIRED_AGAIN and incident.last_opened_at > moment.calm_at
    if again and recent_flaps(notified, moment.at) + 1 >= FLAPS:
        return Update(Change.REOPENED, IncidentReason.STARTED_FLAPPING)
    return Update(Change.REOPENED, why)


def _resolution(incident: Incident, moment: Moment) -> Update | None:
    notified = incident.notified
    if incident.merged_into:
        is_news = notified.firing or notified.expired
        return Update(Change.MERGED, IncidentReason.MERGED) if is_news else None
    if notified.expired and incident.expired and incident.acknowledged_at and not notified.acknowledged:
        return Update(Change.ACKNOWLEDGED, IncidentReason.COMMAND)
    if notified.expired and not incident.expired:
        return Update(Change.RESOLVED, _reason_of(incident, Change.RESOLVED) or IncidentReason.ALL_RECOVERED)
    if not notified.firing:
        late = notified.severity is None and incident.timeline[-1].reason is IncidentReason.ALREADY_RESOLVED
        return Update(Change.RESOLVED, IncidentReason.ALREADY_RESOLVED) if late else None
    if incident.closed_at is None and _must_settle(notified, moment):
        return Update(Change.RESOLVED, IncidentReason.FLAPPING)
    return _ending(incident)


def recent_flaps(notified: NotificationState, at: datetime) -> int:
    """How often a reopening was notified without an hour of rest between."""
    return notified.flaps if notified.at is not None and at - notified.at < _REST else 0


def response_of(incident: Incident) -> Update | None:
    """The acknowledgement or mitigation, if there is one."""
    if incident.state is State.ACKNOWLEDGED:
        return Update(Change.ACKNOWLEDGED, IncidentReason.COMMAND)
    if incident.state is State.MITIGATED:
        return Update(Change.MITIGATED, IncidentReason.COMMAND)
    return None


def _reason_of(incident: Incident, change: Change) -> IncidentReason | None:
    return next((entry.reason for entry in reversed(incident.timeline) if entry.change is change), None)


def _must_settle(notified: NotificationState, moment: Moment) -> bool:
    """Whether the opposite was notified too recently: the pause doubles with every flap, up to an hour."""
    settle = moment.timing.settle
    pause = min(settle * 2 ** min(notified.flaps, _DOUBLINGS), max(settle, _REST))
    return notified.at is not None and moment.at < notified.at + pause
