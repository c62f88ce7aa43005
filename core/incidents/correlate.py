"""Correlation: which findings belong to one incident, by dependency and by time, and which target is its root.

An episode is a time in which a set of conditions fires. It is computed from the observations alone, so that the same
observations give the same episode in whatever order they arrive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Severity, Status
from core.incidents.graph import Graph
from core.incidents.lifecycle import make_incident_id
from core.incidents.model import GroupState, Incident, IncidentCondition, State
from core.incidents.policy import IncidentPolicy

_SEVERITIES = tuple(Severity)
_RANK = {severity: severity.rank for severity in Severity}


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


def last_episode(conditions: Iterable[IncidentCondition], reopen_within: timedelta) -> Episode | None:
    """The last episode of some conditions, or None when none ever fired.

    Args:
        conditions: with their histories.
        reopen_within: a firing this soon after the last recovery belongs to the same episode.
    """
    steps = [(o.at, o.status is Status.RESOLVED, c.key, _RANK[o.severity]) for c in conditions for o in c.history]
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
        conditions=tuple(sorted(members)),
        firing=frozenset(firing),
    )


def correlated_incidents(
    state: GroupState, target: str, episode: Episode, policy: IncidentPolicy
) -> tuple[Incident, ...]:
    """The incidents that an episode of a target belongs to; the first of them goes on, the others are merged into it.

    There are several where a target fires that they all depend on, or that depends on all of them. Resolved incidents count
    as well as live ones: whatever arrives last, the same findings end in the same incidents. Live ones come first, the
    oldest foremost; then resolved ones, the newest foremost.

    Args:
        state: of the group.
        target: the target.
        episode: its last episode.
        policy: the policy.
    """
    unmerged = (one for one in state.incidents if not one.merged_into)
    related = [one for one in unmerged if _belongs(one, target, episode, policy)]
    related = related or _namesake(state, make_incident_id(target, episode.opened_at))
    live = [one for one in related if one.state is not State.RESOLVED]
    return (*live, *(one for one in reversed(related) if one.state is State.RESOLVED))


def root_target(conditions: Iterable[IncidentCondition], graph: Graph) -> str:
    """The root cause by the dependencies: a target that depends on no other that fires; of several, the one most depend on.

    Of equals it is the first by name, so that a late finding does not change the root of an incident.
    """
    targets = sorted({condition.target for condition in conditions})
    if len(targets) == 1:
        return targets[0]
    upstream = {one: graph.upstream(one) for one in targets}
    sources = [one for one in targets if all(one in upstream[other] for other in targets if other in upstream[one])]
    return max(sources, key=lambda one: sum(one in upstream[other] for other in targets))


def _namesake(state: GroupState, incident_id: str) -> list[Incident]:
    """The incident that was opened for the first firing of the episode, or the one it is merged into.

    By now it may hold conditions of other targets alone; another one opened under its id would replace it.
    """
    by_id = {incident.id: incident for incident in state.incidents}
    incident = by_id.get(incident_id)
    while incident is not None and incident.merged_into in by_id:
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
