"""What reports read of the emulator: the days of the time zone, the week and no more, and the newest rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from core.reports import queries
from core.reports.rows import (
    CostAnomaly,
    CostDay,
    ModelWeek,
    PartnerWeek,
    PipelineWeek,
    RecommendationWeek,
    RevenueDay,
    RevenuePart,
    StageWeek,
)
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


def test_costs_are_those_of_two_weeks_without_taxes_and_anomalies_those_of_the_week(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    first, day = WEEK.day_since, timedelta(days=1)
    days = (first - 8 * day, first - 7 * day, first, WEEK.day_until)
    load(client, "marts.costs_daily", [cost(at, 10.0 + number) for number, at in enumerate(days)])
    load(client, "marts.costs_daily", [cost(first, 1.5, team="risk"), cost(first, 99.0, category="Tax")])
    load(
        client,
        "marts.model_costs_daily",
        [
            {"day": at.isoformat(), "model": "churn", "direct_dollars": 1.0, "shared_dollars": 2.0, "dollars": 3.0}
            for at in days
        ],
    )
    found = reader(warehouse).read(queries.COST_DAYS, WEEK, None)
    expected = [
        ("model", "churn", days[1], 3.0),
        ("model", "churn", days[2], 3.0),
        ("service", "Vertex AI", days[1], 11.0),
        ("service", "Vertex AI", days[2], 13.5),
        ("team", None, days[1], 11.0),
        ("team", None, days[2], 12.0),
        ("team", "risk", days[2], 1.5),
    ]
    assert found.rows == tuple(
        CostDay(dimension=of, name=name, day=at, dollars=dollars) for of, name, at, dollars in expected
    )
    load(
        client,
        "marts.daily_metrics",
        [
            anomaly(first, 500.0),
            anomaly(first + day, 0.0),
            anomaly(first + 2 * day, 30.0),
            anomaly(days[3] + day, 70.0),
        ],
    )
    assert reader(warehouse).read(queries.COST_ANOMALIES, WEEK, None).rows == (
        CostAnomaly(dimension="service", item="Vertex AI", judged=2, days=1, dollars=30.0),
    )


def cost(day: datetime, dollars: float, *, team: str | None = None, category: str = "Usage") -> dict[str, Any]:
    amounts = {"BilledCost": dollars, "EffectiveCost": dollars, "x_Dollars": dollars}
    counts = {"x_Rows": 1, "x_InvalidAmounts": 0, "x_InvalidRates": 0}
    names = {"ServiceName": "Vertex AI", "BillingCurrency": "USD", "ChargeCategory": category, "x_Team": team}
    return {"ChargePeriodStart": day.isoformat()} | names | amounts | counts


def anomaly(day: datetime, dollars: float) -> dict[str, Any]:
    labels = '{"dimension": "service", "item": "Vertex AI"}'
    shown = day.isoformat()
    return {"day": shown, "measured_at": shown, "name": "aia_cost_anomaly_dollars", "labels": labels, "value": dollars}


def test_recommendations_are_as_they_were_at_the_end_of_the_week(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    inside, after = WEEK.until - HOUR, WEEK.until + HOUR
    load(
        client,
        "marts.recommendations",
        [
            recommended("open", "open", last_seen=after),
            recommended("done", "done", last_seen=after, decided_at=inside, saved=7.0),
            recommended("done-later", "done", last_seen=after, decided_at=after),
            recommended("gone", "withdrawn", last_seen=inside),
            recommended("gone-later", "withdrawn", last_seen=after),
            recommended("new", "open", last_seen=after, first_seen=after),
        ],
    )
    rows = reader(warehouse).read(queries.RECOMMENDATIONS, WEEK, None).rows
    assert {row.target: row.state for row in rows} == {
        "open": "open",
        "done": "done",
        "done-later": "open",
        "gone-later": "open",
    }
    assert [row for row in rows if row.target == "done"] == [
        RecommendationWeek(
            kind="idle_endpoint",
            target="done",
            state="done",
            confidence="high",
            dollars_per_month=50.0,
            saved_dollars=7.0,
            saved_until=inside,
        )
    ]


def recommended(
    target: str,
    state: str,
    *,
    last_seen: datetime,
    first_seen: datetime = WEEK.since,
    decided_at: datetime | None = None,
    saved: float | None = None,
) -> dict[str, Any]:
    row = {"key": target, "kind": "idle_endpoint", "target": target, "state": state, "confidence": "high"}
    row |= {"evidence": "no predictions", "scope": "{}", "first_seen": first_seen.isoformat()}
    decided = {"decided_at": decided_at.isoformat()} if decided_at else {}
    measured = {"saved_dollars": saved, "saved_until": (WEEK.until - HOUR).isoformat()} if saved else {}
    return row | {"dollars_per_month": 50.0, "last_seen": last_seen.isoformat()} | decided | measured


def test_calls_of_partners_count_once_in_their_week(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    inside, before = WEEK.until - HOUR, WEEK.since - HOUR
    load(
        client,
        "telemetry.partner_calls",
        [
            call("1", inside, 1.0),
            call("1", inside, 1.0),
            call("2", inside, 3.0, failed=True),
            call("3", inside, None),
            call("4", before, 8.0),
            call("5", WEEK.until, 9.0),
            call("6", WEEK.before().since - HOUR, 9.0),
        ],
    )
    assert reader(warehouse).read(queries.PARTNERS, WEEK, None).rows == (
        PartnerWeek(
            partner="bank",
            calls=3,
            failures=1,
            seconds=pytest.approx(2.9),
            calls_before=1,
            failures_before=0,
            seconds_before=8.0,
        ),
    )


def call(call_id: str, at: datetime, seconds: float | None, *, failed: bool = False) -> dict[str, Any]:
    return {"call_id": call_id, "called_at": at.isoformat(), "partner": "bank", "failed": failed, "seconds": seconds}


def test_returns_are_those_of_the_newest_day_and_revenue_by_dimension_of_two_weeks(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    first, last, day = WEEK.day_since, WEEK.day_until, timedelta(days=1)
    load(
        client,
        "marts.model_roi",
        [returned(at, 1.0 + ago) for ago, at in enumerate((last + day, last, last - day, first))],
    )
    found = reader(warehouse).read(queries.MODEL_RETURNS, WEEK, None)
    assert [(row.day, row.model, row.roi_middle, row.roi_low) for row in found.rows] == [(last, "churn", 2.0, None)]
    days = {first - 8 * day: 1.0, first - day: 10.0, first: 100.0, last - day: 1000.0, last: 10000.0}
    load(client, "marts.revenue_by_dimension_daily", [sold(at, net) for at, net in days.items()])
    assert reader(warehouse).read(queries.REVENUE_PARTS, WEEK, None).rows == (
        RevenuePart(dimension="country", value="DE", dollars=1100.0, dollars_before=10.0),
    )


def returned(day: datetime, roi: float) -> dict[str, Any]:
    text = {"model": "churn", "arm": "", "basis": "stated", "basis_text": "$5 an hour", "verdict": "good"}
    return text | {"day": day.isoformat(), "target": 0.2, "roi_middle": roi}


def sold(day: datetime, net: float) -> dict[str, Any]:
    amounts = {"gross": net, "discount": 0.0, "tax": 0.0, "refund": 0.0, "net": net, "payments": 1, "customers": 1}
    return {"day": day.isoformat(), "dimension": "country", "value": "DE"} | amounts


def test_a_table_that_does_not_exist_is_a_problem_with_its_name(
    warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(read.STATEMENTS, "actions", "SELECT action FROM ops.nothing AS one WHERE one.at >= @since")
    found = reader(warehouse).read(queries.ACTIONS, WEEK, None)
    assert found.rows == ()
    assert "nothing" in found.record.problem
