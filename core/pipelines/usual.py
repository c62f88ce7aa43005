"""What is usual of a pipeline: how long its runs and stages take, how often it runs, and how long it pauses.

Medians, so that one run that hung says nothing of the others; over the newest runs, so that a pipeline may grow. A pause is
usual once it has come twice: so nights, weekends and the rest of a month are known without a calendar, and one outage
does not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from core.pipelines.past import NOTHING, Past
from core.pipelines.run import Run

NEWEST = 20
"""How many of the newest runs say what is usual."""
LEAST = 5
"""With fewer nothing is usual."""
SCHEDULED = timedelta(minutes=10)
"""Runs that follow each other more closely are a series, not a schedule: when it is over, none is missing."""
YOUNG = timedelta(days=14)
"""In a shorter history a weekend comes once only: there the longest pause counts, seen twice or not."""
LATE_BY = timedelta(minutes=5)
"""By so much a start must be late besides."""
TOLERATED = 1.5
"""How many times the usual duration, or interval, is nothing to speak of."""
_ALIKE_SHARE, _RECURRING_SHARE = 0.8, 0.8


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
        """How many starts are missing after so long, 0 as long as it may be a usual pause."""
        return max(0.0, (waited - self.pause) / self.interval)


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


def rhythm(starts: Sequence[datetime], past: Past = NOTHING) -> Rhythm | None:
    """How often a pipeline runs; None where fewer than five intervals are known.

    Args:
        starts: of its runs, oldest first.
        past: what is known of those before.

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
    """The longest of these that comes twice, give or take a fifth: no month is as long as the next."""
    pairs = pairwise(longest)
    return next((longer for longer, other in pairs if other >= longer * _RECURRING_SHARE), longest[-1])
