"""Revenue forecast: accuracy, robustness, and coverage of its intervals."""

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.checks import EstimateError, Floats
from core.business.forecast import MAX_DAYS, MIN_DAYS, Forecast, ForecastMethod, forecast

ORDERS = Path(__file__).parents[3] / "infra/local/data/orders.parquet"
WEEKLY = np.array([1000.0, 1100, 1050, 1200, 1500, 0, 600])


def shop(days: int, seed: int = 1, noise: float = 0.15) -> Floats:
    """A shop that is closed on the sixth day of the week."""
    return WEEKLY[np.arange(days) % 7] * np.random.default_rng(seed).lognormal(0, noise, days)


def to_come(days: int, start: int) -> Floats:
    result: Floats = WEEKLY[np.arange(start, start + days) % 7]
    return result


def close_to(result: Forecast, expected: Floats, within: float) -> bool:
    return bool(np.abs(result.middle - expected).sum() <= within * expected.sum())


def test_a_weekly_season_is_found_and_closed_days_stay_closed() -> None:
    result = forecast(shop(371))
    assert result.method is ForecastMethod.SEASONAL
    assert close_to(result, to_come(30, 371), 0.05)
    closed = to_come(30, 371) == 0
    assert not result.high[closed].any()
    assert (result.low[~closed] > 0).all()


def test_the_first_day_is_the_one_after_the_last() -> None:
    for days in range(364, 371):
        assert forecast(shop(days), horizon=7).middle.argmin() == (5 - days) % 7


def test_a_trend_is_followed() -> None:
    growth = 1.003 ** np.arange(400)
    result = forecast(shop(370) * growth[:370])
    assert close_to(result, to_come(30, 370) * growth[370:], 0.06)
    assert result.middle[21:28].sum() > result.middle[:7].sum()


def test_a_shift_of_the_level_is_followed_within_weeks() -> None:
    series = shop(370)
    series[-28:] *= 2
    assert close_to(forecast(series), 2 * to_come(30, 370), 0.1)


def test_after_a_level_shift_the_intervals_include_both_levels() -> None:
    series = shop(371)
    series[-7:] *= 3
    result = forecast(series, horizon=7)
    assert close_to(result, to_come(7, 371), 0.5)
    assert (result.high[:5] >= series[-7:-2]).all()
    assert (result.low <= 1.1 * to_come(7, 371)).all()
    total = forecast(series).total
    assert total.low is not None
    assert total.high is not None
    assert total.low < 1.1 * WEEKLY.sum() * 30 / 7 < 3 * WEEKLY.sum() * 30 / 7 * 0.95 < total.high


@pytest.mark.parametrize("at", [100, 340, 369])
@pytest.mark.parametrize("outlier", [1e7, 0.0])
def test_an_outlier_has_little_effect(at: int, outlier: float) -> None:
    series = shop(370)
    before = forecast(series)
    series[at] = outlier
    result = forecast(series)
    assert close_to(result, before.middle, 0.08)
    assert result.total.high is not None
    assert before.total.high is not None
    assert result.total.high < 2 * before.total.high


def test_missing_days_have_little_effect() -> None:
    series = shop(370)
    for gone in (np.random.default_rng(2).random(370) < 0.3, np.arange(370) >= 358, np.arange(370) < 20):
        result = forecast(np.where(gone, np.nan, series))
        assert result.method is ForecastMethod.SEASONAL
        assert close_to(result, to_come(30, 370), 0.07)


def test_noise_has_no_season() -> None:
    result = forecast(np.random.default_rng(3).normal(1000, 100, 370))
    assert result.method is ForecastMethod.LEVEL_ONLY
    assert close_to(result, np.full(30, 1000.0), 0.06)


def test_a_season_of_another_length_is_found() -> None:
    hours = 100 + 50 * np.sin(np.arange(24 * 30) * 2 * np.pi / 24)
    result = forecast(hours, horizon=24, season=24)
    assert result.method is ForecastMethod.SEASONAL
    assert close_to(result, hours[:24], 0.02)


