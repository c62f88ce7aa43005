"""Runs of pipelines for tests: what is told of one, and strategies of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from core.events import PipelineRun, RunStatus
from core.pipelines.state import PipelineState, advance

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PIPELINE = "etl"


def told(
    status: RunStatus,
    minute: float = 0,
    *,
    run: str = "r0",
    stage: str = "",
    start: float | None = None,
    error: str = "",
    **execution: Any,
) -> PipelineRun:
    """An event about the pipeline `etl`, observed some minutes after `AT`."""
    return PipelineRun(
        pipeline=PIPELINE,
        run_id=run,
        status=status,
        observed_at=AT + minute * MINUTE,
        stage=stage,
        started_at=None if start is None else AT + start * MINUTE,
        error=error,
        **execution,
    )


def whole(
    number: int, minutes: float = 10, status: RunStatus = RunStatus.SUCCEEDED, **stages: float
) -> list[PipelineRun]:
    """All that is told of the run of a day: it takes so many minutes, and its stages, one after the other, so many."""
    run, start = f"r{number}", number * DAY / MINUTE
    events = [told(RunStatus.RUNNING, start, run=run)]
    at = start
    for name, taken in stages.items():
        events += [told(RunStatus.RUNNING, at, run=run, stage=name)]
        events += [told(RunStatus.SUCCEEDED, at + taken, run=run, stage=name)]
        at += taken
    return [*events, told(status, start + minutes, run=run)]


def line_of(events: Iterable[PipelineRun], line: PipelineState | None = None) -> PipelineState:
    """The pipeline after events."""
    line = line or PipelineState(name=PIPELINE)
    for event in events:
        line = advance(line, event).pipeline
    return line


def days(durations: Sequence[float], **stages: Sequence[float]) -> PipelineState:
    """A pipeline that ran once a day and succeeded, in so many minutes."""
    return line_of(
        event
        for number, minutes in enumerate(durations)
        for event in whole(number, minutes, **{name: taken[number] for name, taken in stages.items()})
    )


@st.composite
def events(draw: st.DrawFn, runs: int = 3) -> PipelineRun:
    """Any event about one of a few runs, or of their stages; instants collide often."""
    status = draw(st.sampled_from(RunStatus))
    observed = draw(st.integers(0, 12))
    ended = draw(st.none() | st.integers(0, observed)) if status.is_over else None
    start = draw(st.none() | st.integers(-3, observed if ended is None else ended))
    return PipelineRun(
        pipeline=PIPELINE,
        run_id=f"r{draw(st.integers(1, runs))}",
        status=status,
        observed_at=AT + observed * MINUTE,
        stage=draw(st.sampled_from(["", "", "read", "train"])),
        started_at=None if start is None else AT + start * MINUTE,
        ended_at=None if ended is None else AT + ended * MINUTE,
        error=draw(st.sampled_from(["", "out of memory"])),
        after=draw(st.sampled_from([None, None, (), ("read",), ("check", "read")])),
        inputs=draw(st.sampled_from(["", "", "a1", "b2"])),
        cached=draw(st.booleans()),
        cpu_peak=draw(st.sampled_from([None, 0.0, 0.5])),
    )
