"""Ranks of many columns at once: each value is packed with its row into one whole number, so that one sort gives the order.

Sorting whole numbers costs a third of sorting positions by value.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints

Scores = NDArray[np.float32]
"""Ranks of mean 0 and variance 1; shape (features, rows)."""
Singles = NDArray[np.float32]
Bits = NDArray[np.uint32]
MOST_ROWS = 1 << 16
"""So many rows can be ranked."""
_KEPT = 1 << 17  # random numbers that are kept
_HALF = np.uint64(32)
_LAST = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """The rows of k features in the order of each.

    Attributes:
        keys: ascending; of each the value, as from `sortable`, then random bits, then the row; shape (k, rows).
        rows: which row each is of, counted on from feature to feature; shape (k, rows).
    """

    keys: NDArray[np.uint64]
    rows: Ints

    @classmethod
    def of(cls, values: Floats | Singles) -> Self:
        """Rank values, equal ones in a random order that is always the same; those that are missing come last.

        Values are told apart to 24 bits, so they should be measured from within their range.

        Args:
            values: shape (features, rows), at most `MOST_ROWS` rows, NaN where missing.

        >>> Ranked.of(np.array([[30.0, 10.0, np.nan, 20.0]])).rows.tolist()
        [[1, 3, 0, 2]]
        """
        features, size = values.shape
        keys = sortable(values).astype(np.uint64)
        keys <<= _HALF
        keys |= _lower(features, size)
        keys.sort(axis=1)
        rows = keys.view(np.int64) & (MOST_ROWS - 1)
        rows += (np.arange(features) * size)[:, None]
        return cls(keys=keys, rows=rows)

    @property
    def ascending(self) -> Bits:
        """The values in ascending order, as from `sortable`; shape (k, rows)."""
        found: Bits = (self.keys >> _HALF).astype(np.uint32)
        return found

    def first(self, features: int) -> Self:
        """The same of the first features."""
        return type(self)(keys=self.keys[:features], rows=self.rows[:features])

    def spread(self, scores: Scores) -> Scores:
        """Scores in the order of each feature, put to the rows that they are of; shape (k, rows)."""
        found = np.empty(self.rows.size, dtype=np.float32)
        found[self.rows] = scores
        return found.reshape(self.rows.shape)

    @property
    def scores(self) -> Scores:
        """The ranks of the rows, as scores."""
        size = self.rows.shape[1]
        scores = (np.arange(size) - (size - 1) / 2) / np.sqrt(max(size**2 - 1, 1) / 12)
        return self.spread(scores.astype(np.float32))


def sortable(values: Floats | Singles) -> Bits:
    """Whole numbers in the order of the values: the bits of a float of 32, the negative ones turned round; NaN is the last.

    >>> sortable(np.array([-np.inf, -1.0, -0.0, 0.0, 2.0, np.nan])).argsort(kind="stable").tolist()
    [0, 1, 2, 3, 4, 5]
    """
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        narrow = values.astype(np.float32)
    narrow += np.float32(0)  # -0 becomes 0
    bits = narrow.view(np.int32)
    turned = bits >> 31
    turned |= np.int32(-(1 << 31))
    turned ^= bits
    found: Bits = turned.view(np.uint32)
    missing = np.isnan(narrow)
    if missing.any():
        found[missing] = _LAST
    return found


@lru_cache(maxsize=1)
def _lower(features: int, size: int) -> NDArray[np.uint64]:
    """The lower half of the keys of so many features and rows: random bits, then the row; shape (features, size)."""
    count = features * size
    bits = _random(max(count, _KEPT))[:count].reshape(features, size)
    lower: NDArray[np.uint64] = bits | np.arange(size, dtype=np.uint64)
    return lower


@lru_cache(maxsize=1)
def _random(size: int) -> NDArray[np.uint64]:
    """Random numbers of 16 bits, in the bits between value and row."""
    return np.random.default_rng(size).integers(0, 1 << 16, size, dtype=np.uint64) << np.uint64(16)
