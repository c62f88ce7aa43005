"""Candidate models of the forecast ensemble: Holt-Winters filters, seasonal medians, and a mean for intermittent series."""

from dataclasses import dataclass

import numpy as np

from core.business import smoothing
from core.business.checks import Bools, Floats, Ints, signed_sqrt, signed_square

_MEDIAN_SEASONS = (1, 2, 4, 8)  # a seasonal median of so many seasons is a candidate
_CLOSED_SEASONS = 8  # a weekday that was 0 in so many seasons in a row is closed
_INTERMITTENT_SEASONS = 16
_MEAN_HALF_LIFE = 60.0  # days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Forecasts of k candidate models from n origins.

    Attributes:
        predictions: shape (n, horizon, k).
        seasonal: which candidates have a season, shape (k,).
        seasonal_naive: the last season repeated, shape (n, horizon).
        long_run: the candidate that reacts most slowly and ignores any single day, shape (n, horizon).
    """

    predictions: Floats
    seasonal: Bools
    seasonal_naive: Floats
    long_run: Floats


def candidates(series: Floats, origins: Ints, horizon: int, season: int) -> Candidates:
    """The candidates of a series that is not intermittent.

    Args:
        series: one value a day, NaN where unknown, the first one known; shape (n,).
        origins: days from which to forecast, ascending.
        horizon: days ahead.
        season: length of the season in days; 1 for none.
    """
    filters = smoothing.filter_bank(seasonal=season > 1)
    states = smoothing.run_filters(filters, signed_sqrt(series), season)
    filled = _fill_missing(series, season)
    medians = [_seasonal_median(filled, origins, horizon, season, count) for count in _MEDIAN_SEASONS]
    filtered = signed_square(smoothing.predict(filters, states, origins, horizon))
    if np.nanmin(series) >= 0:
        filtered = np.maximum(filtered, 0.0)
    return Candidates(
        predictions=np.concatenate([filtered, np.stack(medians, axis=2)], axis=2),
        seasonal=np.concatenate([filters.seasonal > 0, np.full(len(_MEDIAN_SEASONS), season > 1)]),
        seasonal_naive=medians[0],
        long_run=medians[-1],
    )


def weighted_mean(series: Floats, origins: Ints, horizon: int) -> Candidates:
    """The only candidate of an intermittent series: the exponentially weighted mean of the days before each origin."""
    days = np.arange(series.size)
    weight = 0.5 ** (np.maximum(origins[:, None] - days, 0) / _MEAN_HALF_LIFE)
    weight *= (days <= origins[:, None]) & ~np.isnan(series)
    mean = (weight @ np.nan_to_num(series)) / weight.sum(axis=1)
    path = np.repeat(mean[:, None], horizon, axis=1)
    return Candidates(
        predictions=path[:, :, None], seasonal=np.zeros(1, dtype=np.bool_), seasonal_naive=path, long_run=path
    )


def closed_weekdays(series: Floats, season: int) -> Bools:
    """Which days of the next season are closed: their last known values are all 0; shape (season,)."""
    if season == 1:
        return np.zeros(1, dtype=np.bool_)
    days = [series[(series.size + day) % season :: season] for day in range(season)]
    known = [values[~np.isnan(values)][-_CLOSED_SEASONS:] for values in days]
    return np.array([values.size == _CLOSED_SEASONS and not values.any() for values in known])


def is_intermittent(series: Floats, season: int) -> bool:
    """Whether at least half of the recent open days are 0, so that a median is meaningless."""
    recent = series[-_INTERMITTENT_SEASONS * season :]
    closed = closed_weekdays(series, season)[np.arange(-recent.size, 0) % season]
    known = recent[~np.isnan(recent) & ~closed]
    return known.size > 0 and bool(2 * np.count_nonzero(known) <= known.size)


def _seasonal_median(filled: Floats, origins: Ints, horizon: int, season: int, count: int) -> Floats:
    """The median of the same weekday in the last `count` seasons before each origin; shape (origins, horizon)."""
    ahead = origins[:, None] + 1 + np.arange(season)
    back = ahead[:, :, None] - season * np.arange(1, count + 1)
    median: Floats = np.median(filled[np.where(back >= 0, back, ahead[:, :, None] - season)], axis=2)
    return median[:, np.arange(horizon) % season]


def _fill_missing(series: Floats, season: int) -> Floats:
    """The series with missing days filled from the season before, or from the day before in the first season."""
    filled = series.copy()
    for day in np.flatnonzero(np.isnan(series)).tolist():
        filled[day] = filled[day - season] if day >= season else filled[day - 1]
    return filled
