"""What came of a request to train a model: the words that pages, timelines and reports use for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.events import RunStatus
from core.pipelines.run import Run
from core.retraining.start import Outcome
from core.versions import AliasChange, AliasName


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
    """Its version is in use, or was until a later one took its place."""
    REJECTED = "rejected"
    """Its version was compared with the champion, and never came into use."""
    ROLLED_BACK = "rolled back"
    """Its version had traffic, and has none any more."""
    FAILED = "failed"
    """Its pipeline failed, was cancelled, or ended without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """What a pipeline noted at its end.

    Attributes:
        outcome: `trained` or `not better`.
        version: that was registered, or empty.
        why: the comparison with the champion, in one line.
        finished_at: when it was noted, or None.
    """

    outcome: str
    version: str = ""
    why: str = ""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request that started no training.

    Attributes:
        request: its id.
        outcome: why none was started.
        why: the same in a line.
        at: when.
    """

    request: str
    outcome: Outcome
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """What came of a request so far, with the details in one line, and since when; None where that is not known.

    Of a request that started nothing it is the answer to it, by the word that is counted.
    """

    outcome: RunOutcome | Outcome
    detail: str
    at: datetime | None = None


def training_steps(
    run: Run | None,
    result: TrainingResult | None,
    in_use: str,
    replaced: str,
    changes: Sequence[AliasChange] = (),
    *,
    answer: Answer | None = None,
) -> tuple[TrainingState, ...]:
    """What came of a request, step by step: started, trained, promoted, rolled back. The last one is the state; see `training_state`.

    Where the request started nothing, it is the answer to it.
    """
    if answer and run is None and result is None:
        return (TrainingState(outcome=answer.outcome, detail=answer.why, at=answer.at),)
    steps = [_started(run, run.span.start or run.first)] if run else []
    if result is not None:
        steps.append(_noted(result))
        steps += version_steps(result.version, changes) if result.version else ()
    state = training_state(run, result, in_use, replaced, changes)
    if not steps or steps[-1].outcome is not state.outcome:
        steps.append(state)
    return tuple(steps)


def training_state(
    run: Run | None, result: TrainingResult | None, in_use: str, replaced: str, changes: Sequence[AliasChange] = ()
) -> TrainingState:
    """What came of a request.

    Args:
        run: of the pipeline, as it was reported, or None.
        result: that the pipeline noted, or None where it has not ended or notes none.
        in_use: the version in use, or empty.
        replaced: the version that was in use when the training was requested.
        changes: of the aliases of the model, oldest first.

    >>> training_state(None, None, "7", "7").outcome.value
    'requested'
    >>> training_state(None, TrainingResult(outcome="not better", why="log loss higher"), "7", "7")
    TrainingState(outcome=<RunOutcome.NOT_BETTER: 'not better'>, detail='log loss higher', at=None)
    """
    if result is not None:
        return _of_version(result, in_use, changes)
    if run is None:
        return TrainingState(outcome=RunOutcome.REQUESTED, detail="no run of it is known yet")
    span = run.span
    if span.status is RunStatus.RUNNING:
        return _started(run, span.start or run.first)
    if span.status is not RunStatus.SUCCEEDED:
        return TrainingState(
            outcome=RunOutcome.FAILED, detail=f"{span.status}: {span.error or run.run_id}", at=span.end
        )
    if in_use and in_use != replaced:
        return TrainingState(outcome=RunOutcome.PROMOTED, detail=f"version {in_use} is in use", at=span.end)
    return TrainingState(
        outcome=RunOutcome.FAILED, detail=f"{run.run_id} ended, and registered no version", at=span.end
    )


def version_steps(version: str, changes: Sequence[AliasChange]) -> tuple[TrainingState, ...]:
    """What became of a registered version: promoted, rejected, rolled back, in the order in which it happened.

    Args:
        version: that a training registered.
        changes: of the aliases of its model, oldest first.
    """
    steps: list[TrainingState] = []
    held: dict[AliasName, str | None] = {}
    # A challenger loses its alias when it becomes the champion; whatever else takes it away means that it never will.
    switched = {one.changed_at for one in changes if one.alias is AliasName.CHAMPION and one.version == version}
    for change in changes:
        before = held.get(change.alias)
        held[change.alias] = change.version
        outcome = _outcome(version, before, change)
        if outcome is RunOutcome.REJECTED and change.changed_at in switched:
            continue
        if outcome and not (steps and steps[-1].outcome is outcome):
            steps.append(TrainingState(outcome=outcome, detail=change.why, at=change.changed_at))
    return tuple(steps)


def _outcome(version: str, before: str | None, change: AliasChange) -> RunOutcome | None:
    """What a change of an alias means for a version, if anything; `before` is the version that had the alias."""
    if change.version == version:
        return RunOutcome.PROMOTED if change.alias is AliasName.CHAMPION and before != version else None
    if before != version:
        return None
    if change.stage == RunOutcome.ROLLED_BACK:
        return RunOutcome.ROLLED_BACK
    return RunOutcome.REJECTED if change.alias is AliasName.CHALLENGER else None


def _started(run: Run, at: datetime) -> TrainingState:
    active = [stage.name for stage in run.in_order if stage.span.status is RunStatus.RUNNING]
    return TrainingState(outcome=RunOutcome.STARTED, detail=", ".join(active) or run.run_id, at=at)


def _of_version(result: TrainingResult, in_use: str, changes: Sequence[AliasChange]) -> TrainingState:
    if result.version and (steps := version_steps(result.version, changes)):
        return steps[-1]
    if result.version and result.version == in_use:
        return TrainingState(outcome=RunOutcome.PROMOTED, detail=f"version {in_use} is in use")
    return _noted(result)


def _noted(result: TrainingResult) -> TrainingState:
    if result.outcome == RunOutcome.NOT_BETTER or not result.version:
        return TrainingState(outcome=RunOutcome.NOT_BETTER, detail=result.why, at=result.finished_at)
    detail = f"version {result.version}: {result.why}"
    return TrainingState(outcome=RunOutcome.TRAINED, detail=detail, at=result.finished_at)
