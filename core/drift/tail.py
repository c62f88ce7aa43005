"""Tails and mean of numeric features: few rows that lie far out, which ranks, bins and distances hardly see.

The reference fixes thresholds in either tail, beyond which 2, 0.5, 0.1 and 0 % of its rows lie. How many rows of the window lie
beyond each is binomial, given how many of both windows do. The mean is that of values clipped at the thresholds of 0.5 %, so
that one wild value does not move it, and its deviate is corrected for skewness. Nothing is assumed of the distribution: clean
Pareto and log-normal windows stay quiet.

References:
    Peizer and Pratt (1968), A normal approximation for binomial, F, beta, and other common, related tail probabilities.
    Johnson (1978), Modified t tests and confidence intervals for asymmetrical populations.
    Tukey and McLaughlin (1963), Less vulnerable confidence and significance procedures for location: clipped means.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints
from core.drift.normal import LARGEST, two_sided

_SHARES = (0.02, 0.005, 0.001, 0.0)
_CLIPPED = 1  # of the shares: where values are clipped for the mean
_WIDEST = 3.0  # so many times the share may lie beyond a threshold, where values repeat
THRESHOLDS = 2 * len(_SHARES)
"""Of a feature, in both tails."""
_TESTS = THRESHOLDS + 1
_ROOM = 25.0  # of a squared deviate: beyond it the correction for skewness grows no more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Thresholds in the tails of k features; t of them, upper ones first.

    Attributes:
        edges: which edge each is, shape (k, t).
        beyond: reference rows beyond each, shape (k, t).
        known: whether there is such a threshold, shape (k, t).
        clip: the edges at which values are clipped for the mean, shape (k, 2).
        ends: the same as values, shape (k, 2).
    """

    edges: Ints
    beyond: Ints
    known: NDArray[np.bool_]
    clip: Ints
    ends: Floats


def places(edges: Floats, sizes: Ints, cells: Ints) -> Places:
    """The thresholds of a reference.

    Args:
        edges: ascending, filled up with infinity; shape (k, w).
        sizes: how many edges each feature has; shape (k,).
        cells: finite reference rows a cell, shape (k, w + 1).
    """
    size, half = len(sizes), len(_SHARES)
    below = np.cumsum(cells, axis=1)
    total = below[:, -1:]
    inside = np.arange(edges.shape[1]) < sizes[:, None]
    beyond = np.stack((total - below[:, :-1], below[:, :-1]), axis=1)  # on either side, at each edge
    found = np.zeros((size, 2, half), dtype=np.int64)
    last = np.maximum(sizes - 1, 0)
    if size and edges.shape[1]:
        for j, share in enumerate(_SHARES):
            off = np.where(inside[:, None], np.abs(beyond - share * total[:, None]), np.inf)
            found[..., j] = off.argmin(axis=2)
        found[:, 0, -1], found[:, 1, -1] = last, 0  # behind the highest value, below the lowest
    chosen: Ints = found.reshape(size, 2 * half)
    if not edges.shape[1]:
        blank = np.zeros((size, 2))
        return Places(edges=chosen, beyond=0 * chosen, known=chosen < 0, clip=blank.astype(np.int64), ends=blank)
    rows = _beyond(np.take_along_axis(below, chosen, axis=1), total[:, 0])
    shares = np.tile(_SHARES, 2)
    known = (rows <= _WIDEST * shares * total) & ((rows > 0) | (shares == 0)) & (sizes[:, None] > 0)
    lowest = np.where(known[:, half + _CLIPPED], chosen[:, half + _CLIPPED], 0)
    highest = np.where(known[:, _CLIPPED], chosen[:, _CLIPPED], last)
    clip = np.stack((np.minimum(lowest, highest), highest), axis=1)
    ends = np.where(sizes[:, None] > 0, np.take_along_axis(edges, clip, axis=1), 0.0)
    return Places(edges=chosen, beyond=rows, known=known, clip=clip, ends=ends)


def _beyond(below: Ints, total: Ints) -> Ints:
    """Rows beyond each threshold, from the rows below each, shape (k, t), and all of them, shape (k,)."""
    rows, half = below.copy(), below.shape[1] // 2
    rows[:, :half] = total[:, None] - rows[:, :half]
    return rows


