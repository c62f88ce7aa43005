"""Baseline of a pipeline: the usual durations of its runs and stages, how often it runs, and which stage has become slower.

Baselines are medians, so that one run that hung does not change them, over the newest runs, so that a pipeline may
grow. A pause is usual once it has occurred twice: so nights, weekends and the rest of a month are known without a
calendar, and a single outage does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from core.pipelines.run import Run
from core.pipelines.state import NOTHING, Past, PipelineState

NEWEST = 20
"""The number of newest runs in a baseline."""
LEAST = 5
"""The least number for a baseline."""
SCHEDULED = timedelta(minutes=10)
"""Runs that follow each other more closely are a series, not a schedule: when it is over, none is missing."""
YOUNG = timedelta(days=14)
"""In a shorter history a weekend comes once only: there the longest pause counts, seen twice or not."""
LATE_BY = timedelta(minutes=5)
"""The additional tolerance of a late start."""
TOLERATED = 1.5
"""The tolerated multiple of the usual duration or interval."""
_ALIKE_SHARE, _RECURRING_SHARE = 0.8, 0.8
RETIRED_AFTER, RETIRED_INTERVALS = timedelta(days=8), 10
"""Late for this time, and without a report for this many intervals: it is no longer started."""
FORGOTTEN_AFTER = timedelta(days=90)
"""Without a report for this time its state is deleted, whatever its rhythm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a pipeline runs.

    Attributes:
        interval: from start to start, usually.
        pause: from start to start, at the longest that is usual; at least the interval.
        is_regular: whether it is at least ten minutes, and four of five intervals are at most half as long again; else
            nothing can be late.
    """

    interval: timedelta
    pause: timedelta
    is_regular: bool

    @property
    def late_after(self) -> timedelta:
        """So long after a start the next one is late: one interval after the longest usual pause."""
        return self.pause + self.interval + LATE_BY

    def missed(self, waited: timedelta) -> float:
        """The number of missed starts after a wait, 0 within a usual pause."""
        return max(0.0, (waited - self.pause) / self.interval)


def usual_seconds(durations: Iterable[float | None]) -> float | None:
    """The median of the newest durations, in seconds; None where fewer than five are known.

    Args:
        durations: oldest first; None where one is not known.

    >>> usual_seconds([60, 61, None, 59, 600, 62]), usual_seconds([60, 61, 59, 62])
    (61.0, None)
    """
    known = [duration for duration in durations if duration is not None][-NEWEST:]
    return float(median(known)) if len(known) >= LEAST else None


def usual_of_run(earlier: Sequence[Run]) -> float | None:
    """How long runs usually take, in seconds."""
    return usual_seconds(run.span.seconds for run in earlier)


def usual_of_stages(earlier: Sequence[Run]) -> dict[str, float]:
    """How long each stage usually takes, in seconds; without those of which too little is known."""
    taken: dict[str, list[float | None]] = {}
    for run in earlier[-NEWEST:]:
        for stage in run.executed:
            taken.setdefault(stage.name, []).append(stage.span.seconds)
    usual = {name: usual_seconds(durations) for name, durations in taken.items()}
    return {name: seconds for name, seconds in usual.items() if seconds is not None}


def rhythm(starts: Sequence[datetime], past: Past = NOTHING) -> Rhythm | None:
    """How often a pipeline runs; None where fewer than five intervals are known.

    Args:
        starts: of its runs, oldest first.
        past: earlier starts.

    >>> from datetime import UTC
    >>> found = rhythm([datetime(2026, 6, day, 4, tzinfo=UTC) for day in range(1, 27) if day % 7 not in (6, 0)])
    >>> found.interval, found.pause, found.is_regular
    (datetime.timedelta(days=1), datetime.timedelta(days=3), True)
    """
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    if len(gaps) < LEAST:
        return None
    newest = gaps[-NEWEST:]
    interval = timedelta(seconds=median(gap.total_seconds() for gap in newest))
    alike = sum(gap <= interval * TOLERATED for gap in newest) >= len(newest) * _ALIKE_SHARE
    is_young = starts[-1] - (past.since or starts[0]) < YOUNG
    longest = sorted((*gaps, *(pause.length for pause in past.pauses)), reverse=True)
    return Rhythm(
        interval=interval,
        pause=max(interval, longest[0] if is_young else _recurring(longest)),
        is_regular=interval >= SCHEDULED and alike,
    )


def _recurring(longest: Sequence[timedelta]) -> timedelta:
    """The longest of these that occurs twice, give or take a fifth: months differ in length."""
    pairs = pairwise(longest)
    return next((longer for longer, other in pairs if other >= longer * _RECURRING_SHARE), longest[-1])


def is_retired(pipeline: PipelineState, now: datetime) -> bool:
    """Whether a pipeline counts as retired.

    Its runs are kept until it is forgotten, so that a pipeline with a longer pause, as from one quarter to the next, is
    known again.

    Args:
        pipeline: its state.
        now: the instant of evaluation.
    """
    return pipeline.last is not None and now - pipeline.last > _retired_after(pipeline)


def is_forgotten(pipeline: PipelineState, now: datetime) -> bool:
    """Whether a pipeline was not reported for so long that its state is deleted."""
    return pipeline.last is not None and now - pipeline.last > FORGOTTEN_AFTER


def _retired_after(pipeline: PipelineState) -> timedelta:
    cadence = rhythm(pipeline.starts, pipeline.past)
    if cadence is None or not cadence.is_regular:
        return FORGOTTEN_AFTER
    return min(FORGOTTEN_AFTER, max(cadence.late_after + RETIRED_AFTER, cadence.interval * RETIRED_INTERVALS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A stage that took longer than usual.

    Attributes:
        stage: its name.
        seconds: that it took.
        usual: seconds that it takes usually, the median of earlier runs.
    """

    stage: str
    seconds: float
    usual: float

    @property
    def factor(self) -> float:
        """How many times as long as usual; infinite where it usually takes no time."""
        return self.seconds / self.usual if self.usual else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """The stage that took the most of a run.

    Attributes:
        stage: its name.
        seconds: that it took.
        share: of all the time that the stages took, 0 to 1. Stages may run side by side, so it is no share of the run.
        grown: the stage that lost the most time against its usual, if any did.
    """

    stage: str
    seconds: float
    share: float
    grown: Growth | None


