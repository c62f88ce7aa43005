"""The last observations of a condition, in order of time and bounded."""

from datetime import datetime

from core.events import Severity, Status
from core.incidents.model import HISTORY_LIMIT, Observation

RANK = {severity: severity.rank for severity in Severity}
"""Looked up for every observation: the property takes longer."""


def add_observation(history: tuple[Observation, ...], new: Observation) -> tuple[Observation, ...]:
    """Insert an observation in order; at the same instant a resolution follows a firing, and of two firings the worse one stays.

    Beyond the limit the oldest that only repeats its neighbours is dropped, so that the beginning of a long firing
    is kept; where every one differs, the shortest pause is dropped, and where there is none, the oldest.

    >>> from datetime import UTC
    >>> fired = [Observation(at=datetime(2026, 1, d, tzinfo=UTC), status=Status.FIRING, severity=Severity.ERROR)
    ...          for d in range(1, 30)]
    >>> history = ()
    >>> for observation in fired:
    ...     history = add_observation(history, observation)
    >>> len(history), history[0].at.day, history[1].at.day
    (16, 1, 15)
    """
    if not history or new.at > history[-1].at:
        return _bounded((*history, new))
    others = [old for old in history if (old.at, old.status) != (new.at, new.status)]
    same = [old for old in history if (old.at, old.status) == (new.at, new.status)]
    return _bounded(tuple(sorted([*others, max([*same, new], key=_badness)], key=_order)))


def _bounded(history: tuple[Observation, ...]) -> tuple[Observation, ...]:
    if len(history) <= HISTORY_LIMIT:
        return history
    for at in range(1, len(history) - 1):
        if _badness(history[at - 1]) == _badness(history[at]) == _badness(history[at + 1]):
            return history[:at] + history[at + 1 :]
    # The shortest pause is dropped whole, and never the last one, so that the beginning of what flaps is kept.
    pauses = [at for at in range(1, len(history) - 2) if _is_pause(history[at], history[at + 1])]
    if not pauses:
        return history[1:]
    at = min(pauses, key=lambda at: history[at + 1].at - history[at].at)
    return history[:at] + history[at + 2 :]


def _badness(observation: Observation) -> tuple[bool, int]:
    return observation.status is Status.FIRING, RANK[observation.severity]


def _order(observation: Observation) -> tuple[datetime, bool]:
    """The order in time: a condition that fires and is resolved at one instant is over."""
    return observation.at, observation.status is Status.RESOLVED


def _is_pause(one: Observation, following: Observation) -> bool:
    return one.status is Status.RESOLVED and following.status is Status.FIRING
