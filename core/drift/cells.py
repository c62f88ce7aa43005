"""The cells of a reference: what every statistic that compares values needs of it."""

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
            bins=binned(np.take_along_axis(cumulated, grid.coarse, axis=1), total, grid.special),
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
        places: the cells up to and with which the rows of a window are counted: those at the coarse edges, the thresholds in the
            tails, where values are clipped, the first and the last edge; shape (k, p).
    """

    constants: Constants
    rows: Ints
    counted: Ints
    start: Floats
    below: Floats
    finite: Floats
    widths: Floats
    edge_shares: Floats
    places: Ints


def prepare(grid: Grid, constants: Constants) -> Prepared:
    """Work out what every comparison with the grid needs."""
    cumulated = np.cumsum(grid.cells, axis=1)
    total = cumulated[:, -1].copy()  # a view would keep all of it
    rows = total + grid.special[:, BELOW] + grid.special[:, ABOVE]
    some = np.maximum(rows, 1)
    special = grid.special[:, (BELOW, ABOVE)] / some[:, None]
    below = _divided(cumulated, some)
    last = np.maximum(grid.sizes - 1, 0)
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
        places=np.column_stack((grid.coarse, grid.tails.edges, grid.tails.clip, np.zeros_like(last), last)),
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


def binned(parts: Ints, total: Ints, special: Ints) -> Ints:
    """The bins: the parts between the coarse edges, then the special values.

    Args:
        parts: finite rows below each coarse edge, shape (k, b - 1).
        total: finite rows, shape (k,).
        special: missing, minus and plus infinity, shape (k, 3).
    """
    inner, last = parts[:, 1:] - parts[:, :-1], total[:, None] - parts[:, -1:]
    return np.concatenate((parts[:, :1], inner, last, special), axis=1)


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
