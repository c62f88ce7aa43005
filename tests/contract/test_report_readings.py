"""What reports read of the emulator: the days of the time zone, the week and no more, and the newest rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from core.reports import queries
from core.reports.rows import ModelWeek, PipelineWeek, RevenueDay, StageWeek
from core.reports.weeks import week_of
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.services.reports import read
from functions.services.reports.read import Reader
from tests.support.builders.flights import load

pytest_plugins = ["tests.support.servers.warehouse"]

WEEK = week_of("2026-W43", "Europe/Berlin")
"""From Sunday 22:00 to Sunday 23:00 in UTC: the clocks are set back at its end."""
HOUR = timedelta(hours=1)


def reader(warehouse: BigQueryWarehouse) -> Reader:
    return Reader(
        warehouse=warehouse, store=SqliteStore(":memory:"), clock=lambda: datetime(2026, 10, 26, 8, tzinfo=UTC)
    )


def hour(at: datetime, dollars: float) -> dict[str, Any]:
    counts = {"taken": 1, "refunded": 0, "failed": 0, "unknown": 0}
    return {"source": "shop", "hour": at.isoformat(), "dollars": dollars} | counts


def test_revenue_is_summed_by_the_days_of_the_time_zone(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    first, last = WEEK.since, WEEK.until - HOUR
    load(
        client,
        "marts.revenue_hourly",
        [hour(first - HOUR, 1.0), hour(first, 10.0), hour(last, 100.0), hour(last + HOUR, 1000.0)],
    )
    found = reader(warehouse).read(queries.REVENUE_DAYS, WEEK, WEEK.until)
    days = [datetime(2026, 10, day, tzinfo=UTC) for day in (18, 19, 25)]
    assert found.rows == tuple(
        RevenueDay(source="shop", day=day, dollars=dollars)
        for day, dollars in zip(days, (1.0, 10.0, 100.0), strict=True)
    )
    assert found.record.parameters["day_until"] == "2026-10-26T00:00:00+00:00"
    assert "'Europe/Berlin'" in found.record.text
    assert found.record.complete_until == WEEK.until


def test_models_and_pipelines_are_those_of_the_week(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    inside, after = WEEK.until - HOUR, WEEK.until + HOUR
    load(
        client,
        "ops.drift_scores_raw",
        [score(inside, "age", drifted=True), score(inside, "city", drifted=False), score(after, "age", drifted=False)],
    )
    load(
        client,
        "ops.pipeline_runs",
        [
            run("1", inside),
            run("2", WEEK.since - HOUR, status="failed"),
            run("3", after),
            run("1", inside, stage="join"),
        ],
    )
    reports = reader(warehouse)
    assert reports.read(queries.MODELS, WEEK, None).rows == (
        ModelWeek(
            model="churn",
            window_end=inside,
            features=2,
            drifted=1,
            names="age",
            accuracy=None,
            accuracy_low=None,
            accuracy_high=None,
        ),
    )
    assert reports.read(queries.PIPELINES, WEEK, None).rows == (
        PipelineWeek(
            pipeline="etl", runs=1, failed=0, seconds=60.0, runs_before=1, failed_before=1, seconds_before=None
        ),
    )
    assert reports.read(queries.STAGES, WEEK, None).rows == (
        StageWeek(pipeline="etl", stage="join", runs=1, seconds=60.0, share=1.0),
    )


def score(at: datetime, feature: str, *, drifted: bool) -> dict[str, Any]:
    shown = at.isoformat()
    names = {"model": "churn", "role": "feature", "feature": feature, "test": "psi", "mode": "exact"}
    instants = {"window_start": shown, "window_end": shown, "scored_at": shown, "written_at": shown}
    return names | instants | {"drifted": drifted, "n_reference": 1, "n_current": 1}


def run(run_id: str, at: datetime, status: str = "succeeded", stage: str = "") -> dict[str, Any]:
    instants = {"first_at": (at - HOUR).isoformat(), "ended_at": at.isoformat()}
    return {"pipeline": "etl", "run_id": run_id, "stage": stage, "status": status, "seconds": 60.0} | instants


def test_a_table_that_does_not_exist_is_a_problem_with_its_name(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(read.STATEMENTS, "actions", "SELECT action FROM ops.nothing AS one WHERE one.at >= @since")
    found = reader(warehouse).read(queries.ACTIONS, WEEK, None)
    assert found.rows == ()
    assert "nothing" in found.record.problem
