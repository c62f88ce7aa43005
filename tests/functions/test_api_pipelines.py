"""What the API answers about pipelines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.events import RunStatus
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


def asked(store: Store, *lines: PipelineState, now: datetime = NOW) -> list[dict[str, Any]]:
    for line in lines:
        store.create(COLLECTION, line.name, pipeline_data(line))
    made = pages.services(store, Rows(), ApiFixture(store), lambda: now)
    response = pages.application(made).test_client().get("/api/pipelines")
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
    assert found["bottleneck"] == {
        "stage": "train",
        "seconds": 600,
        "share": pytest.approx(600 / 720),
        "grown": {"stage": "train", "seconds": 600, "usual": 360},
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
