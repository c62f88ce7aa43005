"""Which conditions of a group are kept in detail, and the digest of the firing ones beyond: none is forgotten while it fires."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from core.events import Status
from core.incidents.conditions import Episode, last_episode, later_expiry
from core.incidents.history import add_observation
from core.incidents.model import (
    CONDITIONS_LIMIT,
    HIDDEN_LIMIT,
    GroupState,
    HiddenCondition,
    Incident,
    IncidentCondition,
    expires_at,
    last_report,
)


def upsert(state: GroupState, current: IncidentCondition) -> GroupState:
    """The group with this condition in its place; beyond the limit one is no longer kept in detail.

    That is the oldest resolved one; where all fire, the least severe, and of those the one that began last, even if it is
    the new one: so known conditions stay, however often the others are repeated. Each target keeps one. What fires goes into the
    digest.
    """
    current, hidden = _absorbed(state.hidden, current)
    overflowed = state.overflowed
    for index, condition in enumerate(state.conditions):
        if condition.key == current.key:
            conditions = (*state.conditions[:index], current, *state.conditions[index + 1 :])
            return _with_values(state, conditions, hidden, overflowed=overflowed)
    kept = [*state.conditions, current]
    if len(kept) > CONDITIONS_LIMIT:
        evicted = _evicted(kept)
        kept.remove(evicted)
        if evicted.status is Status.FIRING:
            hidden, overflowed = _with(hidden, evicted, overflowed=overflowed)
        elif evicted.expired_at is not None:
            state = _with_lost(state, evicted)
    return _with_values(state, tuple(sorted(kept, key=lambda c: c.key)), hidden, overflowed=overflowed)


def _with_values(
    state: GroupState,
    conditions: tuple[IncidentCondition, ...],
    hidden: tuple[HiddenCondition, ...],
    *,
    overflowed: bool,
) -> GroupState:
    """`dataclasses.replace`, in half the time: this is done for every finding."""
    return GroupState(
        name=state.name, conditions=conditions, incidents=state.incidents, hidden=hidden, overflowed=overflowed
    )


def episode_of(state: GroupState, targets: Collection[str], reopen_within: timedelta) -> Episode | None:
    """The last episode of some targets; it goes on while anything of the digest fires, or the digest was full.

    Args:
        state: of the group.
        targets: whose conditions are looked at.
        reopen_within: a firing this soon after the last recovery belongs to the same episode.
    """
    known = (condition for condition in state.conditions if condition.target in targets)
    episode = last_episode((*known, *hidden_of(state, targets)), reopen_within)
    return replace(episode, resolved_at=None) if episode and state.overflowed else episode


def forgotten_episode(state: GroupState, target: str, at: datetime) -> Episode | None:
    """The episode of an open incident whose firings are no longer kept in detail, once nothing of it fires.

    Args:
        state: of the group.
        target: one of the incident's.
        at: when its last condition ended.
    """
    live = (one for one in state.incidents if one.lasts and target in one.targets)
    incident = next(live, None)
    if incident is None or state.overflowed or hidden_of(state, incident.targets):
        return None
    if any(c.status is Status.FIRING and c.target in incident.targets for c in state.conditions):
        return None
    return Episode(
        opened_at=incident.opened_at,
        resolved_at=max(at, incident.opened_at),
        severity=incident.severity,
        conditions=incident.conditions,
        firing=frozenset(),
    )


def without_expired(
    state: GroupState, now: datetime, resolve_after: timedelta
) -> tuple[GroupState, dict[str, HiddenCondition]]:
    """The group without what has expired of its digest, and by target the one that expired last.

    A digest that was full stays as it is: what it could not take may fire on.
    """
    over = [] if state.overflowed else [one for one in state.hidden if expires_at(one, resolve_after) <= now]
    if not over:
        return state, {}
    names = {digest(condition.target): condition.target for condition in state.conditions}
    names |= {digest(target): target for incident in state.incidents for target in incident.targets}
    last = {one.target: one for one in sorted(over, key=lambda one: expires_at(one, resolve_after))}
    kept = tuple(one for one in state.hidden if one not in over)
    return replace(state, hidden=kept), {names[target]: one for target, one in last.items() if target in names}


def hidden_of(state: GroupState, targets: Iterable[str]) -> tuple[HiddenCondition, ...]:
    """The conditions of some targets that are not kept in detail."""
    if not state.hidden:
        return ()
    wanted = {digest(target) for target in targets}
    return tuple(one for one in state.hidden if one.target in wanted)


def still_fires(state: GroupState, incident: Incident) -> bool:
    """Whether a condition of the incident fires, one that is not kept in detail too: a digest that was full may hold some.

    A person may have ended an incident that fires, and reopened one that does not.
    """
    fires = any(one.status is Status.FIRING for one in state.members(incident))
    return fires or state.overflowed or bool(hidden_of(state, incident.targets))


def digest(text: str) -> str:
    """A key or a target in the digest: short, and no key that a finding could have."""
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _absorbed(
    hidden: tuple[HiddenCondition, ...], current: IncidentCondition
) -> tuple[IncidentCondition, tuple[HiddenCondition, ...]]:
    """The condition with what the digest knows of it, and the digest without it: what recovers must be seen to have fired."""
    key = digest(current.key) if hidden else ""
    one = next((one for one in hidden if one.key == key), None)
    if one is None:
        return current, hidden
    current = replace(current, history=add_observation(current.history, one.history[0]))
    if one.observed_at > current.observed_at:
        current = replace(
            current,
            status=Status.FIRING,
            severity=one.severity,
            observed_at=one.observed_at,
            last_seen_at=max(last_report(one), last_report(current)),
            holds_until=one.holds_until,
        )
    elif one.observed_at == current.observed_at and current.status is Status.FIRING:
        current = replace(current, holds_until=later_expiry(one.holds_until, current.holds_until))
    return current, tuple(other for other in hidden if other.key != key)


def _with(
    hidden: tuple[HiddenCondition, ...], evicted: IncidentCondition, *, overflowed: bool
) -> tuple[tuple[HiddenCondition, ...], bool]:
    if len(hidden) >= HIDDEN_LIMIT:
        return hidden, True
    one = HiddenCondition(
        key=digest(evicted.key),
        target=digest(evicted.target),
        severity=evicted.severity,
        observed_at=evicted.observed_at,
        last_seen_at=evicted.last_seen_at,
        holds_until=evicted.holds_until,
    )
    return tuple(sorted([*hidden, one], key=lambda other: other.key)), overflowed


def _with_lost(state: GroupState, evicted: IncidentCondition) -> GroupState:
    """The group whose incidents remember that this condition of theirs only went silent."""
    incidents = tuple(
        replace(one, lost=True) if evicted.key in one.conditions and not one.lost else one for one in state.incidents
    )
    return replace(state, incidents=incidents)


def _evicted(kept: Iterable[IncidentCondition]) -> IncidentCondition:
    conditions = list(kept)
    resolved = [condition for condition in conditions if condition.status is Status.RESOLVED]
    if resolved:
        return min(resolved, key=lambda c: (c.observed_at, c.key))
    count = Counter(condition.target for condition in conditions)
    others = [condition for condition in conditions if count[condition.target] > 1]
    return max(others or conditions, key=_evictability)


def _evictability(firing: IncidentCondition) -> tuple[int, datetime, str]:
    return -firing.severity.rank, firing.history[0].at, firing.key
