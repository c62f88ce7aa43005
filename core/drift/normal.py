"""What a number means as a shift of a normal feature, and the p-values of the tests: small series, no scipy.

Every threshold is stated as the shift, in standard deviations, that a normal feature would have to make to reach it.
The p-values come from series of their own, because importing `scipy.special` costs more than all the rest together.

References:
    Stephens (1970), Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables.
    Abramowitz and Stegun (1964), 26.4.4 and 26.4.5: chi-square with whole degrees of freedom as a finite sum.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from core.drift.columns import Floats, Ints

LARGEST = 6.0
"""The largest shift that is told apart, in sd: the two normals then overlap by 0.3 %."""

_DECILES = (-1.2815515655446004, -0.8416212335729143, -0.5244005127080409, -0.2533471031357997, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifts:
    """What each test says when a normal feature moves by `shift` sd, as tables for interpolation."""

    shift: Floats
    ks: Floats
    psi: Floats
    js: Floats


@cache
def shifts() -> Shifts:
    """The tables from 0 to `LARGEST` sd; the binned tests on deciles of the reference."""
    grid = np.linspace(0.0, LARGEST, 601)
    edges = (*_DECILES, *(-edge for edge in _DECILES[-2::-1]))
    share = np.array([[_cdf(edge - shift) for edge in edges] for shift in grid.tolist()])
    shares = np.diff(share, axis=1, prepend=0.0, append=1.0)
    ratio = np.log(shares / 0.1)
    middle = (shares + 0.1) / 2
    js = (0.1 * np.log(0.1 / middle) + shares * np.log(shares / middle)).sum(axis=1) / 2
    return Shifts(
        shift=grid,
        ks=np.array([math.erf(shift / math.sqrt(8)) for shift in grid.tolist()]),
        psi=((shares - 0.1) * ratio).sum(axis=1),
        js=np.sqrt(np.maximum(js, 0.0)),
    )


def shift_of_ks(distance: Floats) -> Floats:
    """The shift in sd at which a normal feature has this Kolmogorov-Smirnov distance, at most `LARGEST`."""
    tables = shifts()
    return np.interp(distance, tables.ks, tables.shift)


def shift_of_js(distance: Floats) -> Floats:
    """The shift in sd at which a normal feature has this Jensen-Shannon distance; 0 for NaN."""
    tables = shifts()
    return np.interp(np.nan_to_num(distance), tables.js, tables.shift)


def shift_of_rank(rank: Floats) -> Floats:
    """The signed shift in sd at which a normal feature exceeds its reference with this chance."""
    apart = rank - 0.5
    signed: Floats = np.copysign(shift_of_ks(2 * np.abs(apart)) / np.sqrt(2), apart)
    return signed


def without_chance(value: Floats, chance: Floats) -> Floats:
    """A distance without what chance adds: the root of the difference of their squares, which may be too large; 0 to itself."""
    rest: Floats = np.sqrt(np.maximum(value - chance, 0.0)) * np.sqrt(value + chance)
    return np.minimum(rest, value)


def kolmogorov(distance: Floats, rows: Floats) -> Floats:
    """The p-value of a Kolmogorov-Smirnov distance, within 4 % of the exact one down to 1e-6, from 250 rows on.

    Args:
        distance: the largest difference of the two distribution functions, 0 to 1; any shape.
        rows: the effective number of rows, n m / (n + m), above 0; the same shape.

    Returns:
        The chance of such a distance or a larger one without drift; the same shape.

    >>> kolmogorov(np.array([0.0, 0.136]), np.array([100.0, 100.0])).round(3)
    array([1.   , 0.045])
    """
    root = np.sqrt(rows)
    x = (root + 0.12 + 0.11 / root) * distance
    k = np.arange(1, 13)[:, None]
    series = 2 * ((-1.0) ** (k - 1) * np.exp(-2 * np.square(k * np.maximum(x, 0.3)))).sum(axis=0)
    tail: Floats = np.where(x < 0.3, 1.0, np.clip(series, 0.0, 1.0))  # noqa: PLR2004 - 1 to 5 digits below it
    return tail


def chi_square(value: Floats, freedom: Ints) -> Floats:
    """The p-value of a chi-square statistic.

    Args:
        value: the statistics, at least 0; shape (k,).
        freedom: the degrees of freedom, at least 0 (0 gives 1.0); shape (k,).

    Returns:
        The upper tail, shape (k,).

    >>> chi_square(np.array([3.841458820694124, 18.30703805327515]), np.array([1, 10])).round(6)
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
    terms[odd] += [math.erfc(math.sqrt(x)) for x in half[odd].tolist()]
    return np.where(freedom == 0, 1.0, np.minimum(terms, 1.0))


@cache
def _log_gammas(steps: int) -> Floats:
    """The logarithm of the gamma function at 1, 2, ... and at 1.5, 2.5, ...; shape (2, steps)."""
    return np.array([[math.lgamma(step + first) for step in range(steps)] for first in (1.0, 1.5)])


def two_sided(z: Floats) -> Floats:
    """The chance of a normal deviate as far from 0 as `z`, shape (k,)."""
    return np.array([math.erfc(abs(value) / math.sqrt(2)) for value in z.tolist()])


def _cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
