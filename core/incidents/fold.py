"""How a finding changes an incident.

Delivered twice, late or in any order, the same findings end in the same state: the state is read from what is remembered of
every condition (`core.incidents.episode`), and what changed is the difference to the state before. What people were told
stays as it was: identifiers, timeline and sequence are never rewritten.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.events import Change, Finding, IncidentChange, Status, stamp
from core.incidents.classify import category
from core.incidents.episode import Episode, remember, replay, worst
from core.incidents.model import (
    CONDITIONS_LIMIT,
    EVIDENCE_LIMIT,
    TIMELINE_LIMIT,
    Decision,
    Entry,
    Evidence,
    Incident,
    Observation,
    Policy,
    Reason,
    State,
    Tracked,
    Watch,
)
from core.incidents.text import clean

_NAME_LIMIT = 80
_EVIDENCE_LENGTH = 160
_OPENS = (Change.OPENED, Change.REOPENED)
_TELLS = (*_OPENS, Change.ESCALATED)


@dataclass(frozen=True, slots=True)
class _Step:
    change: Change
    reason: Reason
    at: datetime


def fold(watch: Watch | None, finding: Finding, *, now: datetime, policy: Policy) -> Decision:
    """Count one finding.

    Args:
        watch: what is remembered of the finding's root target, or None for the first finding.
        finding: delivered at least once, in any order.
        now: only to catch a clock that runs ahead (see `Policy.ahead`).
        policy: how findings become incidents.

    Returns:
        What to remember, the changes (most findings cause none), and the reason.

    >>> from datetime import UTC, timedelta
    >>> from core.events import Severity
    >>> at = datetime(2026, 1, 2, 9, tzinfo=UTC)
    >>> def found(status, minutes):
    ...     return Finding(target="model/m", kind="drift", status=status, severity=Severity.WARNING,
    ...                    observed_at=at + timedelta(minutes=minutes), source="doc", summary="PSI 0.3")
    >>> later = at + timedelta(hours=1)
    >>> first = fold(None, found(Status.FIRING, 0), now=later, policy=Policy())
    >>> first.changes[0].change.value, first.reason.value, first.watch.incident.id
    ('opened', 'first_firing', 'model-m-20260102-4873ad0c')
    >>> last = fold(first.watch, found(Status.RESOLVED, 30), now=later, policy=Policy())
    >>> last.changes[0].change.value, last.reason.value, last.watch.incident.state.value
    ('resolved', 'all_recovered', 'resolved')
    """
    before = watch or Watch(target=finding.target)
    at = finding.observed_at if finding.observed_at <= now + policy.ahead else now
    seen = Observation(at=at, status=finding.status, severity=finding.severity)
    known = next((c for c in before.conditions if c.key == finding.condition), None)
    if known is not None and _is_duplicate(known, finding, seen):
        return Decision(watch=before, changes=(), reason=Reason.DUPLICATE)
    current = _track(known, finding, seen)
    conditions = _with(before.conditions, current)
    episode = replay(conditions, policy.reopen_within)
    if episode is None:
        return Decision(watch=replace(before, conditions=conditions), changes=(), reason=Reason.NOTHING_TO_RESOLVE)
    steps = _steps(before.incident, episode, policy, known=known, seen=seen, key=finding.condition)
    after, changes = _settle(before, conditions, episode, steps, finding)
    return Decision(watch=after, changes=changes, reason=steps[-1].reason if steps else _why_not(known, seen))


def refuse(watch: Watch, refused: IncidentChange, *, channel: str, detail: str, at: datetime) -> Decision:
    """Write into the timeline that a channel refused a message for good.

    Args:
        watch: what is remembered now; nothing happens when its incident is another one by now.
        refused: the change that the message was about.
        channel: the channel's name.
        detail: what the channel answered.
        at: when.
    """
    incident = watch.incident
    if incident is None or incident.id != refused.incident_id:
        return Decision(watch=watch, changes=(), reason=Reason.NOTIFICATION_REFUSED)
    summary = (
        f"{clean(channel, _NAME_LIMIT)} refused the message about {refused.change} (step {refused.sequence}): {detail}"
    )
    step = _Step(Change.UPDATED, Reason.NOTIFICATION_REFUSED, at)
    after, changes = _advance(incident, (step,), clean(summary), "")
    return Decision(watch=replace(watch, incident=after), changes=changes, reason=step.reason)


def _is_duplicate(known: Tracked, finding: Finding, seen: Observation) -> bool:
    same = (known.finding_id, known.status, known.severity) == (finding.id, finding.status, finding.severity)
    return same or seen in known.history


def _track(known: Tracked | None, finding: Finding, seen: Observation) -> Tracked:
    history = remember(known.history if known else (), seen)
    if known is not None and history[-1] != seen:
        return replace(known, history=history)
    evidence = tuple(
        Evidence(name=clean(name, _NAME_LIMIT), text=clean(text, _EVIDENCE_LENGTH))
        for name, text in list(finding.evidence.items())[:EVIDENCE_LIMIT]
    )
    return Tracked(
        key=finding.condition,
        target=finding.target,
        kind=finding.kind,
        status=finding.status,
        severity=finding.severity,
        observed_at=seen.at,
        finding_id=finding.id,
        source=clean(finding.source, _NAME_LIMIT),
        summary=clean(finding.summary),
        value=finding.value,
        threshold=finding.threshold,
        unit=clean(finding.unit, _NAME_LIMIT),
        evidence=evidence,
        runbook=clean(finding.runbook, _NAME_LIMIT * 2),
        history=history,
    )


def _with(conditions: tuple[Tracked, ...], current: Tracked) -> tuple[Tracked, ...]:
    others = [condition for condition in conditions if condition.key != current.key]
    if len(others) >= CONDITIONS_LIMIT:
        others.remove(min(others, key=lambda c: (c.status is Status.FIRING, c.observed_at, c.key)))
    return tuple(sorted([*others, current], key=lambda c: c.key))


def _steps(
    incident: Incident | None,
    episode: Episode,
    policy: Policy,
    *,
    known: Tracked | None,
    seen: Observation,
    key: str,
) -> tuple[_Step, ...]:
    over = episode.resolved_at
    if incident is None or _is_another(incident, episode, policy):
        opened = _Step(Change.OPENED, Reason.FIRST_FIRING, episode.opened_at)
        return (opened,) if over is None else (opened, _Step(Change.RESOLVED, Reason.ALREADY_OVER, over))
    if incident.resolved_at is not None:
        again = _Step(Change.REOPENED, Reason.FIRED_AGAIN, seen.at)
        if over is None:
            return (again,)
        return (again, _Step(Change.RESOLVED, Reason.ALREADY_OVER, over)) if over > incident.resolved_at else ()
    if over is not None:
        return (_Step(Change.RESOLVED, Reason.ALL_RECOVERED, over),)
    if episode.severity.rank > worst(incident.told).rank:
        return (_Step(Change.ESCALATED, Reason.WORSENED, seen.at),)
    reason = _update(incident, episode, policy, known=known, seen=seen, key=key)
    return (_Step(Change.UPDATED, reason, seen.at),) if reason else ()


def _is_another(incident: Incident, episode: Episode, policy: Policy) -> bool:
    return incident.resolved_at is not None and episode.opened_at > incident.resolved_at + policy.reopen_within


def _update(
    incident: Incident, episode: Episode, policy: Policy, *, known: Tracked | None, seen: Observation, key: str
) -> Reason | None:
    if known is not None and seen.at < known.observed_at:
        return None
    was, fires = known is not None and known.status is Status.FIRING, key in episode.firing
    if fires != was:
        return Reason.JOINED if fires else Reason.PARTLY_RECOVERED
    if episode.severity is not incident.severity:
        return Reason.WORSENED if episode.severity.rank > incident.severity.rank else Reason.EASED
    last = max(entry.at for entry in incident.timeline)
    return Reason.STILL_FIRING if fires and seen.at - last >= policy.summary_every else None


def _why_not(known: Tracked | None, seen: Observation) -> Reason:
    if known is not None and seen.at < known.observed_at:
        return Reason.LATE
    return Reason.NOTHING_TO_RESOLVE if seen.status is Status.RESOLVED else Reason.UNCHANGED


def _settle(
    before: Watch, conditions: tuple[Tracked, ...], episode: Episode, steps: tuple[_Step, ...], finding: Finding
) -> tuple[Watch, tuple[IncidentChange, ...]]:
    opens = bool(steps) and steps[0].change is Change.OPENED
    incident = _opened(before.target, episode) if before.incident is None or opens else before.incident
    incident = replace(
        incident,
        severity=episode.severity,
        opened_at=episode.opened_at,
        updated_at=max(c.observed_at for c in conditions if c.key in episode.conditions),
        resolved_at=episode.resolved_at,
        conditions=episode.conditions,
    )
    watch = Watch(target=before.target, conditions=conditions, incident=incident)
    if any(step.change in _TELLS for step in steps):
        lead = watch.members()[0]
        incident = replace(incident, title=lead.summary or lead.key, category=category(lead.target, lead.kind))
    incident, changes = _advance(incident, steps, clean(finding.summary), finding.id)
    return replace(watch, incident=incident), changes


def _opened(target: str, episode: Episode) -> Incident:
    return Incident(
        id=identifier(target, episode.opened_at),
        target=target,
        title="",
        state=State.OPEN,
        severity=episode.severity,
        category="",
        opened_at=episode.opened_at,
        updated_at=episode.opened_at,
    )


def identifier(target: str, opened_at: datetime) -> str:
    """The id of an incident: readable, fit for an address, and the same whenever it is made.

    >>> from datetime import UTC
    >>> identifier("model/flight-delay", datetime(2026, 1, 2, 9, tzinfo=UTC))
    'model-flight-delay-20260102-6ffbaafd'
    """
    name = re.sub(r"[^a-z0-9]+", "-", target.lower())[:40].strip("-")
    digest = hashlib.sha256(f"{target}\n{stamp(opened_at)}".encode()).hexdigest()[:8]
    return f"{name or 'incident'}-{opened_at.astimezone(UTC):%Y%m%d}-{digest}"


def _advance(
    incident: Incident, steps: tuple[_Step, ...], summary: str, finding_id: str
) -> tuple[Incident, tuple[IncidentChange, ...]]:
    changes: list[IncidentChange] = []
    for step in steps:
        incident = _stepped(incident, step, summary, finding_id)
        changes.append(
            IncidentChange(
                incident_id=incident.id,
                sequence=incident.sequence,
                at=step.at,
                change=step.change,
                state=incident.state,
                severity=incident.severity,
                target=incident.target,
                title=incident.title,
                reason=step.reason,
                finding_id=finding_id,
                summary=summary,
            )
        )
    return incident, tuple(changes)


def _stepped(incident: Incident, step: _Step, summary: str, finding_id: str) -> Incident:
    entry = Entry(
        sequence=incident.sequence + 1,
        at=step.at,
        change=step.change,
        reason=step.reason,
        summary=summary,
        finding_id=finding_id,
    )
    told = () if step.change in _OPENS else incident.told
    return replace(
        incident,
        sequence=entry.sequence,
        state=_state(incident.state, step.change),
        told=(*told, incident.severity) if step.change in _TELLS else told,
        timeline=_kept((*incident.timeline, entry)),
    )


def _state(state: State, change: Change) -> State:
    if change in _OPENS:
        return State.OPEN
    return State.RESOLVED if change is Change.RESOLVED else state


def _kept(timeline: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return timeline if len(timeline) <= TIMELINE_LIMIT else (timeline[0], *timeline[2:])
