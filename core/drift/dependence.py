"""How many independent rows a window is worth: rows that follow each other are alike, and one day differs from another.

The reference is parted into blocks of consecutive rows. Their means vary more than those of independent rows would; what
exceeds that is the variance between blocks. It adds to the variance of a window as long as a block, however many rows the
window has. Where nothing exceeds chance, every row counts in full.

References:
    Kish (1965), Survey sampling: design effect and effective sample size.
    Rao and Scott (1984), On chi-squared tests for multiway contingency tables with cell proportions estimated from survey data.
    Wilson and Hilferty (1931), The distribution of chi-square.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints, spell

FEWEST = 8
"""Blocks that are compared at least."""
_MOST = 4096
_SHORTEST = 16  # rows of a block
_SORTED = 0.5  # of the variance: what rising or falling blocks explain more of than this is what the rows are sorted by
_DEVIATES = 2.5, 3.8
"""Of a normal, at which the variance between blocks is no chance: for the rank, and for each other score."""
CELLS = 32
"""Into so many cells a feature is cut for this."""
Codes = NDArray[np.uint8]
"""The cell of each row, 0 to `CELLS`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dependence:
    """The variance between blocks of a reference, for k features.

    Attributes:
        rows: how many rows the reference window has, of which the profile may have seen a sample.
        between: over the variance of the rows, for 8, 16, 32, ... blocks; 0 where chance explains it; shape (levels, k).
    """

    rows: int
    between: Floats

    @classmethod
    def none(cls, rows: int, features: int) -> Self:
        """Independent rows."""
        return cls(rows=rows, between=np.zeros((0, features)))

    @classmethod
    def learn(cls, codes: Sequence[Codes], rows: int) -> Self:
        """Learn from the rows of a reference in the order of time.

        Args:
            codes: for each feature the cell of each row, 0 to `CELLS`, in an order that means something for numbers.
            rows: how many rows the window has, of which these may be a sample.
        """
        size = codes[0].size if codes else 0
        levels = int(np.log2(max(min(size // _SHORTEST, _MOST), 1) / FEWEST)) + 1 if size >= FEWEST * _SHORTEST else 0
        if not levels:
            return cls.none(rows, len(codes))
        blocks = np.arange(size) * (FEWEST << (levels - 1)) // size
        return cls(rows=rows, between=np.array([_by_level(one, blocks, levels) for one in codes]).T)

    def of(self, rows: int) -> Floats:
        """The variance that a window of so many rows has beside that of its rows, over theirs; shape (k,)."""
        if not len(self.between):
            return np.zeros(self.between.shape[1])
        windows = max(self.rows, 1) / max(rows, 1)  # as many windows has the reference
        level = min(max(int(np.ceil(np.log2(max(windows, 1.0) / FEWEST))), 0), len(self.between) - 1)
        found: Floats = self.between[level] * min(windows / FEWEST, 1.0)
        return found

    def effect(self, n: int, m: int) -> Floats:
        """The design effect: by how much the variance of a comparison is larger than that of independent rows, shape (k,).

        Args:
            n: reference rows that the profile has seen.
            m: rows of the window.
        """
        chance = 1 / max(n, 1) + 1 / max(m, 1)
        return 1 + (self.of(self.rows) + self.of(m)) / chance

    def effect_of_samples(self, rows: tuple[int, int], m: int) -> Floats:
        """The design effect where samples of both windows are compared, shape (k,).

        Args:
            rows: of the two samples.
            m: rows of the window that the second one is of.
        """
        chance = 1 / max(rows[0], 1) + 1 / max(rows[1], 1)
        return 1 + (self.of(self.rows) + self.of(m)) / chance

    def worth(self, m: int) -> Floats:
        """How many independent rows a window of so many rows is worth, shape (k,)."""
        return 1 / (1 / max(m, 1) + self.of(m)) if m else np.zeros(self.between.shape[1])


def numeric_codes(values: Floats, ascending: Floats) -> Codes:
    """The cell of each value of a number, by quantiles; `CELLS` for what is missing.

    Args:
        values: in the order of the rows, NaN where missing.
        ascending: the same without NaN.
    """
    places = np.arange(1, CELLS) * ascending.size // CELLS
    codes = np.zeros(values.size, dtype=np.uint8)
    if ascending.size:
        codes[:] = ascending[places].searchsorted(values, "right")
    codes[np.isnan(values)] = CELLS
    return codes


def category_codes(values: Sequence[Any], kept: Sequence[str]) -> Codes:
    """The cell of each category: the most frequent ones have one each, the others one together; `CELLS` for what is missing.

    Args:
        values: in the order of the rows.
        kept: categories, the most frequent first.
    """
    cells = {category: cell for cell, category in enumerate(kept[: CELLS - 1])} | {"missing": CELLS}
    known = {value: cells.get(spell(value), CELLS - 1) for value in set(values)}
    return np.array([known[value] for value in values], dtype=np.uint8)


def _by_level(codes: Codes, blocks: Ints, levels: int) -> Floats:
    """The variance between blocks of one feature at each level, the fewest blocks first.

    Two blocks together have half the variance of one, unless more lies between them than chance explains: so what is
    known of many short blocks is used for a few long ones, and a variance of days is seen where blocks reach their length.
    """
    finest = int(blocks[-1]) + 1
    counts = np.bincount(blocks * (CELLS + 1) + codes, minlength=finest * (CELLS + 1)).reshape(finest, -1).astype(float)
    counts = counts[:, counts.any(axis=0)]
    scores = _scores(counts.sum(axis=0))
    found = np.zeros((levels, scores.shape[1]))
    expected = found[0]
    for level in reversed(range(levels)):
        found[level] = expected = _between(counts, scores, expected)
        if level:
            counts, expected = counts[::2] + counts[1::2], expected / 2
    steps = np.diff(counts @ scores[:, 0] / counts.sum(axis=1))
    is_sorted = found[0, 0] > _SORTED and bool((steps >= 0).all() or (steps <= 0).all())
    return np.zeros(levels) if is_sorted else found.max(axis=1, initial=0.0)


def _scores(total: Floats) -> Floats:
    """What is averaged over the rows of a block, by cell: the rank, whether a row is in or below a cell; shape (cells, s)."""
    share = total / total.sum()
    rank = np.cumsum(share) - share / 2
    inside = np.eye(share.size)[:, share > 1 / CELLS]
    below = np.tri(share.size).T[:, 3:-1:4]
    return np.column_stack((rank, inside, below))


def _between(counts: Floats, scores: Floats, expected: Floats) -> Floats:
    """The variance of each score between blocks, over that of the rows.

    Args:
        counts: rows by block and cell.
        scores: by cell.
        expected: the variance between blocks, as shorter blocks have it.
    """
    size = counts.sum(axis=1)
    blocks, rows = size.size, size.mean()
    total = counts.sum(axis=0) / size.sum()
    mean = total @ scores
    # Of a score that is the same in every row there is rounding left.
    variance = np.maximum(total @ scores**2 - mean**2, 1e-12)
    apart = counts @ scores / size[:, None] - mean
    ratio = (apart**2 * size[:, None]).sum(axis=0) / (blocks - 1) / variance / (1 + rows * expected)
    step = 2 / 9 / (blocks - 1)
    deviates = np.where(np.arange(ratio.size) == 0, *_DEVIATES)
    more = ratio > (1 - step + deviates * np.sqrt(step)) ** 3
    less = ratio < (1 - step - _DEVIATES[1] * np.sqrt(step)) ** 3  # as in whole days of an hourly rhythm
    # A variance of few blocks is uncertain itself: as a t distribution has it, more is needed for the same certainty.
    observed = (ratio * (1 + rows * expected) - 1) / rows
    known = np.where(expected > 0, np.maximum(np.where(less, 0.0, expected), observed), 0.0)
    found: Floats = np.where(more, observed * (1 + 8 / (blocks - 1)), known)
    return found
