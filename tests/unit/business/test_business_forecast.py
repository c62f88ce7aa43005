"""The forecast: what a good one finds, what no input may do to it, and how often its bounds hold."""

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.checks import EstimateError, Floats
from core.business.forecast import LEAST, LONGEST, Forecast, Reason, forecast

ORDERS = Path(__file__).parents[3] / "infra/local/data/orders.parquet"
WEEKLY = np.array([1000.0, 1100, 1050, 1200, 1500, 0, 600])


def shop(days: int, seed: int = 1, noise: float = 0.15) -> Floats:
    """A shop that is closed on the sixth day of the week."""
    return WEEKLY[np.arange(days) % 7] * np.random.default_rng(seed).lognormal(0, noise, days)


def to_come(days: int, start: int) -> Floats:
    found: Floats = WEEKLY[np.arange(start, start + days) % 7]
    return found


def close_to(found: Forecast, expected: Floats, within: float) -> bool:
    return bool(np.abs(found.middle - expected).sum() <= within * expected.sum())


def test_a_week_is_seen_and_closed_days_stay_closed() -> None:
    found = forecast(shop(371))
    assert found.reason is Reason.SEASONAL
    assert close_to(found, to_come(30, 371), 0.05)
    shut = to_come(30, 371) == 0
    assert not found.high[shut].any()
    assert (found.low[~shut] > 0).all()


def test_the_first_day_is_the_one_after_the_last() -> None:
    for days in range(364, 371):
        assert forecast(shop(days), horizon=7).middle.argmin() == (5 - days) % 7


def test_a_trend_is_followed() -> None:
    growth = 1.003 ** np.arange(400)
    found = forecast(shop(370) * growth[:370])
    assert close_to(found, to_come(30, 370) * growth[370:], 0.06)
    assert found.middle[21:28].sum() > found.middle[:7].sum()


def test_a_shift_of_the_level_is_followed_within_weeks() -> None:
    series = shop(370)
    series[-28:] *= 2
    assert close_to(forecast(series), 2 * to_come(30, 370), 0.1)


def test_while_the_last_week_is_unlike_any_before_the_bounds_hold_both() -> None:
    series = shop(371)
    series[-7:] *= 3
    found = forecast(series, horizon=7)
    assert close_to(found, to_come(7, 371), 0.5)
    assert (found.high[:5] >= series[-7:-2]).all()
    assert (found.low <= 1.1 * to_come(7, 371)).all()
    total = forecast(series).total
    assert total.low is not None
    assert total.high is not None
    assert total.low < 1.1 * WEEKLY.sum() * 30 / 7 < 3 * WEEKLY.sum() * 30 / 7 * 0.95 < total.high


@pytest.mark.parametrize("at", [100, 340, 369])
@pytest.mark.parametrize("wild", [1e7, 0.0])
def test_one_wild_day_does_little(at: int, wild: float) -> None:
    series = shop(370)
    before = forecast(series)
    series[at] = wild
    found = forecast(series)
    assert close_to(found, before.middle, 0.08)
    assert found.total.high is not None
    assert before.total.high is not None
    assert found.total.high < 2 * before.total.high


def test_missing_days_do_little_wherever_they_are() -> None:
    series = shop(370)
    for gone in (np.random.default_rng(2).random(370) < 0.3, np.arange(370) >= 358, np.arange(370) < 20):
        found = forecast(np.where(gone, np.nan, series))
        assert found.reason is Reason.SEASONAL
        assert close_to(found, to_come(30, 370), 0.07)


def test_noise_is_given_no_season() -> None:
    found = forecast(np.random.default_rng(3).normal(1000, 100, 370))
    assert found.reason is Reason.LEVEL_ONLY
    assert close_to(found, np.full(30, 1000.0), 0.06)


def test_a_season_of_another_length_is_seen() -> None:
    hours = 100 + 50 * np.sin(np.arange(24 * 30) * 2 * np.pi / 24)
    found = forecast(hours, horizon=24, season=24)
    assert found.reason is Reason.SEASONAL
    assert close_to(found, hours[:24], 0.02)


def test_a_sporadic_series_is_forecast_by_its_mean() -> None:
    rng = np.random.default_rng(4)
    series = np.where(rng.random(400) < 0.15, rng.lognormal(7, 0.5, 400), 0.0)
    found = forecast(series)
    assert found.reason is Reason.SPORADIC
    assert np.ptp(found.middle) == 0
    assert found.middle[0] == pytest.approx(series[-120:].mean(), rel=0.5)
    assert found.total.low is not None
    assert found.total.high is not None
    assert found.total.low < series.mean() * 30 < found.total.high
    assert found.low.max() == 0
    assert found.high.min() > found.middle[0]


