"""What time alone does: conditions expire, acknowledgements time out, and what a person resolved while it fires reopens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from core.events import Change, IncidentChange, Status
from core.incidents.capacity import hidden_of, without_expired
from core.incidents.commands import time_out, timeout_due
from core.incidents.conditions import expired, last_episode
from core.incidents.fold import resolve_condition, resolve_hidden, update_incident
from core.incidents.lifecycle import ENDINGS, Step, trim_timelines
from core.incidents.model import (
    Decision,
    GroupState,
    HiddenCondition,
    Incident,
    IncidentCondition,
    IncidentReason,
    State,
    last_report,
)
from core.incidents.policy import IncidentPolicy
from core.text import instant


def expire(state: GroupState, now: datetime, *, policy: IncidentPolicy) -> Decision:
    """Resolve what was not repeated, reopen what a person resolved although it still fires, and end acknowledgements in time.

    Args:
        state: of a group.
        now: the present.
        policy: the policy.
    """
    changes = list[IncidentChange]()
    reason = IncidentReason.UNCHANGED
    ended = [one for c in state.conditions if (one := expired(c, now, policy.timing.resolve_after))]
    for condition in sorted(ended, key=lambda condition: (condition.observed_at, condition.key)):
        reason = IncidentReason.NOT_REPEATED if condition.holds_until is not None else IncidentReason.STALE
        decision = resolve_condition(state, condition, reason, policy=policy)
        state = decision.state
        changes += decision.changes
    state, hidden = without_expired(state, now, policy.timing.resolve_after)
    for target, gone in hidden.items():
        reason = IncidentReason.NOT_REPEATED if gone.holds_until is not None else IncidentReason.STALE
        decision = resolve_hidden(state, target, gone, reason, policy=policy)
        state = decision.state
        changes += decision.changes
    state = _cleared(state)
    for incident in state.incidents:
        due = reopening_due(state, incident, policy)
        if due is not None and due <= now:
            reason = IncidentReason.STILL_FIRING
            state, reopened = _reopened(state, incident, now, policy)
            changes += reopened
        timeout = policy.timing.acknowledgement_timeout
        due = timeout_due(incident, timeout)
        if timeout is not None and due is not None and due <= now:
            decision = time_out(state, incident, timeout)
            state, reason = decision.state, decision.reason
            changes += decision.changes
    return Decision(state=state, changes=tuple(changes), reason=reason)


def reopening_due(state: GroupState, incident: Incident, policy: IncidentPolicy) -> datetime | None:
    """When an incident that a person resolved is reopened, as long as it still fires; None where nothing reopens it.

    A false alarm is not reopened. Once it was reopened for that, a person who resolves it again is believed until a source
    speaks again. What fires in a newer incident, which is open, reopens no older one.
    """
    closed_at = incident.closed_at
    if closed_at is None or incident.cancelled or incident.merged_into or incident.state is not State.RESOLVED:
        return None
    elsewhere = {
        key for other in state.incidents if other.id != incident.id and other.lasts for key in other.conditions
    }
    own = (condition for condition in _own(state, incident) if condition.key not in elsewhere)
    firing = [condition for condition in own if condition.history[-1].status is Status.FIRING]
    before = any(e.change is Change.REOPENED and e.reason is IncidentReason.STILL_FIRING for e in incident.timeline)
    fires = any(not before or last_report(condition) > closed_at for condition in firing)
    return closed_at + policy.timing.reopen_resolved if fires else None


def _reopened(
    state: GroupState, incident: Incident, now: datetime, policy: IncidentPolicy
) -> tuple[GroupState, tuple[IncidentChange, ...]]:
    """The state after an incident that a person resolved is reopened, because its conditions still fire."""
    resolved = next(entry for entry in reversed(incident.timeline) if entry.change in ENDINGS)
    text = f"still firing; resolved at {instant(incident.closed_at or resolved.at)} by {resolved.summary}"
    step = Step(Change.REOPENED, IncidentReason.STILL_FIRING, now, text)
    episode = last_episode(_own(state, incident), policy.timing.reopen_within)
    if episode is None:
        return state, ()
    members = [condition for condition in state.conditions if condition.key in episode.conditions]
    after, changes = update_incident(incident, members, episode, (step,), policy)
    incidents = tuple(after if one.id == incident.id else one for one in state.incidents)
    return replace(state, incidents=trim_timelines(incidents)), changes


def _own(state: GroupState, incident: Incident) -> Iterator[IncidentCondition | HiddenCondition]:
    """The conditions of an incident, those of the digest too."""
    yield from (condition for condition in state.conditions if condition.key in incident.conditions)
    yield from hidden_of(state, incident.targets)


def _cleared(state: GroupState) -> GroupState:
    """The group with a digest that knows everything again: a person has ended what was open when it was full."""
    fires = state.hidden or any(condition.status is Status.FIRING for condition in state.conditions)
    is_open = any(incident.lasts for incident in state.incidents)
    return replace(state, overflowed=False) if state.overflowed and not fires and not is_open else state
