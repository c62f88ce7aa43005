"""Schedules of pipelines, and what the rule for late starts makes of them: how often it is wrong, and how soon it is right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from core import detection
from core.events import PipelineRun, RunStatus
from core.pipelines.baseline import rhythm
from core.pipelines.judge import PipelineKind, PipelineReason, of_time, spell
from core.pipelines.state import PipelineState, advance

BEGIN = datetime(2026, 2, 2, tzinfo=UTC)
"""A Monday; the clocks of Berlin change on 29 March."""
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
WEEKS = 8
BERLIN = ZoneInfo("Europe/Berlin")
Starts = Callable[[Random], Iterator[datetime]]


@dataclass(frozen=True)
class Schedule:
    """When a pipeline is started.

    Attributes:
        name: in words.
        starts: from `BEGIN` on, without end.
        cycle: after so long it repeats.
        counted: for how long it is looked at after two cycles.
    """

    name: str
    starts: Starts
    cycle: timedelta
    counted: timedelta = WEEKS * WEEK


@dataclass(frozen=True)
class Outcome:
    """What became of a schedule: how many starts were called late that were not, and how long after the first start that was
    missed a pipeline that stops is told of, whenever it stops."""

    false: int
    untold: tuple[timedelta, ...]

    @property
    def row(self) -> str:
        """The two as a table has them: false alarms, and how long it stays untold, in the middle and at most."""
        if not self.untold:
            return f"{self.false} | never detected |"
        middle, most = (spell(one.total_seconds()) for one in (median(self.untold), max(self.untold)))
        return f"{self.false} | {middle if middle == most else f'{middle}, at most {most}'} |"


def every(step: timedelta, jitter: timedelta = timedelta(0)) -> Starts:
    def starts(rng: Random) -> Iterator[datetime]:
        at = BEGIN + 4 * HOUR
        while True:
            yield at + rng.uniform(-1, 1) * jitter
            at += step

    return starts


def hours_of(*hours: int, days: int = 7, zone: ZoneInfo | None = None) -> Starts:
    """At these hours of the first days of each week."""

    def starts(_: Random) -> Iterator[datetime]:
        day = BEGIN.replace(tzinfo=zone or UTC)
        while True:
            if day.weekday() < days:
                yield from (day.replace(hour=hour).astimezone(UTC) for hour in hours)
            day += DAY

    return starts


def monthly(days: int = 1) -> Starts:
    """On the first days of each month."""

    def starts(_: Random) -> Iterator[datetime]:
        day = BEGIN + 4 * HOUR
        while True:
            if day.day <= days:
                yield day
            day += DAY

    return starts


OFFICE = tuple(range(8, 19))
QUARTER = timedelta(minutes=15)
SCHEDULES = (
    Schedule("every minute", every(timedelta(minutes=1)), HOUR, DAY),
    Schedule("every quarter of an hour, up to five minutes off", every(QUARTER, timedelta(minutes=5)), DAY),
    Schedule("hourly", every(HOUR), DAY),
    Schedule("hourly from 8 to 18", hours_of(*OFFICE), DAY),
    Schedule("hourly from 8 to 18, Monday to Friday", hours_of(*OFFICE, days=5), WEEK),
    Schedule("the same by Berlin's clocks, which change", hours_of(*OFFICE, days=5, zone=BERLIN), WEEK),
    Schedule("daily", every(DAY), DAY),
    Schedule("daily, up to three hours off", every(DAY, 3 * HOUR), DAY),
    Schedule("Monday to Friday", hours_of(4, days=5), WEEK),
    Schedule("at 8 and 18, Monday to Friday", hours_of(8, 18, days=5), WEEK),
    Schedule("weekly", every(WEEK), WEEK, 26 * WEEK),
    Schedule("monthly", monthly(), 31 * DAY, 104 * WEEK),
    Schedule("daily on the first ten days of a month", monthly(10), 31 * DAY, 26 * WEEK),
)


def outcome(schedule: Schedule, seed: int = 0) -> Outcome:
    """What becomes of a schedule that is kept to the minute."""
    from_, until = BEGIN + 2 * schedule.cycle, BEGIN + 2 * schedule.cycle + schedule.counted
    line, false, untold = PipelineState(name="etl"), 0, []
    for start, following in pairwise(schedule.starts(Random(seed))):
        line = ran(line, start)
        if start < from_:
            continue
        if start > until:
            break
        false += is_late(line, following - timedelta(seconds=1))
        found = rhythm(line.starts, line.past)
        if found is not None and found.is_regular:
            untold.append(found.late_after - (following - start))
    return Outcome(false, tuple(untold))


def ran(line: PipelineState, start: datetime) -> PipelineState:
    """The pipeline after a run that took a minute."""
    end = start + timedelta(minutes=1)
    run = {"pipeline": line.name, "run_id": start.isoformat(), "status": RunStatus.SUCCEEDED, "observed_at": end}
    return advance(line, PipelineRun(**run, started_at=start)).pipeline  # type: ignore[arg-type]


def is_late(line: PipelineState, now: datetime) -> bool:
    """Whether a start is missing at an instant; a pipeline that is taken to be retired has been late before."""
    [found] = [one.verdict for one in of_time(line, now) if one.spec.kind == PipelineKind.OVERDUE]
    return found.outcome is detection.Outcome.BAD or found.reason is PipelineReason.RETIRED
