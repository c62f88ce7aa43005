"""Joint drift: features that stay what they were, each by itself, and no longer go together as they did.

A sample of rows of either window is turned into ranks, column by column, so that drift of single features is not seen a second
time. The rank correlations of all pairs are compared by Fisher's z, corrected for their number, for dependent rows and for how
much they vary within the reference; so are those of distances from the median, which see what rises and falls again. They name
the pairs. A classifier on random features of one to three columns, trained on one
half of the rows and tried on the other, finds what is no correlation.

References:
    Bonett and Wright (2000), Sample size requirements for estimating Pearson, Kendall and Spearman correlations.
    Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests.
    Rahimi and Recht (2007), Random features for large-scale kernel machines.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Columns, Floats, array, measured, spell
from core.drift.grid import Grid
from core.drift.normal import two_sided

ROWS = 2000
"""Rows of a window that are looked at, at most."""
FEWEST = 500
"""With fewer rows in either window nothing is said."""
SMALLEST = 0.1
"""The smallest change of a rank correlation that matters."""
_SMALLEST_APART = 0.1  # sd between the classifier's mean scores of both windows
_FEATURES = 64
_TRAINED = 500  # rows of a window in each half that the classifier learns or is tried on
_RIDGE = 0.05
_BLOCKS = 16
_DEVIATE = 3.8  # at which the variance between blocks is no chance
_NAMED = 10
_CLOSE = 0.999
Codes = NDArray[np.uint16]
_Places = tuple[NDArray[np.intp], NDArray[np.intp]]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDrift:
    """What is said of how features go together.

    Attributes:
        drifted: the verdict.
        p_value: the chance of so much evidence without drift, corrected for the number of pairs and for the classifier.
        q_value: the same among those of the features (Benjamini and Hochberg).
        pairs: those whose correlation changed certainly and enough, the most certain first; at most 10.
        auc: how well a classifier tells the windows apart by their ranks: the chance that it scores a row of the current
            window higher than one of the reference, 0.5 where it can not.
        rows: of the reference and of the current window that were looked at.
    """

    drifted: bool
    p_value: float
    q_value: float
    pairs: tuple[PairChange, ...]
    auc: float
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointSample:
    """A sample of rows.

    Attributes:
        names: the features.
        codes: the cell of the reference's grid, or a hash of the category; shape (rows, features).
        scores: the ranks of rows within each feature, of mean 0 and variance 1; shape (rows, features).
    """

    names: tuple[str, ...]
    codes: Codes
    scores: Floats

    @classmethod
    def of(cls, names: tuple[str, ...], codes: Codes, values: NDArray[Any] | None = None) -> Self:
        """A sample with its ranks: those of the values, or of the codes where there are no values."""
        return cls(names=names, codes=codes, scores=_ranked((codes if values is None else values).T).T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What two samples say, before it is judged among the features.

    Attributes:
        p_value: corrected for the number of pairs and for the classifier.
        enough: whether the change is as large as matters.
        pairs: those that changed, the most certain first.
        auc: of the classifier.
        rows: of both samples.
    """

    p_value: float
    enough: bool
    pairs: tuple[PairChange, ...]
    auc: float
    rows: tuple[int, int]


NONE = JointSample(names=(), codes=np.zeros((0, 0), dtype=np.uint16), scores=np.zeros((0, 0)))
"""No features, no rows."""


def evenly(size: int) -> NDArray[np.int64]:
    """Which rows of a window are sampled: evenly spaced ones, or all."""
    count = min(size, ROWS)
    rows: NDArray[np.int64] = (2 * np.arange(count) + 1) * size // (2 * max(count, 1))
    return rows


