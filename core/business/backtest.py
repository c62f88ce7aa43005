"""Rolling-origin backtest: forecasts of the past compared with actuals.

The errors set the weight of each candidate model and the width of the prediction intervals [1]. The number of independent
errors at a horizon is about the number of such horizons that fit into the history; the intervals are widened by Student's t for it [2].

References:
    [1] Tashman (2000), Out-of-sample tests of forecasting accuracy.
    [2] Barber, Candes, Ramdas and Tibshirani (2023), Conformal prediction beyond exchangeability: quantiles of weighted errors.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from core.business.checks import Floats, Ints, signed_sqrt

STEP = 3
"""Days between origins: no divisor of a week, so that origins fall on every weekday."""
_POOLED = 2  # neighbouring horizons on each side whose errors are pooled
_MIN_ERRORS = 10  # below this a horizon has no quantiles of its own
_MIN_ORIGINS = 20  # below this quantiles are those of a normal distribution
_TEMPERATURE = 0.03  # relative error that divides a candidate's weight by e
_SHORT = 40.0  # days of history at which it is twice that: errors of few days tell little
_CALENDAR_TEMPERATURE = 0.01  # likewise of ways to treat the calendar
_MIN_SAMPLES = 2.0
_MIN_DAILY_SAMPLES = 8.0  # errors of neighbouring days are pooled
_OVERLAP_GAIN = 1.3  # overlapping windows carry more information than as many windows without overlap
_MIN_KNOWN = 2 / 3  # share of a window that must be known for its sum to count
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """Forecasts of k candidates from n origins, with the actuals.

    Attributes:
        predictions: shape (n, horizon, k).
        actuals: NaN where unknown or in the future, shape (n, horizon).
        age: steps (days, of revenue) from the origin to now, shape (n,).
        half_life: steps until an error weighs half.
        interval_half_life: the same for the width of intervals: how much a series varies changes sooner than which model fits it.
    """

    predictions: Floats
    actuals: Floats
    age: Ints
    half_life: float = 120.0
    interval_half_life: float = 60.0

    @property
    def recency(self) -> Floats:
        """Weight of each origin, shape (n,)."""
        return self._recency(self.half_life)

    @property
    def interval_recency(self) -> Floats:
        """Weight of each origin for the prediction intervals of days, shape (n,)."""
        return self._recency(self.interval_half_life)

    def _recency(self, half_life: float) -> Floats:
        weight: Floats = 0.5 ** (self.age / half_life)
        return weight


def rolling_origins(size: int, season: int) -> Ints:
    """The origins, every third day after the warm-up of the filters; the last one is now."""
    warm_up = min(4 * season, size // 2)
    return np.arange(size - 1, warm_up - 1, -STEP)[::-1]


def actuals(series: Floats, origins: Ints, horizon: int) -> Floats:
    """The actuals after each origin, NaN where unknown or in the future; shape (origins, horizon)."""
    padded = np.concatenate([series, np.full(horizon, np.nan)])
    following: Floats = padded[origins[:, None] + np.arange(1, horizon + 1)]
    return following


def ensemble_weights(backtest: Backtest, calendars: int = 1, since: int = 0) -> Floats:
    """The weight of each candidate by its mean absolute error; shape (k,), with sum 1.

    Recent errors count more. Ways to treat the calendar are compared by the errors of their own ensembles, all of which count the
    same: a season may be as long ago as a year.

    Args:
        backtest: of k candidates, one way to treat the calendar after the other.
        calendars: ways to treat the calendar.
        since: the first origin from which all of these are known.
    """
    known = ~np.isnan(backtest.actuals)
    weight = backtest.recency[:, None] * known
    deviation = np.abs(backtest.predictions - np.where(known, backtest.actuals, 0.0)[:, :, None])
    error = np.einsum("nhk,nh->k", deviation, weight)
    temperature = _TEMPERATURE * (1 + (_SHORT / (float(backtest.age.max()) + 1)) ** 2)
    if calendars == 1:
        return _shares(error, temperature)
    shares = np.stack([_shares(part, temperature) for part in np.split(error, calendars)])
    predictions = backtest.predictions.reshape(*known.shape, calendars, -1)
    ensembles = np.einsum("nhck,ck->nhc", predictions[since:], shares)
    actual = np.where(known, backtest.actuals, 0.0)[since:, :, None]
    by_calendar = (np.abs(ensembles - actual) * known[since:, :, None]).sum(axis=(0, 1))
    return (shares * _shares(by_calendar, _CALENDAR_TEMPERATURE)[:, None]).ravel()


def _shares(error: Floats, temperature: float) -> Floats:
    best = float(error.min())
    excess = (error - best) / best if best > 0 else np.where(error > 0, np.inf, 0.0)
    share: Floats = np.exp(-excess / temperature)
    share /= share.sum()
    return share


def interval_offsets(errors: Floats, backtest: Backtest, level: float) -> tuple[Floats, Floats]:
    """Lower and upper end of the prediction interval of each horizon, relative to the forecast: at most and at least 0.

    The quantiles of the weighted errors, pooled over neighbouring horizons; with few origins, those of a normal distribution
    with their root mean square. A horizon with few errors takes those of the last one that has enough, scaled by the square
    root of time.

    Args:
        errors: actual less ensemble forecast, NaN where unknown; shape (n, horizon).
        backtest: where the errors come from.
        level: of the interval, above 0 and below 1.
    """
    horizon = errors.shape[1]
    widening = np.array([_t_widening(backtest.interval_recency, day + 1, level) for day in range(horizon)])
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    offsets = np.zeros((2, horizon))
    measured = 0
    for day in range(horizon):
        pooled = errors[:, max(0, day - _POOLED) : day + _POOLED + 1]
        known = ~np.isnan(pooled)
        if known.sum() >= _MIN_ERRORS or day == 0:
            weight = np.broadcast_to(backtest.interval_recency[:, None], pooled.shape)[known]
            few = backtest.age.size < _MIN_ORIGINS
            offsets[:, day] = _weighted_quantiles(pooled[known], weight, tails, normal=few)
            measured = day
        else:
            offsets[:, day] = offsets[:, measured] * math.sqrt((day + 1) / (measured + 1))
    return np.minimum(offsets[0], 0.0) * widening, np.maximum(offsets[1], 0.0) * widening


def widened(offsets: tuple[Floats, Floats], spread: Floats, level: float) -> tuple[Floats, Floats]:
    """Prediction intervals of days whose own standard deviation comes on top of that of other days.

    Args:
        offsets: lower and upper end, relative to the forecast; each of shape (horizon,).
        spread: shape (horizon,).
        level: of the interval, above 0 and below 1.
    """
    own = float(ndtri((1 + level) / 2)) * spread
    return -np.hypot(offsets[0], own), np.hypot(offsets[1], own)


def bias_adjustment(ensemble: Floats, backtest: Backtest) -> float:
    r"""The factor from the forecast of a day, near its median, to its mean.

    Revenue is right-skewed, so that medians add up to less than the total. Half of the ratio of both over a week ahead, on the
    logarithmic scale, \(\sqrt{\sum y / \sum \hat y}\), clipped to 1/2 and 2, as the ratio is itself uncertain.
    """
    week, predicted = backtest.actuals[:, :_WEEK], ensemble[:, :_WEEK]
    weight = backtest.recency[:, None] * ~np.isnan(week)
    actual, expected = float((weight * np.nan_to_num(week)).sum()), float((weight * predicted).sum())
    return float(np.clip(math.sqrt(actual / expected), 0.5, 2.0)) if min(actual, expected) > 0 else 1.0


def total_half_width(
    ensemble: Floats, backtest: Backtest, level: float, horizon: int, own: float = 0.0
) -> float | None:
    """Half the width of the prediction interval of the total over the horizon, on the square-root scale.

    From totals of past windows as long as the horizon, or half the history where that is shorter, scaled by the square root of
    time. Missing days of a window count as the mean of its other days.

    Args:
        ensemble: ensemble forecast from each origin, shape (n, at least horizon).
        backtest: where it comes from.
        level: of the interval, above 0 and below 1.
        horizon: days in the total.
        own: standard deviation of this total that comes on top of that of past ones, on the square-root scale.

    Returns:
        None where no past total is known.
    """
    length = min(horizon, max(1, int(backtest.age.max()) // 2))
    window, predicted = backtest.actuals[:, :length], ensemble[:, :length]
    days = (~np.isnan(window)).sum(axis=1)
    usable = (backtest.age >= length) & (days >= _MIN_KNOWN * length)
    if not usable.any():
        return None
    scale = horizon / days[usable]
    actual = np.nansum(window[usable], axis=1) * scale
    expected = np.where(np.isnan(window), 0.0, predicted)[usable].sum(axis=1) * scale
    weight = backtest.recency[usable]
    rms = math.sqrt(float(np.average(np.square(signed_sqrt(actual) - signed_sqrt(expected)), weights=weight)))
    half = rms * _t_quantile(weight, length, level) * math.sqrt(horizon / length)
    return math.hypot(half, own * float(ndtri((1 + level) / 2)))


def _t_quantile(weight: Floats, length: int, level: float, fewest: float = _MIN_SAMPLES) -> float:
    """Half the prediction interval of a new value, in standard deviations estimated from overlapping windows."""
    without_overlap = float(weight.sum() ** 2 / np.square(weight).sum()) * STEP / length
    samples = max(without_overlap * _OVERLAP_GAIN, fewest)
    return float(stdtrit(samples, (1 + level) / 2)) * math.sqrt(1 + 1 / samples)


def _t_widening(weight: Floats, days_ahead: int, level: float) -> float:
    """The interval of Student's t as a multiple of that of a normal distribution with known variance."""
    return _t_quantile(weight, days_ahead, level, _MIN_DAILY_SAMPLES) / float(ndtri((1 + level) / 2))


def _weighted_quantiles(values: Floats, weight: Floats, tails: Floats, *, normal: bool) -> Floats:
    """Weighted quantiles with linear interpolation, or those of a normal distribution around 0."""
    if normal or not values.size:
        rms = math.sqrt(float(np.average(np.square(values), weights=weight))) if values.size else 0.0
        return np.asarray(ndtri(tails) * rms)
    order = np.argsort(values)
    cumulative = np.cumsum(weight[order])
    quantiles: Floats = np.interp(tails, (cumulative - weight[order] / 2) / cumulative[-1], values[order])
    return quantiles
