"""The tables of results over BigQuery: whatever is delivered twice, late or in part, a view has each window once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from core.drift import DataQualityIssue, DataQualityIssueKind, Profile, score
from core.errors import UnavailableError
from core.performance import Assessment, BinaryMeter, Rows, classifier, gaps
from core.settings import Features, Model, Reference
from functions.adapters import warehouse as adapter
from functions.adapters.ports import Data, Warehouse
from functions.adapters.warehouse import BigQueryWarehouse, parts
from functions.api import model_page
from functions.drift_score import effects, groups, performance, quality
from functions.drift_score.bigquery import DISTRIBUTIONS, GROUPS, PERFORMANCE, QUALITY, SCORES, BigQueryResults
from functions.drift_score.window import Window
from infra.local.warehouse import read_definitions, read_views
from tests.support.checks.googlesql import GoogleSql, with_views

pytest_plugins = ["tests.support.servers.warehouse"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=6)
MODEL = Model(
    name="delay",
    owner="operations",
    table="telemetry.flight_predictions",
    timestamp="scored_at",
    id="prediction_id",
    score="probability",
    features=Features(numeric=("age",), categorical=("plan",)),
    reference=Reference(days=59, until=date(2026, 1, 1)),
    window=timedelta(days=7),
)
REPORT = score(Profile.fit({"age": [1.0, 2.0] * 50, "plan": ["a", "b"] * 50}), {"age": [2.0] * 60, "plan": ["a"] * 60})
PREDICTION = score(Profile.fit({"probability": [0.1, 0.9] * 50}), {"probability": [0.5] * 60})
SCORE_ROWS = effects.score_rows(REPORT, PREDICTION)
MEASURE_ROWS = performance.measure_rows(
    Assessment(found=classifier([0.9, 0.2, 0.7], [1, 0, 0])._asdict(), rows=60, labels=3)
)
GROUP_ROWS = groups.group_rows(
    gaps(BinaryMeter(), Rows(score=[0.9, 0.2] * 60, label=[1, 0, 0, 0] * 30), {"plan": ["a", "b"] * 60}, ["accuracy"])
)
ISSUE_ROWS = quality.issue_rows(
    (DataQualityIssue(kind=DataQualityIssueKind.MISSING, feature="age", value=0.3, limit=0.02),)
)
DISTRIBUTION_ROW = {
    "mode": "exact",
    "n_reference": 100,
    "n_current": 60,
    "outcome": "bad",
    "summary": "drifted",
    "segments": "{}",
    "features": "[]",
}
COUNTS = {
    view: f"SELECT model, version, COUNT(*) AS n FROM ops.{view} GROUP BY model, version ORDER BY model, version"
    for view in ("drift_scores", "model_performance", "model_group_performance", "data_quality")
}


def window(model: str = "delay", *, version: str = "1", end: datetime = NOON) -> Window:
    return Window(model=replace(MODEL, name=model), version=version, start=end - timedelta(days=7), end=end)


def gathered(
    warehouse: Warehouse, at: datetime, *windows: Window, scores: Sequence[Data] = SCORE_ROWS
) -> BigQueryResults:
    """The results of a shard, not appended yet."""
    results = BigQueryResults(warehouse, lambda: at).batch()
    for one in windows:
        results.write_scores(one, scores, mode="exact", n_reference=100, n_current=60)
        results.write_performance(one, MEASURE_ROWS, n_labels=40, n_current=60)
        results.write_groups(one, GROUP_ROWS)
        results.write_quality(one, ISSUE_ROWS)
        results.write_distributions(one, [DISTRIBUTION_ROW])
    return results


def seen(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each view, as model, version and number."""
    return {view: [tuple(row.values()) for row in warehouse.query(sql)] for view, sql in COUNTS.items()}


