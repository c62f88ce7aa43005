"""Performance of a classifier of several classes without labels: confidence-based performance estimation.

References:
    NannyML, How it works: Confidence-based Performance Estimation of multiclass classifiers: each class against the rest is
    calibrated, and the probabilities are divided by their sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats
from core.performance.binary import TINY
from core.performance.calibrator import Calibrator
from core.performance.columns import floats
from core.performance.intervals import Estimate, expected_loss, expected_mean, f1, share
from core.performance.meter import Measures
from core.performance.multiclass import MOST_CLASSES, multiclass, require_predicted, shares, spelt
from core.performance.rows import Rows, missing

_CONFIDENCE = ""
"""The name of the calibrator of the score, where there are no probabilities of classes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassEstimator:
    """Confidence-based performance estimation of a classifier of several classes.

    Attributes:
        calibrators: of each class against the rest, by its name; or only that of the score, the confidence in the predicted class.
    """

    calibrators: Mapping[str, Calibrator]

    @classmethod
    def learn(cls, rows: Rows) -> Self | None:
        """Learn from the rows that have a label."""
        predicted = spelt(require_predicted(rows.predicted))
        if not rows.probabilities:
            score = floats("score", rows.score)
            known = rows.labelled & ~np.isnan(score) & ~missing(predicted)
            right = (spelt(rows.label) == predicted).astype(float)
            return cls(calibrators={_CONFIDENCE: Calibrator.learn(score[known], right[known])}) if known.any() else None
        words, matrix = shares(rows.probabilities)
        known, labels = rows.labelled & ~np.isnan(matrix).any(axis=1), spelt(rows.label)
        if not known.any():
            return None
        return cls(
            calibrators={
                word: Calibrator.learn(matrix[known, k], (labels[known] == word).astype(float))
                for k, word in enumerate(words)
            }
        )

    def expected(self, rows: Rows) -> Measures:
        """The metrics as they are expected; without probabilities of classes, the accuracy alone."""
        predicted = spelt(require_predicted(rows.predicted))
        if _CONFIDENCE in self.calibrators:
            sure = self.calibrators[_CONFIDENCE].probability(rows.score)
            return {"accuracy": expected_mean(sure[~np.isnan(sure) & ~missing(predicted)])}
        words, matrix = self._calibrated(rows)
        place = {word: number for number, word in enumerate(words)}
        codes = np.array([place.get(word, -1) for word in predicted], dtype=np.int64)
        known = (codes >= 0) & ~np.isnan(matrix).any(axis=1)
        _, given = shares({word: rows.probabilities[word] for word in words})
        return _expected(words, matrix[known], given[known], codes[known])

    def _calibrated(self, rows: Rows) -> tuple[tuple[str, ...], Floats]:
        words, matrix = shares({word: rows.probabilities[word] for word in self.calibrators})
        found = np.column_stack([self.calibrators[word].probability(matrix[:, k]) for k, word in enumerate(words)])
        total = found.sum(axis=1, keepdims=True)
        return words, np.divide(found, total, out=matrix.copy(), where=total > 0)

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return {word: one.to_data() for word, one in self.calibrators.items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `to_data` gave."""
        return cls(calibrators={word: Calibrator.from_data(one) for word, one in data.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class MulticlassMeter:
    """Measures classifiers of several classes: labels are classes."""

    def measure(self, rows: Rows) -> Measures:
        """As `multiclass` gives them."""
        return multiclass(require_predicted(rows.predicted), rows.label, rows.probabilities)

    def learn(self, rows: Rows) -> ClassEstimator | None:
        """An estimator; None without a label."""
        return ClassEstimator.learn(rows)

    def load(self, data: Mapping[str, Any]) -> ClassEstimator:
        """The estimator that was stored."""
        return ClassEstimator.from_data(data)


def _expected(words: tuple[str, ...], chances: Floats, given: Floats, codes: NDArray[np.int64]) -> dict[str, Estimate]:
    """The metrics from calibrated probabilities and those that the model gave, shape (n, k), and the codes of the predicted classes."""
    rows = codes.size
    hits = np.bincount(codes, weights=chances[np.arange(rows), codes], minlength=len(words))
    says, there = np.bincount(codes, minlength=len(words)).astype(float), chances.sum(axis=0)
    either = says + there
    scores = [f1(hits[k], either[k] - hits[k], rows) for k in range(len(words)) if either[k] > 0]
    found = {
        "accuracy": expected_mean(chances[np.arange(rows), codes]),
        "macro_f1": _mean_of(scores),
        "log_loss": expected_loss(chances, -np.log(np.clip(given, TINY, 1.0))),
    }
    for k in np.argsort(-there, kind="stable")[:MOST_CLASSES]:
        found[f"precision/{words[k]}"] = expected_mean(chances[codes == k, k])
        found[f"recall/{words[k]}"] = share(hits[k], there[k], rows)
    return found


def _mean_of(scores: list[Estimate]) -> Estimate:
    """The mean of independent metrics."""
    known = [(one.value, one.error, one.rows) for one in scores if one.value is not None]
    if not known:
        return Estimate(None, None, None, 0)
    value = float(np.mean([one for one, _, _ in known]))
    reach = 1.96 * float(np.sqrt(np.sum([error**2 for _, error, _ in known]))) / len(known)
    return Estimate(value, max(value - reach, 0.0), min(value + reach, 1.0), known[0][2])
