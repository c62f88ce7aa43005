"""What pipeline_monitor remembers, measures, tells and writes; and what faults do to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from core.errors import UnavailableError
from core.events import PipelineRun, RunStatus
from core.pipelines.state import KEPT, MOST_UNWRITTEN
from functions.adapters.pipelines import pipeline_data
from functions.adapters.ports import Data, Warehouse
from functions.pipeline_monitor.monitor import handle
from functions.pipeline_monitor.read import Logged
from tests.support.builders.budget import boundaries
from tests.support.builders.runs import AT, MINUTE, PIPELINE, line_of, told, whole
from tests.support.crash.breaking import KilledError
from tests.support.fakes.pipelines import PROJECT, World

FAILED, SUCCEEDED, CANCELLED, RUNNING = (
    RunStatus.FAILED,
    RunStatus.SUCCEEDED,
    RunStatus.CANCELLED,
    RunStatus.RUNNING,
)
STORY = [
    event
    for number, status in enumerate([SUCCEEDED, FAILED, FAILED, SUCCEEDED])
    for event in whole(number, 10, status, read=3, train=6)
]
JOB = f"projects/{PROJECT}/locations/europe-west1/pipelineJobs/etl-20260102030000"


def logged(status: RunStatus, minute: float) -> Logged:
    event = told(status, minute, run="etl-20260102030000")
    return Logged(event=event, location="europe-west1", job_id=event.run_id)


# What an event leaves behind


def test_a_run_is_measured_from_its_beginning_to_its_end() -> None:
    world, events = World(), whole(0, 10, read=3, train=6)
    world.give(*events[:3])
    assert world.gauge("running") == 1
    assert world.ended("succeeded") == 0
    assert world.outside.rows == {}
    world.give(*events[3:])
    assert world.gauge("running") == 0
    assert world.gauge("run_seconds") == 600
    assert world.gauge("stage_seconds", PIPELINE, "train") == 360
    assert world.gauge("health_ratio") == 1
    assert world.gauge("success_timestamp_seconds") == (AT + 10 * MINUTE).timestamp()
    assert (world.ended("succeeded"), world.ended("failed"), world.ended("cancelled")) == (1, 0, 0)


def test_the_history_has_a_row_a_run_and_a_row_a_stage() -> None:
    world = World()
    world.give(*whole(0, 10, FAILED, read=3))
    run, stage = world.outside.rows[PIPELINE, "r0", ""], world.outside.rows[PIPELINE, "r0", "read"]
    assert run == {
        "stage": "",
        "status": "failed",
        "first_at": AT,
        "started_at": AT,
        "ended_at": AT + 10 * MINUTE,
        "seconds": 600.0,
        "error": "",
    }
    assert (stage["status"], stage["seconds"]) == ("succeeded", 180.0)
    assert world.line().unwritten == ()


def test_a_failure_is_told_and_the_next_success_ends_it() -> None:
    world = World()
    world.give(*STORY)
    assert world.outside.told() == [
        ("pipeline_failed of 03.03:10", "firing"),
        ("pipeline_failed of 04.03:10", "firing"),
        ("pipeline_failed of 05.03:10", "resolved"),
    ]
    first, again, _ = world.outside.published
    assert (first.target, first.severity, first.runbook) == ("pipeline/etl", "error", "pipelines.md#pipeline_failed")
    assert again.summary == "etl: run r2 failed, 2 times in a row"
    assert first.evidence["reason"] == "last_failed"


def test_a_pipeline_that_slows_down_is_told_once_a_run() -> None:
    world = World()
    for number, minutes in enumerate([10, 10, 10, 10, 10, 30, 30, 30, 10, 10]):
        world.give(*whole(number, minutes, train=minutes - 1))
    assert [one for one in world.outside.told() if one[0].startswith("pipeline_slow")] == [
        ("pipeline_slow of 08.03:30", "firing"),
        ("pipeline_slow of 09.03:30", "firing"),
        ("pipeline_slow of 11.03:10", "resolved"),
    ]


def test_a_tick_finds_what_is_late_and_what_does_not_end() -> None:
    world = World()
    for number in range(7):
        world.give(*whole(number))
    world.tick(days=7)
    assert world.outside.published == []
    world.tick(days=8, minutes=6)
    world.give(told(RUNNING, 9 * 1440, run="r9"))
    world.tick(days=9, minutes=20)
    assert world.gauge("running") == 1
    world.tick(days=9, hours=1)
    assert world.outside.told() == [
        ("pipeline_overdue of 10.03:06", "firing"),
        ("pipeline_overdue of 11.03:20", "resolved"),
        ("pipeline_hung of 11.04:00", "firing"),
    ]
    assert world.gauge("health_ratio") == 1
    assert (
        world.outside.gauges["aia_heartbeat_timestamp_seconds", "pipeline_monitor"]
        == (AT + timedelta(days=9, hours=1)).timestamp()
    )


def test_ticks_that_say_nothing_new_write_nothing() -> None:
    world = World()
    for number in range(7):
        world.give(*whole(number))
    before = dict(world.outside.documents)
    world.tick(days=7)
    world.tick(days=7, minutes=1)
    assert world.outside.documents == before


def test_a_pipeline_that_is_no_longer_started_is_neither_late_nor_measured_and_known_when_it_comes_back() -> None:
    world = World()
    for number in range(7):
        world.give(*whole(number))
    world.tick(days=15)
    assert world.gauge("health_ratio") == 0
    world.outside.gauges.clear()
    world.tick(days=17)
    assert world.outside.told() == [
        ("pipeline_overdue of 17.03:00", "firing"),
        ("pipeline_overdue of 19.03:00", "resolved"),
    ]
    world.tick(days=17, minutes=1)
    assert [key[0] for key in world.outside.documents] == ["pipelines"]
    assert {name for name, *_ in world.outside.gauges} == {"aia_heartbeat_timestamp_seconds"}
    world.give(*whole(30))
    assert world.gauge("health_ratio") == 1
    world.tick(days=32, minutes=6)
    assert world.outside.told()[-1] == ("pipeline_overdue of 03.03:06", "firing")


def test_a_pipeline_that_nothing_is_told_of_is_forgotten_and_what_fires_ends() -> None:
    world = World()
    world.give(*whole(0, status=FAILED))
    world.tick(days=89)
    assert world.line().runs
    world.outside.down = {"bus"}
    for minute in range(2):
        with pytest.raises(UnavailableError):
            world.tick(days=91, minutes=minute)
    assert {key[0] for key in world.outside.documents} == {"conditions", "pipelines"}, "what is not told yet stays"
    world.outside.down = set()
    world.tick(days=91, minutes=2)
    world.tick(days=91, minutes=3)
    assert world.outside.documents == {}
    assert world.outside.told() == [
        ("pipeline_failed of 02.03:10", "firing"),
        ("pipeline_failed of 03.03:00", "resolved"),
    ]


def test_an_old_event_that_comes_again_does_not_measure_as_of_then() -> None:
    world = World()
    for number in range(8):
        world.give(*whole(number))
    world.tick(days=10)
    measured = world.gauge("health_ratio")
    assert measured < 0.9
    world.give(*whole(7))
    assert world.gauge("health_ratio") == measured


def test_a_tick_concludes_again_only_what_is_not_in_the_history() -> None:
    world = World()
    world.give(*whole(0, status=FAILED))
    assert world.outside.documents.pop(("conditions", "pipeline/etl:pipeline_failed"))
    world.tick(days=0, hours=1)
    assert ("conditions", "pipeline/etl:pipeline_failed") not in world.outside.documents
    document = world.outside.documents["pipelines", PIPELINE]
    changed = replace(document, data=pipeline_data(replace(world.line(), unwritten=("r0",))))
    world.outside.documents["pipelines", PIPELINE] = changed
    world.tick(days=0, hours=2)
    assert ("conditions", "pipeline/etl:pipeline_failed") in world.outside.documents


def test_a_tick_looks_at_every_pipeline_however_many_there_are() -> None:
    world, count = World(), 1100
    line = line_of(whole(0))
    for number in range(count):
        world.monitor.store.create(
            "pipelines", f"p{number:04d}", pipeline_data(replace(line, name=f"p{number:04d}", unwritten=()))
        )
    world.tick(hours=1)
    assert [world.gauge("health_ratio", f"p{number:04d}") for number in range(count)] == [1] * count


def test_what_is_kept_of_a_pipeline_is_bounded() -> None:
    world = World()
    for number in range(KEPT + 7):
        world.give(*whole(number))
    assert len(world.line().runs) == KEPT
    assert len(world.outside.rows) == KEPT + 7
    world.give(*whole(1))
    assert world.ended("succeeded") == KEPT + 7


def test_runs_that_the_history_will_never_have_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.outside.down = {"warehouse"}
    for number in range(KEPT + MOST_UNWRITTEN + 2):
        with pytest.raises(UnavailableError):
            world.give(whole(number)[-1])
    assert [record.message for record in caplog.records if "history" in record.message] == [
        "not written to the history, and dropped: r0",
        "not written to the history, and dropped: r1",
    ]


def test_many_runs_at_a_time_keep_their_durations() -> None:
    world, count = World(), 2 * KEPT
    world.give(*(told(RUNNING, number / 60, run=f"r{number}") for number in range(count)))
    assert world.gauge("running") == count
    world.give(*(told(SUCCEEDED, 60 + number / 60, run=f"r{number}") for number in range(count)))
    assert {row["seconds"] for row in world.outside.rows.values()} == {3600}
    assert len(world.outside.rows) == world.ended("succeeded") == count


# Vertex AI


def test_of_a_job_that_was_logged_to_have_ended_vertex_ai_is_asked() -> None:
    world = World()
    end = logged(SUCCEEDED, 12)
    assert end.event is not None
    whole_job = replace(end.event, started_at=AT + MINUTE, ended_at=AT + 11 * MINUTE)
    task = replace(whole_job, stage="train", observed_at=AT + 9 * MINUTE, ended_at=AT + 9 * MINUTE)
    world.outside.jobs[JOB] = [whole_job, task]
    world.give(logged(RUNNING, 2))
    assert world.outside.asked == []
    world.give(end, end)
    assert set(world.outside.asked) == {JOB}
    assert (world.gauge("run_seconds"), world.gauge("stage_seconds", PIPELINE, "train")) == (600, 480)
    assert world.ended("succeeded") == 1


def test_a_job_that_waits_says_nothing() -> None:
    world = World()
    world.give(Logged(event=None, location="europe-west1", job_id="etl-1"))
    assert world.outside.documents == {}


@pytest.mark.parametrize("location", ["", "europe-west1"])
def test_a_job_that_vertex_ai_does_not_know_is_counted_by_its_log(location: str) -> None:
    world = World()
    world.give(logged(RUNNING, 0), replace(logged(FAILED, 12), location=location))
    assert (world.gauge("run_seconds"), world.ended("failed")) == (720, 1)


def test_while_vertex_ai_does_not_answer_a_failure_is_told_all_the_same_and_its_tasks_follow() -> None:
    world, end = World(), logged(FAILED, 12)
    assert end.event is not None
    world.outside.jobs[JOB] = [replace(end.event, stage="train", started_at=AT)]
    world.outside.down = {"jobs"}
    with pytest.raises(UnavailableError):
        world.give(end)
    assert world.outside.told() == [("pipeline_failed of 02.03:12", "firing")]
    world.outside.down = set()
    world.give(end)
    assert world.gauge("stage_seconds", PIPELINE, "train") == 720
    assert len(world.outside.rows) == 2
    assert world.ended("failed") == 1


# Delivered again, late, in any order, with something down, killed


def expected() -> World:
    world = World()
    world.give(*STORY)
    return world


def assert_as_expected(world: World) -> None:
    wanted = expected()
    assert world.line().runs == wanted.line().runs
    assert world.line().unwritten == ()
    assert world.outside.rows == wanted.outside.rows
    last = world.outside.documents["conditions", "pipeline/etl:pipeline_failed"].data
    assert (last["status"], last["has_unsent"]) == ("resolved", False)
    for name, value in wanted.outside.gauges.items():
        assert world.outside.gauges[name] == pytest.approx(value), name


def test_delivered_five_times_it_has_the_effect_of_once() -> None:
    world = World()
    for event in STORY:
        world.give(*[event] * 5)
    assert_as_expected(world)
    assert len(world.outside.published) == 3
    assert (world.ended("succeeded"), world.ended("failed")) == (2, 2)


@pytest.mark.parametrize("seed", range(8))
def test_in_any_order_the_last_word_is_the_same(seed: int) -> None:
    world, events = World(), [*STORY, *STORY]
    Random(seed).shuffle(events)
    world.give(*events)
    assert world.line().runs == expected().line().runs
    assert world.outside.rows == expected().outside.rows
    assert (world.ended("succeeded"), world.ended("failed")) == (2, 2)
    told_last = [event.status.value for event in world.outside.published if event.kind == "pipeline_failed"]
    assert told_last[-1:] in ([], ["resolved"])


@pytest.mark.parametrize("port", ["bus", "warehouse"])
def test_while_something_is_down_nothing_is_lost(port: str) -> None:
    world = World()
    world.outside.down = {port}
    failing: list[PipelineRun] = []
    for event in STORY:
        try:
            world.give(event)
        except UnavailableError:
            failing.append(event)
    assert failing
    world.outside.down = set()
    world.deliver(failing)
    assert_as_expected(world)
    assert {event.status.value for event in world.outside.published} == {"firing", "resolved"}


def test_while_the_warehouse_is_down_findings_and_metrics_are_told() -> None:
    world = World()
    world.outside.down = {"warehouse"}
    with pytest.raises(UnavailableError):
        world.give(*whole(0, status=FAILED)[1:])
    assert world.outside.told() == [("pipeline_failed of 02.03:10", "firing")]
    assert world.ended("failed") == 1
    assert world.line().unwritten == ("r0",)


def test_a_tick_makes_up_for_what_no_event_comes_again_for() -> None:
    world = World()
    world.outside.down = {"warehouse", "bus"}
    failed = [event for event in STORY if not world.acknowledges(event)]
    assert len(failed) > len(STORY) / 2
    world.outside.down = set()
    world.tick(days=3, hours=1)
    assert_as_expected(world)


@dataclass
class Overtaken:
    """A warehouse that a statement reaches only after something else has happened."""

    inner: Warehouse
    first: list[Callable[[], None]]

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        while self.first:
            self.first.pop()()
        return self.inner.query(sql, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise NotImplementedError


def test_what_another_instance_wrote_in_the_meantime_is_written_again() -> None:
    world = World()
    end, stage = told(SUCCEEDED, 10, start=0), told(SUCCEEDED, 10, stage="train", start=0)
    world.give(told(RUNNING), told(RUNNING, stage="train"))
    slow = Overtaken(world.monitor.warehouse, [lambda: world.give(stage)])
    handle(replace(world.monitor, warehouse=slow), end)
    assert world.outside.rows[PIPELINE, "r0", "train"]["status"] == "running", "the older statement came last"
    assert world.line().unwritten == ("r0",)
    world.tick(minutes=11)
    assert world.outside.rows[PIPELINE, "r0", "train"]["status"] == "succeeded"
    assert world.line().unwritten == ()


def test_one_pipeline_that_cannot_be_looked_at_holds_up_no_other() -> None:
    world = World()
    world.give(*whole(0), *(replace(event, pipeline="other") for event in whole(0)))
    world.outside.documents["pipelines", "broken"] = replace(
        world.outside.documents["pipelines", PIPELINE], key="broken", data={"line": "{}"}
    )
    world.outside.gauges.clear()
    world.tick(hours=1)
    assert world.gauge("running", PIPELINE) == world.gauge("running", "other") == 0


def test_killed_at_any_boundary_it_does_what_it_would_have_done() -> None:
    for kill_at in boundaries(expected().outside.boundaries):
        world = World()
        world.outside.kill_at = kill_at
        world.deliver(STORY)
        world.tick(days=3, hours=1)
        assert_as_expected(world)
        ends = world.ended("succeeded") + world.ended("failed")
        assert 3 <= ends <= 4, "a count may be lost with the process that held it, none is made twice"


def test_killed_at_a_tick_the_next_one_does_it() -> None:
    def late() -> World:
        world = World()
        for number in range(7):
            world.give(*whole(number))
        return world

    alive = late()
    before = alive.outside.boundaries
    alive.tick(days=8, minutes=6)
    for kill_at in boundaries(alive.outside.boundaries - before):
        world = late()
        world.outside.kill_at = before + kill_at
        with pytest.raises(KilledError):
            world.tick(days=8, minutes=6)
        world.outside.dead, world.outside.kill_at = False, 0
        world.tick(days=8, minutes=7)
        assert {event.kind for event in world.outside.published} == {"pipeline_overdue"}
        assert world.outside.documents["conditions", "pipeline/etl:pipeline_overdue"].data["has_unsent"] is False


@pytest.mark.parametrize("seed", range(5))
def test_an_outside_that_answers_now_and_then_loses_nothing(seed: int) -> None:
    world, rng = World(), Random(seed)
    world.outside.chance = lambda: rng.random() / 2
    events = list(STORY)
    rng.shuffle(events)
    world.deliver(events)
    world.outside.chance = lambda: 1.0
    world.tick(days=3, hours=1)
    assert world.line().runs == expected().line().runs
    assert world.outside.rows == expected().outside.rows