def clipped(ends: Floats, values: Floats) -> Floats:
    """Mean, variance and skewness of values after clipping, shape (3,); zeros where there are none.

    >>> clipped(np.array([0.0, 4.0]), np.array([-9.0, 2.0, 9.0]))[:2].round(3).tolist()
    [2.0, 2.667]
    """
    if not values.size:
        return np.zeros(3)
    inside = np.clip(values, *ends)
    mean = inside.mean()
    inside -= mean
    variance = np.square(inside).mean()
    sd = np.sqrt(variance)
    skewness = 0.0
    if sd > 0:
        inside /= sd
        skewness = (inside * inside * inside).mean()  # a power takes ten times as long
    return np.array([mean, variance, skewness])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tails:
    """What tails and mean say of k features.

    Attributes:
        p_value: corrected for the number of thresholds and the mean, shape (k,).
        strength: the shift of a normal feature in sd that moves as many rows beyond the threshold, but not more than the
            mean has moved, or that of the clipped mean; chance removed; 0 to 6, and 0 where chance explains it; shape (k,).
        edge: which edge is the threshold that says most, -1 for the mean; shape (k,).
        upper: whether it is in the upper tail, shape (k,).
        shares: of the reference and of the window beyond it, shape (2, k).
    """

    p_value: Floats
    strength: Floats
    edge: Ints
    upper: NDArray[np.bool_]
    shares: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Tails and mean of k features of two windows.

    Attributes:
        places: thresholds of the reference.
        moments: mean, variance and skewness of its clipped values, shape (k, 3).
        mean: of its values as they are, shape (k,).
        sd: their standard deviation, shape (k,).
        n: finite reference rows, shape (k,).
        m: finite current rows, shape (k,).
        below: current rows below each threshold, shape (k, t).
        clipped: current rows below the two places where values are clipped, shape (k, 2).
        sums: of the current values below, between and above these, shape (k, 3).
        effect: the design effect, shape (k,).
        features: how many its window has, shape (k,).
    """

    places: Places
    moments: Floats
    mean: Floats
    sd: Floats
    n: Ints
    m: Ints
    below: Ints
    clipped: Ints
    sums: Floats
    effect: Floats
    features: Ints

    @property
    def beyond(self) -> tuple[Ints, Ints]:
        """Rows of both windows beyond each threshold, shape (k, t)."""
        return self.places.beyond, _beyond(self.below, self.m)

    @property
    def some(self) -> tuple[Ints, Ints]:
        """Finite rows of both windows, at least 1; shape (k,)."""
        return np.maximum(self.n, 1), np.maximum(self.m, 1)


def compare(seen: Seen) -> Tails:
    """Compare the tails and the mean of a window with those of its reference."""
    old, new = seen.beyond
    some, rows = seen.some
    row = np.arange(len(rows))
    moved, deviate = _mean(seen)
    effect = seen.effect[:, None]
    beyond = _deviates(old / effect, new / effect, (seen.m / (some + rows))[:, None]) * seen.places.known
    deviates = np.abs(np.column_stack((beyond, deviate))) * ((seen.n > 0) & (seen.m > 0))[:, None]
    place = deviates.argmax(axis=1)
    largest = deviates[row, place]
    at = np.minimum(place, old.shape[1] - 1)
    is_mean = place > at
    p_value = np.minimum(_TESTS * two_sided(largest), 1.0)
    shares = np.array([old[row, at] / some, new[row, at] / rows])
    strength = np.zeros(len(rows))
    for k in np.flatnonzero(p_value * seen.features < 1).tolist():
        found = abs(float(moved[k])) if is_mean[k] else _strength(seen, k, shares[:, k].tolist())
        strength[k] = min(found * math.sqrt(max(1 - 1 / max(float(largest[k]), 1.0) ** 2, 0.0)), LARGEST)
    return Tails(
        p_value=p_value,
        strength=strength,
        edge=np.where(is_mean, -1, seen.places.edges[row, at]),
        upper=at < len(_SHARES),
        shares=shares,
    )


def _strength(seen: Seen, k: int, shares: Sequence[float]) -> float:
    """The strength of a feature whose shares beyond a threshold differ."""
    n, m = (int(rows[k]) for rows in seen.some)
    return min(_apart(shares, (n, m)), _shifted(seen.sums[k].tolist(), m, float(seen.mean[k]), float(seen.sd[k])))


def _shifted(sums: Sequence[float], rows: int, mean: float, sd: float) -> float:
    """By how many sd the mean moved; 0 where that is not known, as of sums that no float holds.

    Rows far out matter by what they do to the mean: a hundred times as many rare values just behind the others do nothing.
    """
    low, middle, high = sums
    moved = abs((low + middle + high) / rows - mean) / sd if sd > 0 else 0.0
    return LARGEST if math.isinf(moved) else 0.0 if math.isnan(moved) else moved


def _apart(shares: Sequence[float], rows: Sequence[int]) -> float:
    """By how many sd a normal is shifted that has the second share beyond a threshold instead of the first."""
    # A share of 0 has no quantile: half a row is added to either.
    old, new = (
        NormalDist().inv_cdf(min(max((share * size + 0.5) / (size + 1), 1e-12), 1 - 1e-12))
        for share, size in zip(shares, rows, strict=True)
    )
    return abs(new - old)


def _deviates(old: Floats, new: Floats, share: Floats) -> Floats:
    """The normal deviates of so many current rows beyond a threshold, given how many of both windows are; 0 inside chance."""
    draws = old + new
    more = new > draws * share
    deviates = _peizer_pratt(new - more, draws, share)
    found: Floats = np.where(more, (deviates > 0) & (new >= 1), (deviates < 0) & (old >= 1)) * deviates
    return found


def _peizer_pratt(most: Floats, draws: Floats, share: Floats) -> Floats:
    """The deviate at which a normal has the probability of at most so many successes in so many draws."""
    draws = np.maximum(draws, 1.0)
    hits, misses = np.maximum(most + 0.5, 1e-9), np.maximum(draws - most - 0.5, 1e-9)
    rest = 1 - share
    expected, others = draws * share, draws * rest
    off = hits - expected
    far = np.abs(off)
    small = 0.02 * (rest / (most + 1.0 + 1e-9) - share / (misses + 0.5) + (rest - 0.5) / (draws + 1))
    near = most + 2 / 3 - (draws + 1 / 3) * share + small
    with np.errstate(divide="ignore", invalid="ignore"):
        deviance = hits * np.log(hits / expected) + misses * np.log(misses / others)
        result: Floats = near / far * np.sqrt(np.maximum(2 * deviance / (1 + 1 / (6 * draws)), 0.0))
        if (even := far < 1e-6 * draws).any():
            result = np.where(even, near / np.sqrt((draws + 1 / 6) * share * rest), result)
    result[~np.isfinite(result)] = 0.0
    return result


def _skewed(n: Ints, m: Ints) -> Floats:
    """The skewness of the difference of two means, over that of the values."""
    skewed: Floats = (1 / m**2.0 - 1 / n**2.0) / (1 / m + 1 / n) ** 1.5
    return skewed


def _mean(seen: Seen) -> tuple[Floats, Floats]:
    """How far the clipped mean moved, in sd of the reference, and its deviate, corrected for skewness and few rows."""
    mean, variance, skewness = seen.moments.T
    n, m = seen.some
    low, high = seen.places.ends.T
    below, inside = seen.clipped.T
    now = (seen.sums[:, 1] + low * below + high * (seen.m - inside)) / m
    known = variance > 1e-20 * mean**2  # else it is rounding
    moved = np.divide(now - mean, np.sqrt(variance), out=np.zeros_like(now), where=known & (variance > 0))
    deviate = moved / np.sqrt(seen.effect * (1 / n + 1 / m))
    corrected = deviate - skewness * _skewed(n, m) * (np.minimum(deviate**2, _ROOM) - 1) / 6
    corrected = np.where(corrected * deviate > 0, corrected, 0.0)  # what the correction turns round was no evidence
    # Student's t as a normal deviate (Wallace 1959): the variance is that of the reference's rows.
    freedom = np.maximum(n - 1, 1)
    normal = np.sqrt(freedom * np.log1p(corrected**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return moved, np.copysign(normal, corrected)
