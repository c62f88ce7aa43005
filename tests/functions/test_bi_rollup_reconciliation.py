"""bi_rollup over real BigQuery calls: closed days are compared with a second account of the orders, and booked again."""

from dataclasses import replace
from datetime import datetime

import pytest

from core.settings import Business
from tests.support.builders.business import DAY, FIVE, HOUR, ORDERS, SETTINGS, TICK, TODAY, World, only, order

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]
CENTS = "aia_revenue_difference_cents"
JOBS = only("revenue", "reconciliation", "customers")


def late(world: World) -> float | None:
    return world.value("aia_business_data_issues", "late", "orders")


def by_day(world: World) -> dict[int, float]:
    """Dollars by the number of days before today."""
    days: dict[int, float] = {}
    for row in world.hours():
        ago = -((row["hour"] - TODAY) // DAY)
        days[ago] = days.get(ago, 0.0) + row["dollars"]
    return days


def rebuilt(world: World, at: datetime) -> bool:
    """Whether a rebuild changes nothing."""
    before = world.hours(), world.customers()
    world.forget()
    world.tick(at)
    return before == (world.hours(), world.customers())


def test_payments_that_come_too_late_or_change_are_booked_on_their_day(empty: World) -> None:
    empty.jobs = JOBS
    empty.order(
        order(1, TODAY - 30 * DAY, 10.0),
        order(2, TODAY - 6 * DAY, 20.0),
        order(2, TODAY - 5 * DAY, 20.0),  # a copy
        order(3, TODAY - 6 * DAY, 40.0, order_id="(not set)"),
        order(4, TODAY - HOUR, 80.0),
    )
    empty.tick()
    assert (late(empty), empty.value(CENTS)) == (0.0, 0.0)
    empty.order(
        order(5, TODAY - 5 * DAY - HOUR, 160.0),
        order(6, TODAY - 12 * DAY, 320.0),  # before any other
        order(2, TODAY - 5 * DAY, -5.0),
    )
    empty.client.query("UPDATE telemetry.orders SET outcome = 'refunded' WHERE order_id = '1'").result()
    empty.tick(TICK + FIVE)  # nothing before the next day
    assert by_day(empty) == {30: 10.0, 6: 60.0, 1: 80.0}
    empty.tick(TICK + DAY)
    assert by_day(empty) == {30: -10.0, 12: 320.0, 6: 220.0, 5: -5.0, 1: 80.0}
    assert (late(empty), empty.value(CENTS)) == (4.0, 0.0)
    [ada] = empty.customers()
    assert ada["dollars"] == 605.0
    assert rebuilt(empty, TICK + DAY)
    assert (late(empty), empty.value(CENTS)) == (0.0, 0.0)


def test_the_two_accounts_agree_on_a_refund_set_in_place(empty: World) -> None:
    empty.jobs = JOBS
    empty.settings = replace(SETTINGS, business=Business(orders=replace(ORDERS, refunds="in_place", customer=None)))
    empty.order(order(1, TODAY - 9 * DAY, 10.0), order(2, TODAY - 9 * DAY, 7.0))
    empty.tick()
    empty.client.query("UPDATE telemetry.orders SET outcome = 'refunded' WHERE order_id = '1'").result()
    empty.tick(TICK + DAY)
    assert by_day(empty) == {9: 7.0}
    assert (late(empty), empty.value(CENTS)) == (1.0, 0.0)


def test_orders_that_have_expired_stay_booked(empty: World) -> None:
    """Of what remains, the first days may be copies of rows that are gone: they are not compared."""
    empty.jobs = JOBS
    empty.order(
        order(1, TODAY - 21 * DAY, 10.0),
        order(2, TODAY - 20 * DAY, 20.0),
        order(2, TODAY - 18 * DAY, 20.0),  # a copy
        order(3, TODAY - 6 * DAY, 40.0),
    )
    empty.tick()
    empty.client.query("DELETE FROM telemetry.orders WHERE ordered_at < TIMESTAMP '2026-02-12'").result()
    empty.order(order(4, TODAY - 7 * DAY, 80.0))
    empty.tick(TICK + DAY)
    assert by_day(empty) == {21: 10.0, 20: 20.0, 7: 80.0, 6: 40.0}
    assert late(empty) == 1.0


def test_a_mart_that_cannot_be_mended_is_reported(empty: World, caplog: pytest.LogCaptureFixture) -> None:
    """As when another program writes the mart, or one of the two accounts has a fault."""
    empty.jobs = JOBS
    empty.order(order(1, TODAY - 9 * DAY, 10.0))
    empty.tick()
    warehouse = empty.warehouse

    class Spoiled:
        def __getattr__(self, name: str) -> object:
            return getattr(warehouse, name)

        def query(self, sql: str, **given: object) -> list[dict[str, object]]:
            found = warehouse.query(sql, **given)
            if "MERGE marts.revenue_hourly" in sql:
                warehouse.query("UPDATE marts.revenue_hourly SET dollars = dollars + 0.01 WHERE TRUE")
            return found

    warehouse.query("UPDATE marts.revenue_hourly SET dollars = 9 WHERE TRUE")
    empty.warehouse = Spoiled()  # type: ignore[assignment]  # has what the port has
    empty.tick(TICK + DAY)
    assert empty.value(CENTS) == 1.0
    assert "revenue differs from the orders; booked again" in caplog.messages
    empty.warehouse = warehouse
    empty.tick(TICK + 2 * DAY)
    assert (by_day(empty), empty.value(CENTS)) == ({9: 10.0}, 0.0)
