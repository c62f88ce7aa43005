"""A single day that is wildly off, such as a wrong booking, is cut before anything is learnt from the series."""

import numpy as np

from core.business.checks import Bools, Floats, Ints, root, square

_AROUND = 4  # equal days before and after one whose median it is held against
_WILD = 8 * 1.4826  # median absolute differences: eight standard deviations of a normal


def tempered(series: Floats, season: int) -> Floats:
    """The series with lonely wild days cut to the largest difference from equal days that is not wild.

    Two wild days in a row may be the begin of something, and stay; what is wild is seen on the scale of roots.

    Args:
        series: one value a day, NaN where unknown; shape (n,).
        season: its length in days; 1 where there is none.

    >>> tempered(np.array([8.0, 9.0, 7.0, 8.0, 9.0, 1e6, 8.0, 7.0]), 1).round(1).tolist()
    [8.0, 9.0, 7.0, 8.0, 9.0, 18.9, 8.0, 7.0]
    """
    known = np.flatnonzero(~np.isnan(series))
    usual = root(_usual(series, known, season))
    off = root(series[known]) - usual
    most = _WILD * float(np.median(np.abs(off)))
    if most == 0:
        return series
    cut = _lonely(np.abs(off) > most)
    found = series.copy()
    found[known[cut]] = square(usual + np.clip(off, -most, most))[cut]
    return found


def _usual(series: Floats, known: Ints, season: int) -> Floats:
    """The median of the equal days around each known one, itself among them."""
    reach = _AROUND * season
    padded = np.concatenate([np.full(reach, np.nan), series, np.full(reach, np.nan)])
    around = np.sort(padded[known[:, None] + season * np.arange(2 * _AROUND + 1)], axis=1)
    count = np.count_nonzero(~np.isnan(around), axis=1)
    row = np.arange(known.size)
    middle: Floats = (around[row, (count - 1) // 2] + around[row, count // 2]) / 2
    return middle


def _lonely(wild: Bools) -> Bools:
    """Which wild days have no wild neighbour."""
    beside = np.concatenate([[False], wild, [False]])
    found: Bools = wild & ~beside[:-2] & ~beside[2:]
    return found
