"""Performance of a binary classifier without labels: confidence-based performance estimation (CBPE).

References:
    Bialek et al. (2023), Estimating model performance under covariate shift without labels.
    NannyML, How it works: Confidence-based Performance Estimation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.drift.columns import Column, array
from core.performance.binary import TINY, Classifier, classifier
from core.performance.calibrator import Calibrator
from core.performance.columns import floats, pairs, require_within
from core.performance.intervals import NOTHING, expected_auc, expected_loss, expected_mean, f1, share
from core.performance.meter import Measures
from core.performance.rows import Rows


def expected(probability: Column, predicted: Column, score: Column | None = None) -> Classifier:
    """Estimated performance metrics of a classifier, from its calibrated probabilities alone.

    It holds as long as the probabilities are right, which is checked against the labels when they come: pass both to
    `compare_metrics`. Interval ends carry the chance of the outcomes, not a calibration that has gone wrong.

    Args:
        probability: calibrated, of the positive outcome, 0 to 1; shape (n,).
        predicted: whether positive was predicted; shape (n,).
        score: the probability that the classifier itself gave, which the log loss, the Brier score and the area under the ROC
            curve judge; the calibrated one where it is None. Shape (n,).

    Raises:
        ProfileError: the lengths differ, a probability or a score is not within 0 to 1.

    >>> expected([0.9, 0.9, 0.2, 0.2], [True, True, False, False]).accuracy.value
    0.8500000000000001
    """
    given = floats("score", probability if score is None else score)
    known = ~np.isnan(given)
    p, named = pairs(
        ("probability", array("probability", probability)[known]), ("predicted", array("predicted", predicted)[known])
    )
    s, _ = pairs(("score", given[known]), ("probability", array("probability", probability)[known]))
    require_within("probability", p, (p >= 0) & (p <= 1), "0 to 1")
    require_within("score", s, (s >= 0) & (s <= 1), "0 to 1")
    yes = named > 0
    right = np.where(yes, p, 1 - p)
    hit, positives = p[yes].sum(), p.sum()
    clipped = np.clip(s, TINY, 1 - TINY)
    chances = np.column_stack([p, 1 - p])
    return Classifier(
        accuracy=expected_mean(right),
        precision=expected_mean(p[yes]),
        recall=share(hit, positives, p.size),
        f1=f1(hit, yes.sum() + positives - hit, p.size),
        auc=expected_auc(p, s),
        log_loss=expected_loss(chances, -np.log(np.column_stack([clipped, 1 - clipped]))),
        brier=expected_loss(chances, np.square(np.column_stack([1 - s, s]))),
        calibration_error=NOTHING,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceEstimator:
    """Confidence-based performance estimation of a binary classifier.

    Attributes:
        calibrator: turns scores into probabilities.
        decision: from which score on positive is predicted.
    """

    calibrator: Calibrator
    decision: float

    def expected(self, rows: Rows) -> Measures:
        """The metrics as they are expected; none of the calibration error."""
        scores = floats("score", rows.score)
        return expected(self.calibrator.probability(scores), scores >= self.decision, scores)._asdict()

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return {"calibrator": self.calibrator.to_data(), "decision": self.decision}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `to_data` gave."""
        return cls(calibrator=Calibrator.from_data(data["calibrator"]), decision=data["decision"])


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryMeter:
    """Measures binary classifiers: scores are probabilities, labels 0 or 1.

    Attributes:
        decision: from which probability on positive is predicted.
    """

    decision: float = 0.5

    def measure(self, rows: Rows) -> Measures:
        """As `classifier` gives them."""
        return classifier(rows.score, rows.label, threshold=self.decision)._asdict()

    def learn(self, rows: Rows) -> ConfidenceEstimator | None:
        """An estimator; None without a label."""
        score, label = pairs(("score", rows.score), ("label", rows.label))
        if not score.size:
            return None
        return ConfidenceEstimator(calibrator=Calibrator.learn(score, label), decision=self.decision)

    def load(self, data: Mapping[str, Any]) -> ConfidenceEstimator:
        """The estimator that was stored."""
        return ConfidenceEstimator.from_data(data)
