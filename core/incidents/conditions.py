"""Conditions of a group: their state after each finding, their episodes, and the incident that an episode belongs to.

An episode is a time in which a set of conditions fires. It is computed from the observations alone, so that the same
observations give the same episode in whatever order they arrive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.events import Finding, Severity, Status
from core.incidents.grouping import subject
from core.incidents.history import RANK, add_observation
from core.incidents.lifecycle import make_incident_id
from core.incidents.model import (
    EVIDENCE_LIMIT,
    Evidence,
    GroupState,
    HiddenCondition,
    Incident,
    IncidentCondition,
    Observation,
    State,
    expires_at,
    last_report,
)
from core.incidents.policy import Class, Graph, IncidentPolicy, classify
from core.text import LINE_LIMIT, clean_utf8, reference

NAME_LIMIT = 80
EVIDENCE_NAME, EVIDENCE_LENGTH = 60, 180
_RENEWAL_STEP = timedelta(minutes=1)
"""A renewal shorter than this is not saved: some sources repeat a firing every few seconds."""
_RENEWALS = 24
"""Renewals that are saved, at most, in the time after which a condition that is not repeated is resolved."""
_SEVERITIES = tuple(Severity)


def observe(
    condition: IncidentCondition | None,
    finding: Finding,
    *,
    now: datetime,
    policy: IncidentPolicy,
    closed: bool = False,
) -> tuple[IncidentCondition, Observation]:
    """Apply a finding to its condition.

    Args:
        condition: before, or None for its first finding.
        finding: about it.
        now: limits the instant of a clock that runs ahead.
        policy: for the class of the finding.
        closed: whether a person resolved its incident: then it matters at once that its source repeats it.

    Returns:
        The condition after it (the very same object for a duplicate), and the finding as an observation.
    """
    at = finding.observed_at
    if at > now + policy.timing.ahead:
        at = now
    kind = classify(*subject(finding.target, finding.kind), finding.source, finding.severity, policy.rules)
    observation = Observation(at=at, status=finding.status, severity=kind.severity)
    if condition is not None and _is_heard_again(condition, finding, now):
        observation = replace(observation, at=_expiry(now, condition.observed_at))
    elif condition is not None and (
        observation in condition.history or _is_redelivery(condition, finding, observation)
    ):
        step = _RENEWAL_STEP if closed else max(_RENEWAL_STEP, policy.timing.resolve_after / _RENEWALS)
        return _renew(condition, finding, now, step), observation
    if condition is not None and observation.at <= condition.observed_at:
        condition = _confirm_end(_undo_expiry(condition, finding), observation)
    return _apply(condition, finding, observation, kind, now), observation


def expired(condition: IncidentCondition, now: datetime, resolve_after: timedelta) -> IncidentCondition | None:
    """The condition, resolved by expiry, or None while it holds.

    Args:
        condition: before.
        now: the present.
        resolve_after: how long a firing holds where its source does not say until when.
    """
    end = expires_at(condition, resolve_after)
    if condition.status is not Status.FIRING or end > now:
        return None
    over = _resolved(condition, end)
    return replace(over, expired_at=over.observed_at)


def moved(condition: IncidentCondition) -> IncidentCondition:
    """The condition, resolved right after its last observation, because it continues in another group."""
    return _resolved(condition, condition.observed_at)


def _resolved(condition: IncidentCondition, at: datetime) -> IncidentCondition:
    end = _expiry(at, condition.observed_at)
    observation = Observation(at=end, status=Status.RESOLVED, severity=condition.severity)
    history = add_observation(condition.history, observation)
    return replace(condition, status=Status.RESOLVED, observed_at=end, history=history)


def _is_redelivery(condition: IncidentCondition, finding: Finding, observation: Observation) -> bool:
    """Whether it is the newest finding again, whose instant is limited to another one now."""
    same = (condition.status, condition.severity) == (observation.status, observation.severity)
    return same and observation.at != finding.observed_at and condition.finding_id == finding.id


def _is_heard_again(condition: IncidentCondition, finding: Finding, now: datetime) -> bool:
    """Whether a source repeats what was taken for over because it was not heard of.

    Alertmanager and Grafana repeat an alert with the instant at which it began: that instant is no newer than the expiry,
    but the repetition is. What both times said until when it holds is renewed instead.
    """
    until, over = finding.holds_until, condition.expired_at
    if finding.status is not Status.FIRING or condition.status is not Status.RESOLVED or over is None:
        return False
    if until is not None and (condition.holds_until is not None or until <= now):
        return False
    return finding.observed_at <= over <= now


def _expiry(end: datetime, observed_at: datetime) -> datetime:
    """When a firing that is not repeated is resolved: never before it was observed."""
    return max(end, observed_at + timedelta(microseconds=1))


def _renew(condition: IncidentCondition, finding: Finding, now: datetime, step: timedelta) -> IncidentCondition:
    """The condition after a repeated finding: it holds for longer; a renewal by less than the step is not saved."""
    until = finding.holds_until
    if finding.status is not Status.FIRING:
        return condition
    if until is None:
        fires = condition.status is Status.FIRING and condition.holds_until is None
        return replace(condition, last_seen_at=now) if fires and now - last_report(condition) >= step else condition
    before = condition.holds_until
    if before is None or until <= before or (until - before < _RENEWAL_STEP <= before - now):
        return condition  # a repetition never shortens how long the condition holds
    restored = _undo_expiry(condition, finding)
    if restored.status is not Status.FIRING:
        return condition
    return replace(restored, holds_until=until, last_seen_at=max(now, restored.last_seen_at or now))


def _undo_expiry(condition: IncidentCondition, finding: Finding) -> IncidentCondition:
    """The condition, firing again where it had expired although its source, as the finding says, still held it."""
    until, before = finding.holds_until, condition.holds_until
    if finding.status is not Status.FIRING or until is None or before is None or until <= before:
        return condition
    *history, last = condition.history
    if not history or last.status is not Status.RESOLVED or last.at != _expiry(before, history[-1].at):
        return condition
    observation = history[-1]
    return replace(
        condition,
        status=observation.status,
        severity=observation.severity,
        observed_at=observation.at,
        holds_until=until,
        expired_at=None,
        history=tuple(history),
    )


def _confirm_end(condition: IncidentCondition, seen: Observation) -> IncidentCondition:
    """The condition without its expiry where its source says that it had recovered by then: that is the end."""
    *history, last = condition.history
    if (
        condition.expired_at is None
        or seen.status is not Status.RESOLVED
        or not history
        or last.at != condition.expired_at
    ):
        return condition
    before = history[-1]
    if seen.at < before.at:
        return condition
    return replace(
        condition,
        status=before.status,
        severity=before.severity,
        observed_at=before.at,
        expired_at=None,
        history=tuple(history),
    )


def _apply(
    before: IncidentCondition | None, finding: Finding, observation: Observation, kind: Class, now: datetime
) -> IncidentCondition:
    history = add_observation(before.history if before else (), observation)
    again = before is not None and before.status is finding.status and before.observed_at == observation.at
    until = later_expiry(before.holds_until, finding.holds_until) if before and again else finding.holds_until
    if before is not None and history[-1] is not observation:
        holds_until = until if again else before.holds_until
        return replace(before, history=history, holds_until=holds_until, last_seen_at=_seen_at(before, finding, now))
    return IncidentCondition(
        key=finding.condition,
        target=finding.target,
        kind=finding.kind,
        status=finding.status,
        severity=kind.severity,
        observed_at=observation.at,
        finding_id=finding.id,
        source=_line(finding.source, before.source if before else None, NAME_LIMIT),
        summary=_line(finding.summary, before.summary if before else None),
        value=finding.value,
        threshold=finding.threshold,
        unit=_line(finding.unit, before.unit if before else None, NAME_LIMIT),
        evidence=_evidence(before.evidence if before else (), finding.evidence),
        runbook=_line(reference(finding.runbook), before.runbook if before else None, NAME_LIMIT * 2),
        category=kind.category,
        classification=_line(kind.reason, before.classification if before else None),
        holds_until=until,
        last_seen_at=_seen_at(before, finding, now),
        history=history,
    )


def later_expiry(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two expiries; none is the latest."""
    return None if one is None or other is None else max(one, other)


