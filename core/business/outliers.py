"""Outlier clipping: outliers, such as a wrong booking, are clipped before a model is fitted."""

from collections.abc import Iterable

import numpy as np

from core.business.checks import Bools, Floats, Ints, signed_sqrt, signed_square

_NEIGHBOURS = 4  # days of the same place in the season before and after a day, for its local median
_AMOUNT_SPREADS = 5  # standard deviations of the logarithms of amounts
_LEAST_SPREAD = 0.5  # of them: where most amounts are equal, twelve times their median is no outlier
MAD = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""
_THRESHOLD = 8 * MAD
_RECURRING_LIMIT = 2.0  # deviations of the occurrences before and after


def clip_outliers(series: Floats, season: int, previous: Iterable[Ints] = ()) -> Floats:
    """The series with isolated outliers clipped to the largest deviation that is not an outlier.

    Deviations are measured on the square-root scale, from the median of the same weekday around the day. Two outliers in a
    row are kept: they may be the start of a level shift. So are outliers that recur in the same direction, up to twice the
    deviation of the previous or next occurrence.

    Args:
        series: one value a day, NaN where unknown; shape (n,).
        season: length of the season in days; 1 for none.
        previous: ways in which days recur: the index of the previous occurrence of each day, -1 where none; each of shape (n,).

    >>> clip_outliers(np.array([8.0, 9.0, 7.0, 8.0, 9.0, 1e6, 8.0, 7.0]), 1).round(1).tolist()
    [8.0, 9.0, 7.0, 8.0, 9.0, 18.9, 8.0, 7.0]
    """
    known = np.flatnonzero(~np.isnan(series))
    median = signed_sqrt(local_median(series, known, season, before=_NEIGHBOURS, after=_NEIGHBOURS))
    deviation = signed_sqrt(series[known]) - median
    limit = _THRESHOLD * float(np.median(np.abs(deviation)))
    if limit == 0:
        return series
    of_day = np.zeros(series.size)
    of_day[known] = np.where(np.abs(deviation) > limit, deviation, 0.0)
    limits = np.maximum(limit, _RECURRING_LIMIT * _recurring(of_day, previous)[known])
    is_outlier = _isolated(of_day != 0)[known] & (np.abs(deviation) > limits)
    clipped = series.copy()
    clipped[known[is_outlier]] = signed_square(median + np.clip(deviation, -limits, limits))[is_outlier]
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
    spread = max(_LEAST_SPREAD, MAD * float(np.median(np.abs(logs - median))))
    clipped: Floats = np.minimum(amounts, np.exp(median + _AMOUNT_SPREADS * spread))
    return clipped


def local_median(series: Floats, known: Ints, season: int, *, before: int, after: int) -> Floats:
    """The median of the same weekday around each known day, including the day itself.

    Args:
        series: one value a day, NaN where unknown; shape (n,).
        known: indices of known days, shape (k,).
        season: length of the season in days.
        before: seasons before the day.
        after: seasons after it.

    Returns:
        Shape (k,).
    """
    padded = np.concatenate([np.full(before * season, np.nan), series, np.full(after * season, np.nan)])
    neighbours = np.sort(padded[known[:, None] + season * np.arange(before + after + 1)], axis=1)
    count = np.count_nonzero(~np.isnan(neighbours), axis=1)
    row = np.arange(known.size)
    median: Floats = (neighbours[row, (count - 1) // 2] + neighbours[row, count // 2]) / 2
    return median


def _isolated(outlier: Bools) -> Bools:
    """Outliers without an outlier on the day before or after."""
    padded = np.concatenate([[False], outlier, [False]])
    isolated: Bools = outlier & ~padded[:-2] & ~padded[2:]
    return isolated


def _recurring(outlier: Floats, previous: Iterable[Ints]) -> Floats:
    """The largest deviation among the previous and next occurrences that are outliers in the same direction; shape (n,).

    Args:
        outlier: deviation of each outlier, 0 for other days; shape (n,).
        previous: as for `clip_outliers`.
    """
    largest = np.zeros(outlier.size)
    for before in previous:
        again = np.flatnonzero((before >= 0) & (np.sign(outlier) == np.sign(outlier[before])) & (outlier != 0))
        largest[again] = np.maximum(largest[again], np.abs(outlier[before[again]]))
        largest[before[again]] = np.maximum(largest[before[again]], np.abs(outlier[again]))
    return largest
