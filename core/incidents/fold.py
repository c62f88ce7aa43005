"""Folding: how a finding, or the time that passes, changes the incidents of a group.

Delivered twice, late or in any order, the same findings end in the same state: it is computed from the histories of the
conditions (`core.incidents.conditions`), and the changes are the difference to the state before. What was published stays:
ids, timeline and sequence are never rewritten.

An incident holds the conditions of one target, and of targets that depend on each other and fire at about the same time.
Its root is the target that the others depend on.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.events import Change, Finding, IncidentChange, Status
from core.incidents.audience import with_channels
from core.incidents.capacity import episode_of, forgotten_episode, still_fires, upsert
from core.incidents.conditions import Episode, correlated_incidents, last_episode, observe, root_target
from core.incidents.context import SILENT, FindingContext
from core.incidents.impact import accrue_loss, estimate_impact, merge_losses, raise_severity, with_worst_shares
from core.incidents.lifecycle import OPENINGS, Step, advance, new_incident, trim_timelines
from core.incidents.model import (
    Decision,
    GroupState,
    HiddenCondition,
    Incident,
    IncidentCondition,
    IncidentReason,
    Observation,
    State,
    expires_at,
)
from core.incidents.policy import PART_KIND, IncidentPolicy
from core.settings.people import Category
from core.text import clean

_NOTIFYING = (IncidentReason.NOTIFIED, IncidentReason.MUTED)


def fold(state: GroupState | None, finding: Finding, *, now: datetime, policy: IncidentPolicy) -> Decision:
    """Apply one finding.

    Args:
        state: of the finding's group, or None for the first finding.
        finding: delivered at least once, in any order.
        now: limits the instant of a clock that runs ahead (see `Policy.ahead`).
        policy: the policy.

    Returns:
        The next state, the changes (most findings cause none), and the reason.

    >>> from datetime import UTC, timedelta
    >>> from core.events import Severity
    >>> at = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> def drift(status, minutes):
    ...     return Finding(target="model/m", kind="drift", status=status, severity=Severity.WARNING,
    ...                    observed_at=at + timedelta(minutes=minutes), source="doc", summary="PSI 0.3")
    >>> later = at + timedelta(hours=1)
    >>> first = fold(None, drift(Status.FIRING, 0), now=later, policy=IncidentPolicy())
    >>> first.changes[0].change.value, first.reason.value, first.state.incidents[0].id
    ('opened', 'first_firing', 'model-m-20260102-4873ad0c')
    >>> last = fold(first.state, drift(Status.RESOLVED, 30), now=later, policy=IncidentPolicy())
    >>> last.changes[0].change.value, last.reason.value, last.state.incidents[0].state.value
    ('resolved', 'all_recovered', 'resolved')
    """
    state = state or GroupState(name=policy.graph.group(finding.target))
    key = finding.condition
    before = next((condition for condition in state.conditions if condition.key == key), None)
    closed = any(incident.closed_at is not None and key in incident.conditions for incident in state.incidents)
    current, observation = observe(before, finding, now=now, policy=policy, closed=closed)
    if current is before:
        return Decision(state=state, changes=(), reason=IncidentReason.DUPLICATE)
    after = upsert(state, current)
    if before is not None and _is_repetition(state, before, observation, policy):
        reason = IncidentReason.UNCHANGED if observation.status is Status.FIRING else IncidentReason.NOTHING_TO_RESOLVE
        return Decision(state=after, changes=(), reason=reason)
    context = FindingContext(
        before=before,
        observation=observation,
        key=key,
        target=finding.target,
        summary=clean(finding.summary),
        cause=current.finding_id if current.observed_at == observation.at else finding.id,
    )
    decision = reconcile(after, context, policy)
    return confirm_ends(decision, context) if observation.status is Status.RESOLVED else decision


def resolve_condition(
    state: GroupState, condition: IncidentCondition, reason: IncidentReason, *, policy: IncidentPolicy
) -> Decision:
    """Resolve a condition that no finding resolves.

    Args:
        state: before.
        condition: resolved, as `core.incidents.conditions.expired` gives it.
        reason: why it is resolved.
        policy: the policy.
    """
    context = FindingContext(
        before=next(before for before in state.conditions if before.key == condition.key),
        observation=condition.history[-1],
        key=condition.key,
        target=condition.target,
        summary=clean(f"{condition.key}: {reason.replace('_', ' ')}"),
        cause="",
        resolve_reason=reason,
    )
    return reconcile(upsert(state, condition), context, policy)


def resolve_hidden(
    state: GroupState, target: str, hidden: HiddenCondition, reason: IncidentReason, *, policy: IncidentPolicy
) -> Decision:
    """Bring the incidents in line after conditions of the digest expired.

    Args:
        state: of the group, without them.
        target: whose conditions they were.
        hidden: the one that expired last.
        reason: why.
        policy: the policy.
    """
    at = expires_at(hidden, policy.timing.resolve_after)
    context = FindingContext(
        before=None,
        observation=Observation(at=at, status=Status.RESOLVED, severity=hidden.severity),
        key=hidden.key,
        target=target,
        summary=f"{target}: conditions that are not shown: {reason.replace('_', ' ')}",
        cause="",
        resolve_reason=reason,
    )
    incidents = tuple(
        replace(one, lost=True) if one.lasts and target in one.targets else one for one in state.incidents
    )
    return reconcile(replace(state, incidents=incidents), context, policy)


def reconcile(state: GroupState, context: FindingContext, policy: IncidentPolicy) -> Decision:
    """Bring the incidents in line with the conditions."""
    timing = policy.timing
    episode = episode_of(state, {context.target}, timing.reopen_within) or forgotten_episode(
        state, context.target, context.observation.at
    )
    if episode is None:
        return Decision(state=state, changes=(), reason=IncidentReason.NOTHING_TO_RESOLVE)
    first, *parts = correlated_incidents(state, context.target, episode, policy) or (None,)
    targets = {context.target, *(target for incident in (first, *parts) if incident for target in incident.targets)}
    if len(targets) > 1:
        pause = max(timing.reopen_within, timing.join_within)
        episode = episode_of(state, targets, pause) or episode
    opened_at = episode.opened_at
    if first is None and _had_incident(state, context, episode, timing.reopen_within):
        if episode.resolved_at is not None:
            return Decision(state=state, changes=(), reason=IncidentReason.NOTHING_TO_RESOLVE)
        opened_at = context.observation.at  # another incident, though the episode is the same
    members = [condition for condition in state.conditions if condition.key in episode.conditions]
    steps = _steps(first, episode, _with_silence(context, members, first), policy)
    whole = merge_losses(first or new_incident(context.target, opened_at, state.name), parts, context.observation.at)
    whole = with_channels(whole, parts)
    after, changes = update_incident(whole, members, episode, steps, policy)
    merged = [advance(*_merge(part, after, context)) for part in parts]
    by_id = (
        {incident.id: incident for incident in state.incidents}
        | {part.id: part for part, _ in merged}
        | {after.id: after}
    )
    return Decision(
        state=replace(state, incidents=trim_timelines(tuple(by_id.values()))),
        changes=(*changes, *(change for _, ended in merged for change in ended)),
        reason=steps[-1].reason if steps else _no_step_reason(context),
    )


def _is_repetition(
    state: GroupState, condition: IncidentCondition, observation: Observation, policy: IncidentPolicy
) -> bool:
    """Whether a condition goes on unchanged and no incident needs an entry for that, as with most findings."""
    if observation.status is not condition.status or observation.severity is not condition.severity:
        return False
    if observation.at <= condition.observed_at:
        return False
    if observation.status is Status.RESOLVED:
        return condition.expired_at is None
    for incident in state.incidents:
        if condition.key in incident.conditions and incident.state is not State.RESOLVED:
            return observation.at < _last_step(incident) + policy.timing.summary_every
    return False


def _had_incident(state: GroupState, context: FindingContext, episode: Episode, reopen_within: timedelta) -> bool:
    """Whether the episode is older than the finding, so that its incident, which was deleted, has its id."""
    of_target = (condition for condition in state.conditions if condition.target == context.target)
    before = (context.before if condition.key == context.key else condition for condition in of_target)
    earlier = last_episode((condition for condition in before if condition is not None), reopen_within)
    return earlier is not None and earlier.opened_at == episode.opened_at


def _merge(incident: Incident, into: Incident, context: FindingContext) -> tuple[Incident, tuple[Step, ...]]:
    at = context.observation.at
    step = Step(Change.MERGED, IncidentReason.MERGED, at, f"part of {into.id}: {into.target}", context.cause)
    resolved_at = incident.resolved_at or max(at, incident.opened_at)
    return replace(incident, merged_into=into.id, resolved_at=resolved_at), (step,)


def _steps(
    incident: Incident | None, episode: Episode, context: FindingContext, policy: IncidentPolicy
) -> tuple[Step, ...]:
    """The steps of an incident, oldest first; most findings cause none.

    Args:
        incident: before, or None where there is none yet.
        episode: the last episode of its conditions.
        context: the finding.
        policy: the policy.
    """
    if incident is None:
        first = context.step(Change.OPENED, IncidentReason.FIRST_FIRING, episode.opened_at)
        return (first, *_resolution(episode.resolved_at, context))
    if incident.is_part:
        return ()  # it reports to the incident that it was merged into
    if incident.state is State.RESOLVED:
        return _reopening(incident, episode, context)
    if episode.resolved_at is not None:
        return (context.ending(episode.resolved_at),)
    if episode.severity.rank > incident.peak.rank:
        return (context.step(Change.ESCALATED, IncidentReason.WORSENED, context.observation.at),)
    reason = _update_reason(incident, episode, context, policy)
    return (context.step(Change.UPDATED, reason, context.observation.at),) if reason else ()


def _reopening(incident: Incident, episode: Episode, context: FindingContext) -> tuple[Step, ...]:
    resolved_at = episode.resolved_at
    if incident.closed_at is not None and not _is_new_since(incident.closed_at, incident, context):
        return ()
    if incident.expired and context.observation.status is Status.RESOLVED:
        return ()  # what only went silent did not fire again: its source says when it recovered
    if resolved_at is not None and incident.resolved_at is not None and resolved_at <= incident.resolved_at:
        return ()
    reopened = context.step(Change.REOPENED, IncidentReason.FIRED_AGAIN, context.observation.at)
    return (reopened, *_resolution(resolved_at, context))


def _resolution(at: datetime | None, context: FindingContext) -> tuple[Step, ...]:
    if at is not None and context.resolve_reason in SILENT:
        return (context.ending(at),)
    return () if at is None else (context.step(Change.RESOLVED, IncidentReason.ALREADY_RESOLVED, at),)


def confirm_ends(decision: Decision, context: FindingContext) -> Decision:
    """Resolve the incidents that had only expired, where the sources of all their conditions now say that they recovered."""
    state, changes, reason = decision.state, list(decision.changes), decision.reason
    for incident in state.incidents:
        if not incident.expired or incident.lost or context.key not in incident.conditions:
            continue
        if still_fires(state, incident):
            continue  # in a later incident
        if any(member.expired_at is not None for member in state.members(incident)):
            continue
        reason = IncidentReason.ALL_RECOVERED
        after, new = advance(incident, (context.step(Change.RESOLVED, reason, context.observation.at),))
        changes += new
        state = replace(state, incidents=tuple(after if one is incident else one for one in state.incidents))
    return decision if state is decision.state else Decision(state=state, changes=tuple(changes), reason=reason)


def _with_silence(
    context: FindingContext, members: list[IncidentCondition], incident: Incident | None
) -> FindingContext:
    """The finding, whose end of the incident is an expiry as long as any condition of it only went silent."""
    if context.resolve_reason in SILENT:
        return context
    silent = [member for member in members if member.expired_at is not None]
    if silent:
        repeats = any(member.holds_until is not None for member in silent)
        return replace(context, resolve_reason=IncidentReason.NOT_REPEATED if repeats else IncidentReason.STALE)
    lost = incident is not None and incident.lost
    return replace(context, resolve_reason=IncidentReason.STALE) if lost else context


def _is_new_since(closed_at: datetime, incident: Incident, context: FindingContext) -> bool:
    """Whether it is more than what fired when a person resolved the incident."""
    seen, before = context.observation, context.before
    if seen.status is not Status.FIRING or seen.at <= closed_at:
        return False
    fires_again = before is None or before.status is Status.RESOLVED
    return fires_again or seen.severity.rank > incident.peak.rank


def _update_reason(
    incident: Incident, episode: Episode, context: FindingContext, policy: IncidentPolicy
) -> IncidentReason | None:
    before, seen = context.before, context.observation
    if context.is_late:
        return None
    was_firing, fires = before is not None and before.status is Status.FIRING, context.key in episode.firing
    if fires != was_firing:
        return IncidentReason.JOINED if fires else IncidentReason.PARTLY_RECOVERED
    if before is not None and fires and seen.severity is not before.severity:
        return IncidentReason.WORSENED if seen.severity.rank > before.severity.rank else IncidentReason.EASED
    last = _last_step(incident)
    return IncidentReason.STILL_FIRING if fires and seen.at - last >= policy.timing.summary_every else None


def _last_step(incident: Incident) -> datetime:
    """When the newest step was that findings or people caused; notifications are dated by the clock, which findings may lag behind."""
    return max(entry.at for entry in incident.timeline if entry.reason not in _NOTIFYING)


def _no_step_reason(context: FindingContext) -> IncidentReason:
    if context.is_late:
        return IncidentReason.LATE
    return (
        IncidentReason.NOTHING_TO_RESOLVE if context.observation.status is Status.RESOLVED else IncidentReason.UNCHANGED
    )


def _as_escalation(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of an incident whose severity is raised by its impact: a mere update becomes an escalation."""
    return tuple(
        replace(step, change=Change.ESCALATED, reason=IncidentReason.WORSENED)
        if step.change is Change.UPDATED
        else step
        for step in steps
    )


