"""The tests on cells: what can be said of numeric features from counts alone, and how far it may be off."""

from dataclasses import dataclass

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.grid import ABOVE, BELOW, Grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What every comparison with a grid needs of the reference, worked out once; k features, w edges.

    Attributes:
        rows: reference rows that are not missing, shape (k,).
        counted: reference rows that are finite, shape (k,).
        start: the share of `rows` that is minus infinity, shape (k,).
        below: their share below each edge and, last, below plus infinity; shape (k, w + 1).
        coarsest: the largest share in a cell of more than one value: how far off the Kolmogorov-Smirnov distance at the
            edges may be, because between two edges the reference rises by no more; shape (k,).
        finite: as `below`, but of the finite rows only; `below` itself when there are no others.
        weights: how much of the axis each edge stands for, shape (k, w + 1).
        steps: turns a distribution function into the sum of widths times shares, shape (k, w + 1).
        slack: that sum for the reference, shape (k,).
        climbs: turns a distribution function into the chance of exceeding the reference, shape (k, w).
        middle: the reference's distribution function in the middle of the first and the last cell, shape (k, 2).
        edge_shares: half the reference's share at minus infinity, 1 less half that at plus infinity, shape (k, 2).
        ties: the sum of the cubed shares of the cells, shape (k,).
        spread: the Wasserstein distance by chance at one row against infinitely many, shape (k,).
        bins: reference rows by bin of PSI, JS and chi-square, then the special ones; shape (k, b + 3).
    """

    rows: Ints
    counted: Ints
    start: Floats
    below: Floats
    coarsest: Floats
    finite: Floats
    weights: Floats
    steps: Floats
    slack: Floats
    climbs: Floats
    middle: Floats
    edge_shares: Floats
    ties: Floats
    spread: Floats
    bins: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Distances of k features from their reference, all of shape (k,).

    Attributes:
        ks: the largest distance of the distribution functions at the edges: the true one is this or more.
        ks_error: at most how much more: nothing for features of few distinct values.
        area: the Wasserstein distance, in the unit of the feature.
        area_error: at most how far off it is, in that unit.
        rank: the chance that a current value exceeds a reference value, ties counted half.
    """

    ks: Floats
    ks_error: Floats
    area: Floats
    area_error: Floats
    rank: Floats

    def exactly(self, *, ks: Floats, area: Floats) -> "Measured":
        """The same with distances taken from the rows, NaN where there were none."""
        none = np.zeros(ks.size)
        return Measured(ks=np.nan_to_num(ks), ks_error=none, area=area, area_error=none, rank=self.rank)


def prepare(grid: Grid) -> Prepared:
    """Work out what every comparison with the grid needs."""
    total = grid.cells.sum(axis=1)
    rows = total + grid.special[:, BELOW] + grid.special[:, ABOVE]
    some = np.maximum(rows, 1)[:, None]
    cumulated = np.cumsum(grid.cells, axis=1)
    below = cumulated / some + (grid.special[:, BELOW, None] / some)
    finite = below if np.array_equal(total, rows) else cumulated / np.maximum(total, 1)[:, None]
    widths = _widths(grid)
    shares = grid.cells / some
    after = np.concatenate((widths[:, 1:], np.zeros_like(widths[:, :1])), axis=1)
    steps = widths - after
    middle = below - shares / 2
    several = grid.edges[:, 1:] > np.nextafter(grid.edges[:, :-1], np.inf)
    special = grid.special[:, (BELOW, ABOVE)] / some
    return Prepared(
        rows=rows,
        counted=total,
        start=special[:, 0],
        below=below,
        coarsest=(shares[:, 1:-1] * several).max(axis=1, initial=0.0) if several.size else np.zeros(rows.size),
        finite=finite,
        weights=(widths + after) / 2,
        steps=steps,
        slack=(finite * steps).sum(axis=1),
        climbs=np.diff(middle, axis=1),
        middle=middle[:, (0, -1)],
        edge_shares=np.array([0.0, 1.0]) + special / np.array([2.0, -2.0]),
        ties=(np.concatenate((shares, special), axis=1) ** 3).sum(axis=1),
        spread=np.sqrt(2 / np.pi) * (widths * np.sqrt(np.maximum(finite * (1 - finite), 0.0))).sum(axis=1),
        bins=binned(grid, cumulated, grid.special),
    )


