"""The costs of the business: the statements on the billing export, their twin in memory, and the rollup in any order of arrival."""

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery

from core.settings import Billing, Business, Cost, Model, ModelReturn, Returns, Settings, SharedCost, Spending
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup import costs, recommendations
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.cost_anomalies import COST_SERIES
from functions.bi_rollup.costs import CHANGED_COST_DAYS, COST_BY_MODEL, COST_SPAN, COST_TOTALS
from functions.bi_rollup.model_costs import costs_of_models
from functions.bi_rollup.predictions import BigQueryPredictions, PredictionCount
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.roi import costs_by_kind
from functions.bi_rollup.rollup import Outside
from infra.local.past.cost_tables import CostTables
from infra.local.replay import billing as export
from tests.support.builders.business import World, world
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import flights, load

pytest_plugins = ["tests.support.servers.warehouse"]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = datetime(2026, 3, 20, tzinfo=UTC)
BILLING = Billing(
    table=export.TABLE,
    export="detailed",
    partition="export_time",
    shared=(SharedCost(service="BigQuery"), SharedCost(service="Networking", shares={"churn": 0.5})),
)
SETTINGS = Settings(jobs={}, business=Business(billing=BILLING))
Row = dict[str, Any]


def odd(**changed: Any) -> Row:
    """A line of the export that is not as usual."""
    return export.rows(TODAY - 5 * DAY, TODAY - 4 * DAY)[0] | changed


ODD = [
    odd(cost=None),
    odd(cost=float("nan"), credits=[{"name": "c", "amount": -1.0, "type": "PROMOTION"}]),
    odd(credits=[{"name": "c", "amount": float("inf"), "type": "PROMOTION"}]),
    odd(currency="EUR", currency_conversion_rate=None),
    odd(currency="EUR", currency_conversion_rate=0.0),
    odd(service={"id": None, "description": None}, usage_start_time=None),
    odd(labels=[], project={"id": "p", "name": "p", "labels": [{"key": "team", "value": "of-the-project"}]}),
    odd(labels=[{"key": "model", "value": ""}, {"key": "Model", "value": "no"}]),
    odd(sku={"id": "1", "description": "Commitment v1: N2 in Iowa for 1 year"}, labels=[]),
    odd(cost_type="rounding_error", cost=-0.01),
]


def add(client: bigquery.Client, rows: Sequence[Row]) -> None:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=export.SCHEMA), file)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET, write_disposition=bigquery.WriteDisposition.WRITE_APPEND
    )
    client.load_table_from_file(file, f"{client.project}.{export.TABLE}", rewind=True, job_config=config).result()