def test_an_intermittent_series_is_forecast_by_its_mean() -> None:
    rng = np.random.default_rng(4)
    series = np.where(rng.random(400) < 0.15, rng.lognormal(7, 0.5, 400), 0.0)
    result = forecast(series)
    assert result.method is ForecastMethod.INTERMITTENT
    assert np.ptp(result.middle) == 0
    assert result.middle[0] == pytest.approx(series[-120:].mean(), rel=0.5)
    assert result.total.low is not None
    assert result.total.high is not None
    assert result.total.low < series.mean() * 30 < result.total.high
    assert result.low.max() == 0
    assert result.high.min() > result.middle[0]


def test_refunds_may_make_days_negative() -> None:
    result = forecast(np.random.default_rng(5).normal(0, 100, 200), season=1)
    assert result.method is ForecastMethod.LEVEL_ONLY
    assert (result.low < -50).all()
    assert (result.high > 50).all()
    assert result.total.low is not None
    assert result.total.low < 0


def ratios(series: Floats, first: int, step: int = 5) -> list[float]:
    """Revenue of weeks as a share of their forecasts."""
    ends = range(first, series.size - 7, step)
    return [series[end : end + 7].sum() / forecast(series[:end], horizon=7).mean.sum() for end in ends]


@pytest.mark.parametrize("noise", [0.3, 0.5, 1.0])
def test_weekly_revenue_of_a_healthy_source_matches_its_forecast(noise: float) -> None:
    rng = np.random.default_rng(1)
    result = [one for _ in range(3) for one in ratios(np.exp(rng.normal(6, noise, 300)), 150, 10)]
    assert 0.9 < np.median(result) < 1.1


