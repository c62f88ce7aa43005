"""Accuracy of forecasts of a total, and the seasonal naive forecast beside it."""

import math

import numpy as np
import pytest

from core.business.totals import ScoredTotal, naive_total, total_accuracy


def scored(actual: float, **given: float | None) -> ScoredTotal:
    values = {"low": 80.0, "middle": 100.0, "high": 120.0, "naive": 150.0, "usual_error": 20.0, **given}
    return ScoredTotal(actual=actual, **values)  # type: ignore[arg-type] - only the last one may be None


def test_the_naive_total_repeats_the_last_week() -> None:
    days = np.concatenate([np.full(40, 10.0), [1.0, 2, 3, 4, 5, 6, 7]])
    assert naive_total(days, 30).dollars == 4 * 28 + 1 + 2
    assert naive_total(days[:30], 30).usual_error is None
    assert naive_total(np.full(60, 5.0), 30).usual_error is None  # no error to scale by


def test_the_usual_error_is_that_of_all_totals_of_the_history() -> None:
    days = np.random.default_rng(1).lognormal(3, 1, 80)
    errors = [abs(np.resize(days[at - 7 : at], 30).sum() - days[at : at + 30].sum()) for at in range(7, days.size - 29)]
    assert naive_total(days, 30).usual_error == pytest.approx(np.mean(errors))


def test_unknown_days_are_those_of_the_week_before() -> None:
    days = np.arange(1.0, 71.0)
    days[-2:] = np.nan
    days[:3] = np.nan
    assert naive_total(days, 7).dollars == 64 + 65 + 66 + 67 + 68 + 62 + 63


def test_errors_are_shares_of_revenue_and_of_the_usual_error() -> None:
    found = total_accuracy([scored(100.0, middle=110.0), scored(300.0, middle=250.0, usual_error=100.0)])
    assert found.error_ratio == pytest.approx(60 / 400)
    assert found.scaled_error == pytest.approx((10 / 20 + 50 / 100) / 2)
    assert found.naive_error_ratio == pytest.approx(200 / 400)
    assert found.naive_scaled_error == pytest.approx((50 / 20 + 150 / 100) / 2)
    assert (found.coverage_ratio, found.totals) == (0.5, 2)


def test_what_is_not_known_is_left_out() -> None:
    found = total_accuracy([scored(math.nan), scored(0.0, usual_error=None)])
    assert (found.error_ratio, found.scaled_error, found.naive_scaled_error) == (None, None, None)
    assert (found.coverage_ratio, found.totals) == (0.0, 1)
    assert total_accuracy([]).coverage_ratio is None
