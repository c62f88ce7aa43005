"""Usual revenue by hour of the week: intervals that hold what they say on real orders, and what is not usual stays out."""

from collections.abc import Iterator

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.business.checks import EstimateError, Floats
from core.business.usual import LEAST_WEEKS, UsualWeek
from infra.local.replay.orders import ORDERS

LATE = 3
"""Days that are left out before the origin, as orders may still arrive."""


def shop(name: str) -> Floats:
    """Real orders: dollars by day and hour."""
    table = pq.read_table(ORDERS)
    mine = np.array(table["source"].to_pylist()) == name
    hour = table["ordered_at"].to_numpy().astype("datetime64[h]").astype(np.int64)
    first, last = int(hour.min()) // 24, int(hour.max()) // 24
    days = np.zeros(24 * (last - first + 1))
    np.add.at(days, hour[mine] - 24 * first, table["dollars"].to_numpy()[mine])
    return days.reshape(-1, 24)


def hits(days: Floats, hours: int, level: float, every: int) -> Iterator[bool]:
    """Whether the revenue of the next hours lies in the interval, at each hour of some days with revenue."""
    flat = days.reshape(-1)
    for origin in range(56 + LATE, len(days) - 3, every):
        week = UsualWeek.of(days[origin - LATE - 56 : origin - LATE].reshape(8, 168))
        assert week is not None
        for hour in range(24):
            usual = week.sum(range(24 * LATE + hour, 24 * LATE + hour + hours), level=level)
            actual = max(0.0, flat[24 * origin + hour : 24 * origin + hour + hours].sum())
            if usual.dollars > 20:  # the shop is open
                yield usual.low <= actual <= usual.high


@pytest.mark.parametrize("level", [0.8, 0.9])
@pytest.mark.parametrize("hours", [1, 4, 12, 24])
def test_of_real_orders_so_many_lie_in_the_interval(hours: int, level: float) -> None:
    found = list(hits(shop("shop-uk"), hours, level, every=5))
    assert len(found) > 500
    assert np.mean(found) == pytest.approx(level, abs=0.07)


def noisy(weeks: int = 8, seed: int = 1) -> Floats:
    """Open from 8 to 18 on six days: about $100 an hour."""
    rng = np.random.default_rng(seed)
    hours = 100.0 * rng.gamma(20, 1 / 20, (weeks, 7, 24))
    hours[:, :, :8] = hours[:, :, 18:] = 0.0
    hours[:, 6] = 0.0
    return hours.reshape(weeks, 168)


def made(hours: Floats) -> UsualWeek:
    week = UsualWeek.of(hours)
    assert week is not None
    return week


def test_hours_without_revenue_are_usual() -> None:
    week = made(noisy())
    night, sunday = week.sum([3]), week.sum(range(6 * 24, 7 * 24))
    assert (night.dollars, night.low, night.high) == (sunday.dollars, sunday.low, sunday.high) == (0.0, 0.0, 0.0)
    assert week.sum([12]).dollars == pytest.approx(100, rel=0.1)


def test_a_new_shop_is_known_after_some_weeks_and_says_how_many() -> None:
    hours = noisy()
    hours[: 8 - LEAST_WEEKS + 1] = np.nan
    assert UsualWeek.of(hours) is None
    hours = noisy()
    hours[: 8 - LEAST_WEEKS] = np.nan
    week = made(hours)
    assert week.weeks == LEAST_WEEKS
    assert week.sum([12]).dollars == pytest.approx(100, rel=0.2)
    assert UsualWeek.of(np.full((8, 168), np.nan)) is None


def test_a_holiday_a_stopped_feed_and_a_wrong_booking_do_not_count() -> None:
    plain, hours = made(noisy()), noisy()
    hours[3, 24:48] = 0.0  # a holiday
    hours[7, 72:144] = 0.0  # the feed stopped
    hours[5, 12], hours[5, 13] = 1e6, -1e6  # a wrong booking and its refund
    strange = made(hours)
    for place in (12, 13, 36, 84):
        usual, before = strange.sum([place]), plain.sum([place])
        assert usual.dollars == pytest.approx(before.dollars, rel=0.2)
        assert usual.low == pytest.approx(before.low, rel=0.3)
        assert usual.high < 300


def test_a_day_that_is_mostly_closed_is_usual_as_such() -> None:
    hours = noisy()
    hours[:6, :24] = 0.0
    assert made(hours).sum([12]).dollars < 50


def test_the_interval_of_part_of_an_hour_is_relatively_wider() -> None:
    week = made(noisy())
    whole, part = week.sum([12]), week.sum([12], elapsed=[0.25])
    assert part.dollars == pytest.approx(whole.dollars / 4)
    assert (part.high - part.dollars) / part.dollars == pytest.approx(2 * (whole.high / whole.dollars - 1))
    half = week.sum([12], weights=[0.5])
    assert (half.dollars, half.high) == pytest.approx((whole.dollars / 2, whole.high / 2))


def test_a_sum_of_hours_is_relatively_better_known_than_one() -> None:
    week = made(noisy())
    one, six = week.sum([10]), week.sum(range(10, 16))
    assert six.dollars == pytest.approx(6 * one.dollars, rel=0.1)
    assert (six.high - six.low) / six.dollars < 0.7 * (one.high - one.low) / one.dollars
    assert week.sum(range(168 + 10, 168 + 16)) == six


def test_refunds_beyond_the_sales_are_no_revenue_at_risk() -> None:
    usual = made(np.full((8, 168), -5.0)).sum([12])
    assert (usual.dollars, usual.low, usual.high) == (0.0, 0.0, 0.0)


def test_another_shape_is_refused() -> None:
    with pytest.raises(EstimateError, match=r"hours: must have the shape \(weeks, 168\), got \(8, 24\)"):
        UsualWeek.of(np.zeros((8, 24)))
