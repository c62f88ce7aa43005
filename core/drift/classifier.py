"""Whether a classifier tells two windows apart by features that by themselves, and pair by pair, are what they were.

Fisher's discriminant on random features of two or three columns (Rahimi and Recht), and on the products of those three columns
whose mean product differs most. It is trained on one half of the rows of either window and tried on the other.

Values are placed by the reference, cell by cell, so that equal values are placed alike in both windows: were they ranked within each window,
ranks would carry over where chance has put their ties.

References:
    Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests.
    Rahimi and Recht (2007), Random features for large-scale kernel machines.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints
from core.drift.grid import edges
from core.drift.normal import two_sided
from core.drift.ranks import Bits, Ranked, sortable

FEATURES = 16
"""Features that are looked at, at most."""
ROWS = 1000
"""Rows of a window that are looked at, at most."""
_CELLS = 64
_RANDOM = 48  # random features
_TRIPLES = 8  # products of three columns
_RIDGE = 0.05
Codes = NDArray[np.uint8]
Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Rows of a window as the classifier reads them.

    Attributes:
        scores: the place of each value, shape (k, rows).
        waves: the random features, shape (rows, `_RANDOM`).
    """

    scores: Singles
    waves: Singles

    @classmethod
    def of(cls, scores: Singles) -> Self:
        directions, shifts = _directions(len(scores))
        return cls(scores=scores, waves=np.cos(scores.T @ directions + shifts))

    @property
    def halves(self) -> tuple[slice, slice]:
        """The first and the second half of the rows."""
        size = self.scores.shape[1]
        return slice(0, size // 2), slice(size // 2, size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Features:
    """What the classifier sees of the rows of a window: the random features, then products of three columns, which are exchanged.

    Attributes:
        rows: the rows.
        table: shape (rows, `_RANDOM` and the products).
    """

    rows: _Rows
    table: Singles

    @classmethod
    def of(cls, rows: _Rows) -> Self:
        count = min(_TRIPLES, math.comb(len(rows.scores), 3))
        table = np.empty((rows.scores.shape[1], _RANDOM + count), dtype=np.float32)
        table[:, :_RANDOM] = rows.waves
        return cls(rows=rows, table=table)

    def take(self, triples: tuple[Ints, Ints, Ints]) -> None:
        """Take the products of these columns."""
        first, second, third = (self.rows.scores[of] for of in triples)
        first *= second
        np.multiply(first.T, third.T, out=self.table[:, _RANDOM:])

    def half(self, number: int) -> Singles:
        """The first or the second half of the rows."""
        found: Singles = self.table[self.rows.halves[number]]
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What the classifier keeps of a reference of k features.

    Attributes:
        places: ascending edges by feature, as from `ranks.sortable`, filled up; shape (k, w).
        codes: the cell of each value, shape (k, rows).
        table: where the values of each cell are placed, -1.7 to 1.7; shape (k, w + 1).
        rows: the rows, as the classifier reads them.
        thirds: the mean products of three columns in each half of the rows.
    """

    places: Bits
    codes: Codes
    table: Singles
    rows: _Rows
    thirds: tuple[Singles, Singles]

    @classmethod
    def learn(cls, values: Floats) -> Self:
        """Learn from values in the order of time, NaN where missing; shape (k, rows), at most `ROWS` rows."""
        found = [edges(np.sort(one[np.isfinite(one)]), _CELLS) for one in values]
        places = np.full((len(found), max(map(len, found), default=0)), np.inf)
        for k, one in enumerate(found):
            places[k, : len(one)] = one
        cut = sortable(places)
        ranked = Ranked.of(values)
        cells = np.arange(places.shape[1] + 1, dtype=np.float32)
        in_order = np.concatenate([np.repeat(cells, times) for times in _times(cut, ranked)] or [cells[:0]])
        codes = ranked.spread(in_order.reshape(values.shape)).astype(np.uint8)
        return cls.of(cut, codes)

    @classmethod
    def of(cls, places: Bits, codes: Codes) -> Self:
        """From what is stored."""
        cells, size = places.shape[1] + 1, max(codes.shape[1], 1)
        times = np.array([np.bincount(one, minlength=cells) for one in codes]).reshape(len(codes), cells)
        share = (np.cumsum(times, axis=1) - times / 2) / size
        table = ((share - 0.5) * np.sqrt(12)).astype(np.float32)
        rows = _Rows.of(table.ravel()[codes + cells * np.arange(len(codes))[:, None]])
        return cls(places=places, codes=codes, table=table, rows=rows, thirds=_thirds(rows))

    def only(self, places: Sequence[int]) -> Self:
        """The same of some of the features."""
        return self.of(self.places[places], self.codes[places])


def compare(reference: Reference, window: Ranked, effect: float) -> tuple[float, float]:
    """How far apart in sd the mean scores of rows lie that the classifier was not trained on, and the p-value of that.

    Each half of the rows is tried by what was learned of the other. Both results are of one sample: their mean is taken, whose
    variance is at most that of either.

    Args:
        reference: of k features.
        window: its rows in the order of each of these features.
        effect: the design effect.
    """
    windows = reference.rows, _Rows.of(_placed(reference, window))
    thirds = reference.thirds, _thirds(windows[1])
    features = [_Features.of(one) for one in windows]
    deviate = distance = 0.0
    for learned, tried in ((0, 1), (1, 0)):
        triples = _largest(thirds[1][learned] - thirds[0][learned])
        for one in features:
            one.take(triples)
        weights = _discriminant(*(one.half(learned) for one in features))
        (old, old_variance, n), (new, new_variance, m) = (_moments(one.half(tried) @ weights) for one in features)
        chance = math.sqrt(effect * (old_variance / n + new_variance / m))
        deviate += (new - old) / max(chance, 1e-12) / 2
        distance += (new - old) / max(math.sqrt((old_variance + new_variance) / 2), 1e-12) / 2
    p_value = float(two_sided(np.array([deviate]))[0]) / 2
    return distance, p_value if deviate > 0 else 1.0


def auc(apart: float) -> float:
    """The chance that a row of the current window scores higher than one of the reference, where mean scores lie so many sd apart."""
    return 1 - float(two_sided(np.array([apart / np.sqrt(2)]))[0]) / 2 if apart > 0 else 0.5


def _times(places: Bits, window: Ranked) -> Ints:
    """How many values lie in each cell, shape (k, w + 1); in the last one also those that are missing."""
    below = np.zeros((len(places), places.shape[1] + 2), dtype=np.int64)
    below[:, -1] = window.rows.shape[1]
    for k, (one, at) in enumerate(zip(window.ascending, places, strict=True)):
        below[k, 1:-1] = one.searchsorted(at)
    found: Ints = below[:, 1:] - below[:, :-1]
    return found


def _placed(reference: Reference, window: Ranked) -> Singles:
    """Where the reference places the values of a window, shape (k, rows)."""
    in_order = np.repeat(reference.table.ravel(), _times(reference.places, window).ravel())
    return window.spread(in_order.reshape(window.rows.shape))


@cache
def _directions(features: int) -> tuple[Singles, Singles]:
    """Random directions of two or three features, shape (features, `_RANDOM`), and shifts, shape (`_RANDOM`,)."""
    rng = np.random.default_rng(features)
    directions = np.zeros((features, _RANDOM), dtype=np.float32)
    for k in range(_RANDOM if features else 0):
        of = rng.choice(features, min(2 + k % 2, features), replace=False)
        directions[of, k] = rng.normal(size=of.size)
    return directions, rng.uniform(0, 2 * np.pi, _RANDOM).astype(np.float32)


@cache
def _triples(features: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """All pairs of features, shape (p,) each, and which features are behind both, shape (p, features)."""
    first, second = np.triu_indices(features, 1)
    return first, second, np.arange(features) > second[:, None]


def _thirds(rows: _Rows) -> tuple[Singles, Singles]:
    """The mean products of a pair and a third feature behind it in either half of the rows, shape (p, k) each; 0 elsewhere."""
    first, _, behind = _triples(len(rows.scores))
    products = np.empty((first.size, rows.scores.shape[1]), dtype=np.float32)
    starts = first.searchsorted(np.arange(len(rows.scores) + 1)).tolist()
    for k, (start, stop) in enumerate(pairwise(starts)):  # by the first feature of each pair, so that no row is copied
        np.multiply(rows.scores[k], rows.scores[k + 1 :], out=products[start:stop])
    one, other = (
        products[:, half] @ rows.scores[:, half].T / max(half.stop - half.start, 1) * behind for half in rows.halves
    )
    return one, other


def _largest(changes: Singles) -> tuple[Ints, Ints, Ints]:
    """The three features of those products that changed most."""
    first, second, behind = _triples(changes.shape[1])
    count = min(_TRIPLES, int(behind.sum()))
    if not count:
        return first[:0], first[:0], first[:0]
    pair, third = np.unravel_index(np.argpartition(-np.abs(changes), count - 1, axis=None)[:count], changes.shape)
    return first[pair], second[pair], third


def _moments(scores: Singles) -> tuple[float, float, int]:
    """Mean and variance of scores, and how many there are; as numpy's methods have them, whose calls take three times as long."""
    size = np.float32(scores.size)
    mean = np.add.reduce(scores) / size
    apart = scores - mean
    return float(mean), float(np.add.reduce(apart * apart) / size), scores.size


def _discriminant(old: Singles, new: Singles) -> Singles:
    """The direction that parts two classes best (Fisher 1936), regularised."""
    means = [np.full(len(one), 1 / len(one), dtype=np.float32) @ one for one in (old, new)]
    within: Singles = old.T @ old / np.float32(len(old)) - means[0][:, None] * means[0]
    within += new.T @ new / np.float32(len(new)) - means[1][:, None] * means[1]
    size = len(within)
    within.ravel()[:: size + 1] += np.float32(_RIDGE / size) * within.trace()  # the diagonal
    weights: Singles = np.linalg.solve(within, means[1] - means[0])
    return weights
