"""State of one pipeline: its newest runs, the runs not yet in the history, and the longest pauses between starts.

Completed and active runs have separate limits. Active runs have the oldest reports by nature: with one limit for both
they would be dropped first, and their end would appear as a run without a start.

The pauses keep weekends known: for a pipeline that runs every hour of every working day, the fifty runs that are kept
cover four days, and by Friday the weekend is not among them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from core.events import PipelineRun, RunStatus
from core.pipelines.run import Run, fold

PAUSES = 10
"""The number of pauses that are kept, the longest."""
REMEMBERED = timedelta(days=35)
"""For how long: five weekends, and an outage no longer than that."""
KEPT = 50
"""Completed runs that are kept of a pipeline, the newest."""
MOST_UNDER_WAY = 500
"""Active runs that are kept besides, those with the newest reports."""
MOST_UNWRITTEN = 10
"""Further runs that are kept because the history does not have them yet."""
LOST_AFTER = timedelta(days=7)
"""A run without reports for this time is no longer active: its runner died without reporting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """From one start to the next."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The starts of runs that are no longer kept.

    Attributes:
        since: the first that was ever counted, or None where none was.
        until: the last counted start; later runs are kept themselves.
        pauses: the longest between them, in order.
    """

    since: datetime | None = None
    until: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    def after(self, starts: Sequence[datetime]) -> tuple[datetime, ...]:
        """The starts that follow, from the last that is counted on.

        Args:
            starts: in any order.
        """
        if self.until is None:
            return tuple(sorted(starts))
        return (self.until, *sorted(start for start in starts if start > self.until))


NOTHING = Past()
"""No start is counted yet."""


def counted(past: Past, starts: Sequence[datetime], until: datetime) -> Past:
    """The past with the starts of dropped runs.

    Args:
        past: before.
        starts: of all runs, in any order.
        until: the last start to count; if it is counted already, nothing changes.

    >>> from datetime import UTC
    >>> first = datetime(2026, 1, 1, tzinfo=UTC)
    >>> hours = [first + timedelta(hours=hour) for hour in (0, 1, 2, 8, 9)]
    >>> [str(pause.length) for pause in counted(NOTHING, hours, hours[3]).pauses]
    ['1:00:00', '1:00:00', '6:00:00']
    """
    passed = [start for start in past.after(starts) if start <= until]
    if not passed or until == past.until:
        return past
    pauses = [*past.pauses, *(Pause(start=start, end=end) for start, end in pairwise(passed))]
    recent = [pause for pause in pauses if passed[-1] - pause.end <= REMEMBERED]
    longest = sorted(recent, key=lambda pause: (pause.length, pause.end), reverse=True)[:PAUSES]
    return Past(
        since=past.since or passed[0],
        until=passed[-1],
        pauses=tuple(sorted(longest, key=lambda pause: pause.end)),
    )


class EventOutcome(StrEnum):
    """Outcome of an event."""

    ENDED = "ended"
    """The run has ended."""
    CHANGED = "changed"
    """The run has changed."""
    UNCHANGED = "unchanged"
    """Nothing has changed: a duplicate or an older event."""
    FORGOTTEN = "forgotten"
    """The run is not newer than those that are no longer kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """State of a pipeline.

    Attributes:
        name: of the pipeline.
        runs: the kept runs, the one with the oldest report first.
        unwritten: the ids of completed runs whose current state is not in the history.
        forgotten: the newest report of a completed run that is no longer kept.
        past: the starts of runs that are no longer kept.
    """

    name: str
    runs: tuple[Run, ...] = ()
    unwritten: tuple[str, ...] = ()
    forgotten: datetime | None = None
    past: Past = NOTHING

    @property
    def target(self) -> str:
        """As findings name it."""
        return f"pipeline/{self.name}"

    @property
    def last(self) -> datetime | None:
        """The newest observation of any run."""
        return self.runs[-1].last if self.runs else None

    @property
    def ended(self) -> tuple[Run, ...]:
        """The runs that are over, in the order in which they ended."""
        return tuple(sorted((run for run in self.runs if run.span.end), key=lambda run: (run.span.end, run.run_id)))

    @property
    def succeeded(self) -> tuple[Run, ...]:
        """The runs that succeeded, in the order in which they ended."""
        return tuple(run for run in self.ended if run.span.status is RunStatus.SUCCEEDED)

    @property
    def starts(self) -> tuple[datetime, ...]:
        """Start times of the runs, in order; the end time if only the end was reported, which is as regular."""
        return self.past.after([_began(run) for run in self.runs])

    def running(self, now: datetime) -> tuple[Run, ...]:
        """The runs that have started, have not ended, and were reported within a week."""
        return tuple(run for run in self.runs if not run.span.status.is_over and now - run.last < LOST_AFTER)

    def get(self, run_id: str) -> Run | None:
        """The run of that id, if it is kept."""
        return next((run for run in self.runs if run.run_id == run_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The result of an event: the next state of the pipeline, the run (None if it is no longer kept), and the outcome."""

    pipeline: PipelineState
    run: Run | None
    outcome: EventOutcome


