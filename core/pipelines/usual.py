"""What is usual of a pipeline: how long its runs and stages take, and how often it runs.

Medians, so that one run that hung says nothing of the others; over the newest runs, so that a pipeline may grow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from core.pipelines.run import Run

NEWEST = 20
"""How many of the newest runs say what is usual."""
LEAST = 5
"""With fewer nothing is usual."""
SCHEDULED = timedelta(minutes=10)
"""Runs that follow each other more closely are a series, not a schedule: when it is over, none is missing."""
_ALIKE_SHARE, _ALIKE_FACTOR = 0.8, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a pipeline runs.

    Attributes:
        interval: from start to start, usually.
        is_regular: whether it is at least ten minutes, and four of five intervals are at most half as long again; else
            nothing can be late.
    """

    interval: timedelta
    is_regular: bool


def usual_seconds(durations: Iterable[float | None]) -> float | None:
    """The median of the newest durations, in seconds; None where fewer than five are known.

    Args:
        durations: oldest first; None where one is not known.

    >>> usual_seconds([60, 61, None, 59, 600, 62]), usual_seconds([60, 61, 59, 62])
    (61.0, None)
    """
    known = [one for one in durations if one is not None][-NEWEST:]
    return float(median(known)) if len(known) >= LEAST else None


def usual_of_run(earlier: Sequence[Run]) -> float | None:
    """How long runs usually take, in seconds."""
    return usual_seconds(run.span.seconds for run in earlier)


def usual_of_stages(earlier: Sequence[Run]) -> dict[str, float]:
    """How long each stage usually takes, in seconds; without those of which too little is known."""
    taken: dict[str, list[float | None]] = {}
    for run in earlier[-NEWEST:]:
        for stage in run.stages:
            taken.setdefault(stage.name, []).append(stage.span.seconds)
    usual = {name: usual_seconds(durations) for name, durations in taken.items()}
    return {name: seconds for name, seconds in usual.items() if seconds is not None}


def rhythm(starts: Sequence[datetime]) -> Rhythm | None:
    """How often a pipeline runs; None where fewer than five intervals are known.

    Args:
        starts: of its runs, oldest first.

    >>> from datetime import UTC
    >>> found = rhythm([datetime(2026, 1, day, 4, tzinfo=UTC) for day in range(1, 8)])
    >>> found.interval, found.is_regular
    (datetime.timedelta(days=1), True)
    """
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)][-NEWEST:]
    if len(gaps) < LEAST:
        return None
    interval = median(gaps)
    alike = sum(gap <= interval * _ALIKE_FACTOR for gap in gaps) >= len(gaps) * _ALIKE_SHARE
    return Rhythm(interval=timedelta(seconds=interval), is_regular=interval >= SCHEDULED.total_seconds() and alike)
