"""From observations in any order to the last episode: how the same observations always end in the same state."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.events import Severity, Status
from core.incidents.model import HISTORY_LIMIT, Observation, Tracked

_SEVERITIES = tuple(Severity)
_RANK = {severity: severity.rank for severity in Severity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which something fired, with pauses no longer than the reopening window.

    Attributes:
        opened_at: when the first condition fired.
        resolved_at: since when none fires, or None while one does.
        severity: the worst that fires at the end; when none does, the worst there was.
        conditions: those that fired in it, in order.
        firing: those that still fire.
    """

    opened_at: datetime
    resolved_at: datetime | None
    severity: Severity
    conditions: tuple[str, ...]
    firing: frozenset[str]


def remember(history: tuple[Observation, ...], new: Observation) -> tuple[Observation, ...]:
    """Put an observation in its place; of two of the same instant the worse one stays.

    Beyond the limit the oldest that only repeats its neighbours makes room, so that the beginning of a long firing
    stays known; where every one differs, the shortest pause in it, and where there is none, the oldest.

    >>> from datetime import UTC
    >>> fired = [Observation(at=datetime(2026, 1, d, tzinfo=UTC), status=Status.FIRING, severity=Severity.ERROR)
    ...          for d in range(1, 30)]
    >>> history = ()
    >>> for observation in fired:
    ...     history = remember(history, observation)
    >>> len(history), history[0].at.day, history[1].at.day
    (16, 1, 15)
    """
    if not history or new.at > history[-1].at:
        return _bounded((*history, new))
    others = [old for old in history if old.at != new.at]
    same = [old for old in history if old.at == new.at]
    return _bounded(tuple(sorted([*others, max([*same, new], key=_badness)], key=lambda o: o.at)))


def replay(conditions: Iterable[Tracked], reopen_within: timedelta) -> Episode | None:
    """The last episode in what is remembered, or None when nothing ever fired.

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
    for at, over, key, rank in steps:
        if over:
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


def _badness(observation: Observation) -> tuple[bool, int]:
    return observation.status is Status.FIRING, _RANK[observation.severity]


def _bounded(history: tuple[Observation, ...]) -> tuple[Observation, ...]:
    if len(history) <= HISTORY_LIMIT:
        return history
    for at in range(1, len(history) - 1):
        if _badness(history[at - 1]) == _badness(history[at]) == _badness(history[at + 1]):
            return history[:at] + history[at + 1 :]
    # The shortest pause goes as a whole, never the last one, so that the beginning of what flaps stays known.
    pauses = [at for at in range(1, len(history) - 2) if _is_pause(history[at], history[at + 1])]
    if not pauses:
        return history[1:]
    at = min(pauses, key=lambda at: history[at + 1].at - history[at].at)
    return history[:at] + history[at + 2 :]


def _is_pause(one: Observation, following: Observation) -> bool:
    return one.status is Status.RESOLVED and following.status is Status.FIRING