def whole(*models: tuple[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """Each view with all rows of a window of these models and versions."""
    numbers = {
        "drift_scores": len(SCORE_ROWS),
        "model_performance": len(MEASURE_ROWS),
        "model_group_performance": len(GROUP_ROWS),
        "data_quality": len(ISSUE_ROWS),
    }
    return {view: [(model, version, number) for model, version in models] for view, number in numbers.items()}


def stored(warehouse: Warehouse, table: str) -> int:
    return int(warehouse.query(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])


@dataclass
class Counted:
    """A warehouse that counts appends, and dies just before one of them."""

    real: Warehouse
    dies_before: str = ""
    tables: list[str] = field(default_factory=list)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        return self.real.query(sql, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        if table == self.dies_before:
            raise UnavailableError("the process has ended")
        self.tables.append(table)
        self.real.append(table, rows, together=together)


def test_a_shard_is_appended_by_one_call_a_table_and_read_whole(warehouse: BigQueryWarehouse) -> None:
    counted = Counted(warehouse)
    gathered(counted, NOON, *(window(f"m{number:02}") for number in range(40))).append()
    assert counted.tables == [SCORES, PERFORMANCE, GROUPS, QUALITY, DISTRIBUTIONS]
    assert seen(warehouse) == whole(*((f"m{number:02}", "1") for number in range(40)))


def test_a_view_has_the_columns_and_values_that_were_written(warehouse: BigQueryWarehouse) -> None:
    gathered(warehouse, LATER, window()).append()
    rows = warehouse.query("SELECT * FROM ops.drift_scores ORDER BY role, feature, test")
    about = {"mode": "exact", "n_reference": 100, "n_current": 60, "model": "delay", "version": "1"}
    about |= {"window_start": NOON - timedelta(days=7), "window_end": NOON, "scored_at": NOON}
    expected = sorted((row | about for row in SCORE_ROWS), key=lambda row: (row["role"], row["feature"], row["test"]))
    assert rows == expected
    assert {row["written_at"] for row in warehouse.query(f"SELECT written_at FROM {SCORES}")} == {LATER}


@pytest.mark.parametrize("missing", ["value", "p_value"])
def test_scores_without_a_single_number_fit_the_table(warehouse: BigQueryWarehouse, missing: str) -> None:
    rows = [row | {missing: None} for row in SCORE_ROWS]
    gathered(warehouse, NOON, window(), scores=rows).append()
    found = warehouse.query("SELECT value, p_value FROM ops.drift_scores")
    assert len(found) == len(rows)
    assert all(row[missing] is None for row in found)


def test_what_is_delivered_twice_replaces_what_was_there_and_no_other_window(warehouse: BigQueryWarehouse) -> None:
    other, next_one = window("other"), window(end=NOON + timedelta(minutes=15))
    gathered(warehouse, NOON, window(), other, next_one).append()
    gathered(warehouse, LATER, window(version="2"), scores=SCORE_ROWS[:2]).append()
    found = seen(warehouse)
    assert found["drift_scores"] == [
        ("delay", "1", len(SCORE_ROWS)),
        ("delay", "2", 2),
        ("other", "1", len(SCORE_ROWS)),
    ]
    assert found["data_quality"] == whole(("delay", "1"), ("delay", "2"), ("other", "1"))["data_quality"]


def test_an_older_delivery_that_is_appended_later_changes_nothing(warehouse: BigQueryWarehouse) -> None:
    late = gathered(warehouse, NOON, window(version="1"))
    gathered(warehouse, LATER, window(version="2")).append()
    late.append()
    assert seen(warehouse) == whole(("delay", "2"))


def test_of_the_distributions_of_a_window_those_are_read_that_were_written_last(warehouse: BigQueryWarehouse) -> None:
    late = gathered(warehouse, NOON, window(version="1"))
    gathered(warehouse, LATER, window(version="2"), window("other", version="3")).append()
    late.append()
    [row] = warehouse.query(model_page.DISTRIBUTIONS, model="delay", window_end=NOON)
    assert (row["version"], row["window_end"], row["features"]) == ("2", NOON, "[]")
    assert warehouse.query(model_page.DISTRIBUTIONS, model="delay", window_end=LATER) == []


def test_an_answer_that_was_lost_doubles_nothing(warehouse: BigQueryWarehouse) -> None:
    """The client sends the same rows again: they are there twice, with one instant."""
    results = gathered(warehouse, NOON, window())
    results.append()
    results.append()
    assert stored(warehouse, SCORES) == 2 * len(SCORE_ROWS)
    assert seen(warehouse) == whole(("delay", "1"))


@pytest.mark.parametrize("table", [SCORES, PERFORMANCE, GROUPS, QUALITY, DISTRIBUTIONS])
def test_a_process_that_ends_between_two_appends_is_completed_by_the_redelivery(
    warehouse: BigQueryWarehouse, table: str
) -> None:
    models = [window("first"), window("second")]
    with pytest.raises(UnavailableError):
        gathered(Counted(warehouse, dies_before=table), NOON, *models).append()
    gathered(warehouse, LATER, *models).append()
    assert seen(warehouse) == whole(("first", "1"), ("second", "1"))


def test_shards_do_not_share_what_they_gather(warehouse: BigQueryWarehouse) -> None:
    results = BigQueryResults(warehouse, lambda: NOON)
    one, other = results.batch(), results.batch()
    one.write_quality(window("one"), ISSUE_ROWS)
    other.write_quality(window("other"), ISSUE_ROWS)
    one.append()
    assert [row[0] for row in seen(warehouse)["data_quality"]] == ["one"]


def test_rows_beyond_a_request_go_in_several_and_a_model_is_never_divided(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_ROWS", 2 * len(SCORE_ROWS) + 1)
    gathered(warehouse, NOON, *(window(f"m{number}") for number in range(5))).append()
    assert seen(warehouse) == whole(*((f"m{number}", "1") for number in range(5)))
    rows = [{"model": model} for model in "aaabbbbcc"]
    monkeypatch.setattr(adapter, "MOST_ROWS", 5)
    assert ["".join(row["model"] for row in part) for part in parts(rows, "model")] == ["aaa", "bbbb", "cc"]
    assert [len(part) for part in parts(rows)] == [5, 4]
    monkeypatch.setattr(adapter, "MOST_ROWS", 3)
    assert ["".join(row["model"] for row in part) for part in parts(rows, "model")] == ["aaa", "bbb", "bcc"]


def test_a_request_stays_below_its_bytes_and_leaves_no_row_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "MOST_BYTES", 100)
    rows = [{"n": number, "text": "x" * 30} for number in range(7)]
    found = list(parts(rows))
    assert [row["n"] for part in found for row in part] == list(range(7))
    assert max(map(len, found)) == 2
    assert list(parts([])) == []


def test_every_view_is_googlesql_and_leaves_out_only_when_a_row_was_written() -> None:
    tables = {one.id: one for one in read_definitions()}
    views = read_views()
    assert {view.id for view in views} == {
        "ops.drift_scores",
        "ops.model_performance",
        "ops.model_group_performance",
        "ops.data_quality",
        "ops.findings",
        "ops.incident_decisions",
        "ops.capacity_forecasts",
        "ops.model_versions_in_use",
    }
    as_tables = {one.id: one for one in with_views(read_definitions(), views)}
    raw = {view.id: tables[f"{view.id}_raw"] for view in views if f"{view.id}_raw" in tables}
    columns = {name: [column["name"] for column in table.schema] for name, table in raw.items()}
    for view in (view for view in views if "written_at" in columns.get(view.id, ())):
        names = columns[view.id]
        assert [column["name"] for column in as_tables[view.id].schema] == [n for n in names if n != "written_at"]
    GoogleSql(tuple(as_tables.values())).analyse("SELECT reason FROM ops.drift_scores", {})
