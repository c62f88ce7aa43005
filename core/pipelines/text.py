"""Runs in the words of people."""

from datetime import timedelta

from core.events import RunStatus
from core.pipelines.run import Run
from core.text import duration


def spell(seconds: float) -> str:
    """A duration for people.

    >>> spell(4.25), spell(75), spell(7_300)
    ('4.2 s', '1 min 15 s', '2 h 1 min')
    """
    return f"{seconds:.1f} s" if seconds < 10 else duration(timedelta(seconds=seconds))  # noqa: PLR2004 - one digit before the point


def last_error(run: Run) -> tuple[str, str]:
    """The stage that failed last and what it said; of the run as a whole where it says more; empty where unknown."""
    failed = [stage for stage in run.in_order if stage.span.status is RunStatus.FAILED]
    stage = max(failed, key=lambda one: one.span.told_at, default=None)
    own = stage.span.error if stage else ""
    return (stage.name if stage else ""), (own or run.span.error)
