"""The measured loss of incidents: usual less booked revenue, at most what was at risk, each hour counted once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.business.losses import BookedHour, Exposure, OrderHistory, measured_losses
from core.business.usual import UsualWeek
from core.incidents.measured import MeasuredLoss, loss_text
from tests.support.builders.budget import examples

NINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = timedelta(days=4)
FULL = BookedHour(dollars=100.0, payments=20)


def hour(number: float) -> datetime:
    return NINE + number * HOUR


def history(booked: dict[int, BookedHour], *, noise: float = 0.0) -> OrderHistory:
    """A shop that brings $100 by 20 orders in every hour; what was booked from nine o'clock on, by hour."""
    rng = np.random.default_rng(1)
    hours = {hour(number): found for number, found in booked.items()}
    return OrderHistory(
        usual=UsualWeek.of(100.0 * (1 + noise * rng.standard_normal((8, 168)))),
        payments=[20.0] * 168,
        places={hour(number): 33 + number for number in range(-24, 48)},
        booked=hours,
        newest=max((at for at, found in hours.items() if found.payments), default=None),
    )


def exposed(since: float, until: float, **changed: object) -> Exposure:
    fields = {"incident_id": "i", "orders": "shop", "share": 1.0, "is_outage": False} | changed
    return Exposure(since=hour(since), until=hour(until), **fields)  # type: ignore[arg-type] # as given


def lost(
    *exposures: Exposure, booked: dict[int, BookedHour], due: float = 24.0, noise: float = 0.0
) -> list[MeasuredLoss]:
    found = measured_losses(exposures, lambda _: history(booked, noise=noise), hour(due), late=LATE)
    return [found[one.incident_id] for one in exposures]


def half(*hours: int) -> dict[int, BookedHour]:
    """Every hour as usual, but half of it in some."""
    return {n: BookedHour(dollars=50.0, payments=10) if n in hours else FULL for n in range(-24, 30)}


def test_the_loss_is_what_is_usual_less_what_came() -> None:
    [loss] = lost(exposed(0, 3), booked=half(0, 1, 2))
    assert (loss.dollars, loss.usual, loss.actual) == pytest.approx((150, 300, 150))
    assert (loss.since, loss.until, loss.orders, loss.shared, loss.final) == (hour(0), hour(3), ("shop",), 0, False)


@pytest.mark.parametrize(("no_rate", "unknown"), [(1, ""), (2, "orders of shop have no exchange rate")])
def test_it_is_not_known_where_more_than_one_in_a_hundred_payments_has_no_rate(no_rate: int, unknown: str) -> None:
    booked = half(0) | {1: BookedHour(dollars=50.0, payments=130, no_rate=no_rate)}
    [loss] = lost(exposed(0, 2), booked=booked)
    assert (loss.unknown, loss.dollars > 0) == (unknown, not unknown)


def test_its_interval_is_that_of_the_usual_revenue() -> None:
    [loss] = lost(exposed(0, 3), booked=half(0, 1, 2), noise=0.1)
    assert 100 < loss.low < loss.dollars < loss.high < 200


def test_more_than_usual_is_no_gain() -> None:
    [loss] = lost(exposed(0, 2), booked={0: BookedHour(dollars=400.0, payments=90), 1: FULL})
    assert (loss.dollars, loss.low, loss.high) == (0.0, 0.0, 0.0)
    assert loss_text(loss).startswith(
        "no loss measured (up to $0) from 2026-03-03 09:00 to 11:00 UTC: $500 of orders of shop"
    )


def test_an_incident_shorter_than_an_hour_lost_at_most_what_was_at_risk_in_it() -> None:
    [loss] = lost(exposed(0.25, 0.5), booked=half())
    assert loss.dollars == pytest.approx(0)
    [loss] = lost(exposed(0.25, 0.5), booked={0: BookedHour(dollars=75.0, payments=15), 1: FULL})
    assert loss.dollars == pytest.approx(25)
    [loss] = lost(exposed(0.25, 0.5), booked=half(0))
    assert loss.dollars == pytest.approx(25), "the rest of what is missing has another cause"


def test_of_the_present_hour_counts_what_is_over() -> None:
    booked = {0: BookedHour(dollars=50.0, payments=10), 1: BookedHour(dollars=10.0, payments=2)}
    [loss] = lost(exposed(0, 9), booked=booked, due=1.5)
    assert (loss.usual, loss.actual, loss.dollars) == pytest.approx((150, 60, 90))
    assert loss.until == hour(1.5)


def test_a_share_at_risk_bounds_the_loss() -> None:
    [loss] = lost(exposed(0, 4, share=0.1), booked=half(0, 1, 2, 3))
    assert loss.dollars == pytest.approx(40)


