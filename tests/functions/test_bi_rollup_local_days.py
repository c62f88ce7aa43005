"""bi_rollup for a shop in another time zone: its days and weeks begin by its own clock, over both changes of the clocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.settings import Business
from functions.bi_rollup.forecasts import REVENUE_BY_DAY
from functions.bi_rollup.local_days import by_local_day, instant, local
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.revenue import REVENUE_BY_HOUR
from functions.bi_rollup.rollup import Outside, RollupJob
from tests.support.builders.business import DAY, FIVE, HOUR, ORDERS, SETTINGS, World, only, order

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]
ZONE = "America/Los_Angeles"
SPRING, AUTUMN = datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
"""Sundays of 23 and of 25 hours."""


def at(day: datetime, clock: timedelta, *, fold: int = 0) -> datetime:
    return (day + clock).replace(tzinfo=ZoneInfo(ZONE), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(("sunday", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_days_are_those_of_the_shop_over_changes_of_clocks(empty: World, sunday: datetime, hours: int) -> None:
    empty.jobs = only("revenue", "customers")
    empty.settings = replace(SETTINGS, business=Business(orders=ORDERS, time_zone=ZONE))
    begin = at(sunday, 0 * HOUR)
    empty.order(
        order(0, begin - FIVE, 1000.0, customer_id="eve"),
        *(order(n + 1, begin + n * HOUR, 1.0) for n in range(hours)),
        order(90, at(sunday + DAY, 0 * HOUR), 500.0),
    )
    empty.tick(sunday + 3 * DAY + FIVE)
    span = {"since": sunday - DAY, "until": sunday + 2 * DAY, "sources": []}
    by_day = {row.day: row.dollars for row in empty.tables.read(REVENUE_BY_DAY, **span)}
    assert by_day == {sunday - DAY: 1000.0, sunday: float(hours), sunday + DAY: 500.0}
    of_sunday = empty.tables.read(REVENUE_BY_HOUR, since=sunday, until=sunday + DAY, sources=[])
    changed = {2: 0.0} if hours == 23 else {1: 2.0}
    assert {row.of_day: row.dollars for row in of_sunday} == {n: 1.0 for n in range(24) if n != 2 or hours == 25} | {
        hour: dollars for hour, dollars in changed.items() if dollars
    }
    rows = empty.warehouse.query("SELECT customer, day, taken FROM marts.customer_days ORDER BY day")
    assert [(row["customer"], row["day"], row["taken"]) for row in rows] == [
        ("eve", sunday - DAY, 1),
        ("ada", sunday, hours),
        ("ada", sunday + DAY, 1),
    ]


def test_all_tables_have_an_order_on_the_same_day_in_a_zone_with_half_hours(empty: World) -> None:
    """The hour around midnight belongs to the day in which it begins, and so do its orders in every table."""
    empty.jobs = only("revenue", "customers", "dimensions")
    empty.settings = replace(SETTINGS, business=Business(orders=ORDERS, time_zone="Asia/Kolkata"))
    midnight = SPRING - timedelta(hours=5, minutes=30)
    empty.order(
        *(order(n, midnight + n * timedelta(minutes=20), 10.0**n) for n in range(-1, 4)),
        order(2, midnight + DAY, -5.0),  # the refund of an order of 0:40
    )
    empty.tick(SPRING + 3 * DAY + FIVE)
    span = {"since": SPRING - DAY, "until": SPRING + 2 * DAY, "sources": []}
    by_day = {row.day: row.dollars for row in empty.tables.read(REVENUE_BY_DAY, **span)}
    assert by_day == {SPRING - DAY: 11.1, SPRING: 1100.0 - 5.0}
    for table, dollars in (("revenue_by_dimension_daily", "net"), ("customer_days", "dollars")):
        rows = empty.warehouse.query(f"SELECT day, SUM({dollars}) AS dollars FROM marts.{table} GROUP BY day")
        assert {row["day"]: row["dollars"] for row in rows} == by_day


def test_an_order_of_the_last_local_evening_counts_once_it_is_over(empty: World) -> None:
    """At midnight in UTC it is still afternoon: the day is written at the next one, and the shop's last day in UTC is not lost."""
    empty.jobs = only("revenue", "customers")
    empty.settings = replace(SETTINGS, business=Business(orders=ORDERS, time_zone=ZONE))
    empty.order(order(1, at(SPRING, 20 * HOUR)))
    for tick, days in ((SPRING + DAY + FIVE, []), (SPRING + 2 * DAY + FIVE, [SPRING])):
        empty.tick(tick)
        assert [row["first_day"] for row in empty.customers()] == days
    assert empty.value("aia_rollup_timestamp_seconds", "marts.customers") == (SPRING + 2 * DAY).timestamp()


@pytest.mark.parametrize("zone", ["UTC", ZONE, "Asia/Tokyo", "Atlantic/Azores", "Pacific/Kiritimati", "America/Havana"])
def test_a_rollup_by_day_gets_every_local_day_and_stops_when_it_is_complete(empty: World, zone: str) -> None:
    """A year of midnights and an outage, in steps of two days: no day is left out, and none lies ahead."""
    seen: list[datetime] = []

    def step(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
        since = previous.due if previous else due - DAY
        seen.extend(since + n * DAY for n in (1, 2) if since + n * DAY <= due)
        return RollupResult(due=min(due, since + 2 * DAY), complete_until={"mart": due})

    job = by_local_day(RollupJob(name="x", every=DAY, max_age=DAY, enabled=lambda _: True, run=step))
    outside = replace(empty, settings=replace(SETTINGS, business=Business(time_zone=zone))).outside
    previous: RollupResult | None = None
    for ago in range(366, -1, -1):
        due = SPRING - ago * DAY
        if 100 < ago < 110:
            continue
        for _ in range(6):
            if previous is None or previous.due < due:
                previous = job.run(outside, due, previous)
        assert previous is not None
        assert (previous.due, previous.complete_until) == (due, {"mart": due})
        assert seen[-1] <= local(due, zone)
        assert instant(seen[-1], zone) <= due
    assert sorted(set(seen)) == [seen[0] + n * DAY for n in range((seen[-1] - seen[0]) // DAY + 1)]
