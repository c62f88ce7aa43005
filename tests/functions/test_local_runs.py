"""What the local stack tells of its own work: runs with their stages, true to the clock, and never in its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.events import PipelineRun, RunStatus
from core.metrics import pipelines
from core.pipelines.run import Run
from functions.adapters.ports import Data
from functions.pipeline_monitor import history
from infra.local.pipeline_points import pipeline_points
from infra.local.prometheus import HistoryPoint
from infra.local.runs import await_written, run_of
from tests.support.recorders import RecordingBus
from tests.support.runs import AT, line_of, whole


@dataclass
class Ticking:
    """A clock that goes on by a second each time it is looked at."""

    now: datetime = AT

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Table:
    """A warehouse that has these rows of `ops.pipeline_runs`."""

    rows: list[Data] = field(default_factory=list)
    asked: int = 0

    def query(self, sql: str, **given: Any) -> list[Data]:
        self.asked += 1
        if "COUNT" in sql:
            return [{"n": min(self.asked, len(given["runs"]))}]
        return self.rows

    def append(self, table: str, rows: Sequence[Data]) -> None:
        raise NotImplementedError


def told(bus: RecordingBus) -> list[PipelineRun]:
    return [event for event in bus.events if isinstance(event, PipelineRun)]


def run_told(bus: RecordingBus) -> Run:
    [run] = line_of(told(bus)).runs
    return run


def test_a_run_is_told_with_its_stages_as_they_took() -> None:
    bus = RecordingBus()
    with run_of(bus, "replay", Ticking()) as run:
        with run.stage("model"):
            pass
        with run.stage("charts"):
            pass
    found = run_told(bus)
    assert found.run_id == "replay-20260102T030001.000000Z"
    assert (found.span.status, found.span.seconds) == (RunStatus.SUCCEEDED, 5)
    assert [(stage.name, stage.span.seconds) for stage in found.in_order] == [("model", 1), ("charts", 1)]
    assert told(bus)[0].status is RunStatus.RUNNING


def test_what_fails_is_told_as_failed_with_its_stage_and_raised() -> None:
    bus = RecordingBus()
    with pytest.raises(ValueError, match="no flights"), run_of(bus, "replay", Ticking()) as run, run.stage("model"):
        raise ValueError("no flights")
    found = run_told(bus)
    assert (found.span.status, found.span.error) == (RunStatus.FAILED, "ValueError: no flights")
    assert found.stages[0].span.status is RunStatus.FAILED


def test_who_stops_it_cancels_it() -> None:
    bus = RecordingBus()
    with pytest.raises(KeyboardInterrupt), run_of(bus, "replay", Ticking()):
        raise KeyboardInterrupt
    assert run_told(bus).span.status is RunStatus.CANCELLED


def test_a_bus_that_does_not_answer_is_no_reason_to_stop() -> None:
    bus = RecordingBus(down=True)
    with run_of(bus, "replay", Ticking()) as run, run.stage("model"):
        bus.down = False
    assert [event.status for event in told(bus)] == [RunStatus.SUCCEEDED] * 2
    assert run_told(bus).span.seconds == 3


def test_a_clock_that_is_set_back_gives_no_run_that_ends_before_it_begins() -> None:
    bus, instants = RecordingBus(), [AT, AT - timedelta(hours=1)]
    with run_of(bus, "replay", lambda: instants.pop(0)):
        pass
    assert run_told(bus).span.seconds == 0


def test_the_history_is_waited_for_a_little() -> None:
    table = Table()
    assert await_written(table, ["a", "b", "c"])
    assert table.asked == 3
    assert not await_written(Table(), ["a"] * 99, seconds=0)
    assert await_written(Table(), [])


def points(*runs: Sequence[PipelineRun]) -> list[HistoryPoint]:
    lines = [line_of(events) for events in runs]
    rows = [
        {"pipeline": line.name, "run_id": run.run_id, **row}
        for line in lines
        for run in line.runs
        for row in history.rows(run)
    ]
    rows.sort(key=lambda row: row["stage"], reverse=True)
    rows.sort(key=lambda row: row["ended_at"])
    return list(pipeline_points(Table(rows)))


def test_the_past_has_every_metric_of_pipelines() -> None:
    found = points(whole(0, 10, read=3), whole(1, 20, RunStatus.FAILED), whole(2, 10))
    assert {point.name for point in found} == {metric.name for metric in pipelines.METRICS}
    totals = [(point.labels["outcome"], point.value) for point in found if point.name == "aia_pipeline_runs_total"]
    assert totals == [
        ("succeeded", 0),
        ("cancelled", 0),
        ("failed", 0),
        ("succeeded", 1),
        ("failed", 1),
        ("succeeded", 2),
    ]
    assert [point.value for point in found if point.name == "aia_pipeline_run_seconds"] == [600, 1200, 600]
    health = [point.value for point in found if point.name == "aia_pipeline_health_ratio"]
    assert health[0] == 1 > health[2] > health[1]


def test_runs_side_by_side_are_counted_as_running() -> None:
    found = points(whole(0, 3000), whole(1, 10))
    assert [point.value for point in found if point.name == "aia_pipeline_running"] == [1, 0]