def test_overlapping_incidents_are_counted_once() -> None:
    first, second = lost(exposed(0, 4), exposed(2, 4, incident_id="j"), booked=half(0, 1, 2, 3))
    assert first.dollars + second.dollars == pytest.approx(200)
    assert (first.dollars, second.dollars) == pytest.approx((150, 50))
    assert (first.shared, second.shared) == (1, 1)
    assert "shared with 1 other incident" in loss_text(first)
    small, large = lost(exposed(0, 2, share=0.25), exposed(0, 2, share=0.75, incident_id="j"), booked=half(0, 1))
    assert (small.dollars, large.dollars) == pytest.approx((25, 75))


def test_two_incidents_of_one_hour_share_what_it_lacks() -> None:
    first, second = lost(exposed(0, 0.25), exposed(0.5, 0.75, incident_id="j"), booked=half(0))
    assert (first.dollars, second.dollars) == pytest.approx((25, 25))


def test_a_feed_that_stopped_is_no_loss_unless_it_is_an_outage() -> None:
    stopped = dict.fromkeys(range(-24, 2), FULL)
    [loss] = lost(exposed(0, 6), booked=stopped)
    assert (loss.dollars, loss.until) == (pytest.approx(0), hour(2)), "measured as long as orders came"
    [loss] = lost(exposed(3, 6), booked=stopped)
    assert loss.unknown == "no orders of shop arrived since 2026-03-03 11:00 UTC; perhaps they only are not reported"
    assert (loss.dollars, loss.high) == (0, 0)
    assert loss_text(loss).startswith("not known from 2026-03-03 12:00 to 15:00 UTC: no orders of shop arrived since")
    [loss] = lost(exposed(3, 6, is_outage=True), booked=stopped)
    assert (loss.dollars, loss.unknown) == (pytest.approx(300), "")
    [loss] = lost(exposed(2, 2.2), booked=stopped, due=2.2)
    assert loss.unknown == "", "four orders may well be late"


def test_a_source_whose_usual_revenue_is_not_known_has_no_loss_that_is_known() -> None:
    new = replace(history(half()), usual=None)
    found = measured_losses([exposed(0, 2)], lambda _: new, hour(3), late=LATE)["i"]
    assert found.unknown == "the usual revenue of orders of shop is not known"


def test_several_streams_add_up_and_one_that_is_not_known_makes_the_sum_not_known() -> None:
    both = [exposed(0, 2), exposed(0, 2, orders="app")]
    histories = {"shop": history(half(0, 1), noise=0.1), "app": history(half(0), noise=0.1)}
    alone = [measured_losses([one], lambda one: histories[one.orders], hour(9), late=LATE)["i"] for one in both]
    found = measured_losses(both, lambda one: histories[one.orders], hour(9), late=LATE)["i"]
    assert found.dollars == pytest.approx(sum(one.dollars for one in alone))
    assert found.high - found.dollars < sum(one.high - one.dollars for one in alone)
    histories["app"] = replace(histories["app"], usual=None)
    found = measured_losses(both, lambda one: histories[one.orders], hour(9), late=LATE)["i"]
    assert (found.unknown, found.dollars, set(found.orders)) == (
        "the usual revenue of orders of app is not known",
        0.0,
        {"shop", "app"},
    )


def test_it_is_final_when_no_order_is_waited_for() -> None:
    booked, exposure = half(0), exposed(0, 1)
    found = [
        measured_losses([exposure], lambda _: history(booked), exposure.until + wait, late=LATE)["i"]
        for wait in (LATE - HOUR, LATE)
    ]
    assert [one.final for one in found] == [False, True]
    assert loss_text(found[0]).endswith("; orders may still arrive")
    assert loss_text(found[1]).endswith("$100 usual")


def test_what_has_not_begun_has_no_loss() -> None:
    assert measured_losses([exposed(5, 6), exposed(2, 2)], lambda _: history(half()), hour(4), late=LATE) == {}


SPANS = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0.01, 10), st.floats(0, 1), st.booleans()), min_size=1, max_size=5
)
BOOKED = st.dictionaries(
    st.integers(0, 29),
    st.builds(BookedHour, dollars=st.floats(-1000, 1000), payments=st.integers(0, 100)),
    max_size=30,
)


@settings(max_examples=examples(100))
@given(SPANS, BOOKED, st.floats(0.1, 30))
def test_losses_are_bounded_and_together_no_more_than_what_is_missing(
    spans: list[tuple[float, float, float, bool]], booked: dict[int, BookedHour], due: float
) -> None:
    exposures = [
        exposed(since, since + length, share=share, incident_id=str(number), is_outage=is_outage)
        for number, (since, length, share, is_outage) in enumerate(spans)
    ]
    found = measured_losses(exposures, lambda _: history(booked, noise=0.1), hour(due), late=LATE)
    for one in exposures:
        if loss := found.get(one.incident_id):
            hours = max(0.0, (min(one.until, hour(due)) - one.since) / HOUR)
            assert 0 <= loss.low <= loss.dollars + 1e-6
            assert loss.dollars <= loss.high + 1e-6
            assert loss.dollars <= one.share * hours * 130 + 1e-6
    usual = sum(loss.usual for loss in found.values())
    assert usual <= 130 * 31
