"""bi_rollup over real BigQuery calls and a real store: duplicate, late and invalid orders."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.settings import Business, Orders, Settings
from functions.adapters.ports import Data
from tests.support.builders.business import DAY, FIVE, HOUR, ORDERS, SETTINGS, SHOP, TICK, TODAY, World, only, order

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]


def test_an_order_counts_once_by_its_outcome(empty: World) -> None:
    empty.jobs = only("revenue")
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


def test_without_an_outcome_column_the_sign_decides(empty: World) -> None:
    empty.jobs = only("revenue")
    orders = replace(ORDERS, outcome=None, customer=None)
    empty.settings = replace(SETTINGS, business=Business(orders=orders))
    empty.order(order(1, TICK - HOUR, 50.0, outcome="?"), order(2, TICK - HOUR, -20.0, outcome="?"))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 30.0
    assert empty.value("aia_payments", "refunded", SHOP) == 1.0


def test_words_of_outcomes_come_from_the_settings(empty: World) -> None:
    empty.jobs = only("revenue")
    words = {"taken": ("paid", "settled"), "refunded": ("back",), "failed": ("declined",)}
    empty.settings = replace(SETTINGS, business=Business(orders=replace(ORDERS, outcomes=words)))
    for number, word in enumerate(("paid", "settled", "back", "declined"), 1):
        empty.order(order(number, TICK - HOUR, 10.0, outcome=word))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 10.0  # what is paid back counts against it, whatever its sign
    assert empty.value("aia_payments", "failed", SHOP) == 1.0


def test_a_late_order_counts_within_the_lateness_of_the_settings(empty: World) -> None:
    empty.jobs = only("revenue")
    empty.order(order(1, TICK - 5 * HOUR))
    empty.tick()
    empty.order(order(2, TICK - 2 * DAY), order(3, TICK - 5 * DAY), order(4, TICK - HOUR))
    empty.tick(TICK + FIVE)
    assert [row["taken"] for row in empty.hours()] == [1, 1]  # the newest hours at every tick,
    empty.tick(TICK + 6 * FIVE)  # and as far back as they may come late once an hour
    assert [row["taken"] for row in empty.hours()] == [1, 1, 1]
    assert min(row["hour"] for row in empty.hours()) == TICK.replace(minute=0) - 2 * DAY


def test_an_order_with_two_instants_keeps_the_earlier_one(empty: World) -> None:
    empty.jobs = only("revenue", "customers")
    ten = TICK.replace(minute=0) - 2 * HOUR
    empty.order(order(1, ten - FIVE, 100.0), order(1, ten + FIVE, 100.0))
    for n in (0, 1, 24, 69, 70, 71, 72, 73):
        empty.tick(TICK + n * HOUR)
        assert [row["dollars"] for row in empty.hours()] == [100.0]
    assert [row["orders"] for row in empty.customers()] == [1]


@pytest.mark.parametrize(
    ("rows", "dollars"),
    [
        ([(0 * HOUR, 100.0, {}), (36 * HOUR, 100.0, {"outcome": "refunded"})], {0: 100.0, 36: -100.0}),
        ([(0 * HOUR, 100.0, {}), (HOUR, -100.0, {})], {0: 100.0, 1: -100.0}),
        ([(0 * HOUR, 100.0, {}), (HOUR, -20.0, {}), (HOUR + FIVE, -30.0, {})], {0: 100.0, 1: -50.0}),
        ([(0 * HOUR, 100.0, {}), (0 * HOUR, 100.0, {"outcome": "refunded"})], {0: 0.0}),  # set in place, and both kept
        ([(0 * HOUR, 100.0, {}), (40 * HOUR, 100.0, {}), (80 * HOUR, 100.0, {})], {0: 100.0}),  # with new instants
        ([(n * FIVE, 55.0, {"order_id": name}) for n, name in enumerate(("", "(not set)") * 5)], {0: 550.0}),
    ],
    ids=["refunded a day later", "refunded soon", "partly", "in place", "re-stamped", "without id"],
)
def test_sales_and_refunds_under_one_id(
    empty: World, rows: list[tuple[timedelta, float, dict[str, str]]], dollars: dict[int, float]
) -> None:
    """Hour by hour and after a rebuild: refunds have their own hour, and a window never decides which row counts."""
    empty.jobs = only("revenue")
    first = TICK.replace(minute=0) - 4 * DAY
    empty.order(
        order(0, first - 2 * HOUR, 1.0), *(order("A", first + at, amount, **given) for at, amount, given in rows)
    )
    for tick in (first + HOUR, first + 3 * DAY + 13 * HOUR, TICK):
        empty.tick(tick)
        hours = {(row["hour"] - first) // HOUR: row["dollars"] for row in empty.hours()}
        expected = {hour: amount for hour, amount in dollars.items() if first + hour * HOUR < tick}
        assert hours.items() >= expected.items()
    empty.forget()
    empty.tick()
    assert {(row["hour"] - first) // HOUR: row["dollars"] for row in empty.hours()} == {-2: 1.0} | dollars


def test_a_refund_set_in_place_is_booked_with_its_sale(empty: World) -> None:
    empty.jobs = only("revenue")
    orders = replace(ORDERS, refunds="in_place")
    empty.settings = replace(SETTINGS, business=Business(orders=orders))
    empty.order(
        order(1, TICK - HOUR, 100.0, outcome="refunded"),  # its row was changed
        order(2, TICK - 2 * HOUR, 70.0),
        order(2, TICK - HOUR, 70.0, outcome="refunded"),  # a changed copy came later
        order(3, TICK - HOUR, -5.0),
    )
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == -5.0
    assert [empty.value("aia_payments", outcome, SHOP) for outcome in ("taken", "refunded")] == [2.0, 3.0]


def test_equal_refunds_of_an_order_are_told_apart_by_their_id(empty: World) -> None:
    empty.jobs = only("revenue")
    paid = "CREATE TABLE telemetry.paid (t TIMESTAMP, id STRING, refund STRING, shop STRING, dollars FLOAT64)"
    empty.client.query(paid).result()
    at = "TIMESTAMP '2026-03-02 1{}:00:00+00'".format
    rows = [(0, "NULL", 50.0), (1, "'r1'", -10.0), (1, "'r2'", -10.0), (2, "'r2'", -10.0)]
    values = ", ".join(f"({at(hour)}, 'A', {refund}, 'shop', {dollars})" for hour, refund, dollars in rows)
    empty.client.query(f"INSERT INTO telemetry.paid VALUES {values}").result()
    orders = Orders(table="telemetry.paid", timestamp="t", id="id", source="shop", amount="dollars", refund_id="refund")
    empty.settings = Settings(jobs={}, business=Business(orders=orders))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 30.0


def test_an_amount_that_is_no_number_is_set_aside(empty: World) -> None:
    empty.jobs = only("revenue")
    empty.client.query("CREATE TABLE telemetry.paid (t TIMESTAMP, id INT64, shop STRING, dollars STRING)").result()
    amounts = ("'12.50'", "'n/a'", "'7'", "'NaN'", "''")
    rows = ", ".join(f"(TIMESTAMP '2026-03-02 10:00:00+00', {n}, 'shop', {text})" for n, text in enumerate(amounts))
    empty.client.query(f"INSERT INTO telemetry.paid VALUES {rows}").result()
    paid = Orders(table="telemetry.paid", timestamp="t", id="id", source="shop", amount="dollars")
    empty.settings = Settings(jobs={}, business=Business(orders=paid))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 19.5
    assert empty.value("aia_business_data_issues", "unknown", "orders") == 3.0


def test_a_payment_retried_under_its_id_is_taken(empty: World) -> None:
    empty.jobs = only("revenue")
    for number, outcomes in enumerate((("failed", "taken"), ("taken", "failed"), ("perhaps", "taken"))):
        for n, outcome in enumerate(outcomes):
            empty.order(order(number, TICK - HOUR + n * FIVE, 100.0, outcome=outcome))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 300.0
    assert empty.value("aia_payment_success_ratio", SHOP) == 1.0


def test_orders_without_an_id_count_each_and_are_reported(empty: World, caplog: pytest.LogCaptureFixture) -> None:
    empty.jobs = only("revenue")
    empty.client.query("CREATE TABLE telemetry.paid (t TIMESTAMP, id INT64, shop STRING, dollars FLOAT64)").result()
    rows = ", ".join([f"(TIMESTAMP '2026-03-02 1{n}:00:00+00', NULL, 'shop', 5.0)" for n in (0, 0, 1)])
    empty.client.query(f"INSERT INTO telemetry.paid VALUES {rows}, (TIMESTAMP '2026-03-02', 7, 'shop', NULL)").result()
    paid = Orders(table="telemetry.paid", timestamp="t", id="id", source="shop", amount="dollars")
    empty.settings = Settings(jobs={}, business=Business(orders=paid))
    empty.tick()
    assert empty.value("aia_revenue_dollars", SHOP) == 15.0
    assert empty.value("aia_business_data_issues", "missing_id", "orders") == 3.0
    assert empty.value("aia_business_data_issues", "unknown", "orders") == 1.0
    assert "orders without an id: a duplicate delivery counts twice" in caplog.messages


def test_the_newest_order_of_the_last_weeks_is_reported(empty: World) -> None:
    empty.jobs = only("revenue")
    empty.order(order(1, TICK - HOUR))
    for later, newest in ((0 * DAY, TICK - HOUR), (5 * DAY, TICK.replace(minute=0) - HOUR)):
        empty.tick(TICK + later)
        assert empty.value("aia_orders_newest_timestamp_seconds") == newest.timestamp()
    empty.metrics.values.clear()
    empty.tick(TICK + 30 * DAY)
    assert empty.value("aia_orders_newest_timestamp_seconds") is None


def test_no_statement_reads_more_than_some_months_of_orders(empty: World) -> None:
    """But for the search of the oldest order, which reads one column and takes three statements a mart at most."""
    empty.jobs = only("revenue", "customers")
    empty.order(*(order(n, TODAY - n * DAY) for n in range(1, 500, 40)))
    spans: list[timedelta] = []
    searched: list[timedelta] = []

    class Watching:
        def query(self, sql: str, **parameters: Any) -> list[Data]:
            if ORDERS.table in sql.replace("`", ""):
                found = searched if parameters.keys() == {"since", "until"} and "AS oldest\n" in sql else spans
                found.append(parameters["until"] - parameters["since"])
            return empty_warehouse.query(sql, **parameters)

        def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
            raise AssertionError(table)

    empty_warehouse, empty.warehouse = empty.warehouse, Watching()
    empty.tick()
    assert max(spans) <= 91 * DAY
    assert searched[:2] == [90 * DAY, 360 * DAY]
    assert len(empty.hours()) == sum(row["days"] for row in empty.customers()) == 13
    spans.clear()
    searched.clear()
    empty.tick(TICK + FIVE)
    assert max(spans) <= DAY
    assert not searched


def test_a_history_without_orders_is_searched_in_three_statements(empty: World) -> None:
    empty.jobs = only("revenue")
    searched: list[tuple[datetime, datetime]] = []

    class Watching:
        def query(self, sql: str, **parameters: Any) -> list[Data]:
            if "AS oldest\n" in sql:
                searched.append((parameters["since"], parameters["until"]))
            return empty_warehouse.query(sql, **parameters)

        def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
            raise AssertionError(table)

    empty_warehouse, empty.warehouse = empty.warehouse, Watching()
    empty.tick()
    assert [until for _, until in searched[:-1]] == [since for since, _ in searched[1:]]
    assert len(searched) == 3
    assert searched[0][0] <= TICK - 800 * DAY
    assert searched[-1][1] >= TICK
    assert empty.hours() == []


@pytest.mark.parametrize("part", ["revenue", "customers"])
def test_a_rebuild_keeps_rows_whose_orders_have_expired(empty: World, part: str) -> None:
    empty.jobs = only(part)
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


def test_after_an_outage_all_missing_hours_are_written(empty: World) -> None:
    empty.jobs = only("revenue")
    empty.order(order(1, TICK - HOUR))
    empty.tick()
    empty.order(*(order(n, TICK + n * DAY) for n in range(2, 20)))
    empty.tick(TICK + 20 * DAY)
    assert len(empty.hours()) == 19


def test_a_repeated_or_an_old_tick_changes_nothing(empty: World) -> None:
    empty.jobs = only("revenue")
    empty.order(order(1, TICK - HOUR), order(2, TICK - FIVE))
    empty.tick()
    before = empty.hours()
    empty.tick()
    empty.forget()
    empty.tick()
    empty.tick(TICK - 2 * HOUR)
    assert empty.hours() == before


def test_without_orders_there_are_no_metrics_and_no_error(empty: World) -> None:
    empty.tick()
    assert empty.hours() == []
    assert empty.customers() == []
    named = {name for name, *_ in empty.metrics.values}
    assert "aia_heartbeat_timestamp_seconds" in named
    assert not named & {"aia_revenue_dollars", "aia_customers", "aia_revenue_forecast_dollars", "aia_market_rank"}


def test_a_source_without_orders_has_no_revenue_and_no_success_ratio(shop: World) -> None:
    shop.jobs = only("revenue")
    shop.tick(TODAY + 2 * DAY)
    assert shop.value("aia_revenue_dollars", SHOP) == 0.0
    assert shop.value("aia_payment_success_ratio", SHOP) is None