def test_refunds_may_make_days_negative() -> None:
    found = forecast(np.random.default_rng(5).normal(0, 100, 200), season=1)
    assert found.reason is Reason.LEVEL_ONLY
    assert (found.low < -50).all()
    assert (found.high > 50).all()
    assert found.total.low is not None
    assert found.total.low < 0


def ratios(series: Floats, first: int, step: int = 5) -> list[float]:
    """What each of some weeks earned, as a share of what had been expected of it."""
    ends = range(first, series.size - 7, step)
    return [series[end : end + 7].sum() / forecast(series[:end], horizon=7).mean.sum() for end in ends]


@pytest.mark.parametrize("noise", [0.3, 0.5, 1.0])
def test_of_a_healthy_source_a_week_earns_what_is_expected_of_it(noise: float) -> None:
    rng = np.random.default_rng(1)
    found = [one for _ in range(3) for one in ratios(np.exp(rng.normal(6, noise, 300)), 150, 10)]
    assert 0.9 < np.median(found) < 1.1


def test_of_a_real_shop_a_week_earns_what_is_expected_of_it() -> None:
    table = pq.read_table(ORDERS, columns=["ordered_at", "source", "dollars"])
    day = table["ordered_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    day -= day.min()
    dollars, sources = table["dollars"].to_numpy(), np.array(table["source"].to_pylist())
    series = [np.bincount(day[sources == one], dollars[sources == one], day.max() + 1) for one in np.unique(sources)]
    came, middle, mean = [], [], []
    for end in range(120, day.max() - 6, 7):
        made = [forecast(one[:end], horizon=7) for one in series]
        came.append(sum(one[end : end + 7].sum() for one in series))
        middle.append(sum(one.middle.sum() for one in made))
        mean.append(sum(one.mean.sum() for one in made))
    assert 0.93 < np.median(np.divide(came, mean)) < 1.07
    assert np.median(np.divide(came, middle)) > 1.1  # what is near the median of each day adds up to less


def test_the_means_add_up_to_the_total() -> None:
    for series in (shop(300, noise=1.0), shop(10), np.ones(40), np.eye(1, 100)[0] + np.eye(1, 100, 50)[0]):
        found = forecast(series)
        assert found.total.middle == pytest.approx(found.mean.sum())
    noisy = forecast(shop(300, noise=1.0))
    assert noisy.mean.sum() > 1.1 * noisy.middle.sum()


def test_what_was_nothing_before_the_first_sale_does_not_count() -> None:
    begun = np.concatenate([np.zeros(300), shop(70)])
    assert forecast(begun).middle.tolist() == forecast(shop(70)).middle.tolist()


def test_what_ended_is_forecast_to_stay_so() -> None:
    found = forecast(np.concatenate([shop(200), np.zeros(70)]))
    assert found.middle.tolist() == [0.0] * 30
    assert found.high.tolist() == [0.0] * 30


def test_a_constant_series_goes_on() -> None:
    found = forecast(np.full(60, 12.0), horizon=3)
    assert found.reason is Reason.CONSTANT
    assert found.low.tolist() == found.middle.tolist() == found.high.tolist() == [12.0] * 3
    assert (found.total.low, found.total.middle, found.total.high) == (36.0, 36.0, 36.0)
    assert forecast(np.zeros(60), horizon=3).middle.tolist() == [0.0] * 3


def test_what_stood_still_is_followed_when_it_moves() -> None:
    series = np.concatenate([np.full(300, 10.0), np.full(30, 20.0)])
    assert close_to(forecast(series), np.full(30, 20.0), 0.02)


@pytest.mark.parametrize("known", [1, LEAST - 1])
def test_too_few_days_give_their_mean_and_no_bounds(known: int) -> None:
    found = forecast(np.concatenate([[np.nan] * 5, shop(known)]), horizon=2)
    assert found.reason is Reason.TOO_SHORT
    assert found.middle == pytest.approx([shop(known).mean()] * 2)
    assert np.isnan([found.low, found.high]).all()
    assert (found.total.low, found.total.high) == (None, None)
    assert found.total.middle == pytest.approx(2 * shop(known).mean())


def test_days_that_are_all_long_ago_give_no_bounds() -> None:
    found = forecast(np.concatenate([shop(100), [np.nan] * 200]))
    assert found.reason is Reason.TOO_SHORT


@pytest.mark.parametrize("daily", [[], [np.nan] * 40])
def test_nothing_is_said_of_nothing(daily: list[float]) -> None:
    found = forecast(np.array(daily), horizon=4)
    assert found.reason is Reason.NO_DATA
    assert np.isnan([found.low, found.middle, found.high]).all()
    assert found.total.middle is None


def test_the_least_has_bounds_that_hold_more_than_later() -> None:
    widths = []
    for days in (LEAST, 60, 370):
        found = forecast(shop(days))
        assert np.isfinite([found.low, found.middle, found.high]).all()
        assert found.total.low is not None
        assert found.total.high is not None
        widths.append(found.total.high - found.total.low)
    assert widths == sorted(widths, reverse=True)


def test_a_single_known_day_in_three_still_has_bounds() -> None:
    series = np.where(np.arange(300) % 3 == 0, shop(300), np.nan)
    for horizon in (1, 30):
        found = forecast(series, horizon=horizon)
        assert (found.high > found.low).any()
        assert found.total.low is not None
        assert found.total.high is not None
        assert found.total.middle is not None
        assert found.total.low <= found.total.middle <= found.total.high


def test_only_the_newest_days_are_looked_at() -> None:
    series = shop(LONGEST + 49)
    assert forecast(series).middle.tolist() == forecast(series[-LONGEST:]).middle.tolist()


def test_a_higher_level_is_wider() -> None:
    low, high = forecast(shop(370), level=0.5), forecast(shop(370), level=0.95)
    assert (high.high - high.low).sum() > 1.5 * (low.high - low.low).sum()


def test_bounds_hold_as_often_as_they_say() -> None:
    days, totals = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        level = np.exp(np.cumsum(rng.normal(0, 0.01, 400)))
        series = shop(400, seed, noise=0.25) * level
        found = forecast(series[:370])
        open_days = series[370:] > 0
        days.append(np.mean(((found.low <= series[370:]) & (series[370:] <= found.high))[open_days]))
        assert found.total.low is not None
        assert found.total.high is not None
        totals.append(found.total.low <= series[370:].sum() <= found.total.high)
    assert 0.86 <= np.mean(days) <= 0.97
    assert np.mean(totals) >= 0.8


def test_better_than_last_week_again() -> None:
    ours, naive = 0.0, 0.0
    for seed in range(10):
        series = shop(400, seed)
        ours += np.abs(forecast(series[:370]).middle - series[370:]).sum()
        naive += np.abs(np.resize(series[363:370], 30) - series[370:]).sum()
    assert ours < 0.8 * naive


def messy(rng: np.random.Generator) -> Floats:
    """A series with some of all that happens to series."""
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
def test_bounds_are_in_order_whatever_happens_to_a_series(seed: int, horizon: int, season: int) -> None:
    series = messy(np.random.default_rng(seed))
    found = forecast(series, horizon=horizon, season=season)
    if found.total.low is not None:
        assert np.isfinite([found.low, found.middle, found.high]).all()
        assert (found.low <= found.middle).all()
        assert (found.middle <= found.high).all()
        assert found.total.middle is not None
        assert found.total.high is not None
        assert found.total.low <= found.total.middle <= found.total.high < math.inf
        if np.nanmin(series) >= 0:
            assert found.low.min() >= 0
            assert found.total.low >= 0


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(0.0)), max_size=120),
    st.integers(1, 40),
    st.sampled_from([1, 7]),
)
def test_whatever_comes_there_is_an_answer_in_order(daily: list[float], horizon: int, season: int) -> None:
    found = forecast(np.array(daily), horizon=horizon, season=season)
    assert found.low.shape == found.middle.shape == found.high.shape == (horizon,)
    if found.total.low is not None:
        assert np.isfinite([found.low, found.middle, found.high]).all()
        assert (found.low <= found.middle).all()
        assert (found.middle <= found.high).all()
        assert found.total.middle is not None
        assert found.total.high is not None
        assert -math.inf < found.total.low <= found.total.middle <= found.total.high < math.inf


@given(st.lists(st.one_of(st.floats(0, 1e6), st.just(math.nan), st.just(0.0)), min_size=30, max_size=120))
def test_what_never_was_negative_is_never_forecast_to_be(daily: list[float]) -> None:
    found = forecast(np.array(daily))
    assert not (np.nan_to_num(found.low) < 0).any()
    assert not (np.nan_to_num(found.middle) < 0).any()
    assert found.total.low is None or found.total.low >= 0


@given(st.integers(0, 20), st.sampled_from([1e-3, 64.0, 1e6]))
def test_the_currency_does_not_matter(seed: int, factor: float) -> None:
    series = shop(100, seed)
    plain, scaled = forecast(series), forecast(series * factor)
    assert scaled.middle == pytest.approx(plain.middle * factor, rel=1e-6, abs=1e-9 * factor)
    assert scaled.high == pytest.approx(plain.high * factor, rel=1e-6, abs=1e-9 * factor)
    assert scaled.reason is plain.reason


def test_the_series_is_left_alone() -> None:
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