def sample(columns: Columns, names: Iterable[str], grid: Grid, *, is_reference: bool = False) -> JointSample:
    """Sample the rows of a window.

    Args:
        columns: a column by feature name, all of one length.
        names: the features; those that there is no column for are left out.
        grid: of the reference; features that it does not have are categories.
        is_reference: whether it is kept: the ranks are then those of the cells, as they can be stored.
    """
    kept = tuple(name for name in names if name in columns)
    size = len(columns[kept[0]]) if kept else 0
    at = evenly(size)
    codes = np.empty((at.size, len(kept)), dtype=np.uint16)
    numbers = np.empty((len(kept), at.size)).T
    places = {name: k for k, name in enumerate(grid.names)}
    for k, name in enumerate(kept):
        column = columns[name]
        values = column[at] if isinstance(column, np.ndarray) else array(name, column)[at]
        if name in places:
            numbers[:, k] = measured(name, values, grid.origins[places[name]])
            codes[:, k] = _in_cells(numbers[:, k], grid.edges_of(places[name]))
        else:
            numbers[:, k] = codes[:, k] = _hashed(values)
    return JointSample.of(kept, codes, None if is_reference else numbers)


def _in_cells(numbers: Floats, edges: Floats) -> NDArray[np.intp]:
    return np.where(np.isnan(numbers), edges.size + 1, edges.searchsorted(numbers, "right"))


def _hashed(values: NDArray[Any]) -> list[int]:
    """Categories by a hash: were it by their frequency in the reference, rare ones would stand where chance has put them."""
    listed = [spell(value) for value in values.tolist()]
    codes = {one: _hash(one) for one in set(listed)}
    return [codes[one] for one in listed]


def _hash(category: str) -> int:
    return int.from_bytes(hashlib.md5(category.encode(errors="replace"), usedforsecurity=False).digest()[:2])


def _ranked(values: NDArray[Any]) -> Floats:
    """The ranks of rows within each feature, equal values in a random order, as scores; shape (features, rows)."""
    size = values.shape[1]
    scores = (np.arange(size) - (size - 1) / 2) / np.sqrt(max(size**2 - 1, 1) / 12)
    rng = np.random.default_rng(size)
    found = np.empty(values.shape)
    for k, row in enumerate(values):
        shuffled = rng.permutation(size)
        found[k, shuffled[row[shuffled].argsort()]] = scores
    return found


def _pooled(old: Codes, new: Codes) -> tuple[Floats, Floats]:
    """The middle ranks of the rows of both windows among each other, -1.7 to 1.7; of equal codes they are equal."""
    both = np.concatenate((old, new))
    scores = np.empty(both.shape)
    for k in range(both.shape[1]):
        _, place, times = np.unique(both[:, k], return_inverse=True, return_counts=True)
        scores[:, k] = ((np.cumsum(times) - times / 2) / len(both))[place]
    scores = (scores - 0.5) * np.sqrt(12)
    return scores[: len(old)], scores[len(old) :]


def compare(
    reference: JointSample,
    current: JointSample,
    design: Mapping[str, float],
    certain: float,
    *,
    by_classifier: bool = True,
) -> Evidence | None:
    """Compare how features go together in two samples; None where there are too few rows or features.

    Args:
        reference: of the reference.
        current: of the window, of the same features or some of them.
        design: by feature the design effect of the comparison of such samples.
        certain: the largest corrected p-value of a pair that is named.
        by_classifier: whether the classifier is tried: only where no feature has moved by itself, which it would find as well.
    """
    names = current.names
    rows = len(reference.codes), len(current.codes)
    if min(rows) < FEWEST or len(names) < 2:  # noqa: PLR2004 - a pair
        return None
    places = [reference.names.index(name) for name in names]
    codes = reference.codes[:, places], current.codes
    old, new = reference.scores[:, places], current.scores
    effects = np.array([design[name] for name in names])
    far = (old**2 - 1) / np.sqrt(0.8)  # of even scores the square has variance 0.8
    apart = reduce(np.maximum, [_apart(old, old), _apart(far, old), _apart(far, far)])
    effect = np.sqrt(np.outer(effects, effects)) + 2 * np.maximum(apart, apart.T) / (1 / rows[0] + 1 / rows[1])
    pairs, p_pairs = _pairs(names, old, new, effect, certain / 2)
    distance, p_apart = _classified(*codes, float(effect.max())) if by_classifier else (0.0, 1.0)
    told = p_apart <= certain / 2 and distance >= _SMALLEST_APART
    return Evidence(
        p_value=min(2 * min(p_pairs, p_apart), 1.0),
        enough=bool(pairs) or told,
        pairs=pairs[:_NAMED],
        auc=_auc(distance),
        rows=rows,
    )


