r"""A bank of robust Holt-Winters filters: one pass over a series leaves what each of them knew on every day.

Each filter keeps a level, a damped trend and a seasonal profile. With \(e_t\) what the day differs from the forecast made
the day before, cut at a multiple of the usual difference \(\sigma_t\) [2], it moves by

    level   l += phi b + alpha e        trend   b = phi b + alpha beta e        season  s += gamma (1 - alpha) e

so that a holiday or a wrong booking does little, while what lasts is followed: \(\sigma_t\) grows with what is cut. A day
that is not known moves nothing but time.

References:
    [1] Gardner and McKenzie (1985), Forecasting trends in time series.
    [2] Gelper, Fried and Croux (2010), Robust forecasting with exponential and Holt-Winters smoothing.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from core.business.checks import Floats, Ints

_ALPHAS = (0.01, 0.03, 0.08, 0.2, 0.5)
_GAMMAS = (0.03, 0.1, 0.3)
_FLAT_ALPHAS = (0.03, 0.1, 0.3)
_TRENDS = ((0.0, 1.0), (0.05, 0.95))
"""Pairs of beta and phi: without a trend, and with one that is damped."""

_CUT = 2.0
_RENEWAL = 0.05  # of the usual difference, a day
_CONSISTENT = 1.3  # what the squares of normal differences lose by the cut, given back
_LEAST = (
    0.03  # the usual difference is at least so much of the mean size: what stood still shall not stand still for ever
)
_MAD = 1.4826
_FIRST_SEASONS = 8
_FIRST_DAYS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bank:
    """The parameters of k filters, each of shape (k,).

    Attributes:
        alpha: how fast the level follows, 0 to 1.
        beta: how fast the trend follows, as a share of alpha.
        phi: what is left of the trend a day later.
        gamma: how fast the season follows.
        seasonal: 1 where the filter has a season, else 0.
    """

    alpha: Floats
    beta: Floats
    phi: Floats
    gamma: Floats
    seasonal: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class States:
    """What k filters knew after each of n days.

    Attributes:
        level: shape (n, k).
        trend: a day, shape (n, k).
        season: by place in the season of m days, shape (n, m, k).
    """

    level: Floats
    trend: Floats
    season: Floats


@cache
def bank(*, seasonal: bool) -> Bank:
    """The filters that are tried: with a season and without, or only without."""
    with_season = [(a, *t, g, 1.0) for a, t, g in product(_ALPHAS, _TRENDS, _GAMMAS)] if seasonal else []
    flat = [(a, *t, 0.0, 0.0) for a, t in product(_FLAT_ALPHAS, _TRENDS)]
    alpha, beta, phi, gamma, has = np.array(with_season + flat).T
    return Bank(alpha=alpha, beta=beta, phi=phi, gamma=gamma, seasonal=has)


def run(filters: Bank, series: Floats, season: int) -> States:
    """Pass every filter over the series.

    Args:
        filters: of the bank, k of them.
        series: one value a day, NaN where unknown, the first one known; shape (n,).
        season: its length in days, at least 1.

    Returns:
        The states after each day.
    """
    level, profile, spread = _begin(filters, series, season)
    least = _LEAST * float(np.nanmean(np.abs(series)))
    trend = np.zeros_like(level)
    size = series.size
    levels, trends = np.empty((size, level.size)), np.empty((size, level.size))
    profiles = np.empty((size, season, level.size))
    by_season = filters.gamma * (1 - filters.alpha)
    lift = by_season / season  # the profile keeps its mean at 0; the level takes over what that takes away
    by_level, by_trend = filters.alpha + lift, filters.alpha * filters.beta
    for day, value in enumerate(series.tolist()):
        trend = filters.phi * trend
        level = level + trend
        if value == value:  # noqa: PLR0124 - NaN, an unknown day, differs from itself
            place = day % season
            spread = np.maximum(spread, least)
            off = np.clip(value - level - profile[place], -_CUT * spread, _CUT * spread)
            spread = np.sqrt((1 - _RENEWAL) * spread * spread + _RENEWAL * _CONSISTENT * off * off)
            level = level + by_level * off
            trend = trend + by_trend * off
            profile[place] += by_season * off
            profile -= lift * off
        levels[day], trends[day], profiles[day] = level, trend, profile
    return States(level=levels, trend=trends, season=profiles)


def ahead(filters: Bank, states: States, origins: Ints, horizon: int) -> Floats:
    """What each filter expected after each origin, of the next `horizon` days; shape (origins, horizon, k)."""
    steps = np.arange(1, horizon + 1)
    damped = np.cumsum(filters.phi ** steps[:, None], axis=0)
    places = (origins[:, None] + steps) % states.season.shape[1]
    path: Floats = (
        states.level[origins][:, None]
        + states.trend[origins][:, None] * damped
        + states.season[origins[:, None], places]
    )
    return path


def _begin(filters: Bank, series: Floats, season: int) -> tuple[Floats, Floats, Floats]:
    """Level, profile and usual difference to begin with, by medians: shapes (k,), (season, k), (k,)."""
    middle = _median(series[: max(4 * season, _FIRST_DAYS)], 0.0)
    first = series[: max(_FIRST_SEASONS * season, _FIRST_DAYS)]
    places = np.arange(first.size) % season
    profile = np.array([_median(first[places == place] - middle, 0.0) for place in range(season)])
    profile -= profile.mean()
    columns = profile[:, None] * filters.seasonal
    off = np.abs(first[:, None] - middle - columns[places])
    known = off[~np.isnan(first)]
    spread = _MAD * np.median(known, axis=0)
    spread = np.where(spread > 0, spread, known.mean(axis=0))
    return np.full(filters.alpha.size, middle), columns, spread


def _median(values: Floats, otherwise: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else otherwise
