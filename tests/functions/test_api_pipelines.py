"""What the API answers about pipelines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from core.events import PipelineRun, RunStatus
from core.pipelines.state import PipelineState
from functions.adapters.pipelines import COLLECTION, pipeline_data
from functions.adapters.ports import Store
from functions.adapters.stores import open_store
from functions.api.pipelines import RUNS
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.builders.runs import AT, DAY, MINUTE, days, line_of, told, whole

NOW = AT + 7 * DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield store
    store.close()  # type: ignore[attr-defined]


def opened(store: Store, *lines: PipelineState, now: datetime = NOW) -> Client:
    for line in lines:
        store.create(COLLECTION, line.name, pipeline_data(line))
    return pages.application(pages.services(store, Rows(), ApiFixture(store), lambda: now)).test_client()


def asked(store: Store, *lines: PipelineState, now: datetime = NOW, query: str = "") -> list[dict[str, Any]]:
    response = opened(store, *lines, now=now).get(f"/v1/pipelines{query}")
    assert response.status_code == 200, response.data
    found: list[dict[str, Any]] = response.json
    return found


def test_a_pipeline_is_shown_with_its_runs_its_bottleneck_and_its_health(store: Store) -> None:
    [found] = asked(store, days([10] * 6 + [14], read=[2] * 7, train=[6] * 6 + [10]))
    assert (found["name"], found["running"], found["usual_seconds"], found["interval_seconds"]) == (
        "etl",
        0,
        600,
        86400,
    )
    assert found["health"] == {"score": 1, "success": 1, "duration": 1, "regularity": 1, "reason": "healthy"}
    shown = found["bottleneck"]
    assert (shown["stage"], shown["seconds"], shown["share"]) == ("train", 600, pytest.approx(600 / 720))
    assert shown["grown"] == {"stage": "train", "seconds": 600, "usual": 360}
    assert (shown["run_id"], shown["bound_by"], shown["critical_path"]) == ("r6", "train", ["read", "train"])
    assert {(one["stage"], one["verdict"], one["seconds"]) for one in shown["savings"]} == {
        ("train", "not_known", None)
    }
    newest = found["runs"][0]
    assert (newest["run_id"], newest["status"], newest["seconds"]) == ("r6", "succeeded", 840)
    assert [(stage["name"], stage["seconds"]) for stage in newest["stages"]] == [("read", 120), ("train", 600)]
    assert datetime.fromisoformat(found["last_success_at"]) == AT + 6 * DAY + 14 * MINUTE


def test_the_newest_runs_come_first_and_are_bounded(store: Store) -> None:
    [found] = asked(store, days([10] * (RUNS + 3)))
    assert [run["run_id"] for run in found["runs"]] == [f"r{number}" for number in range(RUNS + 2, 2, -1)]


def test_what_is_not_known_is_null(store: Store) -> None:
    [found] = asked(store, line_of([told(RunStatus.RUNNING)]), now=AT + MINUTE)
    assert (found["running"], found["bottleneck"], found["last_success_at"]) == (1, None, None)
    assert (found["usual_seconds"], found["interval_seconds"], found["health"]["score"]) == (None, None, None)
    assert found["runs"][0]["ended_at"] is None


def test_a_failed_run_is_shown_with_its_error(store: Store) -> None:
    events = [*whole(0), told(RunStatus.FAILED, 1500, run="r1", stage="train", error="out of memory")]
    [found] = asked(store, line_of([*events, told(RunStatus.FAILED, 1501, run="r1")]))
    assert found["runs"][0]["stages"][0]["error"] == "out of memory"
    assert found["bottleneck"] is None
    assert found["health"]["reason"] == "failures"


def test_without_pipelines_the_list_is_empty(store: Store) -> None:
    assert asked(store, now=datetime.now(UTC) + timedelta(0)) == []


def test_a_document_that_cannot_be_read_is_told_and_hides_no_other(store: Store) -> None:
    store.create(COLLECTION, "bad", {"line": "{}"})
    store.create(COLLECTION, "worse", {})
    bad, good, worse = asked(store, days([10]))
    assert (bad["name"], bad["running"], bad["runs"], bad["health"]["score"]) == ("bad", None, [], None)
    assert bad["fault"] == "cannot be read: ValidationError: Object missing required field `name`"
    assert worse["fault"] == "cannot be read: KeyError: 'line'"
    assert (good["name"], good["fault"], len(good["runs"])) == ("etl", None, 1)


def test_the_savings_are_shown_with_their_evidence_the_largest_first(store: Store) -> None:
    def day(number: int) -> list[PipelineRun]:
        at, run = 1440.0 * number, f"r{number}"
        fit = {"after": ("read",), "inputs": "a1", "machine": "e2-standard-8", "cpu_peak": 0.1, "memory_peak": 0.1}
        return [
            told(RunStatus.SUCCEEDED, at + 10, run=run, stage="read", start=at, after=()),
            told(RunStatus.SUCCEEDED, at + 40, run=run, stage="fit", start=at + 10, **fit),
            told(RunStatus.SUCCEEDED, at + 45, run=run, stage="profile", start=at + 40, after=("read",)),
            told(RunStatus.SUCCEEDED, at + 45, run=run, start=at),
        ]

    [found] = asked(store, line_of([*day(0), *day(1)]))
    shown = [(one["stage"], one["change"], one["verdict"], one["seconds"]) for one in found["bottleneck"]["savings"]]
    # Without fit the run ends at 15, as profile follows at once; beside fit, profile ends before it does.
    assert shown == [
        ("fit", "cache", "possible", 1800),
        ("profile", "parallel", "possible", 300),
        ("fit", "smaller_machine", "possible", 0),
        ("fit", "parallel", "nothing", 0),
    ]


def test_a_stage_that_was_cached_is_shown_as_such_and_bounds_nothing(store: Store) -> None:
    cached = told(RunStatus.SUCCEEDED, 0, stage="read", start=0, cached=True)
    [found] = asked(store, line_of([cached, told(RunStatus.SUCCEEDED, 10, stage="fit", start=0), *whole(0)]))
    assert [(stage["name"], stage["cached"]) for stage in found["runs"][0]["stages"]] == [
        ("fit", False),
        ("read", True),
    ]
    assert found["critical_path"] == ["fit"]


def test_only_pipelines_with_a_live_run_are_asked_for_often_and_the_end_of_one_is_seen_at_once(store: Store) -> None:
    events = [told(RunStatus.RUNNING), told(RunStatus.RUNNING, 1, stage="fit", start=1)]
    client = opened(store, line_of(events), replace(days([10]), name="idle"), now=AT + 2 * MINUTE)
    [live] = client.get("/v1/pipelines?running=true").json or []
    assert (live["name"], live["critical_path"], live["runs"][0]["stages"][0]["status"]) == ("etl", ["fit"], "running")
    ended = line_of([*events, told(RunStatus.FAILED, 2)])
    pages.update(store, COLLECTION, "etl", lambda _: pipeline_data(ended))
    [one] = client.get("/v1/pipelines?name=etl").json or []
    assert (one["running"], one["runs"][0]["status"]) == (0, "failed")


def test_a_run_that_nobody_reported_for_a_week_is_not_live(store: Store) -> None:
    assert asked(store, line_of([told(RunStatus.RUNNING)]), now=AT + 8 * DAY, query="?running=true") == []


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("name=lost", 404, "no pipeline is called 'lost'"),
        ("name=", 404, "no pipeline is called ''"),
        ("name=__x__", 404, "no pipeline is called '__x__'"),
        ("running=1", 400, "running: must be true or not given, got '1'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(store: Store, query: str, status: int, says: str) -> None:
    response = opened(store).get(f"/v1/pipelines?{query}")
    assert (response.status_code, says in (response.json or {})["detail"]) == (status, True)
