"""Outlier clipping: outliers, such as a wrong booking, are clipped before a model is fitted."""

import numpy as np

from core.business.checks import Bools, Floats, Ints, signed_sqrt, signed_square

_NEIGHBOURS = 4  # days of the same place in the season before and after a day, for its local median
_AMOUNT_SPREADS = 5  # standard deviations of the logarithms of amounts
_LEAST_SPREAD = 0.5  # of them: where most amounts are equal, twelve times their median is no outlier
_THRESHOLD = 8 * 1.4826  # median absolute deviations: eight standard deviations of a normal distribution


def clip_outliers(series: Floats, season: int) -> Floats:
    """The series with isolated outliers clipped to the largest deviation that is not an outlier.

    Deviations are measured on the square-root scale, from the median of the same weekday around the day. Two outliers in a
    row are kept: they may be the start of a level shift.

    Args:
        series: one value a day, NaN where unknown; shape (n,).
        season: length of the season in days; 1 for none.

    >>> clip_outliers(np.array([8.0, 9.0, 7.0, 8.0, 9.0, 1e6, 8.0, 7.0]), 1).round(1).tolist()
    [8.0, 9.0, 7.0, 8.0, 9.0, 18.9, 8.0, 7.0]
    """
    known = np.flatnonzero(~np.isnan(series))
    median = signed_sqrt(_local_median(series, known, season))
    deviation = signed_sqrt(series[known]) - median
    limit = _THRESHOLD * float(np.median(np.abs(deviation)))
    if limit == 0:
        return series
    is_outlier = _isolated(np.abs(deviation) > limit)
    clipped = series.copy()
    clipped[known[is_outlier]] = signed_square(median + np.clip(deviation, -limit, limit))[is_outlier]
    return clipped


def clip_amounts(amounts: Floats) -> Floats:
    """Amounts with those far above the others clipped to the largest that is not an outlier.

    Deviations are measured on the logarithmic scale, from the median: one amount of a thousand times the others would
    otherwise dominate their mean, and the fit of a distribution.

    Args:
        amounts: above 0; shape (n,).

    >>> clip_amounts(np.array([20.0, 40.0, 30.0, 25.0, 1e6])).round(1).tolist()
    [20.0, 40.0, 30.0, 25.0, 365.5]
    """
    if amounts.size == 0:
        return amounts
    logs = np.log(amounts)
    median = float(np.median(logs))
    spread = max(_LEAST_SPREAD, 1.4826 * float(np.median(np.abs(logs - median))))
    clipped: Floats = np.minimum(amounts, np.exp(median + _AMOUNT_SPREADS * spread))
    return clipped


def _local_median(series: Floats, known: Ints, season: int) -> Floats:
    """The median of the same weekday around each known day, including the day itself."""
    reach = _NEIGHBOURS * season
    padded = np.concatenate([np.full(reach, np.nan), series, np.full(reach, np.nan)])
    neighbours = np.sort(padded[known[:, None] + season * np.arange(2 * _NEIGHBOURS + 1)], axis=1)
    count = np.count_nonzero(~np.isnan(neighbours), axis=1)
    row = np.arange(known.size)
    median: Floats = (neighbours[row, (count - 1) // 2] + neighbours[row, count // 2]) / 2
    return median


def _isolated(outlier: Bools) -> Bools:
    """Outliers without an outlier on the day before or after."""
    padded = np.concatenate([[False], outlier, [False]])
    isolated: Bools = outlier & ~padded[:-2] & ~padded[2:]
    return isolated
