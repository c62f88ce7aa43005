"""The Kolmogorov-Smirnov distance: the largest difference of the two distribution functions, 0 to 1.

References:
    Stephens (1970), Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables.
"""

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.normal import farthest, without_chance
from core.drift.overlay import Numbers
from core.drift.sample import Sample, spans
from core.drift.statistics.method import Method, Values

_TERMS = np.arange(1, 13)
_SIGNS = 2 * (-1.0) ** (_TERMS - 1)
_SQUARES = -2.0 * _TERMS**2
_PARTS = 8
_MANY = 256  # of so many cells most are settled by one more place each
_FEW = 512  # so many values are compared one by one
_BY_CHANCE = np.pi / np.sqrt(12)  # the root of the mean square of Kolmogorov's distribution


def _compute(numbers: Numbers) -> Values:
    value, error = _distance(numbers)
    n, m, blank = numbers.n, numbers.m, numbers.blank
    independent = n * m / (n + m)
    p_value = trusted = tail(value, independent) + blank
    if (alike := np.flatnonzero(numbers.effect > 1)).size:
        trusted = p_value.copy()
        trusted[alike] = tail(value[alike], (independent / numbers.effect)[alike]) + blank[alike]
    excess = without_chance(value, _BY_CHANCE * numbers.by_chance)
    return Values(value=value + blank, p_value=p_value, excess=excess + blank, error=error, trusted_p=trusted)


def _distance(numbers: Numbers) -> tuple[Floats, Floats | None]:
    """The distance, and at most how much more it is: no more than the reference rises between two edges."""
    if "ks" in numbers.exact:
        return np.nan_to_num(numbers.exact["ks"]), numbers.inexact.get("ks")
    return numbers.farthest, np.minimum(numbers.constants.coarsest, 1 - numbers.farthest)


def tail(distance: Floats, rows: Floats) -> Floats:
    """The p-value of a distance, within 4 % of the exact one down to 1e-6, from 250 rows on.

    Args:
        distance: the largest difference of the two distribution functions, 0 to 1; any shape.
        rows: the effective number of rows, n m / (n + m), above 0; the same shape.

    Returns:
        The chance of such a distance or a larger one without drift; the same shape.

    >>> tail(np.array([0.0, 0.136]), np.array([100.0, 100.0])).round(3)
    array([1.   , 0.045])
    """
    root = np.sqrt(rows)
    x = (root + 0.12 + 0.11 / root) * distance
    series = _SIGNS @ np.exp(_SQUARES[:, None] * np.square(np.maximum(x, 0.3)))
    upper: Floats = np.where(x < 0.3, 1.0, np.minimum(np.maximum(series, 0.0), 1.0))  # noqa: PLR2004 - 1 to 5 digits below it
    return upper


def exact(reference: Sample, current: Floats, below: Ints) -> float:
    """The largest distance between two empirical distribution functions, equal to `scipy.stats.ks_2samp`.

    Between two places where both functions are known, their difference can not leave a known interval. So the places
    given bound it everywhere, and only the cells whose bound exceeds the largest difference seen are divided further.

    Args:
        reference: at least one value.
        current: ascending, without NaN, at least one value.
        below: how many current values lie below each place of the reference: first 0, and last all.

    Returns:
        The distance, 0 to 1.

    >>> reference = Sample.cut(np.array([1.0, 2.0, 3.0]), np.array([]))
    >>> round(exact(reference, np.array([2.0, 3.0, 4.0]), np.array([0, 3])), 6)
    0.333333
    """
    n, m = reference.values.size, current.size
    old, new = reference.below / n, below / m
    best = float(np.abs(old - new).max())
    cells = np.flatnonzero(np.maximum(old[1:] - new[:-1], new[1:] - old[:-1]) > best)
    r0, r1, c0, c1 = reference.below[cells], reference.below[cells + 1], below[cells], below[cells + 1]
    while (r1 - r0).sum() > _FEW:
        before, after = _ranks(reference, current, _divide(r0, r1, 2 if r0.size > _MANY else _PARTS))
        best = max(best, _largest(before, n, m), _largest(after, n, m))
        r0 = np.concatenate((r0[:, None], after[0]), axis=1)
        c0 = np.concatenate((c0[:, None], after[1]), axis=1)
        r1 = np.concatenate((before[0], r1[:, None]), axis=1)
        c1 = np.concatenate((before[1], c1[:, None]), axis=1)
        cells = np.flatnonzero((np.maximum(r1 / n - c0 / m, c1 / m - r0 / n) > best) & (r1 > r0))
        r0, r1, c0, c1 = (ranks.ravel()[cells] for ranks in (r0, r1, c0, c1))
    before, after = _ranks(reference, current, spans(r0, r1))
    return max(best, _largest(before, n, m), _largest(after, n, m))


def _largest(ranks: tuple[Ints, Ints], n: int, m: int) -> float:
    """The largest difference between two distribution functions at some places, 0 where there are none."""
    return float(np.abs(ranks[0] / n - ranks[1] / m).max(initial=0.0))


def _divide(start: Ints, stop: Ints, parts: int) -> Ints:
    """The positions that part each interval of positions; shape (k, parts - 1)."""
    inside: Ints = start[:, None] + (stop - start)[:, None] * np.arange(1, parts) // parts
    return inside


def _ranks(reference: Sample, current: Floats, at: Ints) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """How many of each lie below, and how many at or below, the reference values at the given positions."""
    values = reference.values[at]
    before, after = at, at + 1
    if reference.tied:
        before, after = reference.values.searchsorted(values), reference.values.searchsorted(values, "right")
    low = high = current.searchsorted(values)
    if (current.take(low, mode="clip") == values).any():
        high = current.searchsorted(values, "right")
    return (before, low), (after, high)


METHOD = Method(of_numbers=_compute, exact=exact, at_shifts=farthest, decides=True)
