"""What came of a request to train a model: the words that pages, timelines and reports use for it."""

from dataclasses import dataclass
from enum import StrEnum

from core.events import RunStatus
from core.pipelines.run import Run


class RunOutcome(StrEnum):
    """How far a training has come, or how it ended."""

    REQUESTED = "requested"
    """No run of it is known yet."""
    STARTED = "started"
    """Its pipeline runs."""
    TRAINED = "trained"
    """A version was registered, which is not in use by that."""
    NOT_BETTER = "not better"
    """It was trained, and is not better than the champion."""
    PROMOTED = "promoted"
    """Its version is in use."""
    FAILED = "failed"
    """Its pipeline failed, was cancelled, or ended without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """What a pipeline noted at its end.

    Attributes:
        outcome: `trained` or `not better`.
        version: that was registered, or empty.
        why: the comparison with the champion, in one line.
    """

    outcome: str
    version: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """What came of a request so far, with the details in one line."""

    outcome: RunOutcome
    detail: str


def training_state(run: Run | None, result: TrainingResult | None, in_use: str, replaced: str) -> TrainingState:
    """What came of a request.

    Args:
        run: of the pipeline, as it was reported, or None.
        result: that the pipeline noted, or None where it has not ended or notes none.
        in_use: the version in use, or empty.
        replaced: the version that was in use when the training was requested.

    >>> training_state(None, None, "7", "7").outcome.value
    'requested'
    >>> training_state(None, TrainingResult(outcome="not better", why="log loss higher"), "7", "7")
    TrainingState(outcome=<RunOutcome.NOT_BETTER: 'not better'>, detail='log loss higher')
    """
    if result is not None:
        return _noted(result, in_use)
    if run is None:
        return TrainingState(outcome=RunOutcome.REQUESTED, detail="no run of it is known yet")
    if run.span.status is RunStatus.RUNNING:
        active = [stage.name for stage in run.in_order if stage.span.status is RunStatus.RUNNING]
        return TrainingState(outcome=RunOutcome.STARTED, detail=", ".join(active) or run.run_id)
    if run.span.status is not RunStatus.SUCCEEDED:
        return TrainingState(outcome=RunOutcome.FAILED, detail=f"{run.span.status}: {run.span.error or run.run_id}")
    if in_use and in_use != replaced:
        return TrainingState(outcome=RunOutcome.PROMOTED, detail=f"version {in_use} is in use")
    return TrainingState(outcome=RunOutcome.FAILED, detail=f"{run.run_id} ended, and registered no version")


def _noted(result: TrainingResult, in_use: str) -> TrainingState:
    if result.outcome == RunOutcome.NOT_BETTER or not result.version:
        return TrainingState(outcome=RunOutcome.NOT_BETTER, detail=result.why)
    if result.version == in_use:
        return TrainingState(outcome=RunOutcome.PROMOTED, detail=f"version {in_use} is in use")
    return TrainingState(outcome=RunOutcome.TRAINED, detail=f"version {result.version}: {result.why}")