def _auc(apart: float) -> float:
    return 1 - float(two_sided(np.array([apart / np.sqrt(2)]))[0]) / 2 if apart > 0 else 0.5


def _pairs(
    names: tuple[str, ...], old: Floats, new: Floats, effect: Floats, certain: float
) -> tuple[tuple[PairChange, ...], float]:
    """The pairs that changed, the most certain first, and the smallest p-value, corrected for the number of pairs."""
    upper = np.triu_indices(len(names), 1)
    both = np.concatenate((upper[0], upper[1])), np.concatenate((upper[1], upper[0]))
    before, after = _correlations(old), _correlations(new)
    # Of a few rows that break a relation one window may have none: what either window says of the variance holds for both.
    most = np.maximum(len(old) * _variance(old, before), len(new) * _variance(new, after))
    chance = effect * (1 / len(old) + 1 / len(new))
    far = [(scores**2 - 1) / np.sqrt(0.8) for scores in (old, new)]  # of even scores the square has variance 0.8
    kinds = [("first", both, (old, new)), ("both", upper, (far[0], far[1]))]
    found: list[tuple[str, _Places, Floats, Floats, Floats]] = [
        ("ranks", upper, before, after, (np.arctanh(after) - np.arctanh(before)) / np.sqrt(most * chance))
    ]
    for of, pairs, right in kinds:
        products = [left.T @ one / len(one) for left, one in zip(far, right, strict=True)]
        squares = [(left**2).T @ one**2 / len(one) for left, one in zip(far, right, strict=True)]
        spread = reduce(np.maximum, [square - product**2 for square, product in zip(squares, products, strict=True)])
        z = (products[1] - products[0]) / np.sqrt(np.maximum(spread, 1e-3) * chance)
        found.append((of, pairs, products[0], products[1], z))
    z = np.concatenate([deviates[pairs] for _, pairs, _, _, deviates in found])
    p_values = np.minimum(two_sided(z) * z.size, 1.0)
    changes = (
        [
            PairChange(names[i], names[j], float(one[i, j]), float(other[i, j]), of)
            for of, pairs, one, other, _ in found
            for i, j in zip(*pairs, strict=True)
        ]
        if p_values.min() <= certain
        else []
    )
    left = np.sqrt(np.maximum(1 - 1 / np.maximum(np.abs(z), 1.0) ** 2, 0.0))
    ranked = [k for k in np.argsort(-np.abs(z)).tolist() if p_values[k] <= certain] if changes else []
    told = (k for k in ranked if abs(changes[k].current - changes[k].reference) * left[k] >= SMALLEST)
    return tuple(_once(changes[k] for k in told)), float(p_values.min())


def _once(changes: Iterable[PairChange]) -> list[PairChange]:
    """Each pair once, as it comes first."""
    found: dict[frozenset[str], PairChange] = {}
    for one in changes:
        found.setdefault(frozenset((one.first, one.second)), one)
    return list(found.values())


def _correlations(scores: Floats) -> Floats:
    return np.clip(scores.T @ scores / len(scores), -_CLOSE, _CLOSE)


