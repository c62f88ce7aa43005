"""How well a pipeline does, as one number and the parts it is made of.

    health = success * duration * regularity        each 0 to 1; unknown factors are left out

A product, so that one bad part is enough: a pipeline that always fails has no health, however punctually it does.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.events import RunStatus
from core.pipelines.baseline import NEWEST, TOLERATED, is_retired, rhythm, usual_of_run
from core.pipelines.state import PipelineState

FADING = 0.85
"""The decay of a run's weight per newer run: half after four of them."""
_TOLERATED_MISSES, _MOST_MISSES = 0.5, 3.0
"""How many intervals beyond the longest usual pause cost nothing, and after how many nothing is left."""
_SOUND = 0.9


class HealthReason(StrEnum):
    """Meaning of the score, by its worst part."""

    HEALTHY = "healthy"
    FAILURES = "failures"
    SLOW = "slow"
    OVERDUE = "overdue"
    NO_RUNS = "no_runs"
    """No run has succeeded or failed yet: nothing is known."""
    RETIRED = "retired"
    """It is no longer started: nothing is said of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Health of a pipeline.

    Attributes:
        score: 0 (nothing works) to 1; None where nothing is known, and of a pipeline that is retired.
        success: the share of the newest 20 runs that succeeded, newer ones count more; cancelled ones do not count.
        duration: 1 up to half as long again as usual, then in proportion: 0.5 at three times the usual.
        regularity: 1 up to half an interval beyond the longest usual pause since the last start, then falling to 0 at
            three.
        reason: the meaning of the score.
    """

    score: float | None
    success: float | None
    duration: float | None
    regularity: float | None
    reason: HealthReason


def health(pipeline: PipelineState, now: datetime) -> Health:
    """Health of a pipeline.

    Args:
        pipeline: its state.
        now: the instant of evaluation.

    >>> from datetime import UTC, timedelta
    >>> from core.events import PipelineRun
    >>> from core.pipelines.state import advance
    >>> noon, pipeline = datetime(2026, 1, 2, 12, tzinfo=UTC), PipelineState(name="etl")
    >>> for day, status in enumerate((RunStatus.FAILED, RunStatus.SUCCEEDED)):
    ...     at = noon + timedelta(days=day)
    ...     pipeline = advance(pipeline, PipelineRun(pipeline="etl", run_id=str(day), status=status, observed_at=at)).pipeline
    >>> found = health(pipeline, noon + timedelta(days=2))
    >>> round(found.score, 3), found.reason.value, health(PipelineState(name="new"), noon).reason.value
    (0.541, 'failures', 'no_runs')
    """
    success = _success(pipeline)
    if success is None or is_retired(pipeline, now):
        reason = HealthReason.NO_RUNS if success is None else HealthReason.RETIRED
        return Health(score=None, success=None, duration=None, regularity=None, reason=reason)
    parts = {
        HealthReason.FAILURES: success,
        HealthReason.SLOW: _duration(pipeline),
        HealthReason.OVERDUE: _regularity(pipeline, now),
    }
    score = 1.0
    for part in parts.values():
        score *= 1.0 if part is None else part
    worst = min(parts, key=lambda reason: _or_one(parts[reason]))
    return Health(
        score=score,
        success=success,
        duration=parts[HealthReason.SLOW],
        regularity=parts[HealthReason.OVERDUE],
        reason=worst if _or_one(parts[worst]) < _SOUND else HealthReason.HEALTHY,
    )


def _or_one(part: float | None) -> float:
    return 1.0 if part is None else part


def _success(pipeline: PipelineState) -> float | None:
    counted = [run for run in pipeline.ended if run.span.status is not RunStatus.CANCELLED][-NEWEST:]
    if not counted:
        return None
    weights = [FADING**age for age in reversed(range(len(counted)))]
    good = [w for w, run in zip(weights, counted, strict=True) if run.span.status is RunStatus.SUCCEEDED]
    return sum(good) / sum(weights)


def _duration(pipeline: PipelineState) -> float | None:
    runs = pipeline.succeeded
    usual = usual_of_run(runs[:-1])
    seconds = runs[-1].span.seconds if runs else None
    if usual is None or seconds is None:
        return None
    return min(1.0, TOLERATED * usual / seconds) if seconds else 1.0


def _regularity(pipeline: PipelineState, now: datetime) -> float | None:
    starts = pipeline.starts
    cadence = rhythm(starts, pipeline.past)
    if cadence is None or not cadence.is_regular:
        return None
    misses = cadence.missed(now - starts[-1])
    return min(1.0, max(0.0, (_MOST_MISSES - misses) / (_MOST_MISSES - _TOLERATED_MISSES)))
