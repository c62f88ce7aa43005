"""Days that recur: their effects, and forecasts of series with them."""

from datetime import date, timedelta

import numpy as np
import pytest

from core.business.calendar import monthly_effects, previous_occurrences
from core.business.checks import Bools, Floats
from core.business.forecast import Forecast, forecast

START = date(2024, 1, 1)


def dates(days: int) -> list[date]:
    return [START + timedelta(n) for n in range(days)]


def billing(days: int, *, noise: float = 0.15, seed: int = 1) -> Floats:
    """$100 a day, and 20 times as much on the first of each month."""
    usual = np.array([2000.0 if day.day == 1 else 100.0 for day in dates(days)])
    return usual * np.random.default_rng(seed).lognormal(0, noise, days)


def salaries(days: int) -> Floats:
    """Three times as much on the last day of each month."""
    usual = np.array([300.0 if (day + timedelta(1)).day == 1 else 100.0 for day in dates(days)])
    return usual * np.random.default_rng(2).lognormal(0, 0.15, days)


def held(result: Forecast, actual: Floats) -> bool:
    assert result.total.low is not None
    assert result.total.high is not None
    return bool(result.total.low <= actual.sum() <= result.total.high)


def within(result: Forecast, actual: Floats) -> Bools:
    return (result.low <= actual) & (actual <= result.high)


@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_the_first_of_the_month_is_forecast_from_26_origins(noise: float) -> None:
    totals, firsts, ratios = [], [], []
    series = billing(790, noise=noise)
    for end in range(410, 761, 14):
        result, actual = forecast(series[:end], today=START + timedelta(end)), series[end : end + 30]
        totals.append(held(result, actual))
        firsts += within(result, actual)[[day.day == 1 for day in dates(end + 30)[end:]]].tolist()
        ratios.append((result.total.middle or 0.0) / actual.sum())
    assert len(totals) == 26
    assert sum(totals) >= 22
    assert np.mean(firsts) >= 0.8
    assert 0.9 < np.median(ratios) < 1.1


def test_the_last_day_of_the_month_is_forecast_however_long_the_month_is() -> None:
    series = salaries(820)
    for end in (700, 760, 790):
        result = forecast(series[:end], today=START + timedelta(end))
        last = [(day + timedelta(1)).day == 1 for day in dates(end + 30)[end:]]
        assert result.middle[last] == pytest.approx(300, rel=0.25)
        assert result.middle[~np.array(last)] == pytest.approx(100, rel=0.25)


def test_a_day_of_billing_is_known_from_the_third_month_on() -> None:
    series = billing(130)
    result = forecast(series[:95], today=START + timedelta(95))
    assert result.middle.max() > 1500
    assert result.middle.argmax() == [day.day for day in dates(125)[95:]].index(1)


def test_a_weekday_that_is_closed_stays_closed_on_the_first() -> None:
    closed = np.array([day.weekday() == 6 for day in dates(790)])
    series = np.where(closed, 0.0, billing(790))
    for end in range(640, 761, 30):
        result, actual = forecast(series[:end], today=START + timedelta(end)), series[end : end + 30]
        assert not result.high[closed[end : end + 30]].any()
        assert held(result, actual)


@pytest.mark.parametrize("at", [700, 705])
def test_an_outlier_that_does_not_recur_has_little_effect(at: int) -> None:
    """The first one of them is on the first of a month, where only the amount is an outlier."""
    series = billing(760)
    before = forecast(series, today=START + timedelta(760))
    series[at] = 1e6
    result = forecast(series, today=START + timedelta(760))
    assert np.abs(result.middle - before.middle).sum() < 0.08 * before.middle.sum()


def test_noise_has_no_calendar() -> None:
    plain = 0
    for seed in range(10):
        series = np.random.default_rng(seed).lognormal(5, 0.5, 700)
        with_dates, without = forecast(series, today=date(2026, 3, 1)), forecast(series)
        plain += with_dates.middle.tolist() == without.middle.tolist()
        assert with_dates.total.middle == pytest.approx(without.total.middle, rel=0.05)
    assert plain >= 7


def test_effects_use_no_later_days() -> None:
    series, origins, previous = billing(400), np.arange(100, 400, 3), previous_occurrences(START, 430)
    all_days = monthly_effects(series, origins, 30, 7, previous)[0]
    changed = series.copy()
    changed[201:] *= np.random.default_rng(3).uniform(0, 5, 199)
    again = monthly_effects(changed, origins, 30, 7, previous)[0]
    known = origins <= 200
    # The usual noise is measured over the whole history: it only decides how much an effect is shrunk.
    assert again.ahead[known] == pytest.approx(all_days.ahead[known], rel=0.05, abs=0.5)
    assert again.past[:201] == pytest.approx(all_days.past[:201], rel=0.05, abs=0.5)


def test_unknown_days_are_no_occurrences() -> None:
    series = billing(760)
    series[np.random.default_rng(4).random(760) < 0.3] = np.nan
    result = forecast(series, today=START + timedelta(760))
    firsts = [day.day == 1 for day in dates(790)[760:]]
    assert result.middle[firsts] == pytest.approx(2000, rel=0.25)


@pytest.mark.parametrize("horizon", [1, 30, 366])
def test_any_horizon_has_the_first_of_each_month(horizon: int) -> None:
    result = forecast(billing(500), today=START + timedelta(500), horizon=horizon)
    firsts = np.array([day.day == 1 for day in dates(500 + horizon)[500:]])
    assert (result.middle[firsts] > 1000).all()
    assert (result.middle[~firsts] < 200).all()
    assert np.isfinite([result.low, result.high]).all()
