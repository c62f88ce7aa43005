"""The usual revenue of targets in an hour: which hour it is, by which clock, and when it is not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.incidents.measured import Measured, MeasuredLoss, UsualHours, UsualRevenue, loss_text, measured_revenue
from core.settings.business import RevenueOf

FIRST = datetime(2026, 3, 3, 6, tzinfo=UTC)  # a Tuesday
HOUR = timedelta(hours=1)


def hours(start: float, count: int = 48, weeks: int = 8) -> UsualHours:
    dollars = tuple(start + number for number in range(count))
    return UsualHours(
        weeks=weeks, dollars=dollars, low=tuple(0.8 * one for one in dollars), high=tuple(1.2 * one for one in dollars)
    )


USUAL = UsualRevenue(made_at=FIRST + 6 * HOUR, first=FIRST, orders={"shop": hours(1000), "app": hours(10, weeks=5)})
OF = {"stream/shop": RevenueOf(sources=("shop",)), "page/all": RevenueOf(sources=("shop", "app"))}


def measured(at: datetime, usual: UsualRevenue = USUAL, zone: str = "UTC") -> Measured:
    return measured_revenue(usual, OF, at, max_age=6 * HOUR, zone=zone)


def test_it_is_that_of_the_hour_with_its_basis() -> None:
    [shop] = measured(FIRST + 8.5 * HOUR)["stream/shop"]
    assert (shop.dollars_per_hour, shop.low, shop.high) == pytest.approx((1008, 0.8 * 1008, 1.2 * 1008))
    assert shop.basis == "usual for Tuesday 14:00 UTC from the last 8 weeks"
    assert [one.orders for one in measured(FIRST + 8.5 * HOUR)["page/all"]] == ["shop", "app"]


@pytest.mark.parametrize(
    ("first", "clock"),
    [
        (datetime(2026, 3, 29, 0, tzinfo=UTC), ["Sunday 01:00", "Sunday 03:00", "Sunday 04:00"]),
        (datetime(2026, 10, 25, 0, tzinfo=UTC), ["Sunday 02:00", "Sunday 02:00", "Sunday 03:00"]),
    ],
)
def test_hours_over_a_change_of_the_clocks_are_named_by_the_clock(first: datetime, clock: list[str]) -> None:
    usual = replace(USUAL, made_at=first, first=first)
    found = [measured(first + number * HOUR, usual, "Europe/Berlin")["stream/shop"][0] for number in range(3)]
    assert [one.basis.removeprefix("usual for ").partition(" Europe/Berlin")[0] for one in found] == clock


def test_what_is_old_or_beyond_the_document_is_not_known() -> None:
    nothing: Measured = {"stream/shop": (), "page/all": ()}
    assert measured(FIRST + 12 * HOUR)["stream/shop"]
    assert measured(FIRST + 12 * HOUR + timedelta(seconds=1)) == nothing
    assert measured(FIRST - timedelta(seconds=1)) == nothing
    assert measured(FIRST + 48 * HOUR, replace(USUAL, made_at=FIRST + 48 * HOUR)) == nothing
    assert measured(FIRST + 8 * HOUR, UsualRevenue()) == nothing


def test_a_target_is_known_only_when_all_of_its_orders_are() -> None:
    found = measured(FIRST + 8 * HOUR, replace(USUAL, orders={"shop": hours(1000)}))
    assert (len(found["stream/shop"]), found["page/all"]) == (1, ())
    broken = replace(hours(1000), high=tuple([float("nan")] * 48))
    assert measured(FIRST + 8 * HOUR, replace(USUAL, orders={"shop": broken}))["stream/shop"] == ()


def test_names_of_orders_are_text_of_others() -> None:
    loss = MeasuredLoss(since=FIRST, until=FIRST + HOUR, orders=("sh\nop\u202e" + "x" * 200,), usual=1.0, actual=1.0)
    assert "\n" not in loss_text(loss)
    assert len(loss_text(loss)) < 300
