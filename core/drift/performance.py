"""Model performance: measured from labels, which arrive late, and estimated without labels until then.

Every metric carries a confidence interval and is compared with the reference's. Rows whose label or prediction is missing
are passed over. The drift of the predictions themselves is that of any other feature: fit a profile to the score.

References:
    Bialek et al. (2023), Estimating model performance under covariate shift without labels.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, Floats, ProfileError, array
from core.drift.intervals import (
    NOTHING,
    Estimate,
    auc,
    calibration_error,
    expected_auc,
    expected_mean,
    f1,
    mean,
    root,
    share,
)

_TINY = 1e-15


class Standing(StrEnum):
    """How a metric compares with its floor."""

    BELOW = "below"
    """Below the floor, and the whole confidence interval with it."""

    DOUBTFUL = "doubtful"
    """The floor lies within the confidence interval."""

    ABOVE = "above"
    """Above the floor, and the whole confidence interval with it."""

    UNKNOWN = "unknown"
    """There is no value."""


class Trend(StrEnum):
    """How a metric compares with the reference's."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """No difference that chance does not explain."""

    UNKNOWN = "unknown"
    """One of the two has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A metric of a window beside that of the reference.

    Attributes:
        metric: its name.
        reference: in the reference.
        current: in the window.
        p_value: the chance of such a difference or a larger one without a change, or None.
        trend: which way it went.
    """

    metric: str
    reference: Estimate
    current: Estimate
    p_value: float | None
    trend: Trend


class Classifier(NamedTuple):
    """Performance metrics of a binary classifier.

    Attributes:
        accuracy: share of predictions that are right.
        precision: share of the predicted positives that are positive.
        recall: share of the positives that are predicted.
        f1: harmonic mean of the two.
        auc: the chance that a positive scores higher than a negative, ties counted half.
        log_loss: mean negative logarithm of the probability given to what happened.
        brier: mean squared difference of probability and outcome.
        calibration_error: mean distance of probability and outcome over ten equally wide bins of the probability.
    """

    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auc: Estimate
    log_loss: Estimate
    brier: Estimate
    calibration_error: Estimate


class Regressor(NamedTuple):
    """Performance metrics of a regressor, in the unit of its predictions.

    Attributes:
        mae: mean absolute error.
        rmse: root of the mean squared error.
        bias: mean of prediction less outcome.
    """

    mae: Estimate
    rmse: Estimate
    bias: Estimate


_HIGHER_IS_BETTER = frozenset({"accuracy", "precision", "recall", "f1", "auc"})


def classifier(probability: Column, label: Column, *, threshold: float = 0.5) -> Classifier:
    """Performance metrics of a binary classifier.

    Args:
        probability: of the positive outcome, 0 to 1, shape (n,).
        label: the outcome, 0 or 1 (or false and true), shape (n,).
        threshold: from which probability on positive is predicted.

    Raises:
        ProfileError: the lengths differ, a probability is not within 0 to 1, a label is neither 0 nor 1.

    >>> found = classifier([0.9, 0.8, 0.3, 0.6], [1, 1, 0, 0])
    >>> found.accuracy.value, found.recall.value, found.auc.value
    (0.75, 1.0, 1.0)
    """
    p, y = _pairs(("probability", probability), ("label", label))
    _require_within("probability", p, (p >= 0) & (p <= 1), "0 to 1")
    _require_within("label", y, (y == 0) | (y == 1), "0 or 1")
    predicted, positive = p >= threshold, y == 1
    hit = int((predicted & positive).sum())
    named, actual = int(predicted.sum()), int(positive.sum())
    clipped = np.clip(p, _TINY, 1 - _TINY)
    return Classifier(
        accuracy=share(int((predicted == positive).sum()), p.size),
        precision=share(hit, named),
        recall=share(hit, actual),
        f1=f1(hit, named + actual - hit),
        auc=auc(p[positive], p[~positive]),
        log_loss=mean(-np.log(np.where(positive, clipped, 1 - clipped))),
        brier=mean(np.square(p - y)),
        calibration_error=calibration_error(p, y),
    )


def regressor(prediction: Column, outcome: Column) -> Regressor:
    """Performance metrics of a regressor.

    Args:
        prediction: shape (n,).
        outcome: shape (n,).

    Raises:
        ProfileError: the lengths differ, a value is no number.

    >>> regressor([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]).mae.value
    0.6666666666666666
    """
    p, y = _pairs(("prediction", prediction), ("outcome", outcome))
    apart = p - y
    return Regressor(mae=mean(np.abs(apart)), rmse=root(mean(np.square(apart))), bias=mean(apart))


def stands(estimate: Estimate, floor: float) -> Standing:
    """How a metric compares with its floor.

    >>> stands(Estimate(0.8, 0.78, 0.82, 1000), 0.85).value
    'below'
    """
    if estimate.low is None or estimate.high is None:
        return Standing.UNKNOWN
    if estimate.high < floor:
        return Standing.BELOW
    return Standing.ABOVE if estimate.low >= floor else Standing.DOUBTFUL