def _seen_at(before: IncidentCondition | None, finding: Finding, now: datetime) -> datetime | None:
    """When the source last said that it fires: the newest publishing, in whatever order findings are delivered."""
    seen = before.last_seen_at if before else None
    return max(now, seen or now) if finding.status is Status.FIRING else seen


def _line(text: str, before: str | None, limit: int = LINE_LIMIT) -> str:
    """One clean line; a repeated text, as most are, is clean already."""
    return text if text == before else clean_utf8(text, limit)


def _evidence(before: tuple[Evidence, ...], evidence: Mapping[str, str]) -> tuple[Evidence, ...]:
    pieces = tuple(evidence.items())[:EVIDENCE_LIMIT]
    if pieces == tuple((piece.name, piece.text) for piece in before):
        return before
    return tuple(
        Evidence(name=clean_utf8(name, EVIDENCE_NAME), text=clean_utf8(text, EVIDENCE_LENGTH)) for name, text in pieces
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which something fired, with pauses no longer than the reopening window.

    Attributes:
        opened_at: when the first condition fired.
        resolved_at: when the last one recovered, or None while one fires.
        severity: the worst that fires at the end; when none does, the worst in the episode.
        conditions: those that fired in it, sorted.
        firing: those that still fire.
    """

    opened_at: datetime
    resolved_at: datetime | None
    severity: Severity
    conditions: tuple[str, ...]
    firing: frozenset[str]


def last_episode(conditions: Iterable[IncidentCondition | HiddenCondition], reopen_within: timedelta) -> Episode | None:
    """The last episode of some conditions, or None when none ever fired.

    Args:
        conditions: with their histories; those of the digest fire, and are not named.
        reopen_within: a firing this soon after the last recovery belongs to the same episode.
    """
    known = list(conditions)
    hidden = {c.key for c in known if isinstance(c, HiddenCondition)}
    steps = [(o.at, o.status is Status.RESOLVED, c.key, RANK[o.severity]) for c in known for o in c.history]
    steps.sort()
    firing: dict[str, int] = {}
    members: set[str] = set()
    peak = 0
    opened: datetime | None = None
    ended: datetime | None = None
    for at, resolved, key, rank in steps:
        if resolved:
            if firing.pop(key, None) is not None and not firing:
                ended = at
            continue
        if not firing and (opened is None or (ended is not None and at - ended > reopen_within)):
            opened, members, peak = at, set(), 0
        firing[key] = rank
        members.add(key)
        if rank > peak:  # noqa: PLR1730 - for every observation; `max` would take a tenth of the time
            peak = rank
    if opened is None:
        return None
    return Episode(
        opened_at=opened,
        resolved_at=None if firing else ended,
        severity=_SEVERITIES[max(firing.values()) if firing else peak],
        conditions=tuple(sorted(members - hidden)),
        firing=frozenset(firing),
    )


def correlated_incidents(
    state: GroupState, target: str, episode: Episode, policy: IncidentPolicy
) -> tuple[Incident, ...]:
    """The incidents that an episode of a target belongs to; the first of them goes on, the others are merged into it.

    There are several where a target fires that they all depend on, or that depends on all of them. Resolved incidents count
    as well as live ones: whatever arrives last, the same findings end in the same incidents. Live ones come first, the
    oldest foremost; then resolved ones, the newest foremost. What a person merged holds its own targets, and no others.

    Args:
        state: of the group.
        target: the target.
        episode: its last episode.
        policy: the policy.
    """
    belonging = [incident for incident in state.incidents if _belongs(incident, target, episode, policy)]
    related = [incident for incident in belonging if not incident.merged_into]
    held = [incident for incident in belonging if incident.is_part and target in incident.targets]
    if held and not any(target in incident.targets for incident in related):
        return (held[-1],)
    related = related or _namesake(state, make_incident_id(target, episode.opened_at))
    live = [incident for incident in related if incident.state is not State.RESOLVED]
    return (*live, *(incident for incident in reversed(related) if incident.state is State.RESOLVED))


def root_target(conditions: Iterable[IncidentCondition], graph: Graph) -> str:
    """The root cause by the dependencies: a target that depends on no other that fires; of several, the one most depend on.

    Of equals it is the first by name, so that a late finding does not change the root of an incident.
    """
    targets = sorted({condition.target for condition in conditions})
    if len(targets) == 1:
        return targets[0]
    upstream = {target: graph.upstream(target) for target in targets}
    sources = [
        target for target in targets if all(target in upstream[other] for other in targets if other in upstream[target])
    ]
    return max(sources, key=lambda target: sum(target in upstream[other] for other in targets))


def _namesake(state: GroupState, incident_id: str) -> list[Incident]:
    """The incident that was opened for the first firing of the episode, or the one it is merged into.

    By now it may hold conditions of other targets alone; another one opened under its id would replace it.
    """
    by_id = {incident.id: incident for incident in state.incidents}
    incident = by_id.get(incident_id)
    while incident is not None and not incident.is_part and incident.merged_into in by_id:
        incident = by_id[incident.merged_into]
    return [incident] if incident else []


def _belongs(incident: Incident, target: str, episode: Episode, policy: IncidentPolicy) -> bool:
    if target in incident.targets:
        resolved = incident.resolved_at
        return resolved is None or episode.opened_at <= resolved + policy.timing.reopen_within
    return _is_near(incident, episode, policy.timing.join_within) and _is_related(incident, target, policy.graph)


def _is_near(incident: Incident, episode: Episode, within: timedelta) -> bool:
    begins = incident.resolved_at is None or episode.opened_at <= incident.resolved_at + within
    return begins and (episode.resolved_at is None or incident.opened_at <= episode.resolved_at + within)


def _is_related(incident: Incident, target: str, graph: Graph) -> bool:
    return any(graph.related(target, other) for other in incident.targets)