def test_weekly_revenue_of_a_real_shop_matches_its_forecast() -> None:
    table = pq.read_table(ORDERS, columns=["ordered_at", "source", "dollars"])
    day = table["ordered_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    day -= day.min()
    dollars, sources = table["dollars"].to_numpy(), np.array(table["source"].to_pylist())
    series = [np.bincount(day[sources == one], dollars[sources == one], day.max() + 1) for one in np.unique(sources)]
    actual, middle, mean = [], [], []
    for end in range(120, day.max() - 6, 7):
        forecasts = [forecast(one[:end], horizon=7) for one in series]
        actual.append(sum(one[end : end + 7].sum() for one in series))
        middle.append(sum(one.middle.sum() for one in forecasts))
        mean.append(sum(one.mean.sum() for one in forecasts))
    assert 0.93 < np.median(np.divide(actual, mean)) < 1.07
    assert np.median(np.divide(actual, middle)) > 1.1  # medians of days add up to less than the total


def test_the_means_add_up_to_the_total() -> None:
    for series in (shop(300, noise=1.0), shop(10), np.ones(40), np.eye(1, 100)[0] + np.eye(1, 100, 50)[0]):
        result = forecast(series)
        assert result.total.middle == pytest.approx(result.mean.sum())
    noisy = forecast(shop(300, noise=1.0))
    assert noisy.mean.sum() > 1.1 * noisy.middle.sum()


def test_zeros_before_the_first_sale_are_ignored() -> None:
    begun = np.concatenate([np.zeros(300), shop(70)])
    assert forecast(begun).middle.tolist() == forecast(shop(70)).middle.tolist()


def test_a_source_that_stopped_is_forecast_as_zero() -> None:
    result = forecast(np.concatenate([shop(200), np.zeros(70)]))
    assert result.middle.tolist() == [0.0] * 30
    assert result.high.tolist() == [0.0] * 30


def test_a_constant_series_is_continued() -> None:
    result = forecast(np.full(60, 12.0), horizon=3)
    assert result.method is ForecastMethod.CONSTANT
    assert result.low.tolist() == result.middle.tolist() == result.high.tolist() == [12.0] * 3
    assert (result.total.low, result.total.middle, result.total.high) == (36.0, 36.0, 36.0)
    assert forecast(np.zeros(60), horizon=3).middle.tolist() == [0.0] * 3


def test_a_shift_of_a_constant_series_is_followed() -> None:
    series = np.concatenate([np.full(300, 10.0), np.full(30, 20.0)])
    assert close_to(forecast(series), np.full(30, 20.0), 0.02)


@pytest.mark.parametrize("known", [1, MIN_DAYS - 1])
def test_too_few_days_give_their_mean_without_an_interval(known: int) -> None:
    result = forecast(np.concatenate([[np.nan] * 5, shop(known)]), horizon=2)
    assert result.method is ForecastMethod.TOO_SHORT
    assert result.middle == pytest.approx([shop(known).mean()] * 2)
    assert np.isnan([result.low, result.high]).all()
    assert (result.total.low, result.total.high) == (None, None)
    assert result.total.middle == pytest.approx(2 * shop(known).mean())


def test_old_days_only_give_no_interval() -> None:
    result = forecast(np.concatenate([shop(100), [np.nan] * 200]))
    assert result.method is ForecastMethod.TOO_SHORT


@pytest.mark.parametrize("daily", [[], [np.nan] * 40])
def test_no_data_gives_no_forecast(daily: list[float]) -> None:
    result = forecast(np.array(daily), horizon=4)
    assert result.method is ForecastMethod.NO_DATA
    assert np.isnan([result.low, result.middle, result.high]).all()
    assert result.total.middle is None


def test_intervals_narrow_with_more_history() -> None:
    widths = []
    for days in (MIN_DAYS, 60, 370):
        result = forecast(shop(days))
        assert np.isfinite([result.low, result.middle, result.high]).all()
        assert result.total.low is not None
        assert result.total.high is not None
        widths.append(result.total.high - result.total.low)
    assert widths == sorted(widths, reverse=True)


def test_one_known_day_in_three_still_gives_intervals() -> None:
    series = np.where(np.arange(300) % 3 == 0, shop(300), np.nan)
    for horizon in (1, 30):
        result = forecast(series, horizon=horizon)
        assert (result.high > result.low).any()
        assert result.total.low is not None
        assert result.total.high is not None
        assert result.total.middle is not None
        assert result.total.low <= result.total.middle <= result.total.high


def test_only_the_newest_days_are_used() -> None:
    series = shop(MAX_DAYS + 49)
    assert forecast(series).middle.tolist() == forecast(series[-MAX_DAYS:]).middle.tolist()


def test_a_higher_level_is_wider() -> None:
    low, high = forecast(shop(370), level=0.5), forecast(shop(370), level=0.95)
    assert (high.high - high.low).sum() > 1.5 * (low.high - low.low).sum()


def test_intervals_have_their_nominal_coverage() -> None:
    days, totals = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        level = np.exp(np.cumsum(rng.normal(0, 0.01, 400)))
        series = shop(400, seed, noise=0.25) * level
        result = forecast(series[:370])
        open_days = series[370:] > 0
        days.append(np.mean(((result.low <= series[370:]) & (series[370:] <= result.high))[open_days]))
        assert result.total.low is not None
        assert result.total.high is not None
        totals.append(result.total.low <= series[370:].sum() <= result.total.high)
    assert 0.86 <= np.mean(days) <= 0.97
    assert np.mean(totals) >= 0.8


def test_the_forecast_beats_the_seasonal_naive_one() -> None:
    ours, naive = 0.0, 0.0
    for seed in range(10):
        series = shop(400, seed)
        ours += np.abs(forecast(series[:370]).middle - series[370:]).sum()
        naive += np.abs(np.resize(series[363:370], 30) - series[370:]).sum()
    assert ours < 0.8 * naive


def assert_ordered(result: Forecast) -> None:
    """All bounds are finite, and the forecast lies between them."""
    assert np.isfinite([result.low, result.middle, result.high]).all()
    assert (result.low <= result.middle).all()
    assert (result.middle <= result.high).all()
    assert result.total.low is not None
    assert result.total.middle is not None
    assert result.total.high is not None
    assert -math.inf < result.total.low <= result.total.middle <= result.total.high < math.inf


def messy(rng: np.random.Generator) -> Floats:
    """A series with a random choice of irregularities."""
    days = int(rng.integers(21, 420))
    series = rng.lognormal(5, rng.uniform(0, 2), days)
    if rng.random() < 0.5:
        series *= rng.integers(0, 3, 7)[np.arange(days) % 7]
    if rng.random() < 0.4:
        series[rng.random(days) < rng.random()] = 0
    if rng.random() < 0.4:
        series[rng.random(days) < rng.random()] = np.nan
    if rng.random() < 0.3:
        series[rng.integers(0, days) :] *= rng.uniform(0, 10)
    if rng.random() < 0.2:
        series -= rng.uniform(0, 300)
    if rng.random() < 0.1:
        series[rng.integers(0, days)] = 1e9
    return series


@given(st.integers(0, 10**6), st.sampled_from([1, 7, 30, 90]), st.sampled_from([1, 7, 7, 24]))
def test_bounds_are_ordered_for_messy_series(seed: int, horizon: int, season: int) -> None:
    series = messy(np.random.default_rng(seed))
    result = forecast(series, horizon=horizon, season=season)
    if result.total.low is not None:
        assert_ordered(result)
        if np.nanmin(series) >= 0:
            assert result.low.min() >= 0
            assert result.total.low >= 0


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(0.0)), max_size=120),
    st.integers(1, 40),
    st.sampled_from([1, 7]),
)
def test_bounds_are_ordered_for_any_series(daily: list[float], horizon: int, season: int) -> None:
    result = forecast(np.array(daily), horizon=horizon, season=season)
    assert result.low.shape == result.middle.shape == result.high.shape == (horizon,)
    if result.total.low is not None:
        assert_ordered(result)


