"""When time alone may change a group, so that the sweep reads only the groups that are due."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.events import Severity, Status
from core.incidents.commands import timeout_due
from core.incidents.expiry import reopening_due
from core.incidents.model import GroupState, Incident, State, expires_at
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import IncidentPolicy
from core.incidents.routing import escalation_due
from core.incidents.updates import calm_time

LONGEST_REST = timedelta(minutes=15)
"""A group that is active is looked at this often in any case."""


def due_at(group: IncidentGroup, now: datetime, policy: IncidentPolicy) -> datetime | None:
    """When the sweep is to look at a group again.

    Args:
        group: after a decision.
        now: the instant of the decision.
        policy: the policy.

    Returns:
        At the earliest `now`, for the next sweep: effects are pending, a notification or an action waits for the end of a silence, or a
        condition belongs to another group. At the latest after `LONGEST_REST`. None where time alone changes nothing.
    """
    if not group.active:
        return None
    state = group.state
    if (
        group.pending
        or group.deferred
        or _waits_for_hours(state, policy)
        or _waits_to_act(state)
        or _moves(state, policy)
    ):
        return now
    return max(now, min((now + LONGEST_REST, *_instants(state, policy))))


def worst(group: IncidentGroup) -> Severity:
    """The severity by which a group takes its turn where many are due: of its incidents that are open or still escalate, and of pending messages."""
    live = [one.severity for one in group.state.incidents if one.state is not State.RESOLVED or one.escalates]
    waiting = [effect.message.severity for effect in group.pending if effect.message]
    return max((*live, *waiting), key=lambda severity: severity.rank, default=Severity.INFO)


def _instants(state: GroupState, policy: IncidentPolicy) -> Iterator[datetime]:
    resolve_after = policy.timing.resolve_after
    for condition in state.conditions:
        if condition.status is Status.FIRING:
            yield expires_at(condition, resolve_after)
    for hidden in state.hidden:
        yield expires_at(hidden, resolve_after)
    for incident in state.incidents:
        if reopening := reopening_due(state, incident, policy):
            yield reopening
        if timeout := timeout_due(incident, policy.timing.acknowledgement_timeout):
            yield timeout
        if incident.notified.flapping and incident.state is not State.RESOLVED:
            yield incident.last_opened_at + calm_time(policy.timing)
        yield from _escalations(incident, policy)


def _escalations(incident: Incident, policy: IncidentPolicy) -> Iterator[datetime]:
    if not incident.escalates:
        return
    for escalation in incident.notified.escalations:
        if at := escalation_due(escalation, incident.severity, policy.people):
            yield at


def _waits_for_hours(state: GroupState, policy: IncidentPolicy) -> bool:
    """Whether an incident that nobody was notified of may be routed by the hours of a route."""
    unheard = any(one.state is State.OPEN and not one.notified.escalations for one in state.incidents)
    return unheard and any(route.when.hours for route in policy.people.routes)


def _waits_to_act(state: GroupState) -> bool:
    """Whether the next action of a playbook is to be requested as soon as the incident is not muted."""
    live = (incident for incident in state.incidents if incident.state is not State.RESOLVED)
    return any(ladder.goes_on for incident in live for ladder in incident.ladders)


def _moves(state: GroupState, policy: IncidentPolicy) -> bool:
    """Whether the settings put the target of a firing condition into another group, in which it is to continue."""
    firing = (condition for condition in state.conditions if condition.status is Status.FIRING)
    return any(policy.graph.group(condition.target) != state.name for condition in firing)
