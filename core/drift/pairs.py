"""How pairs of features go together: correlations of ranks, and of distances from the median, which see what rises and falls again.

What the reference says is computed once, from many rows. Of a window, all pairs are compared by one matrix product; of those few
that changed most, the variance is measured in the window as well.

References:
    Bonett and Wright (2000), Sample size requirements for estimating Pearson, Kendall and Spearman correlations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, Ints
from core.drift.normal import two_sided
from core.drift.ranks import Scores

SMALLEST = 0.1
"""The smallest change of a rank correlation that matters."""
_KINDS = ("ranks", "first", "both")
_EXAMINED = 32  # comparisons whose variance is measured in the window
_BLOCKS = 16
_DEVIATE = 3.8  # at which the variance between blocks is no chance
_CLOSE = 0.999
_FLAT = np.float32(np.sqrt(0.8))  # of even scores the square has variance 0.8
Singles = NDArray[np.float32]


class PairChange(NamedTuple):
    """Two features that no longer go together as they did.

    Attributes:
        first: a feature.
        second: another one.
        reference: their rank correlation in the reference, -1 to 1.
        current: in the current window.
        of: what correlates: `ranks`, or distances from the median of the `first` or of `both`.
    """

    first: str
    second: str
    reference: float
    current: float
    of: str = "ranks"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """How k features of a reference go together, by kind of correlation: ranks, distance of the first, distances of both.

    Attributes:
        rows: that it was learned from.
        products: the correlations; shape (3, k, k), the upper triangle where both features are taken alike.
        spreads: the variance of each at one row, of ranks that of Fisher's z; shape (3, k, k).
        apart: the variance of the correlations between parts of the reference, over that of a row; shape (k, k).
    """

    rows: int
    products: Singles
    spreads: Singles
    apart: Singles

    @classmethod
    def learn(cls, scores: Scores) -> Self:
        """Learn from ranks in the order of time, shape (k, rows)."""
        ranks = scores.astype(np.float64).T
        far = (ranks**2 - 1) / _FLAT
        correlations = ranks.T @ ranks / max(len(ranks), 1)
        products, spreads = zip(*(_spread(far, right) for right in (ranks, far)), strict=True)
        apart = reduce(np.maximum, [_apart(ranks, ranks), _apart(far, ranks), _apart(far, far)])
        asked = _asked(ranks.shape[1])
        return cls(
            rows=len(ranks),
            products=(np.array([correlations, *products]) * asked).astype(np.float32),
            spreads=(np.array([_variance(ranks, correlations), *spreads]) * asked).astype(np.float32),
            apart=np.maximum(apart, apart.T).astype(np.float32),
        )

    def only(self, places: Sequence[int]) -> Self:
        """The same of some of the features, by ascending place."""
        chosen = np.ix_(places, places)
        products, spreads = (np.array([one[chosen] for one in table]) for table in (self.products, self.spreads))
        return type(self)(rows=self.rows, products=products, spreads=spreads, apart=self.apart[chosen])


def compare(
    reference: Pairs, names: Sequence[str], scores: Scores, effects: Floats, certain: float
) -> tuple[tuple[PairChange, ...], float, float]:
    """Compare how features go together.

    Args:
        reference: of k features.
        names: of the features.
        scores: ranks of the window, shape (k, rows).
        effects: the design effect of each, shape (k,).
        certain: the largest corrected p-value of a pair that is named.

    Returns:
        The pairs that changed, the most certain first; the smallest p-value, corrected for the number of comparisons; the largest
        design effect of a pair.
    """
    rows = scores.shape[1]
    both, now = _correlated(scores)
    chance = 1 / reference.rows + 1 / rows
    root = np.sqrt(effects)
    effect = root * root[:, None] + 2 / chance * reference.apart
    known = _known(reference, now, rows)
    z, (of, i, j) = _largest(_deviates(reference, now, known * (effect * chance).astype(np.float32)))
    z *= np.sqrt(np.minimum(known[of, i, j] / _measured(both, now, of, i, j), 1.0))
    p_values = np.minimum(two_sided(z) * int(_asked(len(names)).sum()), 1.0)
    old, new = reference.products[of, i, j].astype(np.float64), now[of, i, j].astype(np.float64)
    enough = np.abs(new - old) * np.sqrt(np.maximum(1 - 1 / np.maximum(z, 1.0) ** 2, 0.0)) >= SMALLEST
    order = np.argsort(-z)
    told = order[(enough & (p_values <= certain))[order]].tolist()
    changes = (PairChange(names[i[k]], names[j[k]], float(old[k]), float(new[k]), _KINDS[of[k]]) for k in told)
    return tuple(_once(changes)), float(p_values.min(initial=1.0)), float(effect.max(initial=1.0))


def _correlated(scores: Scores) -> tuple[Scores, Singles]:
    """Ranks and distances from the median, shape (2 k, rows), and all correlations, shape (3, k, k)."""
    size, rows = scores.shape
    both = np.empty((2 * size, rows), dtype=np.float32)
    both[:size] = scores
    far = np.square(scores, out=both[size:])
    far -= 1
    far /= _FLAT
    gram = both @ both.T
    gram /= np.float32(rows)
    return both, np.stack((gram[:size, :size], gram[size:, :size], gram[size:, size:]))


def _known(reference: Pairs, now: Singles, rows: int) -> Singles:
    """The variance at one row, as the reference has it; of ranks at least that of a normal."""
    least: Singles = np.maximum(reference.spreads, np.float32(1e-3))
    np.maximum(least[0], _normal(now[0], rows), out=least[0])
    return least


def _deviates(reference: Pairs, now: Singles, variance: Singles) -> Singles:
    """By how many standard errors each correlation moved, shape (3, k, k), at most.

    Of a few rows that break a relation one window may have none: what either window says of the variance holds for both. Here it is
    the reference's, so that no deviate is too small; of the largest ones the window's is measured afterwards.
    """
    moved = now - reference.products
    moved[0] = _fisher(now[0]) - _fisher(reference.products[0])
    found: Singles = np.abs(moved, out=moved)
    found /= np.sqrt(variance)
    found *= _asked(now.shape[1])
    return found


def _largest(deviates: Singles) -> tuple[Floats, tuple[Ints, Ints, Ints]]:
    """The largest deviates, and by kind and features where they are."""
    flat = deviates.ravel()
    count = min(_EXAMINED, flat.size)
    chosen = np.argpartition(flat, flat.size - count)[flat.size - count :]
    of, i, j = np.unravel_index(chosen, deviates.shape)
    return flat[chosen].astype(np.float64), (of, i, j)


def _once(changes: Iterable[PairChange]) -> list[PairChange]:
    """Each pair once, as it comes first."""
    found: dict[frozenset[str], PairChange] = {}
    for one in changes:
        found.setdefault(frozenset((one.first, one.second)), one)
    return list(found.values())


@cache
def _asked(size: int) -> NDArray[np.bool_]:
    """Which comparisons of so many features there are; shape (3, size, size)."""
    upper = np.triu(np.ones((size, size), dtype=bool), 1)
    return np.stack((upper, upper | upper.T, upper))


def _fisher(correlations: Singles) -> Singles:
    found: Singles = np.arctanh(np.clip(correlations, -_CLOSE, _CLOSE))
    return found


def _normal(correlations: Singles | Floats, rows: int) -> Floats:
    """The variance of Fisher's z of ranks at one row, as a normal has it."""
    found: Floats = (1 + correlations**2 / 2) * (rows / (rows - 3))
    return found


