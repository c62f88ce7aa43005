"""The season of the year: the level of each day a year before, as a multiple of the usual one.

The level is, on the square-root scale and without the weekly season, the median of the eleven days up to a day or from it on, whichever
vary less: so it has sharp edges, as at the first of December, and no single day of a year before counts. What is within the standard
error of the level is shrunk away, as in `calendar`. It is known a year ahead.

References:
    Kuwahara et al. (1976), Processing of RI-angiocardiographic images: the edge-preserving filter.
"""

import math

import numpy as np

from core.business.calendar import Effects
from core.business.checks import Floats, Ints, signed_sqrt
from core.business.outliers import MAD

YEAR = 365
_DAYS = 11  # of a median
_QUARTER = 0.25
_MEDIAN_ERROR = 1.2533  # standard error of a median in that of a mean
_SETTLED = 28  # days of the second year until a filter without the season of the year has its level
_MIN_OVERLAP = 182  # days whose level is known in two years
_MIN_CORRELATION = 0.5
_LIMITS = (0.2, 5.0)
_DISTINCT = 3.0  # standard errors


def yearly_effects(series: Floats, origins: Ints, horizon: int, season: int) -> Effects | None:
    """The season of the year, where two years agree on it.

    Args:
        series: dollars a day, NaN where unknown, without outliers; shape (n,).
        origins: days from which to forecast, ascending, the last one is n - 1.
        horizon: days ahead, at most a year.
        season: length of the season in days; 1 for none.
    """
    if series.size < YEAR + _MIN_OVERLAP:
        return None
    flat = _without_season(signed_sqrt(series), season)
    level = _level(flat)
    usual = float(np.nanmedian(level))
    if not usual > 0 or not _agree(level):
        return None
    error = _MEDIAN_ERROR * MAD * float(np.nanmedian(np.abs(flat - level))) / math.sqrt(_DAYS) / usual
    ratio = _shrunk(level / usual, error)
    scale = np.concatenate([ratio[:YEAR], ratio])  # the first year has its own
    ahead = scale[origins[:, None] + np.arange(1, horizon + 1)]
    distinct = np.abs(ahead[-1] - scale[series.size - 1]) > _DISTINCT * error
    return Effects(
        past=np.zeros(series.size),
        ahead=np.zeros(ahead.shape),
        spread=np.zeros(horizon),
        scale=scale[: series.size],
        scale_ahead=ahead,
        scale_error=error * float(distinct.mean()),
        since=YEAR + _SETTLED,
    )


def _without_season(roots: Floats, season: int) -> Floats:
    places = np.arange(roots.size) % season
    profile = np.array([np.nanmedian(roots[places == place]) for place in range(season)])
    flat: Floats = roots - (profile - profile.mean())[places]
    return flat


def _level(flat: Floats) -> Floats:
    """The level of each day, NaN where no day around it is known; shape (n,)."""
    reach = np.full(_DAYS - 1, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([reach, flat, reach]), _DAYS)
    ordered, row = np.sort(windows, axis=1), np.arange(len(windows))
    count = np.count_nonzero(~np.isnan(ordered), axis=1)
    last = np.maximum(count - 1, 0)
    median = (ordered[row, last // 2] + ordered[row, np.minimum(count // 2, last)]) / 2
    low, high = ((last * share).astype(np.int64) for share in (_QUARTER, 1 - _QUARTER))
    spread = np.where(count > _DAYS // 2, ordered[row, high] - ordered[row, low], np.inf)
    until, onwards = slice(None, flat.size), slice(_DAYS - 1, None)
    level: Floats = np.where(spread[until] < spread[onwards], median[until], median[onwards])
    return level


def _agree(level: Floats) -> bool:
    """Whether the levels of a day in two years are correlated."""
    now, before = level[YEAR:], level[:-YEAR]
    known = ~np.isnan(now) & ~np.isnan(before)
    if known.sum() < _MIN_OVERLAP or not (np.ptp(now[known]) and np.ptp(before[known])):
        return False
    return bool(np.corrcoef(now[known], before[known])[0, 1] >= _MIN_CORRELATION)


def _shrunk(ratio: Floats, error: float) -> Floats:
    excess = np.where(np.isnan(ratio), 0.0, ratio - 1)
    square = np.square(excess)
    kept = np.maximum(0.0, square - error**2) / np.where(square > 0, square, 1.0)
    return np.clip(1 + excess * kept, *_LIMITS)
