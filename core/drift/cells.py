"""Numeric features of two windows, counted by cell: what every statistic that compares values starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.grid import ABOVE, BELOW, Grid

_GAP, _TINY = 2.0**-52, 1e-300
"""No two floats that follow each other are farther apart, over their size, or where they are very small."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constants:
    """What statistics need of the reference as one number a feature or bin: stored with a profile.

    Attributes:
        coarsest: the largest share in a cell of more than one value: how far off the Kolmogorov-Smirnov distance at the
            edges may be, because between two edges the reference rises by no more; shape (k,).
        span: the mean width of the cell of a finite row, shape (k,).
        ties: the sum of the cubed shares of the cells, shape (k,).
        spread: the Wasserstein distance by chance at one row against infinitely many, shape (k,).
        bins: reference rows by bin, then the special ones; shape (k, b + 3).
    """

    coarsest: Floats
    span: Floats
    ties: Floats
    spread: Floats
    bins: Ints

    @classmethod
    def of(cls, grid: Grid) -> Self:
        """Work them out."""
        cumulated = np.cumsum(grid.cells, axis=1)
        total = cumulated[:, -1]
        rows = np.maximum(total + grid.special[:, BELOW] + grid.special[:, ABOVE], 1)
        widths, shares = _widths(grid), _divided(grid.cells, rows)
        return cls(
            coarsest=_coarsest(grid.edges, widths[:, 1:-1], shares[:, 1:-1]),
            span=np.vecdot(_divided(grid.cells, np.maximum(total, 1)), widths),
            ties=_cubes(shares) + _cubes(grid.special[:, (BELOW, ABOVE)] / rows[:, None]),
            spread=_spread(_divided(cumulated, np.maximum(total, 1)), widths),
            bins=binned(grid, cumulated, grid.special),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What every comparison with a grid needs of the reference; k features, w edges.

    Attributes:
        constants: those that are stored.
        rows: reference rows that are not missing, shape (k,).
        counted: reference rows that are finite, shape (k,).
        start: the share of `rows` that is minus infinity, shape (k,).
        below: their share below each edge and, last, below plus infinity; shape (k, w + 1).
        finite: as `below`, but of the finite rows only; `below` itself when there are no others.
        widths: of the cells, 0 of the two open ones and of the filling; shape (k, w + 1).
        edge_shares: half the reference's share at minus infinity, 1 less half that at plus infinity, shape (k, 2).
    """

    constants: Constants
    rows: Ints
    counted: Ints
    start: Floats
    below: Floats
    finite: Floats
    widths: Floats
    edge_shares: Floats


def prepare(grid: Grid, constants: Constants) -> Prepared:
    """Work out what every comparison with the grid needs."""
    cumulated = np.cumsum(grid.cells, axis=1)
    total = cumulated[:, -1].copy()  # a view would keep all of it
    rows = total + grid.special[:, BELOW] + grid.special[:, ABOVE]
    some = np.maximum(rows, 1)
    special = grid.special[:, (BELOW, ABOVE)] / some[:, None]
    below = _divided(cumulated, some)
    if grid.special[:, BELOW].any():
        below += special[:, :1]
    return Prepared(
        constants=constants,
        rows=rows,
        counted=total,
        start=special[:, 0],
        below=below,
        finite=below if np.array_equal(total, rows) else _divided(cumulated, np.maximum(total, 1)),
        widths=_widths(grid),
        edge_shares=np.array([0.0, 1.0]) + special / np.array([2.0, -2.0]),
    )


def _spread(finite: Floats, widths: Floats) -> Floats:
    """The Wasserstein distance by chance at one row against infinitely many, shape (k,); by few arrays, which stay in the cache."""
    found = 1 - finite
    found *= finite
    np.maximum(found, 0.0, out=found)
    np.sqrt(found, out=found)
    found *= widths
    spread: Floats = np.sqrt(2 / np.pi) * found.sum(axis=1)
    return spread


def binned(grid: Grid, cumulated: Ints, special: Ints) -> Ints:
    """The bins: the parts between the coarse edges, then the special values.

    Args:
        grid: the reference.
        cumulated: finite rows up to and with each cell, shape (k, w + 1).
        special: missing, minus and plus infinity, shape (k, 3).
    """
    parts = cumulated[np.arange(len(cumulated))[:, None], grid.coarse]
    first, inner, last = parts[:, :1], parts[:, 1:] - parts[:, :-1], cumulated[:, -1:] - parts[:, -1:]
    return np.concatenate((first, inner, last, special), axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """k numeric features of two windows; w edges, at which both distribution functions are known.

    Between two edges either function stays between its values at the edges. That bounds how far a statistic that is taken
    at the edges is off.

    Attributes:
        prepared: of the reference.
        n: reference rows that are not missing, at least 1; shape (k,).
        m: current rows that are not missing, at least 1; shape (k,).
        sd: the reference's standard deviation, 1 where it is constant; shape (k,).
        span: the mean width of the cell of a finite current row, shape (k,).
        apart: how far the distribution function of the finite rows is from the reference's, without a sign; shape (k, w + 1).
        farthest: the largest distance of the two functions, infinite rows among them; shape (k,).
        tail: the mean distance of the finite rows outside the edges from them, halved; shape (k,).
        rank: the chance that a current value exceeds a reference value, ties counted half; shape (k,).
        effect: the design effect: by how much chance gives more than it would to independent rows; shape (k,).
        exact: by statistic, what was computed from the rows; empty where the rows were only counted.
        inexact: by statistic, at most how far `exact` is off because of the reference a sketch was kept, in its own unit.
        blank: NaN where either window has no value, else 0; shape (k,).
        blank_finite: NaN where either window has no finite value, else 0; shape (k,).
    """

    prepared: Prepared
    n: Ints
    m: Ints
    sd: Floats
    span: Floats
    apart: Floats
    farthest: Floats
    tail: Floats
    rank: Floats
    effect: Floats
    exact: Mapping[str, Floats]
    inexact: Mapping[str, Floats]
    blank: Floats
    blank_finite: Floats

    @classmethod
    def of(
        cls,
        *,
        prepared: Prepared,
        sd: Floats,
        cells: Ints,
        cumulated: Ints,
        special: Ints,
        tails: Floats,
        effect: Floats,
        exact: Mapping[str, Floats],
        inexact: Mapping[str, Floats],
    ) -> Self:
        """The numeric features of a window beside their reference.

        Args:
            prepared: of the reference.
            sd: its standard deviation, 0 where it is constant; shape (k,).
            cells: finite current rows a cell, shape (k, w + 1).
            cumulated: finite current rows up to and with each cell, shape (k, w + 1).
            special: missing, minus and plus infinity, shape (k, 3).
            tails: finite rows below the lowest and above the highest edge, each times how far they reach; shape (k, 2).
            effect: the design effect, shape (k,).
            exact: by statistic, what was computed from the rows.
            inexact: by statistic, at most how far that is off.
        """
        ends, total = special[:, BELOW:], cumulated[:, -1]
        present = total + ends.sum(axis=1)
        m = np.maximum(present, 1)
        start = ends[:, 0] / m
        finite, function = _functions(cumulated, ends, m)
        apart = _apart(function, prepared.below)
        farthest = np.maximum(apart.max(axis=1), np.abs(start - prepared.start))
        if function is not finite or prepared.finite is not prepared.below:
            apart = _apart(finite, prepared.finite)
        rows = cells.astype(np.float64)
        return cls(
            prepared=prepared,
            n=np.maximum(prepared.rows, 1),
            m=m,
            sd=np.where(sd > 0, sd, 1.0),
            span=np.vecdot(rows, prepared.widths) / np.maximum(total, 1),
            apart=apart,
            farthest=farthest,
            tail=tails.sum(axis=1) / np.maximum(total, 1) / 2,
            rank=_rank(prepared, rows, ends, m),
            effect=effect,
            exact=exact,
            inexact=inexact,
            blank=np.where((prepared.rows > 0) & (present > 0), 0.0, np.nan),
            blank_finite=np.where((prepared.counted > 0) & (total > 0), 0.0, np.nan),
        )

    @property
    def by_chance(self) -> Floats:
        """The standard deviation that chance gives to the difference of two means, over the rows' own; shape (k,)."""
        chance: Floats = np.sqrt(self.effect * (1 / self.n + 1 / self.m))
        return chance

    @property
    def rank_deviate(self) -> Floats:
        """By how many standard errors the ranks are off, ties being as the reference has them (Mann and Whitney 1947)."""
        n, m, ties = self.n, self.m, self.prepared.constants.ties
        # a reference of one single value has no ranks to speak of
        variance = self.effect * (n + m + 1) / (12.0 * n * m) * (1 - ties)
        off = self.rank - 0.5
        deviate: Floats = np.divide(off, np.sqrt(variance), out=np.zeros_like(off), where=ties < 1 - 1e-9)
        return deviate


def _functions(cumulated: Ints, ends: Ints, m: Ints) -> tuple[Floats, Floats]:
    """The distribution functions of the finite rows and of all; one array where none is infinite."""
    shares = _divided(cumulated, m)
    if not ends.any():
        return shares, shares
    return _divided(cumulated, np.maximum(cumulated[:, -1], 1)), shares + (ends[:, 0] / m)[:, None]


def _apart(function: Floats, other: Floats) -> Floats:
    difference: Floats = function - other
    return np.abs(difference, out=difference)


def _rank(prepared: Prepared, rows: Floats, ends: Ints, m: Ints) -> Floats:
    """The chance that a current value exceeds a reference value: in the middle of its cell each, then the two infinities.

    Args:
        prepared: of the reference.
        rows: finite current rows a cell, shape (k, w + 1).
        ends: minus and plus infinity, shape (k, 2).
        m: current rows, shape (k,).
    """
    below = prepared.below
    twice = np.vecdot(rows, below) + np.vecdot(rows[:, 1:], below[:, :-1]) + rows[:, 0] * prepared.start
    total: Floats = (twice / 2 + (ends * prepared.edge_shares).sum(axis=1)) / m
    return total


def _divided(cumulated: Ints, rows: Ints) -> Floats:
    """Counts over rows: converted first and divided in place, which takes half the time of dividing whole numbers."""
    shares = cumulated.astype(np.float64)
    shares /= rows[:, None]
    return shares


def _cubes(shares: Floats) -> Floats:
    """The sums of cubes over the last axis: by multiplication, which takes a fifth of the time of a power."""
    cubes: Floats = np.vecdot(np.square(shares), shares)
    return cubes


def _widths(grid: Grid) -> Floats:
    """The widths of the cells, shape (k, w + 1): 0 for the two open ones and for the filling."""
    widths = np.zeros(grid.cells.shape)
    if not grid.edges.shape[1]:
        return widths
    if (grid.sizes == grid.edges.shape[1]).all():
        np.subtract(grid.edges[:, 1:], grid.edges[:, :-1], out=widths[:, 1:-1])
    else:
        inside = np.isfinite(grid.edges)
        widths[:, 1:-1] = np.diff(np.where(inside, grid.edges, 0.0), axis=1) * inside[:, 1:]
    return widths


def _coarsest(edges: Floats, widths: Floats, shares: Floats) -> Floats:
    """The largest share in a cell of more than one value, shape (k,); of the cells between edges, shape (k, w - 1)."""
    if not widths.size:
        return np.zeros(len(edges))
    largest: Floats = shares.max(axis=1)
    # Where no cell is as narrow as the gap of floats at the farthest edge can be, each has more than one value.
    reach = np.abs(edges).max(axis=1)
    narrow = np.flatnonzero(~(widths.min(axis=1) > reach * _GAP + _TINY))
    several = edges[narrow, 1:] > np.nextafter(edges[narrow, :-1], np.inf)
    largest[narrow] = (shares[narrow] * several).max(axis=1, initial=0.0)
    return largest
