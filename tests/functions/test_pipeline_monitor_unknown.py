"""Pipelines of which nothing is known: without a run, or with a document that cannot be read; and those that are expected."""

from dataclasses import replace
from datetime import timedelta

from core.events import RunStatus
from core.settings import PipelineSettings
from tests.support.builders.runs import PIPELINE, told, whole
from tests.support.fakes.pipelines import World

SUCCEEDED = RunStatus.SUCCEEDED


def unknown(world: World) -> list[tuple[str, str, str]]:
    found = [one for one in world.outside.published if one.kind == "no_verdict"]
    return list(dict.fromkeys((one.target, one.status.value, f"{one.observed_at:%d.%H}") for one in found))


def test_an_expected_pipeline_without_a_run_is_not_known_and_told_after_the_time_of_the_settings() -> None:
    world = World(settings=PipelineSettings(expected=("nightly",), no_verdict_after=timedelta(hours=3)))
    for hour in range(6):
        world.tick(hours=hour)
    assert unknown(world) == [("pipeline/nightly", "firing", "02.06")]
    assert world.outside.published[-1].summary.endswith("nightly: no run has succeeded or failed yet")
    assert ("aia_pipeline_runs_total", "nightly", "failed") not in world.outside.counts
    world.give(replace(told(SUCCEEDED, 360, run="n1"), pipeline="nightly"))
    world.tick(hours=7)
    assert unknown(world)[-1] == ("pipeline/nightly", "resolved", "02.10")


def test_a_pipeline_that_nobody_expects_is_not_missed() -> None:
    world = World()
    for hour in range(0, 100, 10):
        world.tick(hours=hour)
    assert world.outside.published == []


def test_runs_that_cannot_be_read_are_not_known_until_they_can() -> None:
    world = World()
    world.give(*whole(0))
    world.tick(hours=1)
    document = world.outside.documents["pipelines", PIPELINE]
    world.outside.documents["pipelines", PIPELINE] = replace(document, data={"line": "{"})
    for hour in range(2, 40, 2):
        world.tick(hours=hour)
    assert unknown(world) == [(f"pipeline/{PIPELINE}", "firing", "03.05")]
    assert "cannot be read" in world.outside.published[-1].summary
    world.outside.documents["pipelines", PIPELINE] = document
    world.tick(hours=41)
    assert unknown(world)[-1] == (f"pipeline/{PIPELINE}", "resolved", "03.20")


def test_an_expected_pipeline_is_never_retired() -> None:
    never, expected = World(), World(settings=PipelineSettings(expected=(PIPELINE,)))
    for world in (never, expected):
        for number in range(8):
            world.give(*whole(number))
        for day in (11, 40, 100):
            world.tick(days=day)
    assert [one.status.value for one in never.outside.published if one.kind == "pipeline_overdue"][-1] == "resolved"
    assert ("pipelines", PIPELINE) not in never.outside.documents
    assert {one.status.value for one in expected.outside.published if one.kind == "pipeline_overdue"} == {"firing"}
    assert ("pipelines", PIPELINE) in expected.outside.documents


def test_a_pipeline_that_is_expected_no_more_is_not_missed_any_more() -> None:
    world = World(settings=PipelineSettings(expected=("nightly",), no_verdict_after=timedelta(hours=3)))
    for hour in range(6):
        world.tick(hours=hour)
    world.settings = PipelineSettings()
    for hour in (6, 7, 8):
        world.tick(hours=hour)
    assert [status for _, status, _ in unknown(world)] == ["firing", "resolved"]
    assert not [key for collection, key in world.outside.documents if collection == "conditions"]