def _variance(scores: Floats, correlations: Floats) -> Floats:
    """The variance of Fisher's z: as for a normal (Bonett and Wright), and at least as the fourth moments have it."""
    size = len(scores)
    square = scores**2
    cubed = (square * scores).T @ scores
    squares = square.T @ square
    fourth = np.square(square).sum(axis=0)
    r = correlations
    spread = squares - r * (cubed + cubed.T) + r**2 / 4 * (fourth[:, None] + fourth + 2 * squares)
    normal = (1 + r**2 / 2) / (size - 3)
    variance: Floats = np.maximum(normal, spread / size**2 / (1 - r**2) ** 2)
    return variance


def _apart(left: Floats, right: Floats) -> Floats:
    """The variance of mean products between blocks of rows that follow each other, over that of rows; 0 where chance explains it.

    Args:
        left: scores, shape (rows, features).
        right: others of the same rows.
    """
    length = len(left) // _BLOCKS
    one, other = (part[: length * _BLOCKS].reshape(_BLOCKS, length, -1) for part in (left, right))
    found = (one.transpose(0, 2, 1) @ other / length).var(axis=0, ddof=1)
    variance = np.maximum((left**2).T @ right**2 / len(left) - (left.T @ right / len(left)) ** 2, 1e-3)
    ratio = found / (variance / length)
    step = 2 / 9 / (_BLOCKS - 1)
    more = ratio > (1 - step + _DEVIATE * np.sqrt(step)) ** 3
    return np.where(more, (ratio - 1) / length * (1 + 8 / (_BLOCKS - 1)), 0.0)


def _classified(old: Codes, new: Codes, effect: float) -> tuple[float, float]:
    """How far apart in sd the mean scores of rows lie that the classifier was not trained on, and the p-value of that.

    Rows of both windows are ranked among each other: within each window, ranks would carry over where chance has put its ties.
    Each half of the rows is tried by what was learned of the other. Both results are of one sample: their mean is taken, whose
    variance is at most that of either.
    """
    rng = np.random.default_rng(old.shape[1])
    directions = np.zeros((old.shape[1], _FEATURES))
    for k in range(_FEATURES):
        of = rng.choice(old.shape[1], min(2 + k % 2, old.shape[1]), replace=False)
        directions[of, k] = rng.normal(size=of.size)
    shifts = rng.uniform(0, 2 * np.pi, _FEATURES)
    middles = len(old) // 2, len(new) // 2
    near = [one[max(middle - _TRAINED, 0) : middle + _TRAINED] for one, middle in zip((old, new), middles, strict=True)]
    windows = [np.cos(scores @ directions + shifts) for scores in _pooled(*near)]
    halves = [(one[: len(one) // 2], one[len(one) // 2 :]) for one in windows]
    deviates, distances = [], []
    for learned, tried in ((0, 1), (1, 0)):
        weights = _discriminant(halves[0][learned], halves[1][learned])
        scores = [half[tried] @ weights for half in halves]
        means, variances = [one.mean() for one in scores], [one.var() for one in scores]
        chance = np.sqrt(effect * sum(v / len(one) for v, one in zip(variances, scores, strict=True)))
        deviates.append((means[1] - means[0]) / max(chance, 1e-12))
        distances.append((means[1] - means[0]) / max(np.sqrt(sum(variances) / 2), 1e-12))
    deviate = float(np.mean(deviates))
    p_value = float(two_sided(np.array([deviate]))[0]) / 2
    return float(np.mean(distances)), p_value if deviate > 0 else 1.0


def _covariance(values: Floats) -> Floats:
    apart = values - values.mean(axis=0)
    found: Floats = apart.T @ apart / len(values)
    return found


def _discriminant(old: Floats, new: Floats) -> Floats:
    """The direction that parts two classes best (Fisher 1936), regularised."""
    within = _covariance(old) + _covariance(new)
    within[np.diag_indices(_FEATURES)] += _RIDGE * np.trace(within) / _FEATURES
    weights: Floats = np.linalg.solve(within, new.mean(axis=0) - old.mean(axis=0))
    return weights
