"""Pipelines on the real stores: instances that follow one run at the same time, and a tick among them."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.events import RunStatus, Tick
from core.pipelines.state import PipelineState
from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.sqlite_store import SqliteStore
from functions.pipeline_monitor.monitor import Monitor, handle, rows
from tests.support.builders.runs import AT, DAY, PIPELINE, line_of, told, whole
from tests.support.fakes.pipelines import World

pytest_plugins = ["tests.support.servers.stores"]
AnyStore = SqliteStore | FirestoreStore


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def instance(world: World, opened: Callable[[], AnyStore]) -> Callable[[], Monitor]:
    """Another instance of the function, with a connection of its own."""
    return lambda: replace(world.monitor, store=opened())


def kept(monitor: Monitor) -> PipelineState:
    document = monitor.store.get(COLLECTION, PIPELINE)
    assert document is not None
    return read_pipeline(document.data)


def at_once(*acts: Callable[[], None]) -> None:
    faults: list[Exception] = []

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - a thread's own would be lost
            faults.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_run_is_kept_as_it_was_told(instance: Callable[[], Monitor]) -> None:
    monitor, events = instance(), whole(0, 10, RunStatus.FAILED, read=3, train=6)
    for event in events:
        handle(monitor, event)
    assert kept(monitor).runs == line_of(events).runs
    assert kept(monitor).unwritten == ()
    handle(monitor, Tick(job="pipeline_monitor", scheduled_at=AT + DAY))


def test_instances_that_follow_the_same_run_at_once_lose_nothing(world: World, instance: Callable[[], Monitor]) -> None:
    events = [event for number in range(4) for event in whole(number, 10, read=3, train=6)] + [
        told(RunStatus.FAILED, 9000, run="last", error="no rows")
    ]
    monitors = [instance() for _ in range(3)]
    world.outside.overtaken = True

    def follow(monitor: Monitor, part: int) -> Callable[[], None]:
        return lambda: [handle(monitor, event) for event in events[part::3]] and None

    def look() -> None:
        handle(monitors[0], Tick(job="pipeline_monitor", scheduled_at=AT + 7 * DAY))

    at_once(*(follow(monitor, part) for part, monitor in enumerate(monitors)), look)
    look()
    assert kept(monitors[0]).runs == line_of(events).runs
    assert kept(monitors[0]).unwritten == ()
    assert world.outside.rows == {
        (PIPELINE, run.run_id, row["stage"]): row for run in line_of(events).runs for row in rows(run)
    }
    assert (world.ended("succeeded"), world.ended("failed")) == (4, 1)
    condition = monitors[0].store.get("conditions", f"pipeline/{PIPELINE}:pipeline_failed")
    assert condition is not None
    assert (condition.data["status"], condition.data["has_unsent"]) == ("firing", False)
    failures = {event.summary for event in world.outside.published if event.kind == "pipeline_failed"}
    assert failures == {"etl: run last failed: no rows"}


def test_a_pipeline_that_is_forgotten_is_gone(world: World, instance: Callable[[], Monitor]) -> None:
    monitor = instance()
    handle(monitor, whole(0)[-1])
    handle(monitor, Tick(job="pipeline_monitor", scheduled_at=AT + 91 * DAY))
    assert monitor.store.find(COLLECTION) == []
