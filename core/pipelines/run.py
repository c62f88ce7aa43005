"""A run of a pipeline, assembled from its events in any order.

The state of a run is a join: each field is the maximum or the minimum over all events. So the order has no
part, an event that comes twice changes nothing, and an old one never takes the place of a newer one.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import PipelineRun, RunStatus
from core.pipelines.execution import Execution, execution_of, joined

MOST_STAGES = 50
"""Stages that are kept of a run, the first by name."""
_RANKS = {status: rank for rank, status in enumerate(RunStatus)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The state of a run, or of one stage.

    Attributes:
        status: a final status stays, even if the run is reported as running later; of two final statuses, the last one.
        told_at: the observation that says so.
        ended_at: from that observation.
        error: from that observation.
        started_at: the earliest start that is given.
        seen_at: the earliest instant at which it was seen running.
    """

    status: RunStatus
    told_at: datetime
    ended_at: datetime | None = None
    error: str = ""
    started_at: datetime | None = None
    seen_at: datetime | None = None

    @property
    def start(self) -> datetime | None:
        """When it began, or was first seen running; None where neither is known."""
        return self.started_at or self.seen_at

    @property
    def end(self) -> datetime | None:
        """When it ended; None while it runs."""
        return (self.ended_at or self.told_at) if self.status.is_over else None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs, and where its start is not known."""
        if self.start is None or self.end is None or self.end < self.start:
            return None
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of a run.

    Attributes:
        name: of the stage.
        span: its state.
        execution: what it depends on, read and ran on; None where nothing of it was reported.
    """

    name: str
    span: Span
    execution: Execution | None = None

    @property
    def cached(self) -> bool:
        """Whether its result was taken from an earlier run."""
        return self.execution is not None and self.execution.cached


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a pipeline.

    Attributes:
        run_id: unlike every other of the pipeline.
        span: of the run as a whole.
        first: the earliest reported time.
        last: the newest observation of it.
        stages: by their names.
    """

    run_id: str
    span: Span
    first: datetime
    last: datetime
    stages: tuple[Stage, ...] = ()

    @property
    def in_order(self) -> tuple[Stage, ...]:
        """The stages in the order in which they began; those of unknown start last."""
        return tuple(sorted(self.stages, key=lambda stage: (stage.span.start is None, stage.span.start, stage.name)))

    @property
    def executed(self) -> tuple[Stage, ...]:
        """The same without those whose result was taken from an earlier run, which took no time."""
        return tuple(stage for stage in self.in_order if not stage.cached)


def fold(run: Run | None, event: PipelineRun) -> Run:
    """A run after one more event.

    Args:
        run: before, or None.
        event: about the same run.

    Returns:
        The very same run where the event says nothing new.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> end = PipelineRun(pipeline="etl", run_id="7", status=RunStatus.SUCCEEDED, observed_at=noon)
    >>> begin = PipelineRun(
    ...     pipeline="etl", run_id="7", status=RunStatus.RUNNING, observed_at=noon - timedelta(minutes=2)
    ... )
    >>> fold(fold(None, end), begin).span.seconds, fold(fold(None, begin), end).span.seconds
    (120.0, 120.0)
    """
    told = _event_span(event)
    if run is None:
        return Run(
            run_id=event.run_id,
            span=_run_span(event, told),
            first=_first(event),
            last=event.observed_at,
            stages=_with_stage((), event, told),
        )
    if run.run_id != event.run_id:
        raise ValueError(f"run_id: must be {run.run_id!r}, got {event.run_id!r}")
    after = replace(
        run,
        span=_merge(run.span, _run_span(event, told)),
        first=min(run.first, _first(event)),
        last=max(run.last, event.observed_at),
        stages=_with_stage(run.stages, event, told),
    )
    return run if after == run else after


def _event_span(event: PipelineRun) -> Span:
    """The span in one event."""
    return Span(
        status=event.status,
        told_at=event.observed_at,
        ended_at=event.ended_at,
        error=event.error,
        started_at=event.started_at,
        seen_at=None if event.status.is_over else event.observed_at,
    )


def _run_span(event: PipelineRun, told: Span) -> Span:
    """The status of the whole run by an event; an event of a stage shows that the run was active."""
    if not event.stage:
        return told
    return Span(status=RunStatus.RUNNING, told_at=event.observed_at, seen_at=event.started_at or event.observed_at)


def _first(event: PipelineRun) -> datetime:
    return min(instant for instant in (event.started_at, event.ended_at, event.observed_at) if instant)


def _with_stage(stages: tuple[Stage, ...], event: PipelineRun, told: Span) -> tuple[Stage, ...]:
    if not event.stage:
        return stages
    known = {stage.name: stage for stage in stages}
    new = Stage(name=event.stage, span=told, execution=execution_of(event))
    old = known.get(event.stage)
    known[event.stage] = new if old is None else _joined(old, new)
    return tuple(known[name] for name in sorted(known)[:MOST_STAGES])


def _joined(one: Stage, other: Stage) -> Stage:
    return Stage(name=one.name, span=_merge(one.span, other.span), execution=joined(one.execution, other.execution))


def _merge(one: Span, other: Span) -> Span:
    deciding = max(one, other, key=_weight)
    return replace(
        deciding,
        started_at=_earliest(one.started_at, other.started_at),
        seen_at=_earliest(one.seen_at, other.seen_at),
    )


def _weight(span: Span) -> tuple[bool, datetime, int, bool, datetime, str]:
    """Of two spans the greater one decides; every field counts, so that no two that differ weigh the same."""
    end = span.ended_at or span.told_at
    return span.status.is_over, span.told_at, _RANKS[span.status], span.ended_at is not None, end, span.error


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((instant for instant in (one, other) if instant is not None), default=None)
