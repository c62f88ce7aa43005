"""Forecast accuracy, customer counts, return on investment and market position."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.accuracy import ForecastAccuracy, ScoredForecast, accuracy
from core.business.checks import EstimateError
from core.business.customers import count_customers
from core.business.market import MarketPosition, market_position
from core.business.roi import roi

DAY = 86_400.0
NOW = datetime(2026, 7, 1, tzinfo=UTC)
END = NOW.timestamp()


def ago(*days: float) -> list[float]:
    return [END - day * DAY for day in days]


def test_accuracy_is_computed_over_all_days() -> None:
    result = accuracy(
        [
            ScoredForecast(100.0, 90.0, 110.0, 120.0),
            ScoredForecast(-50.0, -60.0, -80.0, -55.0),
            ScoredForecast(0.0, 0.0, 0.0, 0.0),
        ]
    )
    assert result == ForecastAccuracy(error_ratio=40 / 150, coverage_ratio=2 / 3, bias_ratio=-20 / 150, days=3)


def test_days_without_an_interval_or_a_value_are_skipped() -> None:
    result = accuracy(
        [
            ScoredForecast(10.0, None, 12.0, None),
            ScoredForecast(math.nan, 1.0, 2.0, 3.0),
            ScoredForecast(1.0, 0.0, math.nan, 1.0),
        ]
    )
    assert result == ForecastAccuracy(error_ratio=0.2, coverage_ratio=None, bias_ratio=0.2, days=1)


@pytest.mark.parametrize("days", [[], [ScoredForecast(0.0, None, 5.0, None)]])
def test_accuracy_is_undefined_where_all_actuals_are_zero(days: list[ScoredForecast]) -> None:
    assert accuracy(days) == ForecastAccuracy(error_ratio=None, coverage_ratio=None, bias_ratio=None, days=len(days))


def test_customers_count_once() -> None:
    result = count_customers(ago(10, 200, 200, 90), ago(1, 89, 91, 90), NOW)
    assert (result.new, result.active, result.lapsed) == (1, 1, 2)
    assert result.churn_ratio is None


def test_the_period_begins_after_its_first_instant_and_ends_with_its_last() -> None:
    result = count_customers(ago(90, 90 - 1e-4, 0), ago(90, 90 - 1e-4, 0), NOW)
    assert (result.new, result.active, result.lapsed) == (2, 0, 1)


def test_churn_is_of_the_customers_of_the_previous_period() -> None:
    last = ago(10, 100, 179, 181, 5)
    previous = [*ago(95), *ago(100), *ago(179), *ago(181), math.nan]
    result = count_customers(ago(400, 400, 400, 400, 5), last, NOW, previous=previous)
    assert result.churn_ratio == pytest.approx(2 / 3)


def test_churn_is_unknown_without_customers_in_the_previous_period() -> None:
    assert count_customers([], [], NOW, previous=[]).churn_ratio is None
    assert count_customers(ago(5), ago(1), NOW, previous=[math.nan]).churn_ratio is None


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0, 1), st.floats(0, 1)), max_size=30),
    st.integers(1, 200),
)
def test_the_states_add_up(drawn: list[tuple[float, float, float]], days: int) -> None:
    first = [END - age * DAY for age, _, _ in drawn]
    last = [END - age * part * DAY for age, part, _ in drawn]
    begin = END - days * DAY
    earlier = [min(one, begin - part * 100 * DAY) for one, (_, _, part) in zip(last, drawn, strict=True)]
    result = count_customers(first, last, NOW, period=timedelta(days=days), previous=earlier)
    assert result.new + result.active + result.lapsed == len(drawn)
    assert result.churn_ratio is None or 0 <= result.churn_ratio <= 1


@pytest.mark.parametrize(
    ("first", "last", "previous", "message"),
    [
        (ago(1), ago(-1), None, r"last_order\[0\]: must be at most now"),
        (ago(1), ago(2), None, r"first_order\[0\]: must be at most the last order"),
        (ago(1), ago(1, 1), None, "last_order: must have 1 values as first_order has, got 2"),
        (ago(99), ago(1), ago(89), r"previous\[0\]: must be at most the beginning of the period"),
        (ago(200), ago(150), ago(120), r"previous\[0\]: must be at most the last order"),
        (ago(200), ago(150), [], "previous: must have 1 values as last_order has, got 0"),
        ([math.inf], ago(1), None, r"first_order\[0\]: must be finite, got inf"),
    ],
)
def test_orders_that_cannot_be_are_named(
    first: list[float], last: list[float], previous: list[float] | None, message: str
) -> None:
    with pytest.raises(EstimateError, match=message):
        count_customers(first, last, NOW, previous=previous)


def test_a_period_has_a_length() -> None:
    with pytest.raises(EstimateError, match="period: must be above 0, got 0:00:00"):
        count_customers([], [], NOW, period=timedelta(0))


def test_the_return_is_gain_less_cost_of_cost() -> None:
    assert roi({"a": 30.0, "b": -5.0}, {"c": 50.0}).ratio == pytest.approx(-0.5)


@pytest.mark.parametrize("costs", [{}, {"a": 0.0}, {"a": 5.0, "credit": -5.0}])
def test_without_costs_there_is_no_return(costs: dict[str, float]) -> None:
    result = roi({"a": 1.0}, costs)
    assert (result.revenue, result.cost, result.ratio) == (1.0, 0.0, None)


def test_an_amount_that_is_no_number_is_named() -> None:
    with pytest.raises(EstimateError, match=r"costs\['compute'\]: must be finite, got nan"):
        roi({}, {"compute": math.nan})
    with pytest.raises(EstimateError, match=r"sales\['them'\]: must be a number of at least 0, got -1"):
        market_position({"them": -1.0}, "us")


def test_equals_share_a_rank() -> None:
    result = market_position({"a": 40.0, "us": 25.0, "b": 25.0, "c": 10.0}, "us")
    assert (result.rank, result.share) == (2, 0.25)
    assert list(result.shares) == ["a", "b", "us", "c"]
    assert market_position({"a": 40.0, "us": 25.0, "b": 25.0, "c": 10.0}, "c").rank == 4


def test_our_unknown_sales_are_not_zero() -> None:
    assert market_position({"them": 3.0}, "us") == MarketPosition(shares={"them": 1.0}, rank=None, share=None)
    assert market_position({"them": 3.0, "us": 0.0}, "us").share == 0.0


@pytest.mark.parametrize("sales", [{}, {"us": 0.0, "them": 0.0}])
def test_a_market_without_sales_has_no_shares(sales: dict[str, float]) -> None:
    assert market_position(sales, "us") == MarketPosition(shares={}, rank=None, share=None)


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e9), min_size=1))
def test_shares_add_up_to_the_whole(sales: dict[str, float]) -> None:
    result = market_position(sales, "a")
    assert not result.shares or math.fsum(result.shares.values()) == pytest.approx(1.0)
    assert list(result.shares.values()) == sorted(result.shares.values(), reverse=True)
    assert np.isfinite(list(result.shares.values())).all()
