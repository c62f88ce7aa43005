"""bi_rollup over real BigQuery calls: discounts, taxes, currencies and test orders, and what the reconciliation finds of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.settings import Business, Customers, Rates
from tests.support.builders.business import (
    DAY,
    FIVE,
    HOUR,
    ORDERS,
    SETTINGS,
    SHOP,
    TICK,
    TODAY,
    Row,
    World,
    only,
    order,
    rounded,
)
from tests.support.builders.flights import load

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]
CENTS = "aia_revenue_difference_cents"
RATES = Rates(table="telemetry.exchange_rates", day="day", currency="currency", rate="rate", max_age=3 * DAY)
MONEY = replace(
    ORDERS, amount="amount", tax="tax", discount="discount", currency="currency", test="is_test", model="model"
)
WITH_MONEY = replace(
    SETTINGS, business=Business(orders=MONEY, rates=RATES, currency="USD", customers=Customers(period=30 * DAY))
)
PARTS = ("gross", "discount", "tax", "refund", "dollars")


def paid(number: object, at: datetime, amount: float, currency: str | None = "USD", **changed: Any) -> Row:
    """An order that was paid in a currency."""
    return order(number, at, amount, amount=amount, currency=currency) | {"amount_dollars": None} | changed


def quote(world: World, *rates: tuple[datetime, str, float]) -> None:
    rows = [{"day": day.isoformat(), "currency": currency, "rate": rate} for day, currency, rate in rates]
    load(world.client, RATES.table, rows)


def total(world: World, *columns: str) -> tuple[float, ...]:
    rows = world.hours()
    return tuple(round(sum(row[column] for row in rows), 6) for column in columns)


def issues(world: World, *names: str) -> tuple[float | None, ...]:
    return tuple(world.value("aia_business_data_issues", name, "orders") for name in names)


@pytest.fixture
def shop_abroad(empty: World) -> World:
    empty.jobs = only("revenue", "reconciliation", "customers")
    empty.settings = WITH_MONEY
    return empty


def test_net_revenue_is_gross_less_discount_and_refund_without_tax(shop_abroad: World) -> None:
    quote(shop_abroad, (TODAY - DAY, "eur ", 1.25))
    shop_abroad.order(
        paid(1, TICK - HOUR, 108.0, tax=8.0, discount=25.0),
        paid(2, TICK - HOUR, 60.0, "EUR", tax=10.0, discount=-4.0),  # a discount may be negative
        paid(3, TICK - HOUR, -12.0, "EUR", tax=-2.0),
        paid(4, TICK - HOUR, 500.0, tax=100.0, outcome="failed"),
        paid(5, TICK - HOUR, 0.0, discount=30.0),  # free
        paid(6, TICK - HOUR, 5.0, tax=6.0),  # no valid amount
    )
    shop_abroad.tick()
    assert total(shop_abroad, *PARTS) == (125.0 + 67.5 + 30.0, 25.0 + 5.0 + 30.0, 8.0 + 12.5 - 2.5, 12.5, 150.0)
    assert shop_abroad.value("aia_revenue_dollars", SHOP) == 150.0
    assert issues(shop_abroad, "unknown", "no_rate", "test") == (1.0, 0.0, 0.0)


def test_a_rate_holds_until_the_next_one_for_some_days_and_is_never_one(shop_abroad: World) -> None:
    quote(
        shop_abroad,
        *[(TODAY - 12 * DAY, "EUR", 2.0)] * 2,  # delivered twice
        (TODAY - 10 * DAY, "EUR", 4.0),
        (TODAY - DAY, "GBP", 1.5),
        (TODAY - DAY, "GBP", 1.75),  # which of the two?
        (TODAY - 2 * DAY, "SEK", 0.0),
    )
    for number, ago in enumerate((13, 12, 11, 10, 7, 6)):
        shop_abroad.order(paid(number, TODAY - ago * DAY + 23 * HOUR, 10.0**number, "EUR"))
    for number, currency in enumerate(("GBP", "SEK", "JPY", "", None)):
        shop_abroad.order(paid(f"other-{number}", TICK - HOUR, 10.0, currency))
    shop_abroad.order(paid("failed", TICK - HOUR, 10.0, "JPY", outcome="failed"))
    shop_abroad.tick()
    assert total(shop_abroad, "dollars", "taken", "failed", "no_rate") == (2 * 110.0 + 4 * 11_000.0, 4.0, 1.0, 7.0)
    assert issues(shop_abroad, "no_rate", "unknown") == (5.0, 0.0)
    assert [row["dollars"] for row in shop_abroad.customers()] == [44_220.0]


def test_the_day_of_a_rate_is_that_of_the_business(shop_abroad: World) -> None:
    shop_abroad.settings = replace(
        WITH_MONEY, business=replace(WITH_MONEY.business, time_zone="America/Los_Angeles", currency="EUR")
    )
    quote(shop_abroad, (TODAY - 8 * DAY, "USD", 0.5), (TODAY - 7 * DAY, "USD", 0.25))
    shop_abroad.order(paid(1, TODAY - 7 * DAY + 7 * HOUR, 8.0), paid(2, TODAY - 7 * DAY + 8 * HOUR, 8.0))
    shop_abroad.tick()
    shop_abroad.tick(TICK + DAY)
    assert total(shop_abroad, "dollars") == (4.0 + 2.0,)
    assert shop_abroad.value(CENTS) == 0.0


def test_test_orders_are_counted_and_are_no_revenue(shop_abroad: World) -> None:
    shop_abroad.order(
        paid(1, TICK - 3 * HOUR, 10.0, is_test=False),
        paid(2, TICK - HOUR, 100.0, is_test=True),
        paid(2, TICK - HOUR, 100.0, is_test=True),  # delivered twice
        paid(3, TICK - HOUR, -100.0, is_test=True),
        paid(4, TICK - HOUR, 100.0, "JPY", is_test=True),
        paid(5, TICK - HOUR, 100.0, source="test-shop", is_test=True),
        paid(6, TODAY - 2 * DAY, 12.0, tax=2.0),
        paid(7, TODAY - 2 * DAY, 100.0, is_test=True),
        paid(8, TODAY - 2 * DAY, 100.0, is_test=True, customer_id="tester"),
    )
    shop_abroad.tick()
    assert total(shop_abroad, "dollars", "gross", "taken", "test") == (20.0, 20.0, 2.0, 6.0)
    assert [(row["orders"], row["dollars"]) for row in shop_abroad.customers()] == [(1, 10.0)]
    cohorts = shop_abroad.warehouse.query("SELECT customers, active, dollars FROM marts.customer_cohorts")
    assert [dict(row) for row in cohorts] == [{"customers": 1, "active": 1, "dollars": 10.0}]
    assert issues(shop_abroad, "test", "no_rate", "unknown") == (4.0, 0.0, 0.0)
    newest = shop_abroad.value("aia_orders_newest_timestamp_seconds")
    assert newest == (TICK - 3 * HOUR).timestamp()  # a test order does not say that customers can order


def test_a_rate_that_comes_late_books_the_days_that_waited_for_it(shop_abroad: World) -> None:
    quote(shop_abroad, (TODAY - 20 * DAY, "EUR", 2.0))
    shop_abroad.order(paid(1, TODAY - 9 * DAY, 10.0, "EUR", tax=2.0), paid(2, TODAY - 9 * DAY, 1.0))
    shop_abroad.tick()
    assert total(shop_abroad, "dollars", "no_rate") == (1.0, 1.0)
    quote(shop_abroad, (TODAY - 10 * DAY, "EUR", 4.0))
    shop_abroad.tick(TICK + FIVE)
    assert total(shop_abroad, "dollars", "no_rate") == (1.0, 1.0)
    shop_abroad.tick(TICK + DAY)
    assert total(shop_abroad, "dollars", "no_rate") == (33.0, 0.0)
    assert issues(shop_abroad, "late") == (1.0,)
    assert shop_abroad.value(CENTS) == 0.0
    assert [row["dollars"] for row in shop_abroad.customers()] == [33.0]


def test_the_two_accounts_agree_on_rows_of_one_order_at_one_instant_that_differ(shop_abroad: World) -> None:
    """A correction with the time of the order: one whole row counts, never parts of several."""
    at = TODAY - 9 * DAY
    quote(shop_abroad, (at, "EUR", 2.0))
    shop_abroad.order(
        *(paid(1, at, 10.0, tax=2.0, discount=3.0), paid(1, at, 20.0, tax=1.0, discount=0.0)),
        *(paid(2, at, 10.0, "USD"), paid(2, at, 30.0, "EUR")),
        *(paid(3, at, 10.0, source="z"), paid(3, at, 40.0, source="a")),
    )
    shop_abroad.tick()
    assert total(shop_abroad, *PARTS, "taken") == (31.0, 3.0, 2.0, 0.0, 28.0, 3.0)
    shop_abroad.tick(TICK + DAY)
    assert (issues(shop_abroad, "late"), shop_abroad.value(CENTS)) == ((0.0,), 0.0)


@pytest.mark.parametrize(("amount", "off", "days"), [(1e14, 0.0625, 0.0), (1e10, 0.0625, 1.0), (1e10, 0.00390625, 0.0)])
def test_the_last_digits_of_a_large_sum_are_no_difference(
    shop_abroad: World, amount: float, off: float, days: float
) -> None:
    """The order in which BigQuery adds up floats is not fixed: 1e14 has no cents."""
    shop_abroad.order(paid(1, TODAY - 9 * DAY, amount))
    shop_abroad.tick()
    shop_abroad.client.query(f"UPDATE marts.revenue_hourly SET dollars = dollars + {off} WHERE TRUE").result()
    shop_abroad.tick(TICK + DAY)
    assert (issues(shop_abroad, "late"), shop_abroad.value(CENTS)) == ((days,), 0.0)


FAULTS = {
    "a wrong cent of tax": "UPDATE marts.revenue_hourly SET tax = tax + 0.01 WHERE taken = 1",
    "a wrong cent of discount": "UPDATE marts.revenue_hourly SET discount = discount - 0.01 WHERE taken = 1",
    "a wrong cent": "UPDATE marts.revenue_hourly SET dollars = dollars + 0.01 WHERE taken = 1",
    "a lost row": "DELETE FROM marts.revenue_hourly WHERE taken = 1",
    "a doubled row": "INSERT INTO marts.revenue_hourly SELECT * FROM marts.revenue_hourly WHERE taken = 1",
    "a lost test order": "UPDATE marts.revenue_hourly SET test = 0 WHERE test = 1",
    "rows of an older version": "UPDATE marts.revenue_hourly SET gross = NULL, tax = NULL, test = NULL WHERE taken = 1",
    "a wrong rate": "UPDATE telemetry.exchange_rates SET rate = 2.5 WHERE currency = 'EUR'",
    "a lost rate": "DELETE FROM telemetry.exchange_rates WHERE currency = 'EUR'",
}


def test_the_second_account_finds_each_fault_and_books_it_again(shop_abroad: World) -> None:
    """The mart is what a rebuild makes of the rows and rates as they are then."""
    quote(shop_abroad, (TODAY - 9 * DAY, "EUR", 2.0))
    shop_abroad.order(
        paid(1, TODAY - 9 * DAY, 12.0, "EUR", tax=2.0, discount=1.0),
        paid(2, TODAY - 8 * DAY, 10.0, is_test=True),
        paid(3, TODAY - 8 * DAY, -4.0, tax=1.0),
    )
    for at in (TICK, TICK + DAY):
        shop_abroad.tick(at)
    assert (issues(shop_abroad, "late"), shop_abroad.value(CENTS)) == ((0.0,), 0.0)
    rebuilt = rebuild(shop_abroad, TICK + DAY)
    for days, (fault, statement) in enumerate(FAULTS.items(), 2):
        shop_abroad.client.query(statement).result()
        shop_abroad.tick(TICK + days * DAY)
        assert (issues(shop_abroad, "late"), shop_abroad.value(CENTS)) == ((1.0,), 0.0), fault
        found = [rounded(row) for row in shop_abroad.hours()]
        rebuilt = rebuild(shop_abroad, TICK + days * DAY) if "rate" in fault else rebuilt
        assert found == rebuilt, fault


def rebuild(world: World, at: datetime) -> list[Row]:
    world.forget()
    world.tick(at)
    return [rounded(row) for row in world.hours()]


@pytest.mark.parametrize("hours", [1, 30])
def test_an_order_is_a_copy_whatever_its_rate(shop_abroad: World, hours: int) -> None:
    """The rate of its first row decides, and a second row without a rate is no second order."""
    quote(shop_abroad, (TODAY - 6 * DAY, "EUR", 2.0))
    first = TODAY - 2 * DAY - timedelta(hours=hours)
    shop_abroad.order(paid(1, first, 10.0, "EUR"), paid(1, TODAY - 2 * DAY + HOUR, 10.0, "EUR"))
    shop_abroad.tick()
    assert total(shop_abroad, "dollars", "taken", "no_rate") == (20.0, 1.0, 0.0)
