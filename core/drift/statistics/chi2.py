"""The chi-square statistic of the contingency table of windows and bins, Yates-corrected when it is 2 x 2.

References:
    Cochran (1952), The chi-square test of goodness of fit: what a bin must expect.
    Abramowitz and Stegun (1964), 26.4.4 and 26.4.5: chi-square with whole degrees of freedom as a finite sum.
"""

import math
from functools import cache

import numpy as np

from core.drift.bins import EXPECTED, Bins
from core.drift.columns import Floats, Ints
from core.drift.statistics.method import Method, Values


def _compute(bins: Bins) -> Values:
    n, m, empty = bins.n, bins.m, bins.empty
    value = _statistic(bins.current, bins.both, bins.width, n, m)
    freedom = np.maximum(bins.width - 1, 0)
    known = np.where(empty, 0.0, value)
    alike = np.flatnonzero(bins.effect > 1)
    p_values = tail(
        np.concatenate((known, known[alike] / bins.effect[alike])), np.concatenate((freedom, freedom[alike]))
    )
    p_value, pooled = p_values[: value.size], p_values[: value.size].copy()
    pooled[alike] = p_values[value.size :]
    scarce = np.where(bins.used, bins.both, np.inf).min(axis=1, initial=np.inf) * np.minimum(n, m) < EXPECTED * (n + m)
    for k in np.flatnonzero(scarce & ~empty).tolist():
        pooled[k] = _pooled(bins.reference[k], bins.current[k], float(bins.effect[k]))
    return Values(value=value + bins.blank, p_value=p_value + bins.blank, trusted_p=np.where(empty, 1.0, pooled))


def _statistic(current: Ints, both: Ints, width: Ints, n: Ints, m: Ints) -> Floats:
    expected = both * (m / (n + m))[:, None]
    gap = np.abs(current - expected)
    two = width == 2  # noqa: PLR2004 - Yates corrects a 2 x 2 table
    if two.any():
        gap[two] -= np.minimum(0.5, gap[two])
    value: Floats = np.where(both > 0, gap * gap / expected, 0.0).sum(axis=1) * ((n + m) / n)
    return value


def _pooled(reference: Ints, current: Ints, effect: float) -> float:
    """The p-value after neighbouring bins are pooled until each group expects `EXPECTED` rows in either window.

    The order of the bins was set by the reference alone. Were they pooled from the rarest on, the groups would follow
    the window's own ups and downs, and undrifted windows would alarm ten times too often.
    """
    both = reference + current
    small = min(reference.sum(), current.sum()) / both.sum()
    starts, held = [0], 0.0
    for k, expected in enumerate((both * small).tolist()):
        if held >= EXPECTED:
            starts.append(k)
            held = 0.0
        held += expected
    if held < EXPECTED and len(starts) > 1:
        starts.pop()
    table = np.add.reduceat(np.stack((reference, current)), starts, axis=1)
    width = np.array([len(starts)])
    n, m = table.sum(axis=1, keepdims=True)
    value = _statistic(table[1:], table[:1] + table[1:], width, n, m)
    return float(tail(value / effect, width - 1)[0])


def tail(value: Floats, freedom: Ints) -> Floats:
    """The p-value of a chi-square statistic: a series of our own, because importing `scipy.special` costs more than all the rest.

    Args:
        value: the statistics, at least 0; shape (k,).
        freedom: the degrees of freedom, at least 0 (0 gives 1.0); shape (k,).

    Returns:
        The upper tail, shape (k,).

    >>> tail(np.array([3.841458820694124, 18.30703805327515]), np.array([1, 10])).round(6)
    array([0.05, 0.05])
    """
    if not value.size:
        return np.ones(0)
    half = value / 2
    odd = (freedom % 2).astype(bool)
    steps = np.arange(max(int(freedom.max()) // 2, 1))
    power = steps + np.where(odd, 0.5, 0.0)[:, None]
    gammas = _log_gammas(steps.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = power * np.log(half)[:, None] - half[:, None] - np.where(odd[:, None], gammas[1], gammas[0])
    log[np.isnan(log)] = 0.0  # 0 log 0: the first term of an even count at value 0
    terms = np.where(steps < (freedom // 2)[:, None], np.exp(log), 0.0).sum(axis=1)
    terms[odd] += list(map(math.erfc, np.sqrt(half[odd]).tolist()))
    return np.where(freedom == 0, 1.0, np.minimum(terms, 1.0))


@cache
def _log_gammas(steps: int) -> Floats:
    """The logarithm of the gamma function at 1, 2, ... and at 1.5, 2.5, ...; shape (2, steps)."""
    return np.array([[math.lgamma(step + first) for step in range(steps)] for first in (1.0, 1.5)])


METHOD = Method(of_bins=_compute, decides=True)
