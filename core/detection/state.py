"""The state of a condition: it changes only after several verdicts in a row, which guards against flapping."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Severity, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Hysteresis:
    """How many verdicts in a row change the status of a condition.

    Attributes:
        fire_after: how many bad ones make it fire, at least 1.
        recover_after: how many good ones resolve it, at least 1.
    """

    fire_after: int = 1
    recover_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionState:
    """What is remembered of a condition between verdicts.

    Attributes:
        status: what is believed.
        at: the instant of the newest verdict that was counted, or None before the first.
        streak: how many of the newest verdicts in a row contradict `status`.
        since: when `status` began to hold, or None before the first verdict.
        severity: of the newest bad verdict.
        reason: of the newest verdict that was counted; empty before the first.
    """

    status: Status = Status.RESOLVED
    at: datetime | None = None
    streak: int = 0
    since: datetime | None = None
    severity: Severity = Severity.INFO
    reason: str = ""

    @property
    def firing(self) -> bool:
        """Whether the condition fires."""
        return self.status is Status.FIRING


def count(
    state: ConditionState, *, bad: bool, at: datetime, hysteresis: Hysteresis, corrects: bool = False
) -> ConditionState:
    """Count one verdict.

    One that is not newer than the newest counted one changes nothing: delivered twice, or late and out of order, it has
    the effect of once.

    Args:
        state: what is remembered so far.
        bad: whether the verdict is bad; else it is good.
        at: the instant that it is about.
        hysteresis: how many in a row change the status.
        corrects: whether one about the same instant as the newest counted one takes its place where it says otherwise.

    Returns:
        What to remember from now on; the very same object where nothing changes.

    >>> from datetime import UTC, timedelta
    >>> noon, minute = datetime(2026, 1, 2, 12, tzinfo=UTC), timedelta(minutes=1)
    >>> state, twice = ConditionState(), Hysteresis(fire_after=2)
    >>> for number in range(2):
    ...     state = count(state, bad=True, at=noon + number * minute, hysteresis=twice)
    ...     print(state.status.value, state.streak)
    resolved 1
    firing 0
    """
    seen = Status.FIRING if bad else Status.RESOLVED
    agrees = seen is state.status
    if state.at is not None and (at < state.at or (at == state.at and (agrees or not corrects))):
        return state
    needed = hysteresis.fire_after if bad else hysteresis.recover_after
    if agrees or state.streak + 1 < needed:
        return replace(state, at=at, streak=0 if agrees else state.streak + 1, since=state.since or at)
    return replace(state, status=seen, at=at, streak=0, since=at)