def advance(pipeline: PipelineState, event: PipelineRun) -> Step:
    """Apply an event about a run of the pipeline.

    Args:
        pipeline: the state of the event's pipeline.
        event: in any order, with duplicates.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> end = PipelineRun(pipeline="etl", run_id="7", status=RunStatus.FAILED, observed_at=noon)
    >>> step = advance(PipelineState(name="etl"), end)
    >>> step.outcome.value, step.pipeline.unwritten, advance(step.pipeline, end).outcome.value
    ('ended', ('7',), 'unchanged')
    """
    before = pipeline.get(event.run_id)
    if before is None and pipeline.forgotten is not None and event.observed_at <= pipeline.forgotten:
        return Step(pipeline=pipeline, run=None, outcome=EventOutcome.FORGOTTEN)
    run = fold(before, event)
    if run is before:
        return Step(pipeline=pipeline, run=run, outcome=EventOutcome.UNCHANGED)
    is_over = run.span.status.is_over
    was_over = before is not None and before.span.status.is_over
    others = tuple(other for other in pipeline.runs if other is not before)
    unwritten = tuple(run_id for run_id in pipeline.unwritten if run_id != run.run_id)
    after = _trimmed(
        replace(pipeline, runs=(*others, run), unwritten=(*unwritten, run.run_id) if is_over else unwritten)
    )
    return Step(
        pipeline=after, run=run, outcome=EventOutcome.ENDED if is_over and not was_over else EventOutcome.CHANGED
    )


def written(pipeline: PipelineState, run: Run) -> PipelineState:
    """Record that the history has the run; if the run has changed since, it is written again.

    Also if another instance wrote it meanwhile: an older state may have reached the history after that.
    """
    now, others = pipeline.get(run.run_id), tuple(run_id for run_id in pipeline.unwritten if run_id != run.run_id)
    if now is None or now == run:
        return _trimmed(replace(pipeline, unwritten=others))
    return replace(
        pipeline, unwritten=pipeline.unwritten if run.run_id in pipeline.unwritten else (*others, run.run_id)
    )


def lighter(pipeline: PipelineState, by: int) -> PipelineState:
    """The pipeline with fewer runs: the oldest of the completed or the active ones are dropped, whichever are more.

    Args:
        pipeline: too large for its document.
        by: the number of runs to drop, at least 1; one always stays.
    """
    over, under_way = _apart(pipeline)
    for _ in range(min(by, len(pipeline.runs) - 1)):
        (over if len(over) >= len(under_way) else under_way).pop(0)
    return _with_only(pipeline, [*over, *under_way])


def _trimmed(pipeline: PipelineState) -> PipelineState:
    over, under_way = _apart(pipeline)
    unwritten = set(pipeline.unwritten)
    spare = [run for run in over[:-KEPT] if run.run_id in unwritten][-MOST_UNWRITTEN:]
    return _with_only(pipeline, [*spare, *over[-KEPT:], *under_way[-MOST_UNDER_WAY:]])


def _apart(pipeline: PipelineState) -> tuple[list[Run], list[Run]]:
    """The completed and the active runs, each with the oldest report first."""
    runs = _by_news(pipeline.runs)
    return [run for run in runs if run.span.status.is_over], [run for run in runs if not run.span.status.is_over]


def _with_only(pipeline: PipelineState, kept: Iterable[Run]) -> PipelineState:
    """The pipeline with only these runs, and what it keeps of the dropped ones."""
    runs = tuple(_by_news(kept))
    ids = {run.run_id for run in runs}
    dropped = [run for run in pipeline.runs if run.run_id not in ids]
    after = replace(pipeline, runs=runs, unwritten=tuple(run_id for run_id in pipeline.unwritten if run_id in ids))
    if not dropped:
        return after
    starts = [_began(run) for run in pipeline.runs]
    ends = [run.last for run in dropped if run.span.status.is_over]
    return replace(
        after,
        forgotten=max([*ends, *([pipeline.forgotten] if pipeline.forgotten else [])], default=None),
        past=counted(pipeline.past, starts, max(_began(run) for run in dropped)),
    )


def _by_news(runs: Iterable[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: (run.last, run.run_id))


def _began(run: Run) -> datetime:
    return run.span.start or run.span.end or run.first
