"""Numeric features of a window, counted by cell, laid over those of its reference: what every statistic that compares values starts from.

Between two edges either distribution function stays between its values at the edges. That bounds how far a statistic that is taken at
the edges is off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.drift.cells import Constants, Prepared
from core.drift.columns import Floats, Ints
from core.drift.grid import BELOW
from core.drift.tail import THRESHOLDS

_BLOCK = 13
"""Features that are laid over the reference at once: their arrays stay in the cache."""
_BESIDE = 4
"""Of the places: those where values are clipped and those at either end come last."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """k numeric features of two windows.

    Attributes:
        total: finite current rows, shape (k,).
        below: current rows up to and with each of `Prepared.places`, shape (k, p).
        span: the mean width of the cell of a finite current row, shape (k,).
        farthest: the largest distance of the two distribution functions, infinite rows among them; shape (k,).
        area: between the functions of the finite rows, from the first edge to the last; shape (k,).
        rank: the chance that a current value exceeds a reference value, ties counted half; shape (k,).
    """

    total: Ints
    below: Ints
    span: Floats
    farthest: Floats
    area: Floats
    rank: Floats

    @classmethod
    def of(cls, prepared: Prepared, cells: Ints, special: Ints) -> Self:
        """Lay a window over its reference.

        Args:
            prepared: of the reference.
            cells: finite current rows a cell, shape (k, w + 1).
            special: missing, minus and plus infinity, shape (k, 3).
        """
        ends = special[:, BELOW:]
        is_finite = prepared.finite is prepared.below and not ends.any()
        parts = [slice(start, start + _BLOCK) for start in range(0, max(len(cells), 1), _BLOCK)]
        found = (_laid(prepared, part, cells[part], ends[part], is_finite=is_finite) for part in parts)
        total, below, span, farthest, area, rank = map(np.concatenate, zip(*found, strict=True))
        whole = total.astype(np.int64), below.astype(np.int64)
        return cls(total=whole[0], below=whole[1], span=span, farthest=farthest, area=area, rank=rank)

    @property
    def coarse(self) -> Ints:
        """Rows below each edge that parts the bins, shape (k, b - 1)."""
        return self.below[:, : -THRESHOLDS - _BESIDE]

    @property
    def tails(self) -> Ints:
        """Rows below each threshold in the tails, shape (k, t)."""
        return self.below[:, -THRESHOLDS - _BESIDE : -_BESIDE]

    @property
    def clipped(self) -> Ints:
        """Rows below the two places where values are clipped for the mean, shape (k, 2)."""
        return self.below[:, -_BESIDE:-2]

    @property
    def ends(self) -> Ints:
        """Rows below the first and the last edge, shape (k, 2)."""
        return self.below[:, -2:]


def _laid(prepared: Prepared, part: slice, cells: Ints, ends: Ints, *, is_finite: bool) -> tuple[Floats, ...]:
    """The attributes of `Overlay` for some features; `is_finite` where no row of either window is infinite."""
    below, widths = prepared.below[part], prepared.widths[part]
    rows = cells.astype(np.float64)
    function = np.cumsum(rows, axis=1)
    places = function[np.arange(len(function))[:, None], prepared.places[part]]
    total = function[:, -1].copy()
    finite, present = np.maximum(total, 1), np.maximum(total + ends.sum(axis=1), 1)
    if is_finite:
        other, farthest = below, None
    else:
        start = ends[:, 0] / present
        everywhere = np.abs(function / present[:, None] + start[:, None] - below).max(axis=1)
        other, farthest = prepared.finite[part], np.maximum(everywhere, np.abs(start - prepared.start[part]))
    function /= finite[:, None]
    function -= other
    apart = np.abs(function, out=function)
    farthest = apart.max(axis=1) if farthest is None else farthest
    # Each edge stands for half of the cell on either side.
    area = (np.vecdot(apart, widths) + np.vecdot(apart[:, :-1], widths[:, 1:])) / 2
    # In the middle of its cell each, then the two infinities.
    twice = np.vecdot(rows, below) + np.vecdot(rows[:, 1:], below[:, :-1]) + rows[:, 0] * prepared.start[part]
    rank = (twice / 2 + (ends * prepared.edge_shares[part]).sum(axis=1)) / present
    return total, places, np.vecdot(rows, widths) / finite, farthest, area, rank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """What statistics are computed from of k numeric features of two windows.

    Attributes:
        constants: of the reference.
        n: reference rows that are not missing, at least 1; shape (k,).
        m: current rows that are not missing, at least 1; shape (k,).
        sd: the reference's standard deviation, 1 where it is constant; shape (k,).
        span: the mean width of the cell of a finite current row, shape (k,).
        farthest: the largest distance of the two distribution functions at the edges, shape (k,).
        area: between the functions of the finite rows, shape (k,).
        tail: the mean distance of the finite rows outside the edges from them, halved; part of `area`; shape (k,).
        rank: the chance that a current value exceeds a reference value, ties counted half; shape (k,).
        effect: the design effect: by how much chance gives more than it would to independent rows; shape (k,).
        exact: by statistic, what was computed from the rows; empty where the rows were only counted.
        inexact: by statistic, at most how far `exact` is off because of the reference a sketch was kept, in its own unit.
        blank: NaN where either window has no value, else 0; shape (k,).
        blank_finite: NaN where either window has no finite value, else 0; shape (k,).
    """

    constants: Constants
    n: Ints
    m: Ints
    sd: Floats
    span: Floats
    farthest: Floats
    area: Floats
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
        prepared: Prepared,
        laid: Overlay,
        *,
        sd: Floats,
        special: Ints,
        tails: Floats,
        effect: Floats,
        exact: Mapping[str, Floats],
        inexact: Mapping[str, Floats],
    ) -> Self:
        """The numeric features of a window beside their reference.

        Args:
            prepared: of the reference.
            laid: the window over it.
            sd: standard deviation of the reference, 0 where it is constant; shape (k,).
            special: missing, minus and plus infinity, shape (k, 3).
            tails: finite rows below the lowest and above the highest edge, each times how far they reach; shape (k, 2).
            effect: the design effect, shape (k,).
            exact: by statistic, what was computed from the rows.
            inexact: by statistic, at most how far that is off.
        """
        present = laid.total + special[:, BELOW:].sum(axis=1)
        tail = tails.sum(axis=1) / np.maximum(laid.total, 1) / 2
        return cls(
            constants=prepared.constants,
            n=np.maximum(prepared.rows, 1),
            m=np.maximum(present, 1),
            sd=np.where(sd > 0, sd, 1.0),
            span=laid.span,
            farthest=laid.farthest,
            area=laid.area + tail,
            tail=tail,
            rank=laid.rank,
            effect=effect,
            exact=exact,
            inexact=inexact,
            blank=np.where((prepared.rows > 0) & (present > 0), 0.0, np.nan),
            blank_finite=np.where((prepared.counted > 0) & (laid.total > 0), 0.0, np.nan),
        )

    @property
    def by_chance(self) -> Floats:
        """The standard deviation that chance gives to the difference of two means, over the rows' own; shape (k,)."""
        chance: Floats = np.sqrt(self.effect * (1 / self.n + 1 / self.m))
        return chance

    @property
    def rank_deviate(self) -> Floats:
        """By how many standard errors the ranks are off, ties being as the reference has them (Mann and Whitney 1947)."""
        n, m, ties = self.n, self.m, self.constants.ties
        # a reference of one single value has no ranks to speak of
        variance = self.effect * (n + m + 1) / (12.0 * n * m) * (1 - ties)
        off = self.rank - 0.5
        deviate: Floats = np.divide(off, np.sqrt(variance), out=np.zeros_like(off), where=ties < 1 - 1e-9)
        return deviate
