"""What is wrong with the data of a window: issues of columns, volume, age, and what was always so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.drift import DataQualityIssueKind
from core.events import Severity, Status, stamp
from core.settings import Model, Quality, Reference
from functions.adapters.ports import Data
from tests.support.builders.drift import MODEL, World, trained
from tests.support.builders.flights import DAY, TICK, Row, flights, version

CHANGING = "telemetry.changing"
ROWS = 300  # as many a day as the reference has


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained(tmp_path)


def holes(rows: list[Row], column: str, every: int) -> list[Row]:
    return [row | ({column: None} if n % every == 0 else {}) for n, row in enumerate(rows)]


def newest(world: World) -> list[Data]:
    """The rows of the newest window, of which the gauges say the same."""
    found = world.issues()
    rows = [row for row in found if row["window_end"] == max(one["window_end"] for one in found)]
    assert {row["issue"] for row in rows} == set(DataQualityIssueKind)
    missing = sum(row["issues"] for row in rows if row["issue"] in {"missing", "absent"})
    assert world.metrics.values["aia_data_quality_issues", "delay"] == sum(row["issues"] for row in rows)
    assert world.metrics.values["aia_data_quality_missing_columns", "delay"] == missing
    return [row for row in rows if row["issues"]]


def issues(world: World) -> dict[str, int]:
    """How many columns have an issue, by issue; those that none has are left out."""
    return {row["issue"]: row["issues"] for row in newest(world)}


def features(world: World) -> dict[str, str]:
    """Which columns have an issue, by issue."""
    return {row["issue"]: row["features"] for row in newest(world)}


def test_issues_of_columns_become_one_finding_that_names_each(world: World) -> None:
    rows = holes(flights(ROWS, TICK, seed=2), "temperature", 4)
    world.load(MODEL.table, [row | ({"carrier": "ZZ"} if n % 5 == 0 else {}) for n, row in enumerate(rows)])
    world.tick()
    [finding] = world.bus.findings("data_quality")
    assert (finding.status, finding.severity, finding.value) == (Status.FIRING, Severity.WARNING, 2.0)
    assert finding.summary.startswith("delay: 2 data quality issues; first, temperature: 25% of the rows are missing")
    assert finding.evidence["carrier"].startswith("20% of the rows are of unknown categories")
    assert finding.evidence["carrier"].endswith("(ZZ)")
    assert finding.runbook == "models.md#data_quality"
    assert issues(world) == {"missing": 1, "new_category": 1}
    assert features(world) == {"missing": "temperature", "new_category": "carrier"}


def with_changing_table(world: World, **settings: Any) -> Model:
    """The model over a table of its own with its reference and two days, of which the second is warmer; scored at the first."""
    world.load(MODEL.table, flights(ROWS, TICK, seed=2) + flights(ROWS, TICK + DAY, seed=3, shift=15))
    world.copy(MODEL.table, CHANGING)
    model = replace(MODEL, table=CHANGING, label=None, **settings)
    world.models = (model,)
    world.tick()
    return model


def change(world: World, **columns: Sequence[str]) -> None:
    world.copy(MODEL.table, CHANGING, **columns)
    world.tick(TICK + DAY)


@pytest.mark.parametrize("exact_rows", [100_000, 100], ids=["rows", "counts"])
def test_a_column_that_vanished_and_one_of_another_type_are_issues_and_the_others_are_compared(
    world: World, exact_rows: int
) -> None:
    with_changing_table(world, exact_rows=exact_rows, segments=("carrier",))
    change(world, without=["carrier"], texts=["distance"])
    [finding] = world.bus.findings("data_quality")
    assert finding.severity is Severity.ERROR
    assert finding.evidence["carrier"] == "the column is missing"
    assert finding.evidence["distance"] == "the type of the column changed (numbers in the reference, text now)"
    assert issues(world).items() >= {"absent": 1, "type_changed": 1}.items()
    [drift] = world.bus.findings("drift")
    assert "temperature" in drift.evidence
    assert world.bus.findings("scoring_failed") == []


def test_a_score_of_another_type_cannot_be_scored(world: World) -> None:
    with_changing_table(world)
    change(world, texts=["probability"])
    [finding] = world.bus.findings("scoring_failed")
    assert "probability" in finding.summary


def test_a_score_that_is_missing_is_an_issue(world: World) -> None:
    world.load(MODEL.table, holes(flights(ROWS, TICK, seed=2), "probability", 3))
    world.tick()
    [finding] = world.bus.findings("data_quality")
    assert set(finding.evidence) == {"probability", "reason"}


@pytest.mark.parametrize(("count", "words"), [(0, "far fewer rows"), (60, "far fewer rows"), (900, "far more rows")])
def test_a_volume_that_is_far_off_is_an_error_even_without_a_row(world: World, count: int, words: str) -> None:
    if count:
        world.load(MODEL.table, flights(count, TICK, seed=2))
    world.tick()
    [finding] = world.bus.findings("data_quality")
    assert finding.severity is Severity.ERROR
    assert finding.evidence["window"] == f"{words} than usual ({count} rows, 300 expected)"
    assert issues(world) == {"volume": 1}


def test_a_window_whose_newest_row_is_old_is_stale(world: World) -> None:
    world.load(MODEL.table, flights(ROWS, TICK - DAY / 2, seed=2, span=DAY / 2))
    world.models = (replace(MODEL, quality=Quality(age=timedelta(hours=6))),)
    world.tick()
    [finding] = world.bus.findings("data_quality")
    assert finding.summary.startswith(
        "delay: the newest row is 12 h 2 min old, at most 6 h 0 min is usual (newest row at"
    )
    assert issues(world) == {"stale": 1}


def test_issues_resolve_and_their_gauges_return_to_zero(world: World) -> None:
    world.load(MODEL.table, holes(flights(ROWS, TICK, seed=2), "temperature", 4))
    for number in (1, 2):
        world.load(MODEL.table, flights(ROWS, TICK + number * DAY, seed=2 + number))
    for number in range(3):
        world.tick(TICK + number * DAY)
    found = [(finding.observed_at, finding.status) for finding in world.bus.findings("data_quality")]
    assert found == [(TICK, Status.FIRING), (TICK + 2 * DAY, Status.RESOLVED)]
    assert issues(world) == {}
    assert world.metrics.values["aia_data_quality_issues", "delay"] == 0


def test_what_windows_of_the_reference_show_as_well_is_no_news(world: World) -> None:
    end = TICK - 5 * DAY
    past = flights(3000, end, seed=6, span=10 * DAY)
    world.load(
        MODEL.table,
        [row | ({"distance": None} if 1200 <= n < 1350 else {}) for n, row in enumerate(past)],
    )
    world.load("ops.model_versions", [version("2", end)])
    world.load(MODEL.table, holes(flights(ROWS, TICK, seed=2), "distance", 3))
    world.load(MODEL.table, holes(flights(ROWS, TICK + DAY, seed=3), "distance", 1))
    world.tick()
    assert world.bus.findings("data_quality") == []
    world.tick(TICK + DAY)
    [finding] = world.bus.findings("data_quality")
    assert finding.summary.startswith("delay: distance: 100% of the rows are missing")
    assert finding.severity is Severity.ERROR


def test_days_that_differ_within_the_reference_are_no_drift_and_a_day_far_from_all_of_them_is(world: World) -> None:
    end = TICK - 5 * DAY
    for number in range(10):
        day = flights(300, end - number * DAY, seed=30 + number, shift=6 * (-1) ** number)
        world.load(MODEL.table, day)
    world.load("ops.model_versions", [version("2", end)])
    world.load(MODEL.table, flights(ROWS, TICK, seed=2, shift=6))
    world.load(MODEL.table, flights(ROWS, TICK + DAY, seed=3, shift=25))
    world.tick()
    world.tick(TICK + DAY)
    reasons = {(row["window_end"], row["reason"]) for row in world.scores() if row["feature"] == "temperature"}
    assert reasons == {(TICK, "no_change"), (TICK + DAY, "drift")}


def test_what_is_usual_on_sundays_is_drift_on_a_monday(world: World) -> None:
    """The tick is on a Sunday; every window of the reference that ends on one has moved."""
    end, days = TICK - 14 * DAY, 28
    for number in range(days):
        shift = 15 if number % 7 == 0 else 0
        world.load(MODEL.table, flights(150, end - number * DAY, seed=40 + number, shift=shift))
    trained_longer = version("2", end) | {"reference_start": stamp(end - days * DAY)}
    world.load("ops.model_versions", [trained_longer])
    world.load(MODEL.table, flights(ROWS, TICK, seed=2, shift=15))
    world.load(MODEL.table, flights(ROWS, TICK + DAY, seed=3, shift=15))
    sensitivity = replace(MODEL.drift, seasonal=True)
    world.models = (replace(MODEL, drift=sensitivity, reference=Reference(days=days)),)
    world.tick()
    world.tick(TICK + DAY)
    reasons = {(row["window_end"], row["reason"]) for row in world.scores() if row["feature"] == "temperature"}
    assert reasons == {(TICK, "seasonal"), (TICK + DAY, "drift")}