def compare_metrics(
    reference: Classifier | Regressor, current: Classifier | Regressor, *, certainty: float = 0.01
) -> tuple[Comparison, ...]:
    """Compare every metric of a window with the reference's.

    Args:
        reference: the metrics in the reference.
        current: the metrics in the window, of the same kind.
        certainty: the p-value from which on a difference is no chance, above 0 and below 1.

    Raises:
        ProfileError: the metrics are of different kinds.
    """
    if reference._fields != current._fields:
        raise ProfileError(f"current: must hold {reference._fields}, got {current._fields}")
    pairs = zip(reference._fields, reference, current, strict=True)
    return tuple(_compare(metric, old, new, certainty) for metric, old, new in pairs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibrator:
    """Turns scores into probabilities, learnt where labels are known: a rising step function.

    Attributes:
        edges: ascending lower ends of the steps but the first, shape (k - 1,).
        levels: ascending probabilities, shape (k,).
    """

    edges: Floats
    levels: Floats

    @classmethod
    def learn(cls, score: Column, label: Column) -> Self:
        """Fit by isotonic regression (pool adjacent violators).

        Raises:
            ProfileError: the lengths differ, a label is neither 0 nor 1, no row has both.
        """
        s, y = _pairs(("score", score), ("label", label))
        _require_within("label", y, (y == 0) | (y == 1), "0 or 1")
        if not s.size:
            raise ProfileError("label: must hold at least 1 row with a score, got none")
        values, places = np.unique(s, return_inverse=True)
        weights: Floats = np.bincount(places).astype(np.float64)
        hits: Floats = np.bincount(places, weights=y).astype(np.float64)
        starts, levels = _pool(weights, hits)
        return cls(edges=values[starts[1:]], levels=levels)

    def probability(self, score: Column) -> Floats:
        """The probability of each score, NaN where it is missing; shape (n,)."""
        values = _floats("score", score)
        levels: Floats = self.levels[np.searchsorted(self.edges, values, "right")]
        return np.where(np.isnan(values), np.nan, levels)


def expected(probability: Column, predicted: Column) -> Classifier:
    """Estimated performance metrics of a classifier, from its calibrated probabilities alone.

    It holds as long as the probabilities are right, which is checked against the labels when they come: pass both to
    `compare_metrics`. Interval ends carry the chance of the outcomes, not a calibration that has gone wrong.

    Args:
        probability: calibrated, of the positive outcome, 0 to 1; shape (n,).
        predicted: whether positive was predicted; shape (n,).

    Raises:
        ProfileError: the lengths differ, a probability is not within 0 to 1.

    >>> expected([0.9, 0.9, 0.2, 0.2], [True, True, False, False]).accuracy.value
    0.8500000000000001
    """
    p, named = _pairs(("probability", probability), ("predicted", predicted))
    _require_within("probability", p, (p >= 0) & (p <= 1), "0 to 1")
    yes = named > 0
    right = np.where(yes, p, 1 - p)
    hit, positives = p[yes].sum(), p.sum()
    clipped = np.clip(p, _TINY, 1 - _TINY)
    entropy = -(p * np.log(clipped) + (1 - p) * np.log(1 - clipped))
    return Classifier(
        accuracy=expected_mean(right),
        precision=expected_mean(p[yes]),
        recall=share(hit, positives, p.size),
        f1=f1(hit, yes.sum() + positives - hit, p.size),
        auc=expected_auc(p),
        log_loss=mean(entropy),
        brier=mean(p * (1 - p)),
        calibration_error=NOTHING,
    )


def _floats(name: str, column: Column) -> Floats:
    values = array(name, column)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ProfileError(f"{name}: must be numbers, got {values.dtype}: {error}") from error


def _pairs(first: tuple[str, Column], second: tuple[str, Column]) -> tuple[Floats, Floats]:
    """Two columns as numbers, without the rows in which either is missing."""
    a, b = _floats(*first), _floats(*second)
    if a.size != b.size:
        raise ProfileError(f"{second[0]}: must have {a.size} rows as {first[0]} has, got {b.size}")
    known = ~(np.isnan(a) | np.isnan(b))
    return a[known], b[known]


def _require_within(name: str, values: Floats, good: NDArray[np.bool_], allowed: str) -> None:
    if not good.all():
        raise ProfileError(f"{name}: must be {allowed}, got {values[~good][0]:g}")


def _pool(weights: Floats, hits: Floats) -> tuple[list[int], Floats]:
    """Pool neighbours until the levels rise; gives the first position of each step, and its level."""
    blocks: list[tuple[int, float, float]] = []
    for start, (weight, hit) in enumerate(zip(weights.tolist(), hits.tolist(), strict=True)):
        block = (start, weight, hit)
        while blocks and blocks[-1][2] * block[1] >= block[2] * blocks[-1][1]:
            first, held, found = blocks.pop()
            block = (first, held + block[1], found + block[2])
        blocks.append(block)
    return [first for first, _, _ in blocks], np.array([found / held for _, held, found in blocks])


def _compare(metric: str, old: Estimate, new: Estimate, certainty: float) -> Comparison:
    if old.value is None or new.value is None:
        return Comparison(metric=metric, reference=old, current=new, p_value=None, trend=Trend.UNKNOWN)
    change = new.value - old.value
    error = math.hypot(old.error, new.error)
    p_value = math.erfc(abs(change) / error / math.sqrt(2)) if error else float(change == 0)
    nearer = abs(new.value) < abs(old.value)
    rose = nearer if metric == "bias" else (change > 0) == (metric in _HIGHER_IS_BETTER)
    trend = Trend.SAME if p_value > certainty else Trend.BETTER if rose else Trend.WORSE
    return Comparison(metric=metric, reference=old, current=new, p_value=p_value, trend=trend)