def update_incident(
    incident: Incident,
    members: list[IncidentCondition],
    episode: Episode,
    steps: tuple[Step, ...],
    policy: IncidentPolicy,
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    """The incident as its conditions describe it, after its steps."""
    opens = any(step.change in OPENINGS for step in steps)
    values: dict[str, Any] = {
        "opened_at": episode.opened_at,
        "resolved_at": (None if opens else incident.closed_at) or episode.resolved_at,
        "conditions": episode.conditions,
    }
    same = incident.conditions == episode.conditions
    severity = raise_severity(episode.severity, incident.impact, policy.impact)
    if steps or not same or severity is not incident.severity:
        values |= _description(incident, members, episode, policy)
        if (incident.impact or values.get("impact")) and (opens or "impact" in values):
            at = (
                steps[0].at
                if steps
                else max((condition.observed_at for condition in members), default=episode.opened_at)
            )
            values |= accrue_loss(incident, at)
        if opens or values["severity"].rank > incident.peak.rank:
            values["peak"] = values["severity"]
            steps = steps if opens else _as_escalation(steps)
    return advance(incident, steps, values)


def _description(
    incident: Incident, members: list[IncidentCondition], episode: Episode, policy: IncidentPolicy
) -> dict[str, Any]:
    """Root, class, impact and severity by the conditions; once the incident is resolved, class and impact stay."""
    if not members:  # none of them is kept in detail any more
        severity = raise_severity(episode.severity, incident.impact, policy.impact)
        return {
            "title": incident.title or incident.target,
            "targets": incident.targets or (incident.target,),
            "severity": severity,
        }
    target = root_target(members, policy.graph)
    targets = tuple(sorted({condition.target for condition in members}))
    if episode.resolved_at is not None and incident.title:
        severity = raise_severity(episode.severity, incident.impact, policy.impact)
        return {"target": target, "targets": targets, "severity": severity}
    firing = [condition for condition in members if condition.key in episode.firing] or members
    # It is not called after a part as long as something of its own fires; what parts cost is reckoned with the parts.
    own = [condition for condition in firing if not condition.kind.startswith(PART_KIND)]
    # Of two that are equally severe, what is wrong goes before what has only changed.
    lead = max(own or firing, key=lambda c: (c.target == target, c.severity.rank, c.category != Category.DRIFT, c.key))
    impact = None
    if policy.revenue or policy.known.measured:
        firing_own = ((c.target, c.severity) for c in own)
        impact = estimate_impact(firing_own, policy.graph, policy.revenue, policy.impact, policy.known.measured)
        impact = with_worst_shares(impact, incident.impact)
    return {
        "target": target,
        "targets": targets,
        "title": lead.summary or lead.key,
        "category": lead.category,
        "classification": lead.classification,
        "severity": raise_severity(episode.severity, impact, policy.impact),
        "impact": impact,
    }