def bottleneck(run: Run, earlier: Sequence[Run]) -> Bottleneck | None:
    """The bottleneck of a run; None if no stage's duration is known.

    Args:
        run: that is looked at.
        earlier: runs that succeeded before it, oldest first.

    >>> from datetime import UTC, datetime, timedelta
    >>> from core.events import PipelineRun, RunStatus
    >>> from core.pipelines.run import fold
    >>> noon, run = datetime(2026, 1, 2, 12, tzinfo=UTC), None
    >>> for name, minutes in (("read", 1), ("train", 3)):
    ...     end = noon + timedelta(minutes=minutes)
    ...     told = {"status": RunStatus.SUCCEEDED, "observed_at": end, "started_at": noon, "stage": name}
    ...     run = fold(run, PipelineRun(pipeline="etl", run_id="7", **told))
    >>> found = bottleneck(run, [])
    >>> found.stage, found.seconds, found.share
    ('train', 180.0, 0.75)
    """
    taken = {stage.name: stage.span.seconds for stage in run.executed if stage.span.seconds is not None}
    if not taken:
        return None
    name = max(taken, key=lambda stage: taken[stage])
    whole = sum(taken.values())
    grown = growths(run, earlier)
    return Bottleneck(
        stage=name,
        seconds=taken[name],
        share=taken[name] / whole if whole else 1.0,
        grown=grown[0] if grown else None,
    )


def growths(run: Run, earlier: Sequence[Run]) -> list[Growth]:
    """The stages that took longer than usual, the one that lost the most time first."""
    usual = usual_of_stages(earlier)
    slower = [
        Growth(stage=stage.name, seconds=stage.span.seconds, usual=usual[stage.name])
        for stage in run.executed
        if stage.name in usual and stage.span.seconds is not None and stage.span.seconds > usual[stage.name]
    ]
    return sorted(slower, key=lambda growth: growth.usual - growth.seconds)
