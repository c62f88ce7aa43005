"""bi_rollup over real BigQuery calls and a real store: what the orders say, however and whenever they arrive."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from core.errors import QueryError, UnavailableError
from core.settings import Business, Cost, Customers, MarketTable, Orders, Settings, Spending
from functions.adapters.ports import Data
from functions.adapters.store import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup import forecasts, rollup, sources
from functions.bi_rollup.figures import Made
from functions.bi_rollup.figures import load as load_made
from functions.bi_rollup.parts import PARTS
from functions.bi_rollup.rollup import Outside
from infra.local.warehouse import create_tables
from tests.support.business import DAY, HOUR, ORDERS, SETTINGS, TICK, TODAY, World, order, weeks, world
from tests.support.flights import flights, load

if TYPE_CHECKING:
    from tests.support.warehouse import Place

pytest_plugins = ["tests.support.warehouse"]
FIVE = timedelta(minutes=5)
SHOP = "shop"


def only(*names: str) -> list:  # type: ignore[type-arg]
    return [part for part in PARTS if part.name in names]


@pytest.fixture
def shop(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    """Twelve weeks of orders until today."""
    found = world(client, warehouse, tmp_path, PARTS)
    found.order(*weeks(TODAY, 12))
    return found


@pytest.fixture
def empty(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> World:
    return world(client, warehouse, tmp_path, PARTS)


def test_an_order_counts_once_for_what_became_of_it(empty: World) -> None:
    empty.parts = only("revenue")
    one = order(1, TICK - HOUR, 100.0)
    empty.order(
        one,
        one,  # delivered twice
        order(2, TICK - 2 * HOUR, -30.0),
        order(3, TICK - 2 * HOUR, 70.0, outcome="failed"),
        order(4, TICK - 2 * HOUR, 40.0, outcome="perhaps"),
        order(5, TICK - DAY - FIVE, 500.0),  # before the 24 hours
        order(6, TICK, 900.0),  # after them
        order(7, TICK - HOUR, 7.0, source="other"),
    )
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 70.0
    assert empty.value("aia_revenue_dollars", "other") == 7.0
    counts = [empty.value("aia_payments", outcome, SHOP) for outcome in ("taken", "refunded", "failed")]
    assert counts == [1.0, 1.0, 1.0]
    assert empty.value("aia_payment_success_ratio", SHOP) == pytest.approx(2 / 3)
    hours = [row for row in empty.hours() if row["source"] == SHOP]
    assert sum(row["dollars"] for row in hours) == 570.0 + 900.0  # the hour of the tick is made anew at the next one
    assert sum(row["unknown"] for row in hours) == 1


def test_without_a_column_of_outcomes_the_sign_says_what_became_of_it(empty: World) -> None:
    empty.parts = only("revenue")
    orders = replace(ORDERS, outcome=None, customer=None)
    empty.settings = replace(SETTINGS, business=Business(orders=orders))
    empty.order(order(1, TICK - HOUR, 50.0, outcome="?"), order(2, TICK - HOUR, -20.0, outcome="?"))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 30.0
    assert empty.value("aia_payments", "refunded", SHOP) == 1.0


def test_the_words_of_outcomes_are_those_of_the_settings(empty: World) -> None:
    empty.parts = only("revenue")
    words = {"taken": ("paid", "settled"), "refunded": ("back",), "failed": ("declined",)}
    empty.settings = replace(SETTINGS, business=Business(orders=replace(ORDERS, outcomes=words)))
    for number, word in enumerate(("paid", "settled", "back", "declined"), 1):
        empty.order(order(number, TICK - HOUR, 10.0, outcome=word))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 10.0  # what is paid back counts against it, whatever its sign
    assert empty.value("aia_payments", "failed", SHOP) == 1.0


def test_a_late_order_is_counted_within_what_the_settings_allow(empty: World) -> None:
    empty.parts = only("revenue")
    empty.order(order(1, TICK - 5 * HOUR))
    empty.tick()
    empty.order(order(2, TICK - 2 * DAY), order(3, TICK - 4 * DAY), order(4, TICK - HOUR))
    empty.tick(TICK + FIVE)
    assert [row["taken"] for row in empty.hours()] == [1, 1]  # the newest hours at every tick,
    empty.tick(TICK + 6 * FIVE)  # and as far back as they may come late once an hour
    assert [row["taken"] for row in empty.hours()] == [1, 1, 1]
    assert min(row["hour"] for row in empty.hours()) == TICK.replace(minute=0) - 2 * DAY


def test_an_order_with_two_instants_stays_the_one_that_it_was(empty: World) -> None:
    empty.parts = only("revenue", "customers")
    ten = TICK.replace(minute=0) - 2 * HOUR
    empty.order(order(1, ten - FIVE, 100.0), order(1, ten + FIVE, 100.0))
    for n in (0, 1, 24, 69, 70, 71, 72, 73):
        empty.tick(TICK + n * HOUR)
        assert [row["dollars"] for row in empty.hours()] == [100.0]
    assert [row["orders"] for row in empty.customers()] == [1]


def test_a_payment_that_is_tried_again_under_its_id_is_taken(empty: World) -> None:
    empty.parts = only("revenue")
    for number, outcomes in enumerate((("failed", "taken"), ("taken", "failed"), ("perhaps", "taken"))):
        for n, outcome in enumerate(outcomes):
            empty.order(order(number, TICK - HOUR + n * FIVE, 100.0, outcome=outcome))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 300.0
    assert empty.value("aia_payment_success_ratio", SHOP) == 1.0


def test_orders_without_an_id_count_each_and_are_told(empty: World, caplog: pytest.LogCaptureFixture) -> None:
    empty.parts = only("revenue")
    empty.client.query("CREATE TABLE telemetry.paid (t TIMESTAMP, id INT64, shop STRING, dollars FLOAT64)").result()
    rows = ", ".join([f"(TIMESTAMP '2026-03-02 1{n}:00:00+00', NULL, 'shop', 5.0)" for n in (0, 0, 1)])
    empty.client.query(f"INSERT INTO telemetry.paid VALUES {rows}, (TIMESTAMP '2026-03-02', 7, 'shop', NULL)").result()
    paid = Orders(table="telemetry.paid", timestamp="t", id="id", source="shop", amount="dollars")
    empty.settings = Settings(jobs={}, business=Business(orders=paid))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 15.0
    assert empty.value("aia_business_flawed_rows", "without_id", "orders") == 3.0
    assert empty.value("aia_business_flawed_rows", "unknown", "orders") == 1.0
    assert "orders without an id: one that is delivered twice counts twice" in caplog.messages


def test_the_newest_order_is_known_while_there_was_one_in_the_last_weeks(empty: World) -> None:
    empty.parts = only("revenue")
    empty.order(order(1, TICK - HOUR))
    for later, newest in ((0 * DAY, TICK - HOUR), (5 * DAY, TICK.replace(minute=0) - HOUR)):
        empty.tick(TICK + later)
        assert empty.value("aia_orders_newest_timestamp_seconds") == newest.timestamp()
    empty.metrics.values.clear()
    empty.tick(TICK + 30 * DAY)
    assert empty.value("aia_orders_newest_timestamp_seconds") is None


def test_no_statement_reads_more_than_some_months_of_orders(empty: World) -> None:
    empty.parts = only("revenue", "customers")
    empty.order(*(order(n, TODAY - n * DAY) for n in range(1, 500, 40)))
    spans: list[timedelta] = []

    class Watching:
        def query(self, sql: str, **parameters: Any) -> list[Data]:
            if ORDERS.table in sql.replace("`", ""):
                spans.append(parameters["until"] - parameters["since"])
            return empty_warehouse.query(sql, **parameters)

        def append(self, table: str, rows: Sequence[Data]) -> None:
            raise AssertionError(table)

    empty_warehouse, empty.warehouse = empty.warehouse, Watching()
    empty.tick()
    assert max(spans) <= 91 * DAY
    assert len(empty.hours()) == sum(row["days"] for row in empty.customers()) == 13
    spans.clear()
    empty.tick(TICK + FIVE)
    assert max(spans) <= DAY


@pytest.mark.parametrize("part", ["revenue", "customers"])
def test_what_is_made_anew_keeps_what_the_orders_have_forgotten(empty: World, part: str) -> None:
    empty.parts = only(part)
    empty.order(order(1, TODAY - 300 * DAY), order(2, TODAY - 20 * DAY), order(3, TODAY - DAY))
    empty.tick()
    empty.client.query("DELETE FROM telemetry.orders WHERE order_id IN ('1')").result()  # its partition has expired
    empty.order(order(4, TODAY - 10 * DAY))  # very late
    kept = empty.store.get("business", part)
    assert kept is not None
    empty.store.delete(kept, "business")
    empty.tick(TICK + HOUR)
    rows = empty.hours() if part == "revenue" else empty.warehouse.query("SELECT day FROM marts.customer_days")
    assert len(rows) == 4


def test_after_an_outage_everything_since_is_made(empty: World) -> None:
    empty.parts = only("revenue")
    empty.order(order(1, TICK - HOUR))
    empty.tick()
    empty.order(*(order(n, TICK + n * DAY) for n in range(2, 20)))
    empty.tick(TICK + 20 * DAY)
    assert len(empty.hours()) == 19


def test_a_tick_again_changes_nothing_and_an_old_one_takes_nothing_away(empty: World) -> None:
    empty.parts = only("revenue")
    empty.order(order(1, TICK - HOUR), order(2, TICK - FIVE))
    empty.tick()
    before = empty.hours()
    empty.tick()
    empty.forget()
    empty.tick()
    empty.tick(TICK - 2 * HOUR)
    assert empty.hours() == before


def test_no_orders_are_no_figures_and_no_fault(empty: World) -> None:
    empty.tick()
    assert empty.hours() == []
    assert empty.customers() == []
    named = {name for name, *_ in empty.metrics.values}
    assert "aia_heartbeat_timestamp_seconds" in named
    assert not named & {"aia_revenue_dollars", "aia_customers", "aia_revenue_forecast_dollars", "aia_market_rank"}


def test_a_source_that_sold_nothing_today_earned_nothing_and_its_payments_say_nothing(shop: World) -> None:
    shop.parts = only("revenue")
    shop.tick(TODAY + 2 * DAY)
    assert shop.value("aia_revenue_dollars", SHOP) == 0.0
    assert shop.value("aia_payment_success_ratio", SHOP) is None


def test_forecasts_are_made_for_today_and_for_the_weeks_before(shop: World) -> None:
    shop.parts = only("revenue", "forecasts")
    shop.tick()
    rows = shop.warehouse.query("SELECT made_at, day, low, middle, high FROM ops.revenue_forecasts")
    made = {row["made_at"] for row in rows}
    assert (min(made), max(made), len(made)) == (TODAY - 28 * DAY, TODAY, 29)
    assert sum(row["made_at"] == TODAY for row in rows) == 30
    assert all(row["low"] <= row["middle"] <= row["high"] for row in rows)
    bounds = [shop.value("aia_revenue_forecast_dollars", bound, SHOP) for bound in ("low", "middle", "high")]
    assert bounds == sorted(bounds, key=lambda dollars: dollars or 0.0)
    assert bounds[0] is not None
    assert 0 < (shop.value("aia_forecast_error_ratio", SHOP) or 0) < 0.5
    assert (shop.value("aia_forecast_coverage_ratio", SHOP) or 0) > 0.6


def test_a_forecast_knows_nothing_of_the_days_after_it(shop: World) -> None:
    shop.parts = only("revenue", "forecasts")
    shop.tick()
    before = _forecasts(shop)
    shop.order(*(order(f"x{n}", TODAY - 3 * DAY + n * HOUR, 9000.0) for n in range(60)))
    shop.forget()
    shop.tick()
    for at in (TODAY - 28 * DAY, TODAY - 3 * DAY):
        assert _forecasts(shop)[at] == [(day, pytest.approx(middle)) for day, middle in before[at]]
    assert _forecasts(shop)[TODAY] != before[TODAY]


def test_a_day_on_which_nothing_ran_is_forecast_later_and_the_others_are_left(shop: World) -> None:
    shop.parts = only("revenue", "forecasts")
    shop.tick(TICK - 3 * DAY)
    shop.tick(TICK)
    assert len(_forecasts(shop)) == 32


def test_what_was_expected_of_the_last_day_is_what_was_forecast_before_it(shop: World) -> None:
    shop.parts = only("revenue", "forecasts")
    shop.tick(TODAY)
    assert shop.value("aia_revenue_expected_dollars", SHOP) is None  # nothing had been forecast yet
    shop.tick(TODAY + FIVE)
    [row] = shop.warehouse.query(
        "SELECT middle, mean FROM ops.revenue_forecasts WHERE made_at = @day AND day = @day", day=TODAY - DAY
    )
    expected = shop.value("aia_revenue_expected_dollars", SHOP)
    assert expected == pytest.approx(row["mean"], rel=1e-9)
    assert row["mean"] > row["middle"]  # nobody buys at night: nothing of today's counts yet


def test_a_forecast_of_an_older_version_is_as_good_as_it_was(shop: World) -> None:
    shop.parts = only("revenue", "forecasts")
    shop.tick(TODAY)
    shop.client.query("UPDATE ops.revenue_forecasts SET mean = NULL, middle = 70.0 WHERE TRUE").result()
    shop.tick(TODAY + FIVE)
    assert shop.value("aia_revenue_expected_dollars", SHOP) == pytest.approx(70.0)


def test_forecasts_are_made_some_days_a_step_and_go_on_where_it_ended(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "STEPS", 5)
    shop.parts = only("revenue", "forecasts")
    for n, days in enumerate((0, 20, 29)):  # the mart in nine steps, then four days a step
        shop.tick(TICK + n * FIVE)
        assert len(_forecasts(shop)) == days
    assert shop.value("aia_revenue_forecast_dollars", "middle", SHOP) is not None
    assert sum(len(days) for days in _forecasts(shop).values()) == 28 * 7 + 30


def test_the_largest_sources_have_figures_and_the_rest_is_one_more(
    empty: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    empty.parts = only("revenue", "forecasts")
    for n, name in enumerate(("a", "b", "c", "d")):
        empty.order(*(order(f"{name}{day}", TODAY - day * DAY + HOUR, 100.0 - n, source=name) for day in range(40)))
    empty.tick()
    assert empty.value("aia_revenue_dollars", "b") == 99.0
    assert empty.value("aia_revenue_dollars", "other") == 98.0 + 97.0
    assert empty.value("aia_revenue_dollars", "c") is None
    assert empty.value("aia_revenue_forecast_dollars", "middle", "other") == pytest.approx(30 * 195.0)
    assert empty.value("aia_forecast_error_ratio", "other") == pytest.approx(0.0)
    assert empty.value("aia_business_flawed_rows", "source", "orders") == 2.0
    assert any("the rest as one more, other" in message for message in caplog.messages)
    empty.tick(TICK + FIVE)
    assert empty.value("aia_revenue_expected_dollars", "other") is not None
    assert len({row["source"] for row in empty.hours()}) == 4


def test_days_whose_orders_may_still_come_are_not_known(shop: World) -> None:
    shop.parts = only("revenue")
    for later, unknown in ((0, 0), (2, 2), (5, 3)):
        shop.tick(TODAY + later * DAY)
        [days] = forecasts.daily(shop.warehouse, TODAY + later * DAY, [], ORDERS.late).values()
        assert len(days) == 84 + later
        assert [math.isnan(day) for day in days] == [False] * (len(days) - unknown) + [True] * unknown


def test_too_short_a_past_is_not_forecast(empty: World) -> None:
    empty.parts = only("revenue", "forecasts")
    empty.order(*weeks(TODAY, 1))
    empty.tick()
    assert empty.warehouse.query("SELECT * FROM ops.revenue_forecasts") == []
    assert empty.value("aia_revenue_forecast_dollars", "middle", SHOP) is None


def test_customers_are_counted_by_what_they_did(empty: World) -> None:
    empty.parts = only("customers")
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


def test_customers_are_worth_something_when_there_are_enough_of_them(shop: World) -> None:
    shop.parts = only("customers")
    shop.tick()
    value = shop.value("aia_customer_lifetime_value_dollars")
    assert value is not None
    assert 10 < value < 5000


def test_customers_made_again_are_the_same_and_late_orders_join_them(shop: World) -> None:
    shop.parts = only("customers")
    shop.tick()
    before = rounded(shop)
    shop.forget()
    shop.tick()
    assert rounded(shop) == before
    shop.order(order("late", TODAY - DAY, 5.0, customer_id="latecomer"))
    shop.tick(TICK + DAY)
    assert len(shop.customers()) == len(before) + 1


def test_without_a_column_of_customers_nobody_is_counted(shop: World) -> None:
    shop.settings = replace(SETTINGS, business=Business(orders=replace(ORDERS, customer=None)))
    shop.tick()
    assert shop.customers() == []
    assert shop.value("aia_customers", "new") is None
    assert shop.value("aia_revenue_dollars", SHOP) is not None


def test_the_market_is_counted_once_a_sale(empty: World) -> None:
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


def test_costs_come_from_the_settings_and_from_what_was_spent(empty: World) -> None:
    spending = Spending(table="telemetry.orders", timestamp="ordered_at", kind="source", amount="amount_dollars")
    costs = {"serving": Cost(dollars_per_hour=2.0)}
    empty.settings = Settings(jobs={}, business=Business(costs=costs, spending=spending))
    empty.order(order(1, TICK - 3 * DAY, 100.0, source="storage"), order(2, TICK - 40 * DAY, 100.0, source="storage"))
    empty.tick()
    assert empty.value("aia_cost_dollars", "serving") == 1440.0
    assert empty.value("aia_cost_dollars", "storage") == 100.0
    assert empty.value("aia_roi_ratio") == -1.0


def test_the_figures_of_a_day_are_written_once(shop: World) -> None:
    shop.tick(TODAY)
    shop.tick(TODAY)
    shop.tick(TODAY + FIVE)
    rows = shop.warehouse.query("SELECT DISTINCT day, measured_at, name, labels, value FROM marts.figures")
    counted = shop.warehouse.query("SELECT COUNT(*) AS n FROM marts.figures")[0]["n"]
    assert counted == len(rows) > 0
    assert {row["day"] for row in rows} == {TODAY}
    revenue = [row for row in rows if row["name"] == "aia_revenue_dollars"]
    assert [(row["labels"], row["measured_at"]) for row in revenue] == [('{"source": "shop"}', TODAY)]


def test_a_figure_that_is_made_late_on_a_day_is_written_down_as_well(shop: World) -> None:
    broken = QueryError("refused")

    def fails(outside: Outside, due: datetime, before: Made | None) -> Made:
        raise broken

    shop.parts = [replace(part, make=fails) if part.name == "forecasts" else part for part in PARTS]
    shop.tick(TODAY)
    shop.parts = PARTS
    shop.tick(TODAY + FIVE)
    shop.tick(TODAY + 2 * FIVE)
    rows = shop.warehouse.query("SELECT day, measured_at, name FROM marts.figures")
    assert {row["day"] for row in rows} == {TODAY}
    at = {row["name"]: row["measured_at"] for row in rows}
    assert at["aia_forecast_error_ratio"] == TODAY
    assert at["aia_revenue_dollars"] == TODAY  # as it stood at the first tick


def test_a_tick_of_yesterday_changes_nothing_of_today(empty: World) -> None:
    empty.order(order(1, TODAY - 3 * DAY, customer_id="old"), order(2, TODAY - HOUR, customer_id="new"))
    empty.tick(TODAY + HOUR)
    empty.tick(TODAY - HOUR)
    assert [row["customer"] for row in empty.customers()] == ["new", "old"]
    assert {row["day"] for row in empty.warehouse.query("SELECT day FROM marts.figures")} == {TODAY}


def test_companies_and_sales_that_make_no_sense_are_left_out_and_told(
    empty: World, caplog: pytest.LogCaptureFixture
) -> None:
    columns = "t TIMESTAMP, id STRING, company STRING, amount FLOAT64"
    empty.client.query(f"CREATE TABLE telemetry.panel ({columns})").result()
    sales = (
        ("'a'", "us", "30.0"),
        ("'a'", "us", "30.0"),  # the same sale
        ("'b'", "us", "CAST('nan' AS FLOAT64)"),
        (*("NULL", "them"), "35.0"),
        (*("NULL", "them"), "35.0"),
        ("'c'", "returns", "-5.0"),
        ("'d'", "nobody knows", "NULL"),
    )
    rows = ", ".join(f"(TIMESTAMP '2026-03-01', {key}, '{company}', {amount})" for key, company, amount in sales)
    empty.client.query(f"INSERT INTO telemetry.panel VALUES {rows}").result()
    market = MarketTable(table="telemetry.panel", timestamp="t", id="id", company="company", ours="us", amount="amount")
    empty.settings = Settings(jobs={}, business=Business(market=market))
    empty.tick()
    assert empty.value("aia_market_share_ratio", "us") == 0.3
    assert empty.value("aia_market_rank") == 2.0
    counts = {flaw: empty.value("aia_business_flawed_rows", flaw, "market") for flaw in ("without_amount", "company")}
    assert counts == {"without_amount": 2.0, "company": 2.0}
    assert empty.value("aia_business_flawed_rows", "without_id", "market") == 2.0
    assert "companies left out: what they sold is not known, or below 0" in caplog.messages
    assert empty.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is not None


def test_an_amount_that_is_no_number_leaves_the_return_on_the_others(empty: World) -> None:
    empty.client.query("CREATE TABLE telemetry.spent (t TIMESTAMP, kind STRING, amount FLOAT64)").result()
    amounts = {"storage": "720.0", "network": "CAST('nan' AS FLOAT64)", "disks": "NULL"}
    rows = ", ".join(f"(TIMESTAMP '2026-03-01', '{kind}', {amount})" for kind, amount in amounts.items())
    empty.client.query(f"INSERT INTO telemetry.spent VALUES {rows}, (TIMESTAMP '2026-03-01', 'storage', NULL)").result()
    spending = Spending(table="telemetry.spent", timestamp="t", kind="kind", amount="amount")
    costs = {"serving": Cost(dollars_per_hour=1)}
    empty.settings = Settings(jobs={}, business=Business(costs=costs, spending=spending))
    empty.tick()
    found = {kind: empty.value("aia_cost_dollars", kind) for kind in ("serving", "storage", "network", "disks")}
    assert found == {"serving": 720.0, "storage": 720.0, "network": None, "disks": None}
    assert empty.value("aia_roi_ratio") == -1.0
    assert empty.value("aia_business_flawed_rows", "without_amount", "spending") == 3.0
    assert empty.value("aia_business_flawed_rows", "kind", "spending") == 2.0


def test_a_table_that_is_not_there_is_said_and_keeps_nothing_else_from_being_made(shop: World) -> None:
    market = MarketTable(table="telemetry.nowhere", timestamp="a", id="b", company="c", ours="d")
    shop.settings = replace(SETTINGS, business=replace(SETTINGS.business, market=market))
    shop.tick()
    assert shop.value("aia_revenue_dollars", SHOP) is not None
    assert shop.value("aia_customers", "active") is not None
    assert shop.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is None


def test_while_the_warehouse_is_down_the_tick_waits_for_it(own_place: "Place", tmp_path: Path) -> None:
    with closing(own_place.client("down")) as client:
        create_tables(client)
        found = World(
            client, open_store(f"sqlite://{tmp_path}/s.db", "t"), BigQueryWarehouse(client, patience=0.5), PARTS
        )
        found.order(*weeks(TODAY, 3))
        own_place.emulator.stop()
        with pytest.raises(UnavailableError):
            found.tick()
        assert found.value("aia_heartbeat_timestamp_seconds", "bi_rollup") is None
        own_place.emulator.start()
        found.tick()
        assert found.value("aia_revenue_dollars", SHOP) is not None


def test_everything_of_one_shop_comes_out_of_one_tick(shop: World) -> None:
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
    kept = load_made(shop.store, "forecasts")
    assert kept is not None
    assert set(kept.facts) == {"forecast_error_ratio", "forecast_coverage_ratio", "revenue_ratio"}


def rounded(found: World) -> list:  # type: ignore[type-arg]
    """The customers; in which order amounts are added up is not for us to say."""
    return [row | {"dollars": round(row["dollars"], 6)} for row in found.customers()]


def _forecasts(found: World) -> dict:  # type: ignore[type-arg]
    rows = found.warehouse.query("SELECT made_at, day, middle FROM ops.revenue_forecasts ORDER BY made_at, day")
    by_made: dict = {}  # type: ignore[type-arg]
    for row in rows:
        by_made.setdefault(row["made_at"], []).append((row["day"], row["middle"]))
    return by_made
