"""The forecasts among which is weighed: filters, the last equal weekdays, and the mean where there is hardly anything else."""

from dataclasses import dataclass

import numpy as np

from core.business import smoothing
from core.business.checks import Bools, Floats, Ints, root, square

_EQUAL = (1, 2, 4, 8)  # last equal weekdays whose median is a candidate
_CLOSED = 8  # last equal weekdays that must all have been 0 for the next one to be taken as closed
_SPORADIC_SEASONS = 16
_MEAN_HALF_LIFE = 60.0  # days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """What k candidates expected after each of n origins.

    Attributes:
        paths: shape (n, horizon, k).
        seasonal: which of them have a season, shape (k,).
        lately: the one that takes the last season as the next ones, shape (n, horizon).
        calm: one that follows slowly, and that no single day moves, shape (n, horizon).
    """

    paths: Floats
    seasonal: Bools
    lately: Floats
    calm: Floats


def candidates(series: Floats, at: Ints, horizon: int, season: int) -> Candidates:
    """The candidates for a series that is above 0 on most days.

    Args:
        series: one value a day, NaN where unknown, the first one known; shape (n,).
        at: the days from which is forecast, ascending.
        horizon: days ahead.
        season: its length in days; 1 where there is none.
    """
    filters = smoothing.bank(seasonal=season > 1)
    states = smoothing.run(filters, root(series), season)
    filled = _filled(series, season)
    medians = [_equal_days(filled, at, horizon, season, last) for last in _EQUAL]
    filtered = square(smoothing.ahead(filters, states, at, horizon))
    if np.nanmin(series) >= 0:
        filtered = np.maximum(filtered, 0.0)
    return Candidates(
        paths=np.concatenate([filtered, np.stack(medians, axis=2)], axis=2),
        seasonal=np.concatenate([filters.seasonal > 0, np.full(len(_EQUAL), season > 1)]),
        lately=medians[0],
        calm=medians[-1],
    )


def steady(series: Floats, at: Ints, horizon: int) -> Candidates:
    """The mean of the days before each origin, newer ones counting more: all there is to say of a sporadic series."""
    days = np.arange(series.size)
    weight = 0.5 ** (np.maximum(at[:, None] - days, 0) / _MEAN_HALF_LIFE)
    weight *= (days <= at[:, None]) & ~np.isnan(series)
    mean = (weight @ np.nan_to_num(series)) / weight.sum(axis=1)
    path = np.repeat(mean[:, None], horizon, axis=1)
    return Candidates(paths=path[:, :, None], seasonal=np.zeros(1, dtype=np.bool_), lately=path, calm=path)


def closed(series: Floats, season: int) -> Bools:
    """Which of the next days of a season fall on a weekday that has been 0 for long; shape (season,)."""
    if season == 1:
        return np.zeros(1, dtype=np.bool_)
    days = [series[(series.size + day) % season :: season] for day in range(season)]
    known = [values[~np.isnan(values)][-_CLOSED:] for values in days]
    return np.array([values.size == _CLOSED and not values.any() for values in known])


def sporadic(series: Floats, season: int) -> bool:
    """Whether at least half of the newer days are 0, those apart on which it is closed: the median then says nothing."""
    lately = series[-_SPORADIC_SEASONS * season :]
    shut = closed(series, season)[np.arange(-lately.size, 0) % season]
    known = lately[~np.isnan(lately) & ~shut]
    return known.size > 0 and bool(2 * np.count_nonzero(known) <= known.size)


def _equal_days(filled: Floats, at: Ints, horizon: int, season: int, last: int) -> Floats:
    """The median of the last equal days before each origin; shape (origins, horizon)."""
    coming = at[:, None] + 1 + np.arange(season)
    back = coming[:, :, None] - season * np.arange(1, last + 1)
    middle: Floats = np.median(filled[np.where(back >= 0, back, coming[:, :, None] - season)], axis=2)
    return middle[:, np.arange(horizon) % season]


def _filled(series: Floats, season: int) -> Floats:
    """The series with the last equal day in the place of an unknown one, or the day before where there is none."""
    filled = series.copy()
    for day in np.flatnonzero(np.isnan(series)).tolist():
        filled[day] = filled[day - season] if day >= season else filled[day - 1]
    return filled
