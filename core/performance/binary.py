"""Performance of a binary classifier, from its probabilities and the outcomes.

References:
    scikit-learn, Metrics and scoring: accuracy_score, precision_score, recall_score, f1_score, roc_auc_score, log_loss,
    brier_score_loss.
"""

from typing import NamedTuple

import numpy as np

from core.drift.columns import Column
from core.performance.columns import pairs, require_within
from core.performance.intervals import Estimate, auc, calibration_error, f1, mean, share

TINY = 1e-15
"""The least probability that a logarithm is taken of."""


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
    p, y = pairs(("probability", probability), ("label", label))
    require_within("probability", p, (p >= 0) & (p <= 1), "0 to 1")
    require_within("label", y, (y == 0) | (y == 1), "0 or 1")
    predicted, positive = p >= threshold, y == 1
    hit = int((predicted & positive).sum())
    named, actual = int(predicted.sum()), int(positive.sum())
    clipped = np.clip(p, TINY, 1 - TINY)
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
