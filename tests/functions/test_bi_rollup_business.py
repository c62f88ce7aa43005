"""bi_rollup over real BigQuery calls and a real store: customers, market, costs, and all rollups together."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import QueryError, UnavailableError
from core.settings import Business, Cost, Customers, MarketTable, Settings, Spending
from functions.adapters.stores import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.result import load as load_result
from functions.bi_rollup.rollup import Outside
from infra.local.warehouse.tables import create_tables
from tests.support.builders.business import DAY, HOUR, ORDERS, SETTINGS, TICK, TODAY, World, order, weeks
from tests.support.builders.flights import flights, load

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

from tests.support.builders.business import FIVE, SHOP, only

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]


def test_customers_are_counted_by_state(empty: World) -> None:
    empty.jobs = only("customers")
    empty.order(
        order(1, TODAY - 5 * DAY, 20.0, customer_id="new"),
        order(2, TODAY - 50 * DAY, 20.0, customer_id="loyal"),
        order(3, TODAY - 50 * DAY + HOUR, 5.0, customer_id="loyal"),  # the same day: one visit
        order(4, TODAY - 4 * DAY, 30.0, customer_id="loyal"),
        order(5, TODAY - 3 * DAY, -10.0, customer_id="loyal"),
        order(6, TODAY - 40 * DAY, 20.0, customer_id="lost"),
        order(7, TODAY - 40 * DAY, 20.0, customer_id=None),
        order(8, TODAY - 2 * DAY, 20.0, customer_id="declined", outcome="failed"),
        order(9, TODAY + HOUR, 20.0, customer_id="today"),  # of a day that is not over
    )
    empty.tick()
    states = {state: empty.value("aia_customers", state) for state in ("new", "active", "lapsed")}
    assert states == {"new": 1.0, "active": 1.0, "lapsed": 1.0}
    assert empty.value("aia_customer_churn_ratio") == 0.5
    loyal = next(row for row in empty.customers() if row["customer"] == "loyal")
    assert (loyal["days"], loyal["orders"], loyal["dollars"], loyal["first_dollars"]) == (2, 3, 45.0, 25.0)
    assert (loyal["first_day"], loyal["last_day"]) == (TODAY - 50 * DAY, TODAY - 4 * DAY)
    assert empty.value("aia_customer_lifetime_value_dollars") is None  # three customers tell nothing


def test_a_refund_follows_its_order_in_whatever_step_it_is_written(empty: World) -> None:
    empty.jobs = only("revenue", "reconciliation", "customers")
    empty.order(
        order(1, TODAY - 80 * DAY, 1000.0),
        order(2, TODAY - 20 * DAY, 600.0),
        order(3, TODAY - 3 * DAY, -50.0),  # under an id of its own: of the day on which it comes
    )
    empty.tick()
    empty.order(order(1, TODAY - HOUR, -1000.0))
    for at in (TICK + DAY, TICK + DAY):
        empty.tick(at)
        [ada] = empty.customers()
        assert (ada["days"], ada["dollars"], ada["first_dollars"]) == (2, 550.0, 0.0)  # 550 dollars are repeat money
        empty.forget()  # the second time as a rebuild


def test_a_refund_under_an_id_of_its_own_follows_the_order_that_it_names(empty: World) -> None:
    empty.jobs = only("customers")
    orders = replace(ORDERS, table="telemetry.returns", refund_of="refund_of")
    empty.settings = replace(SETTINGS, business=Business(orders=orders))
    columns = "ordered_at TIMESTAMP, order_id STRING, refund_of STRING, source STRING, customer_id STRING, amount_dollars FLOAT64"
    empty.client.query(f"CREATE TABLE telemetry.returns ({columns}, outcome STRING)").result()
    rows = [
        order(1, TODAY - 60 * DAY, 1000.0),
        order(2, TODAY - 20 * DAY, 600.0),
        order("r1", TODAY - 3 * DAY, -1000.0, refund_of="1"),
        order("r2", TODAY - 3 * DAY, -50.0, refund_of="(none)"),  # names none: of its own day
        order("r3", TODAY - 2 * DAY, -25.0, refund_of="lost"),  # names one that was never seen: likewise
        order("r1", TODAY - 3 * DAY, -1000.0, refund_of="1"),  # delivered twice
    ]
    load(empty.client, orders.table, rows)
    for at in (TICK, TICK + DAY):
        empty.tick(at)
        [ada] = empty.customers()
        assert (ada["days"], ada["dollars"], ada["first_dollars"]) == (2, 525.0, 0.0)


def test_cohorts_are_counted_by_whole_months_and_refunds_by_that_of_their_order(empty: World) -> None:
    empty.jobs = only("customers")
    january, february = TODAY - 55 * DAY, TODAY - 20 * DAY
    empty.order(
        order(1, january, 100.0),
        order(2, january, 40.0, customer_id="grace"),
        order(3, february, 60.0),
        order(4, february, 10.0, customer_id="joan"),
        order(1, TODAY - HOUR, -100.0),  # in March, of the order of January
        order(5, TODAY - HOUR, 7.0, customer_id="mary"),  # of a month that is not over
    )
    for at in (TICK, TICK + DAY):  # the second time without a change
        empty.tick(at)
        found = empty.warehouse.query("SELECT * FROM marts.customer_cohorts ORDER BY cohort, months")
        assert [tuple(row.values())[1:] for row in found] == [(0, 2, 2, 40.0), (1, 2, 1, 60.0), (0, 1, 1, 10.0)]
        assert [f"{row['cohort']:%Y-%m-%d}" for row in found] == ["2026-01-01", "2026-01-01", "2026-02-01"]
    assert empty.value("aia_customer_retention_ratio", "01") == 0.5
    assert empty.value("aia_cohort_customers", "2026-01") == 2.0
    assert empty.value("aia_cohort_revenue_dollars", "2026-01") == 100.0
    assert empty.value("aia_cohort_customers", "2026-03") is None


def test_enough_customers_have_a_lifetime_value_with_its_interval_and_error(shop: World) -> None:
    shop.jobs = only("customers")
    shop.tick()
    middle = shop.value("aia_customer_lifetime_value_dollars")
    low, high = (shop.value("aia_customer_lifetime_value_bound_dollars", bound) for bound in ("low", "high"))
    assert low is not None
    assert middle is not None
    assert high is not None
    assert 10 < low < middle < high < 5000
    errors = [shop.value("aia_customer_purchases_error", method) for method in ("forecast", "naive_count")]
    ratio = shop.value("aia_customer_purchases_ratio")
    assert None not in errors
    assert ratio is not None
    assert 0.5 < ratio < 2.0


def test_a_rebuild_gives_the_same_customers_and_includes_late_orders(shop: World) -> None:
    shop.jobs = only("customers")
    shop.tick()
    before = rounded(shop)
    shop.forget()
    shop.tick()
    assert rounded(shop) == before
    shop.order(order("late", TODAY - DAY, 5.0, customer_id="latecomer"))
    shop.tick(TICK + DAY)
    assert len(shop.customers()) == len(before) + 1


def test_without_a_customer_column_no_customers_are_counted(shop: World) -> None:
    shop.jobs = only("revenue", "customers", "dimensions", "model_roi")
    shop.settings = replace(SETTINGS, business=Business(orders=replace(ORDERS, customer=None)))
    shop.tick()
    assert shop.customers() == []
    assert shop.value("aia_customers", "new") is None
    assert shop.value("aia_revenue_dollars", SHOP) is not None


def test_each_sale_of_the_market_counts_once(empty: World) -> None:
    market = MarketTable(
        table="telemetry.flight_predictions", timestamp="scored_at", id="prediction_id", company="carrier", ours="DL"
    )
    empty.settings = Settings(jobs={}, business=Business(market=market))
    rows = flights(200, TODAY, seed=1)
    load(empty.client, market.table, rows)
    load(empty.client, market.table, rows[:50])
    empty.tick()
    shares = {name: empty.value("aia_market_share_ratio", name) or 0.0 for name in ("UA", "DL", "AA")}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["DL"] == sum(row["carrier"] == "DL" for row in rows) / 200
    assert empty.value("aia_market_rank") == 2.0


def test_the_market_grows_against_a_quarter_and_a_year_ago_by_the_clock_of_the_business(empty: World) -> None:
    market = MarketTable(
        table="telemetry.orders",
        timestamp="ordered_at",
        id="order_id",
        company="source",
        ours="us",
        amount="amount_dollars",
    )
    empty.settings = Settings(jobs={}, business=Business(market=market, time_zone="America/Los_Angeles"))
    ends = {"now": TODAY - DAY, "quarter": TODAY - 92 * DAY}  # at midnight in UTC the last day that is over is Saturday
    local = 8 * HOUR
    empty.order(
        order(1, TODAY + local - HOUR, 1000.0, source="us"),  # still Sunday there: not over
        order(2, ends["now"] + local - HOUR, 120.0, source="us"),
        order(3, ends["now"] - 29 * DAY, 280.0, source="them"),
        order(4, ends["quarter"] + local - HOUR, 100.0, source="us"),
        order(5, ends["quarter"] - 30 * DAY + local + HOUR, 100.0, source="them"),
        order(6, ends["quarter"] + local + HOUR, 500.0, source="them"),  # between the two periods
    )
    empty.tick(TODAY + FIVE)
    assert empty.value("aia_market_share_ratio", "us") == 0.3
    assert empty.value("aia_market_growth_ratio", "quarter", "ours") == pytest.approx(0.2)
    assert empty.value("aia_market_growth_ratio", "quarter", "market") == pytest.approx(1.0)
    assert empty.value("aia_market_growth_ratio", "year", "ours") is None  # the table does not go back so far
    dates = {"end": ends["now"] + local, "newest_sale": ends["now"] + local - HOUR}
    for bound, at in dates.items():
        found = empty.value("aia_market_period_timestamp_seconds", bound, "current", "telemetry.orders")
        assert found == at.timestamp()


def test_costs_come_from_the_settings_and_from_spend(empty: World) -> None:
    spending = Spending(table="telemetry.orders", timestamp="ordered_at", kind="source", amount="amount_dollars")
    costs = {"serving": Cost(dollars_per_hour=2.0)}
    empty.settings = Settings(jobs={}, business=Business(costs=costs, spending=spending))
    empty.order(order(1, TICK - 3 * DAY, 100.0, source="storage"), order(2, TICK - 40 * DAY, 100.0, source="storage"))
    empty.tick()
    assert empty.value("aia_cost_dollars", "serving") == 1440.0
    assert empty.value("aia_cost_dollars", "storage") == 100.0
    assert empty.value("aia_roi_ratio") == -1.0


def test_the_metrics_of_a_day_are_written_once(shop: World) -> None:
    shop.jobs = only("revenue", "daily_metrics")
    shop.tick(TODAY)
    shop.tick(TODAY)
    shop.tick(TODAY + FIVE)
    rows = shop.warehouse.query("SELECT DISTINCT day, measured_at, name, labels, value FROM marts.daily_metrics")
    counted = shop.warehouse.query("SELECT COUNT(*) AS n FROM marts.daily_metrics")[0]["n"]
    assert counted == len(rows) > 0
    assert {row["day"] for row in rows} == {TODAY}
    revenue = [row for row in rows if row["name"] == "aia_revenue_dollars"]
    assert [(row["labels"], row["measured_at"]) for row in revenue] == [('{"source": "shop"}', TODAY)]


def test_a_metric_that_is_computed_late_on_a_day_is_written(shop: World) -> None:
    broken = QueryError("refused")

    def fails(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
        raise broken

    jobs = only("revenue", "forecasts", "daily_metrics")
    shop.jobs = [replace(job, run=fails) if job.name == "forecasts" else job for job in jobs]
    shop.tick(TODAY)
    shop.jobs = jobs
    shop.tick(TODAY + FIVE)
    shop.tick(TODAY + 2 * FIVE)
    rows = shop.warehouse.query("SELECT day, measured_at, name FROM marts.daily_metrics")
    assert {row["day"] for row in rows} == {TODAY}
    at = {row["name"]: row["measured_at"] for row in rows}
    assert at["aia_forecast_error_ratio"] == TODAY
    assert at["aia_revenue_dollars"] == TODAY  # as it stood at the first tick


def test_a_tick_of_yesterday_changes_nothing_of_today(empty: World) -> None:
    empty.order(order(1, TODAY - 3 * DAY, customer_id="old"), order(2, TODAY - HOUR, customer_id="new"))
    empty.tick(TODAY + HOUR)
    empty.tick(TODAY - HOUR)
    assert [row["customer"] for row in empty.customers()] == ["new", "old"]
    assert {row["day"] for row in empty.warehouse.query("SELECT day FROM marts.daily_metrics")} == {TODAY}


def test_invalid_companies_and_sales_are_left_out_and_counted(empty: World, caplog: pytest.LogCaptureFixture) -> None:
    columns = "t TIMESTAMP, id STRING, company STRING, amount STRING"
    empty.client.query(f"CREATE TABLE telemetry.panel ({columns})").result()
    sales = (
        ("'a'", "us", "'30.0'"),
        ("'a'", "us", "'30.0'"),  # the same sale
        ("'b'", "us", "'nan'"),
        ("'e'", "us", "'n/a'"),
        (*("NULL", "them"), "'35.0'"),
        (*("NULL", "them"), "'35.0'"),
        ("'c'", "returns", "'-5.0'"),
        ("'d'", "nobody knows", "NULL"),
    )
    rows = ", ".join(f"(TIMESTAMP '2026-03-01', {key}, '{company}', {amount})" for key, company, amount in sales)
    empty.client.query(f"INSERT INTO telemetry.panel VALUES {rows}").result()
    market = MarketTable(table="telemetry.panel", timestamp="t", id="id", company="company", ours="us", amount="amount")
    empty.settings = Settings(jobs={}, business=Business(market=market))
    empty.tick()
    assert empty.value("aia_market_share_ratio", "us") == 0.3
    assert empty.value("aia_market_rank") == 2.0
    counts = {
        issue: empty.value("aia_business_data_issues", issue, "market")
        for issue in ("missing_amount", "invalid_company")
    }
    assert counts == {"missing_amount": 3.0, "invalid_company": 2.0}
    assert empty.value("aia_business_data_issues", "missing_id", "market") == 2.0
    assert "companies left out: their sales are unknown or negative" in caplog.messages
    assert empty.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is not None


def test_an_invalid_amount_of_spend_leaves_the_roi_of_the_others(empty: World) -> None:
    empty.client.query("CREATE TABLE telemetry.spent (t TIMESTAMP, kind STRING, amount STRING)").result()
    amounts = {"storage": "'720.0'", "network": "'nan'", "disks": "'n/a'"}
    rows = ", ".join(f"(TIMESTAMP '2026-03-01', '{kind}', {amount})" for kind, amount in amounts.items())
    empty.client.query(f"INSERT INTO telemetry.spent VALUES {rows}, (TIMESTAMP '2026-03-01', 'storage', NULL)").result()
    spending = Spending(table="telemetry.spent", timestamp="t", kind="kind", amount="amount")
    costs = {"serving": Cost(dollars_per_hour=1)}
    empty.settings = Settings(jobs={}, business=Business(costs=costs, spending=spending))
    empty.tick()
    found = {kind: empty.value("aia_cost_dollars", kind) for kind in ("serving", "storage", "network", "disks")}
    assert found == {"serving": 720.0, "storage": 720.0, "network": None, "disks": None}
    assert empty.value("aia_roi_ratio") == -1.0
    assert empty.value("aia_business_data_issues", "missing_amount", "spending") == 3.0
    assert empty.value("aia_business_data_issues", "invalid_kind", "spending") == 2.0


def test_a_missing_table_does_not_block_other_rollups(shop: World) -> None:
    shop.jobs = only("revenue", "customers", "market")
    market = MarketTable(table="telemetry.nowhere", timestamp="a", id="b", company="c", ours="d")
    shop.settings = replace(SETTINGS, business=replace(SETTINGS.business, market=market))
    shop.tick()
    assert shop.value("aia_revenue_dollars", SHOP) is not None
    assert shop.value("aia_customers", "active") is not None
    assert shop.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is None


def test_a_tick_is_redelivered_while_the_warehouse_is_down(own_place: "Place", tmp_path: Path) -> None:
    with closing(own_place.client("down")) as client:
        create_tables(client)
        found = World(
            client, open_store(f"sqlite://{tmp_path}/s.db", "t"), BigQueryWarehouse(client, patience=0.5), ROLLUPS
        )
        found.order(*weeks(TODAY, 3))
        own_place.emulator.stop()
        with pytest.raises(UnavailableError):
            found.tick()
        assert found.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is None
        own_place.emulator.start()
        found.tick()
        assert found.value("aia_revenue_dollars", SHOP) is not None


def test_one_tick_computes_every_metric(shop: World) -> None:
    shop.settings = replace(
        SETTINGS,
        business=replace(
            SETTINGS.business, customers=Customers(period=30 * DAY), costs={"a": Cost(dollars_per_hour=1)}
        ),
    )
    shop.order(order("today", TICK - HOUR))
    shop.tick()
    named = {name for name, *_ in shop.metrics.values}
    assert named >= {
        *("aia_revenue_dollars", "aia_payments", "aia_payment_success_ratio", "aia_revenue_forecast_dollars"),
        *("aia_forecast_error_ratio", "aia_forecast_coverage_ratio", "aia_customers", "aia_customer_churn_ratio"),
        *("aia_customer_lifetime_value_dollars", "aia_cost_dollars", "aia_roi_ratio"),
        *("aia_stakeholder_satisfaction_ratio", "aia_rollup_timestamp_seconds", "aia_heartbeat_timestamp_seconds"),
    }
    kept = load_result(shop.store, "forecasts")
    assert kept is not None
    assert set(kept.indicators) == {"forecast_error_ratio", "forecast_coverage_ratio", "revenue_ratio"}


def rounded(found: World) -> list:  # type: ignore[type-arg]
    """The customers; in which order amounts are added up is not for us to say."""
    return [row | {"dollars": round(row["dollars"], 6)} for row in found.customers()]
