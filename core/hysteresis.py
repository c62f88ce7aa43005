"""A status that changes only after several observations in a row: the guard against flapping."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is remembered of a condition between observations.

    Attributes:
        status: what is believed.
        at: the newest observation that was counted, or None before the first.
        streak: how many newest observations in a row contradict `status`.
        since: when `status` began to hold, or None before the first observation.
    """

    status: Status = Status.RESOLVED
    at: datetime | None = None
    streak: int = 0
    since: datetime | None = None


def observe(condition: Condition, *, holds: bool, at: datetime, fire_after: int, recover_after: int) -> Condition:
    """Count one observation.

    An observation that is not newer than the newest counted one changes nothing: delivered twice, or late and out of
    order, it has the effect of once.

    Args:
        condition: what is remembered so far.
        holds: whether the condition is observed to hold.
        at: the instant of the observation.
        fire_after: how many in a row that hold make it firing, at least 1.
        recover_after: how many in a row that do not make it resolved, at least 1.

    Returns:
        What to remember from now on.
    """
    if condition.at is not None and at <= condition.at:
        return condition
    observed = Status.FIRING if holds else Status.RESOLVED
    if observed is condition.status:
        return replace(condition, at=at, streak=0, since=condition.since or at)
    streak = condition.streak + 1
    if streak < (fire_after if holds else recover_after):
        return replace(condition, at=at, streak=streak, since=condition.since or at)
    return Condition(status=observed, at=at, streak=0, since=at)