def _measured(both: Scores, now: Singles, of: Ints, i: Ints, j: Ints) -> Floats:
    """The variance of m correlations at one row, of ranks that of Fisher's z.

    Args:
        both: ranks and distances from the median, shape (2 k, rows).
        now: all correlations, shape (3, k, k).
        of: which kind, shape (m,).
        i: the first feature, shape (m,).
        j: the second one, shape (m,).
    """
    left, right = both[i + now.shape[1] * (of > 0)], both[j + now.shape[1] * (of > 1)]
    r = np.where(of == 0, np.clip(now[of, i, j], -_CLOSE, _CLOSE), 0.0).astype(np.float32)
    parts = left * right
    left *= left  # both are copies
    right *= right
    left += right
    left *= (r / 2)[:, None]
    parts -= left
    spread = np.vecdot(parts, parts) / np.float32(parts.shape[1]) - parts.mean(axis=1) ** 2
    found: Floats = np.maximum(spread.astype(np.float64), 1e-12) / (1 - r**2) ** 2
    return found


def _spread(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """The mean products of scores, and their variance at one row."""
    size = max(len(left), 1)
    products = left.T @ right / size
    return products, (left**2).T @ right**2 / size - products**2


def _variance(scores: Floats, correlations: Floats) -> Floats:
    """The variance of Fisher's z at one row: as for a normal (Bonett and Wright), and at least as the fourth moments have it."""
    size = max(len(scores), 4)
    square = scores**2
    cubed = (square * scores).T @ scores
    squares = square.T @ square
    fourth = np.square(square).sum(axis=0)
    r = np.clip(correlations, -_CLOSE, _CLOSE)
    spread = squares - r * (cubed + cubed.T) + r**2 / 4 * (fourth[:, None] + fourth + 2 * squares)
    variance: Floats = np.maximum(_normal(r, size), spread / size / (1 - r**2) ** 2)
    return variance


def _apart(left: Floats, right: Floats) -> Floats:
    """The variance of mean products between blocks of rows that follow each other, over that of rows; 0 where chance explains it.

    Args:
        left: scores, shape (rows, features).
        right: others of the same rows.
    """
    length = len(left) // _BLOCKS
    if not length:
        return np.zeros((left.shape[1], right.shape[1]))
    one, other = (part[: length * _BLOCKS].reshape(_BLOCKS, length, -1) for part in (left, right))
    found = (one.transpose(0, 2, 1) @ other / length).var(axis=0, ddof=1)
    variance = np.maximum((left**2).T @ right**2 / len(left) - (left.T @ right / len(left)) ** 2, 1e-3)
    ratio = found / (variance / length)
    step = 2 / 9 / (_BLOCKS - 1)
    more = ratio > (1 - step + _DEVIATE * np.sqrt(step)) ** 3
    return np.where(more, (ratio - 1) / length * (1 + 8 / (_BLOCKS - 1)), 0.0)
