"""A task of upkeep: when it is due, how far it is, and the verdict on what came of it.

A task is a list of steps with names. Which of them are done is known, so that a task whose process ends, or whose time is
over, goes on with the next step.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.events import Severity

SOURCE = "maintenance"
KIND = "maintenance_failed"
MOST_ATTEMPTS = 3
"""Attempts at a task that fails, before it waits for the next time that it is due."""
REMEMBERED = 30
"""Runs of which the share of successes is computed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RunOutcome(StrEnum):
    """Outcome of a run."""

    DONE = "done"
    CONTINUES = "continues"
    """Its time was over; it goes on at the next tick."""
    FAILED = "failed"
    WAITS = "waits"
    """It has not run yet: a new system waits for the next time that it is due."""


class RunReason(StrEnum):
    """Reason of the verdict on a run."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a task is due: at whole multiples of its interval since 1970, moved by an offset.

    Attributes:
        every: the interval.
        offset: from the multiple to the instant, less than the interval.
    """

    every: timedelta
    offset: timedelta = timedelta(0)

    def newest(self, at: datetime) -> datetime:
        """The newest instant that is due, not after `at`.

        >>> daily = Schedule(every=timedelta(days=1), offset=timedelta(hours=1))
        >>> daily.newest(datetime(2026, 1, 2, 0, 59, tzinfo=UTC)).isoformat()
        '2026-01-01T01:00:00+00:00'
        """
        since = at - _EPOCH - self.offset
        return _EPOCH + self.offset + since // self.every * self.every

    def next(self, at: datetime, before: "Progress | None") -> datetime:
        """When it is done next: the instant that is due already, while that is not over, else the one after `at`.

        >>> daily = Schedule(every=timedelta(days=1), offset=timedelta(hours=1))
        >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
        >>> daily.next(noon, None).isoformat()
        '2026-01-02T01:00:00+00:00'
        >>> daily.next(noon, Progress(due=daily.newest(noon), outcome=RunOutcome.DONE)).isoformat()
        '2026-01-03T01:00:00+00:00'
        """
        newest = self.newest(at)
        over = before is not None and before.due >= newest and before.over
        return newest + self.every if over else newest


def weekly(weekday: int, hour: int) -> Schedule:
    """A schedule of one day of the week.

    Args:
        weekday: 0 for Monday to 6 for Sunday.
        hour: of the day, UTC.

    >>> weekly(6, 3).newest(datetime(2026, 1, 7, tzinfo=UTC)).strftime("%a %H:%M")
    'Sun 03:00'
    """
    days = (weekday - _EPOCH.weekday()) % 7
    return Schedule(every=timedelta(days=7), offset=timedelta(days=days, hours=hour))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a task is.

    Attributes:
        due: the instant that it is done for.
        done: names of the steps that are done, in their order.
        notes: what they say, in the same order; empty where one says nothing.
        attempts: how many ended with a failure.
        seconds: how long it took so far.
        outcome: of the newest run.
        failed_at: the tick at which it failed last; None where it did not.
        finished_at: when it was finished; None before.
        succeeded_at: the newest instant for which it succeeded, also of earlier ones; None before the first.
        history: whether each of the newest runs succeeded, oldest first.
    """

    due: datetime
    done: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    attempts: int = 0
    seconds: float = 0.0
    outcome: RunOutcome = RunOutcome.CONTINUES
    failed_at: datetime | None = None
    finished_at: datetime | None = None
    succeeded_at: datetime | None = None
    history: tuple[bool, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more is done for this instant."""
        return self.outcome in (RunOutcome.DONE, RunOutcome.WAITS) or self.attempts >= MOST_ATTEMPTS

    def counts(self, at: datetime) -> bool:
        """Whether a tick may try it: one that is delivered again, or late, does not count as another attempt."""
        return self.failed_at is None or at > self.failed_at

    @property
    def detail(self) -> str:
        """What the steps say, in one line."""
        return "; ".join(filter(None, self.notes))

    @property
    def success_ratio(self) -> float | None:
        """Share of the newest runs that succeeded; None before the first has ended."""
        return sum(self.history) / len(self.history) if self.history else None

    def with_step(self, name: str, note: str) -> "Progress":
        """After one more step."""
        return replace(self, done=(*self.done, name), notes=(*self.notes, note))


def to_do(before: Progress | None, due: datetime) -> Progress | None:
    """From where a task that is due at an instant goes on; None where there is nothing to do, or where it is late.

    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> to_do(Progress(due=noon, outcome=RunOutcome.DONE), noon) is None
    True
    >>> to_do(Progress(due=noon, done=("export",)), noon).done
    ('export',)
    """
    if before is None:
        return Progress(due=due)
    if before.due == due:
        return None if before.over else before
    if before.due > due:
        return None
    return Progress(due=due, succeeded_at=before.succeeded_at, history=before.history)


def finished(progress: Progress, *, at: datetime, tick: datetime | None = None, fault: str = "") -> Progress:
    """After a run that has ended.

    Args:
        progress: with the steps that are done.
        at: when it ended.
        tick: the instant of the tick.
        fault: why it failed; empty where it succeeded.
    """
    history = (*progress.history, not fault)[-REMEMBERED:]
    if fault:
        failed = progress.attempts + 1
        return replace(
            progress, attempts=failed, outcome=RunOutcome.FAILED, failed_at=tick, finished_at=at, history=history
        )
    return replace(progress, outcome=RunOutcome.DONE, finished_at=at, succeeded_at=progress.due, history=history)


def observation(task: str, *, severity: Severity, runbook: str, fault: str, detail: str, at: datetime) -> Observation:
    """The verdict on a run that has ended.

    Args:
        task: its name.
        severity: of a failure.
        runbook: the section about it.
        fault: why it failed; empty where it succeeded.
        detail: what it did.
        at: the instant of the tick.
    """
    summary = f"{task} failed: {fault}" if fault else f"{task} succeeded: {detail or 'nothing to do'}"
    verdict = Verdict(
        outcome=Outcome.of(bad=bool(fault)),
        reason=RunReason.FAILED if fault else RunReason.SUCCEEDED,
        summary=summary,
        severity=severity,
        evidence={"detail": detail} if detail else {},
    )
    spec = ConditionSpec(target=f"maintenance/{task}", kind=KIND, source=SOURCE, runbook=runbook)
    return Observation(spec=spec, verdict=verdict, at=at)


def run_id(task: str, progress: Progress) -> str:
    """The id of a run, after it: the same where it is recorded twice."""
    return f"{task}:{progress.due:%Y-%m-%dT%H:%MZ}:{progress.attempts}:{progress.outcome}"
