"""Moving: a condition whose target the settings put into another group continues there.

Its incident is reported as merged into the one there, after whoever was notified of it was notified of that one: nothing has recovered, and
no pager is given up for what it does not know.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core.events import Finding, Status
from core.incidents.audience import with_channels
from core.incidents.conditions import moved
from core.incidents.fold import fold, resolve_condition
from core.incidents.model import Decision, GroupState, Incident, IncidentCondition, IncidentReason, State, last_report
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import IncidentPolicy

_TICK = timedelta(microseconds=1)


def live_incidents(state: GroupState, key: str) -> tuple[Incident, ...]:
    """The incidents of a condition that are not over.

    Args:
        state: of a group.
        key: the condition.
    """
    return tuple(one for one in state.incidents if one.state is not State.RESOLVED and key in one.conditions)


def move_in(
    state: GroupState, condition: IncidentCondition, leaving: Sequence[Incident], *, policy: IncidentPolicy
) -> Decision:
    """Let a condition continue in this group.

    Args:
        state: of the group that its target belongs to now.
        condition: as the other group has it.
        leaving: its incidents there; whoever was notified of them is to be notified of the one here.
        policy: the policy.
    """
    finding = _finding(condition)
    before = next((one for one in state.conditions if one.key == condition.key), None)
    if before is not None and _moved_away(before, finding):
        finding = replace(finding, observed_at=before.observed_at + _TICK)
    decision = fold(state, finding, now=max(last_report(condition), finding.observed_at), policy=policy)
    here = live_incidents(decision.state, condition.key)[:1]
    incidents = tuple(with_channels(one, leaving) if one in here else one for one in decision.state.incidents)
    return replace(decision, state=replace(decision.state, incidents=incidents))


def successor(group: IncidentGroup, condition: IncidentCondition, leaving: Sequence[Incident]) -> Incident | None:
    """The incident in which a condition continues, once whoever was notified before was notified of it; None before.

    Args:
        group: that its target belongs to now.
        condition: which continues there.
        leaving: its incidents in the other group.
    """
    receivers = {channel for one in leaving for channel in (*one.notified.channels, *one.joining)}
    for incident in live_incidents(group.state, condition.key)[:1]:
        messages = [one.message for one in group.pending if one.message and one.incident_id == incident.id]
        waits = incident.joining or any(message.channel in receivers for message in messages)
        if not receivers or (incident.notified.firing and not waits):
            return incident
    return None


def end_of(state: GroupState, key: str) -> IncidentReason | None:
    """How a condition that moved has ended in its new group; None where it fires there, or is not there."""
    here = next((one for one in state.conditions if one.key == key), None)
    if here is None or here.status is Status.FIRING:
        return None
    return IncidentReason.STALE if here.expired_at is not None else IncidentReason.ALL_RECOVERED


def move_out(
    state: GroupState, condition: IncidentCondition, reason: IncidentReason, into: str, *, policy: IncidentPolicy
) -> Decision:
    """End a condition in the group that its target does not belong to any more.

    Args:
        state: of that group.
        condition: as it was there when it moved.
        reason: `MOVED` where it continues, else how it ended there.
        into: the incident in which it continues, or empty.
        policy: the policy.
    """
    now = next((one for one in state.conditions if one.key == condition.key), None)
    if now is None or now.status is not Status.FIRING:
        return Decision(state=state, changes=(), reason=IncidentReason.UNCHANGED)
    over = moved(now)
    silent = reason is IncidentReason.STALE
    over = replace(over, expired_at=over.observed_at) if silent else over
    live = {one.id for one in live_incidents(state, condition.key)}
    decision = resolve_condition(state, over, reason, policy=policy)
    incidents = tuple(
        replace(one, merged_into=into) if one.id in live and one.state is State.RESOLVED and not one.expired else one
        for one in decision.state.incidents
    )
    return replace(decision, state=replace(decision.state, incidents=incidents)) if into else decision


def _moved_away(before: IncidentCondition, finding: Finding) -> bool:
    """Whether a condition is over here only because it moved away, by this very finding: its source has not said that it recovered."""
    return before.status is Status.RESOLVED and before.expired_at is None and before.finding_id == finding.id


def _finding(condition: IncidentCondition) -> Finding:
    return Finding(
        target=condition.target,
        kind=condition.kind,
        status=condition.status,
        severity=condition.severity,
        observed_at=condition.observed_at,
        source=condition.source,
        summary=condition.summary,
        value=condition.value,
        threshold=condition.threshold,
        unit=condition.unit,
        evidence={evidence.name: evidence.text for evidence in condition.evidence},
        runbook=condition.runbook,
        holds_until=condition.holds_until,
    )