@given(st.lists(st.one_of(st.floats(0, 1e6), st.just(math.nan), st.just(0.0)), min_size=30, max_size=120))
def test_a_series_without_negatives_has_no_negative_forecast(daily: list[float]) -> None:
    result = forecast(np.array(daily))
    assert not (np.nan_to_num(result.low) < 0).any()
    assert not (np.nan_to_num(result.middle) < 0).any()
    assert result.total.low is None or result.total.low >= 0


@given(st.integers(0, 20), st.sampled_from([1e-3, 64.0, 1e6]))
def test_the_currency_does_not_matter(seed: int, factor: float) -> None:
    series = shop(100, seed)
    plain, scaled = forecast(series), forecast(series * factor)
    assert scaled.middle == pytest.approx(plain.middle * factor, rel=1e-6, abs=1e-9 * factor)
    assert scaled.high == pytest.approx(plain.high * factor, rel=1e-6, abs=1e-9 * factor)
    assert scaled.method is plain.method


def test_the_series_is_not_modified() -> None:
    series = shop(100)
    series[3] = np.nan
    before = series.copy()
    forecast(series)
    assert np.array_equal(series, before, equal_nan=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"daily": [[1.0]]}, r"daily: must be 1-d, got shape \(1, 1\)"),
        ({"daily": [1.0, math.inf]}, r"daily\[1\]: must be finite or NaN, got inf"),
        ({"daily": ["a"]}, "daily: must hold numbers only"),
        ({"horizon": 0}, "horizon: must be 1 to 366, got 0"),
        ({"season": 400}, "season: must be 1 to 366, got 400"),
        ({"level": 1.0}, "level: must be above 0 and below 1, got 1.0"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        forecast(**{"daily": [1.0], **arguments})  # type: ignore[arg-type] - wrong on purpose