def binned(grid: Grid, cumulated: Ints, special: Ints) -> Ints:
    """The bins of PSI, JS and chi-square: the parts between the coarse edges, then the special values.

    Args:
        grid: the reference.
        cumulated: finite rows up to and with each cell, shape (k, w + 1).
        special: missing, minus and plus infinity, shape (k, 3).
    """
    parts = np.take_along_axis(cumulated, grid.coarse, axis=1)
    inside = np.diff(parts, axis=1, prepend=0, append=cumulated[:, -1:])
    return np.concatenate((inside, special), axis=1)


def measure(prepared: Prepared, cumulated: Ints, special: Ints, tails: Floats) -> Measured:
    """Compare counts with the reference.

    Between two edges either distribution function stays between its values at the edges. That bounds how far the
    distance at the edges is off from the largest one, and how far the area between the functions is off.

    Args:
        prepared: of the reference.
        cumulated: finite current rows up to and with each cell, shape (k, w + 1).
        special: missing, minus and plus infinity, shape (k, 3).
        tails: finite rows below the lowest and above the highest edge, each times how far they reach; shape (k, 2).
    """
    ends = special[:, BELOW:]
    infinite = bool(ends.any())
    total = cumulated[:, -1]
    rows = np.maximum(total + ends.sum(axis=1) if infinite else total, 1)
    finite = function = _divided(cumulated, rows)
    start = ends[:, 0] / rows
    if infinite:
        function = finite + start[:, None]
    apart = function - prepared.below
    ks = np.maximum(np.maximum(apart.max(axis=1), -apart.min(axis=1)), np.abs(start - prepared.start))
    if infinite or prepared.finite is not prepared.below:
        finite = _divided(cumulated, np.maximum(total, 1))
        apart = finite - prepared.finite
    np.abs(apart, out=apart)
    tail = tails.sum(axis=1) / np.maximum(total, 1) / 2
    return Measured(
        ks=ks,
        ks_error=np.minimum(prepared.coarsest, 1 - ks),
        area=np.vecdot(apart, prepared.weights) + tail,
        area_error=np.maximum(np.vecdot(finite, prepared.steps) + prepared.slack, 0.0) + tail,
        rank=_rank(prepared, function, start, ends[:, 1] / rows),
    )


def _rank(prepared: Prepared, function: Floats, start: Floats, stop: Floats) -> Floats:
    """The chance that a current value exceeds a reference value, from the current distribution function.

    The sum over cells of current share times the reference's middle, by parts; then the two infinities.
    """
    first, last = prepared.middle.T
    inside = (function[:, -1] - start) * last + start * (last - first)
    inside -= np.vecdot(function[:, :-1], prepared.climbs)
    lowest, highest = prepared.edge_shares.T
    total: Floats = inside + start * lowest + stop * highest
    return total


def rank_deviate(prepared: Prepared, rank: Floats, n: Ints, m: Ints) -> Floats:
    """By how many standard errors the ranks are off, ties being as the reference has them (Mann and Whitney 1947).

    Args:
        prepared: of the reference.
        rank: the chance that a current value exceeds a reference value, shape (k,).
        n: reference rows, at least 1, shape (k,).
        m: current rows, at least 1, shape (k,).
    """
    # a reference of one single value has no ranks to speak of
    variance = (n + m + 1) / (12.0 * n * m) * (1 - prepared.ties)
    off = rank - 0.5
    return np.divide(off, np.sqrt(variance), out=np.zeros_like(off), where=prepared.ties < 1 - 1e-9)


def _divided(cumulated: Ints, rows: Ints) -> Floats:
    """Counts over rows: converted first and divided in place, which takes half the time of dividing whole numbers."""
    shares = cumulated.astype(np.float64)
    shares /= rows[:, None]
    return shares


def _widths(grid: Grid) -> Floats:
    """The widths of the cells, shape (k, w + 1): 0 for the two open ones and for the filling."""
    inside = np.isfinite(grid.edges)
    widths = np.zeros(grid.cells.shape)
    places = np.where(inside, grid.edges, 0.0)
    widths[:, 1:-1] = np.diff(places, axis=1) * inside[:, 1:] if grid.edges.shape[1] else 0.0
    return widths
