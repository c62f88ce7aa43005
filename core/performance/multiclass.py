"""Performance of a classifier of several classes, from the predicted classes, the probabilities and the outcomes.

References:
    scikit-learn, Metrics and scoring: f1_score(average="macro"), precision_score and recall_score by class, log_loss.
    Takahashi et al. (2022), Confidence interval for micro-averaged F1 and macro-averaged F1 scores: the delta method.
"""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, Floats, Ints, ProfileError, array, spell_all
from core.performance.binary import TINY
from core.performance.columns import floats, require_equal, require_within
from core.performance.intervals import NOTHING, Estimate, mean, share
from core.performance.rows import missing

MOST_CLASSES = 20
"""So many classes, the most frequent, have metrics of their own."""
_Z = 1.959963984540054


def multiclass(
    predicted: Column, label: Column, probabilities: Mapping[str, Column] | None = None
) -> dict[str, Estimate]:
    """Performance metrics of a classifier of several classes, over the rows that have both.

    Args:
        predicted: the predicted class, shape (n,).
        label: the class, shape (n,).
        probabilities: of each class by its name, 0 to 1, shape (n,) each; they are divided by their sum.

    Returns:
        `accuracy`, `macro_f1` (the mean of F1 over the classes that are predicted or there), `log_loss` where there are
        probabilities, and of the most frequent classes `precision/CLASS` and `recall/CLASS`.

    Raises:
        ProfileError: the lengths differ, a probability is not within 0 to 1.

    >>> found = multiclass(["a", "a", "b", "c"], ["a", "b", "b", "c"])
    >>> found["accuracy"].value, round(found["macro_f1"].value, 3), found["recall/b"].value
    (0.75, 0.778, 0.5)
    """
    named, actual = array("predicted", predicted), array("label", label)
    require_equal("predicted", named.size, "label", actual.size)
    known = ~(missing(named) | missing(actual))
    words, p, y = _codes(named[known], actual[known])
    hits = np.bincount(y[p == y], minlength=len(words)).astype(float)
    says, there = (np.bincount(one, minlength=len(words)).astype(float) for one in (p, y))
    found = {"accuracy": share(int(hits.sum()), p.size), "macro_f1": _macro_f1(p, y, hits, says + there)}
    if probabilities:
        chances = {name: array(name, column)[known] for name, column in probabilities.items()}
        found["log_loss"] = log_loss(chances, [words[code] for code in y])
    for code in np.argsort(-there, kind="stable")[:MOST_CLASSES]:
        found[f"precision/{words[code]}"] = share(int(hits[code]), int(says[code]))
        found[f"recall/{words[code]}"] = share(int(hits[code]), int(there[code]))
    return found


def spelt(column: Column) -> NDArray[np.object_]:
    """Classes as the warehouse spells them, None where one is missing; shape (n,)."""
    values = array("class", column)
    gone = missing(values)
    found: NDArray[np.object_] = np.array(spell_all(values.tolist()), dtype=object)
    found[gone] = None
    return found


def shares(probabilities: Mapping[str, Column]) -> tuple[tuple[str, ...], Floats]:
    """The classes in alphabetical order, and their probabilities over their sum; shape (n, k), NaN where one is missing.

    Raises:
        ProfileError: a probability is not within 0 to 1.
    """
    words = tuple(sorted(probabilities))
    columns = [floats(f"probability of {word}", probabilities[word]) for word in words]
    for word, column in zip(words, columns, strict=True):
        good = np.isnan(column) | ((column >= 0) & (column <= 1))
        require_within(f"probability of {word}", column, good, "0 to 1")
    matrix = np.column_stack(columns)
    total = matrix.sum(axis=1, keepdims=True)
    return words, np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)


def log_loss(probabilities: Mapping[str, Column], labels: list[str]) -> Estimate:
    """Mean negative logarithm of the probability of what happened; a class without a probability has none."""
    words, matrix = shares(probabilities)
    place = {word: number for number, word in enumerate(words)}
    codes = np.array([place.get(one, -1) for one in labels], dtype=np.int64)
    if not codes.size:
        return NOTHING
    chances = np.where(codes < 0, 0.0, matrix[np.arange(codes.size), codes])
    known = ~np.isnan(chances)
    return mean(-np.log(np.clip(chances[known], TINY, 1.0)))


def _codes(named: NDArray[np.object_], actual: NDArray[np.object_]) -> tuple[list[str], Ints, Ints]:
    first, second = (spell_all(one.tolist()) for one in (named, actual))
    words = sorted(Counter(first) | Counter(second))
    place = {word: number for number, word in enumerate(words)}
    p, y = (np.array([place[word] for word in one], dtype=np.int64) for one in (first, second))
    return words, p, y


def _macro_f1(p: Ints, y: Ints, hits: Floats, either: Floats) -> Estimate:
    """The mean of 2 hits / (predicted + there); its variance is that of what each row adds to it."""
    if not p.size:
        return NOTHING
    scores = 2 * hits / either
    value = float(scores.mean())
    weight = p.size / (scores.size * either)
    adds = 2 * (p == y) * weight[y] - scores[y] * weight[y] - scores[p] * weight[p]
    reach = _Z * math.sqrt(float(adds.var()) / p.size)
    return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0), int(p.size))


def require_predicted(predicted: Column | None) -> Column:
    """The predicted classes.

    Raises:
        ProfileError: there are none.
    """
    if predicted is None:
        raise ProfileError("predicted: must be given where the task is multiclass, got None")
    return predicted