def rounded(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    found = [
        tuple(round(value, 6) + 0.0 if isinstance(value, float) else value for value in values)
        for values in (
            row if isinstance(row, tuple) else tuple(getattr(row, name) for name in row.__slots__) for row in rows
        )
    ]
    return sorted(found, key=repr)


class Memory:
    """The port over the twin."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.statements = CostTables(rows, BILLING).statements

    def read(self, query: Query[Any], **parameters: Any) -> list[Any]:
        found: list[Any] = self.statements[query.name](**parameters)
        return found

    def read_columns(self, query: Query[Any], **parameters: Any) -> Any:
        raise NotImplementedError(query.name)

    def write(self, name: str, **parameters: Any) -> None:
        self.statements[name](**parameters)


def test_the_twin_in_memory_gives_the_same_costs(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    rows = [*export.rows(TODAY - 60 * DAY, TODAY), *ODD]
    add(client, rows)
    both: tuple[Tables, ...] = (BigQueryTables(warehouse, SETTINGS.business), Memory(rows))
    until = TODAY - DAY

    def same(query: Query[Any], **parameters: Any) -> list[tuple[Any, ...]]:
        expected, found = (rounded(tables.read(query, **parameters)) for tables in both)
        assert found == expected
        assert found
        return found

    days = same(CHANGED_COST_DAYS, since=TODAY - 90 * DAY, oldest=TODAY - 90 * DAY, exported_until=until)
    same(CHANGED_COST_DAYS, since=TODAY - 3 * DAY, oldest=TODAY - 90 * DAY, exported_until=TODAY)
    for tables in both:
        costs.write_days(tables, sorted(day for [day] in days), until)
    same(COST_TOTALS, since=TODAY - 50 * DAY, until=until)
    same(COST_SPAN, since=TODAY - 50 * DAY, until=until)
    same(COST_SERIES, since=TODAY - 20 * DAY, until=until, services=["Vertex AI", "BigQuery"], models=["flight-delay"])
    totals = both[1].read(COST_TOTALS, since=TODAY - 50 * DAY, until=until)
    assert (sum(row.missing_amount for row in totals), sum(row.invalid_rate for row in totals)) == (3, 2)
    assert "of-the-project" in {row.team for row in totals}
    counts = [PredictionCount(model="flight-delay", day=day, predictions=7) for [day] in days[:20]]
    for tables in both:
        written = costs.model_costs(totals, BILLING, counts)
        tables.write("write_model_costs", since=TODAY - 90 * DAY, until=until, costs=written)
        tables.write("write_model_costs", since=until - 2 * DAY, until=until, costs=written[-2:])
    same(COST_BY_MODEL, since=TODAY - 50 * DAY, until=TODAY)


def test_what_is_billed_is_the_sum_of_both_cost_columns(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    rows = export.rows(TODAY - 50 * DAY, TODAY)
    add(client, rows)
    tables = BigQueryTables(warehouse, SETTINGS.business)
    costs.write_days(tables, costs.changed_days(tables, TODAY, None), TODAY)
    mart = warehouse.query(
        "SELECT ChargeCategory, BillingCurrency, SUM(BilledCost) AS billed, SUM(EffectiveCost) AS effective,"
        " SUM(x_Dollars) AS dollars FROM marts.costs_daily GROUP BY ChargeCategory, BillingCurrency"
    )
    billed = sum(row["cost"] + sum(credit["amount"] for credit in row["credits"]) for row in rows)
    assert sum(row["billed"] for row in mart) == pytest.approx(billed)
    assert sum(row["effective"] for row in mart) == pytest.approx(billed)
    of = {(row["ChargeCategory"], row["BillingCurrency"]): row for row in mart}
    assert of["Credit", "USD"]["billed"] < 0
    assert of["Tax", "EUR"]["dollars"] == pytest.approx(of["Tax", "EUR"]["effective"] / export.RATE)


def mart(warehouse: BigQueryWarehouse) -> list[tuple[Any, ...]]:
    return rounded([tuple(row.values()) for row in warehouse.query("SELECT * FROM marts.costs_daily")])


@pytest.fixture
def shop(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    made = world(client, warehouse, tmp_path, ())
    made.settings = SETTINGS
    return made


def run(outside: Outside, at: datetime, previous: RollupResult | None) -> RollupResult:
    return costs.run(outside, at, previous)


def test_rows_in_any_order_and_ticks_that_come_twice_give_what_a_rebuild_gives(
    shop: World, warehouse: BigQueryWarehouse
) -> None:
    rng = np.random.default_rng(4)
    rows = [*export.rows(TODAY - 25 * DAY, TODAY), *ODD]
    result: RollupResult | None = None
    for ago in (9, 4, 3, 0):
        at = TODAY - ago * DAY
        arrived = [row for row in rows if row["export_time"] < at]
        rows = [row for row in rows if row["export_time"] >= at]
        late = [row for row in arrived if at - row["export_time"] < DAY and rng.random() < 0.3]  # visible a day later
        rows += late
        add(shop.client, [arrived[n] for n in rng.permutation(len(arrived)) if arrived[n] not in late] or ODD[:0])
        outside = shop.outside
        again, result = run(outside, at, result), run(outside, at, result)
        assert again.metrics == result.metrics
    add(shop.client, rows)
    result = run(shop.outside, TODAY + 12 * HOUR, result)
    arrived_one_by_one = mart(warehouse)
    warehouse.query("DELETE FROM marts.costs_daily WHERE TRUE")
    rebuilt = run(shop.outside, TODAY + 12 * HOUR, None)
    assert mart(warehouse) == arrived_one_by_one
    assert {value.name: value.value for value in rebuilt.metrics if not value.labels} == {
        value.name: value.value for value in result.metrics if not value.labels
    }


def by_labels(metrics: Sequence[MetricValue], name: str) -> dict[tuple[str, ...], float]:
    return {tuple(value.labels.values()): value.value for value in metrics if value.name == name}


def test_costs_are_allocated_and_what_is_left_is_shown(shop: World, warehouse: BigQueryWarehouse) -> None:
    add(shop.client, [*export.rows(TODAY - 60 * DAY, TODAY), *ODD])
    model = replace(MODEL, name="flight-delay")
    models = {"flight-delay": model, "old": replace(model, name="old")}
    rows = [row | {"model": "flight-delay"} for row in flights(400, TODAY, seed=1, span=20 * DAY)]
    load(shop.client, MODEL.table, rows)
    outside = replace(shop.outside, predictions=BigQueryPredictions(warehouse, lambda: models))
    found = costs.run(outside, TODAY, None)
    allocated = by_labels(found.metrics, "aia_cost_allocated_dollars")
    for dimension in ("service", "model", "team", "pipeline"):
        parts = [dollars for (of, _), dollars in allocated.items() if of == dimension]
        assert sum(parts) == pytest.approx(by_labels(found.metrics, "aia_cost_billed_dollars")["net",])
    assert allocated["team", "unallocated"] > 0
    ratios = by_labels(found.metrics, "aia_cost_unallocated_ratio")
    assert set(ratios) == {("model",), ("team",), ("pipeline",)}
    assert all(0 < ratio < 1 for ratio in ratios.values())
    issues = by_labels(found.metrics, "aia_business_data_issues")
    assert issues == {("billing", "missing_amount"): 3.0, ("billing", "invalid_rate"): 2.0, ("billing", "late"): 0.0}
    units = by_labels(found.metrics, "aia_cost_per_1000_predictions_dollars")
    assert set(units) == {("flight-delay",)}  # the other one has no prediction
    counted = [
        row
        for row in costs.model_costs(
            shop.tables.read(COST_TOTALS, since=TODAY - 31 * DAY, until=TODAY - DAY),
            BILLING,
            outside.predictions(TODAY - 31 * DAY, TODAY - DAY),
        )
        if row.model == "flight-delay" and row.predictions is not None
    ]
    assert 10 < len(counted) < 25  # the table has rows of 20 days
    dollars, predictions = sum(row.dollars for row in counted), sum(row.predictions or 0 for row in counted)
    assert units["flight-delay",] == pytest.approx(dollars / predictions * 1000)
    rows_of = shop.tables.read(COST_BY_MODEL, since=TODAY - 30 * DAY, until=TODAY)
    assert {row.model for row in rows_of} == {"churn", "flight-delay", "old", "unallocated"}
    assert by_labels(found.metrics, "aia_cost_anomaly_dollars")["service", "BigQuery"] == 0.0


def of_the_invoice(rows: Sequence[Row], since: datetime, until: datetime) -> dict[str, float]:
    """Dollars by service of some days of usage, net of credits and without taxes."""
    found: dict[str, float] = {}
    for row in rows:
        if since <= row["usage_start_time"] < until and row["cost_type"] != "tax":
            net = row["cost"] + math.fsum(credit["amount"] for credit in row["credits"])
            rate = row["currency_conversion_rate"] if row["currency"] != "USD" else 1.0
            service = row["service"]["description"]
            found[service] = found.get(service, 0.0) + net / rate
    return found


def test_the_return_of_models_goes_by_what_the_export_allocates_and_all_costs_are_allocated_once(shop: World) -> None:
    rows_of_the_export = export.rows(TODAY - 40 * DAY, TODAY)
    add(shop.client, rows_of_the_export)
    spending = Spending(table=costs.MART, timestamp="ChargePeriodStart", kind="ServiceName", amount="x_Dollars")
    roi = Returns(models={"churn": ModelReturn(cost_share=0.25)})
    people = {"people": Cost(dollars_per_hour=1.0)}
    shop.settings = replace(
        shop.settings, business=replace(SETTINGS.business, spending=spending, roi=roi, costs=people)
    )
    costs.run(shop.outside, TODAY, None)
    rows = shop.tables.read(COST_BY_MODEL, since=TODAY - 31 * DAY, until=TODAY - DAY)
    billed = {row.model: row.dollars for row in rows if row.model != "unallocated"}
    by_kind = costs_by_kind(shop.outside, TODAY + 14 * HOUR)
    running = {"people": 720.0}
    assert by_kind == pytest.approx(of_the_invoice(rows_of_the_export, TODAY - 31 * DAY, TODAY - DAY) | running)
    total = math.fsum(by_kind.values())
    rest = total - sum(billed.values())
    assert set(billed) == {"churn", "flight-delay"}
    assert min(*billed.values(), rest) > 0
    found = costs_of_models(shop.outside, TODAY, ["churn", "flight-delay", "new"])
    assert {name: cost.dollars for name, cost in found.items()} == pytest.approx(
        {
            "churn": billed["churn"] + 0.25 * rest,
            "flight-delay": billed["flight-delay"] + 0.375 * rest,
            "new": 0.375 * rest,
        }
    )
    assert math.fsum(cost.dollars for cost in found.values()) == pytest.approx(total)
    assert found["churn"].basis.endswith("0.25 of the costs that the billing export does not allocate, as stated")
    later = TODAY + 6 * DAY  # the export has stopped: its missing days are not 0
    costs.run(shop.outside, later, None)
    known = max(row["usage_start_time"] for row in rows_of_the_export).replace(hour=0) + DAY
    assert costs_by_kind(shop.outside, later) == pytest.approx(
        of_the_invoice(rows_of_the_export, known - 30 * DAY, known) | running
    )
    assert costs_by_kind(shop.outside, TODAY + 40 * DAY) == {}  # not the running costs alone
    assert costs_of_models(shop.outside, TODAY + 40 * DAY, ["churn"]) == {}
    in_euros = replace(spending, amount="EffectiveCost")  # not the currency in which models have their costs
    shop.settings = replace(shop.settings, business=replace(shop.settings.business, spending=in_euros))
    [new, old] = costs_of_models(shop.outside, TODAY, ["churn", "new"]).values()
    assert (old.dollars / new.dollars, "export" in new.basis) == (pytest.approx(3.0), False)
    shop.settings = replace(shop.settings, business=replace(shop.settings.business, spending=None, costs={}))
    assert costs_of_models(shop.outside, TODAY, ["churn"]) == {}  # no cost is known


def test_costs_are_not_known_without_an_export_and_no_metric_says_0(shop: World) -> None:
    found = costs.run(shop.outside, TODAY, None)
    [issue] = found.metrics
    assert (issue.name, dict(issue.labels)) == ("aia_business_data_issues", {"table": "billing", "issue": "late"})
    assert issue.value == 800
    assert found.complete_until[costs.MART] == TODAY


def test_an_export_that_stops_is_said_and_its_missing_days_are_not_0(shop: World) -> None:
    add(shop.client, export.rows(TODAY - 50 * DAY, TODAY))
    usual = costs.run(shop.outside, TODAY, None)
    later = costs.run(shop.outside, TODAY + 6 * DAY, usual)
    assert by_labels(later.metrics, "aia_business_data_issues")["billing", "late"] == 6.0
    before, since = (by_labels(one.metrics, "aia_cost_billed_dollars")["net",] for one in (usual, later))
    assert since == pytest.approx(before)
    stopped = costs.run(shop.outside, TODAY + 40 * DAY, later)
    assert {value.name for value in stopped.metrics} == {"aia_business_data_issues"}


def test_a_recommendation_is_kept_decided_on_and_its_saving_is_measured(
    shop: World, warehouse: BigQueryWarehouse
) -> None:
    add(shop.client, export.rows(TODAY - 60 * DAY, TODAY + 10 * DAY))
    idle = [PredictionCount(model="flight-delay", day=TODAY + n * DAY, predictions=0) for n in range(-60, 12)]
    outside = replace(shop.outside, predictions=lambda _since, _until: idle)
    costs.run(outside, TODAY, None)
    first = recommendations.run(outside, TODAY, None)
    open_ones = by_labels(first.metrics, "aia_recommendation_monthly_dollars")
    assert ("idle_endpoint", "model/flight-delay", "high") in open_ones
    assert any(kind == "commitment" for kind, *_ in open_ones)
    key = "idle_endpoint:model/flight-delay"
    decision = {"key": key, "decided_by": "ada", "note": "", "decided_at": TODAY - 10 * DAY}
    warehouse.append("ops.recommendation_decisions", [decision | {"state": "dismissed"}])
    warehouse.append("ops.recommendation_decisions", [decision | {"state": "done", "decided_at": TODAY - 8 * DAY}])
    second = recommendations.run(outside, TODAY + DAY, first)
    assert by_labels(second.metrics, "aia_recommendations")["idle_endpoint", "done"] == 1.0
    [row] = [row for row in warehouse.query("SELECT * FROM marts.recommendations") if row["key"] == key]
    daily = {
        one["day"]: one["dollars"]
        for one in warehouse.query(
            "SELECT ChargePeriodStart AS day, SUM(x_Dollars) AS dollars FROM marts.costs_daily"
            " WHERE x_Model = 'flight-delay' AND ChargeCategory != 'Tax' GROUP BY day"
        )
    }
    done, until = TODAY - 8 * DAY, TODAY - DAY  # the export has no row of yesterday yet: it is not known, and not 0
    before = [daily.get(done - n * DAY, 0.0) for n in range(1, 31)]
    since = [daily.get(done + n * DAY, 0.0) for n in range(1, (until - done).days)]
    assert row["saved_dollars"] == pytest.approx(sum(before) / 30 * len(since) - sum(since))
    assert (row["state"], row["decided_by"], row["first_seen"]) == ("done", "ada", TODAY)
    assert row["saved_until"] == until
    assert by_labels(second.metrics, "aia_recommendation_saved_dollars")["idle_endpoint",] == row["saved_dollars"]


def test_models_of_one_table_are_counted_together(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    load(client, MODEL.table, [row | {"model": "a"} for row in flights(50, TODAY, seed=1, span=2 * DAY)])
    gone = replace(MODEL, name="c", table="telemetry.nowhere")
    models: dict[str, Model] = {
        "a": replace(MODEL, name="a"),
        "b": replace(MODEL, name="b"),
        "c": gone,
    }
    found = BigQueryPredictions(warehouse, lambda: models)(TODAY - 10 * DAY, TODAY)
    assert found is not None
    assert sum(count.predictions for count in found) == 50
    assert {(count.model, count.predictions) for count in found if count.model != "a"} == {("b", 0)}
