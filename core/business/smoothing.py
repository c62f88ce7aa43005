r"""A bank of robust Holt-Winters filters, run over a series in one pass.

Each filter keeps a level, a damped trend and a seasonal profile. The error \(e_t\) of the one-day-ahead forecast is clipped to
a multiple of its scale \(\sigma_t\) [2], and the states are updated by

    level   l += phi b + alpha e        trend   b = phi b + alpha beta e        season  s += gamma (1 - alpha) e

A holiday or a wrong booking therefore has little effect, while a lasting change is followed, as \(\sigma_t\) grows with clipped
errors. An unknown day updates nothing but time.

References:
    [1] Gardner and McKenzie (1985), Forecasting trends in time series.
    [2] Gelper, Fried and Croux (2010), Robust forecasting with exponential and Holt-Winters smoothing.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Self

import numpy as np

from core.business.checks import Floats, Ints

_ALPHAS = (0.01, 0.03, 0.08, 0.2, 0.5)
_GAMMAS = (0.03, 0.1, 0.3)
_FLAT_ALPHAS = (0.03, 0.1, 0.3)
_TRENDS = ((0.0, 1.0), (0.05, 0.95))
"""Pairs of beta and phi: no trend, and a damped one."""
_LASTING_ALPHAS = (0.03, 0.1, 0.3, 0.6, 0.9)
_LASTING_TRENDS = ((0.05, 0.99), (0.2, 0.98))
"""Of series without a season: trends that last."""

_CLIP = 2.0  # of the error scale
_SCALE_DECAY = 0.05  # a day
_CONSISTENCY = 1.3  # compensates for what clipping takes from the squares of normal errors
_MIN_SCALE = 0.03  # of the mean absolute value, so that a filter can leave a constant series
_MAD = 1.4826
_START_SEASONS = (3, 8)  # of the initial profile, and at most half of the history: the backtest needs the rest
_START_DAYS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilterBank:
    """Parameters of k filters, each of shape (k,).

    Attributes:
        alpha: smoothing of the level, 0 to 1.
        beta: smoothing of the trend, as a share of alpha.
        phi: damping of the trend a day.
        gamma: smoothing of the season.
        seasonal: 1 for filters with a season, else 0.
    """

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats
    seasonal: Floats

    def repeated(self, times: int) -> Self:
        """The filters several times over."""
        return type(self)(**{name: np.tile(getattr(self, name), times) for name in self.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilterStates:
    """States of k filters after each of n days, for each of v series.

    Attributes:
        level: shape (n, v * k), series by series.
        trend: a day, likewise.
        season: by place in the season of m days, shape (n, m, v * k).
    """

    level: Floats
    trend: Floats
    season: Floats


@cache
def filter_bank(*, seasonal: bool) -> FilterBank:
    """The grid of filters: with and without a season, or only without."""
    with_season = [(a, *t, g, 1.0) for a, t, g in product(_ALPHAS, _TRENDS, _GAMMAS)] if seasonal else []
    flat = [(a, *t, 0.0, 0.0) for a, t in product(_FLAT_ALPHAS, _TRENDS)]
    flat += [] if seasonal else [(a, *t, 0.0, 0.0) for a, t in product(_LASTING_ALPHAS, _LASTING_TRENDS)]
    alpha, beta, phi, gamma, has_season = np.array(with_season + flat).T
    return FilterBank(alpha=alpha, beta=beta, phi=phi, gamma=gamma, seasonal=has_season)


def run_filters(filters: FilterBank, series: Floats, season: int) -> FilterStates:
    """Run every filter over every series.

    Args:
        filters: the filters, k of them.
        series: one value a day, NaN where unknown (in all of them), the first one known; shape (n, v).
        season: length of the season in days, at least 1.

    Returns:
        The states after each day.
    """
    starts = [_start(filters, column, season) for column in series.T]
    level, profile, scale = (np.concatenate(parts, axis=-1) for parts in zip(*starts, strict=True))
    filters, count, size = filters.repeated(series.shape[1]), filters.alpha.size, len(series)
    least = np.repeat(_MIN_SCALE * np.nanmean(np.abs(series), axis=0), count)
    values, known = np.repeat(series, count, axis=1), ~np.isnan(series[:, 0])
    trend = np.zeros_like(level)
    levels, trends = np.empty((size, level.size)), np.empty((size, level.size))
    profiles = np.empty((size, season, level.size))
    by_season = filters.gamma * (1 - filters.alpha)
    lift = by_season / season  # keeps the mean of the profile at 0; the level takes over the difference
    by_level, by_trend = filters.alpha + lift, filters.alpha * filters.beta
    for day in range(size):
        trend = filters.phi * trend
        level = level + trend
        if known[day]:
            place = day % season
            scale = np.maximum(scale, least)
            error = np.clip(values[day] - level - profile[place], -_CLIP * scale, _CLIP * scale)
            scale = np.sqrt((1 - _SCALE_DECAY) * scale * scale + _SCALE_DECAY * _CONSISTENCY * error * error)
            level = level + by_level * error
            trend = trend + by_trend * error
            profile[place] += by_season * error
            profile -= lift * error
        levels[day], trends[day], profiles[day] = level, trend, profile
    return FilterStates(level=levels, trend=trends, season=profiles)


def predict(filters: FilterBank, states: FilterStates, origins: Ints, horizon: int) -> Floats:
    """The forecast of each filter for each series from each origin; shape (origins, horizon, v * k)."""
    steps = np.arange(1, horizon + 1)
    phi = filters.repeated(states.level.shape[1] // filters.phi.size).phi
    damped = np.cumsum(phi ** steps[:, None], axis=0)
    places = (origins[:, None] + steps) % states.season.shape[1]
    path: Floats = (
        states.level[origins][:, None]
        + states.trend[origins][:, None] * damped
        + states.season[origins[:, None], places]
    )
    return path


def _start(filters: FilterBank, series: Floats, season: int) -> tuple[Floats, Floats, Floats]:
    """Initial level, profile and error scale, by medians: shapes (k,), (season, k), (k,)."""
    level = _median(series[: max(4 * season, _START_DAYS)], 0.0)
    least, most = _START_SEASONS
    seasons = min(max(series.size // (2 * season), least), most)
    first = series[: max(seasons * season, _START_DAYS)]
    places = np.arange(first.size) % season
    profile = np.array([_median(first[places == place] - level, 0.0) for place in range(season)])
    profile -= profile.mean()
    columns = profile[:, None] * filters.seasonal
    error = np.abs(first[:, None] - level - columns[places])
    known = error[~np.isnan(first)]
    scale = _MAD * np.median(known, axis=0)
    scale = np.where(scale > 0, scale, known.mean(axis=0))
    return np.full(filters.alpha.size, level), columns, scale


def _median(values: Floats, default: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else default
