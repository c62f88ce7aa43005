"""How well the new version does on rows that it has not seen, and whether it does better than the champion on the same rows."""

import math
from collections.abc import Mapping

import numpy as np

from core.drift.columns import Floats
from core.performance import Estimate, classifier
from core.performance.binary import TINY
from core.performance.student import distance
from core.versions import Metric
from infra.training.steps.evaluation import Evaluation
from infra.training.steps.table import CHAMPION, ID, LABEL, SCORE, SECOND, Table, taken

_DAY = 86_400
_FEWEST_DAYS = 5
"""With fewer days it is not known how much days differ."""
DIFFERENCE = "log_loss_gain"
"""The metric that decides: how much lower the log loss is than the champion's, in nats a row."""


def evaluate(holdout: Table, predictions: Table, *, threshold: float = 0.5, minimum_gain: float = 0.0) -> Evaluation:
    """Measure the new version and the champion on the same rows, and compare them.

    It is better where its log loss is lower by more than a given gain. That screens versions and proves nothing: whether a version
    that passes replaces the champion, an experiment decides. Without scores of the champion it counts as better.

    Args:
        holdout: the held-out rows, with labels and the champion's scores.
        predictions: the scores of the new version, in any order.
        threshold: from which probability on the positive outcome is predicted.
        minimum_gain: by how much the log loss must be lower, in nats a row.

    Raises:
        ValueError: a held-out row has no prediction, or one that is no probability.
    """
    score = _aligned(holdout, predictions)
    known = ~np.isnan(holdout[CHAMPION])
    if not known.any():
        found = _named("", classifier(score, holdout[LABEL], threshold=threshold)._asdict())
        return Evaluation(better=True, why="no champion has scored these rows", rows=score.size, metrics=found)
    both, score = taken(holdout, known), score[known]
    metrics = _named("", classifier(score, both[LABEL], threshold=threshold)._asdict())
    metrics |= _named("champion_", classifier(both[CHAMPION], both[LABEL], threshold=threshold)._asdict())
    gain = daily_mean(_losses(both[CHAMPION], both[LABEL]) - _losses(score, both[LABEL]), both[SECOND])
    better = gain.value is not None and gain.value > minimum_gain
    why = _why(gain, better=better)
    return Evaluation(better=better, why=why, rows=score.size, metrics=metrics | _named("", {DIFFERENCE: gain}))


def daily_mean(values: Floats, seconds: Floats) -> Estimate:
    """The mean of rows that are alike within a day, with the interval that the days give.

    The variance is that of a ratio of totals over days (Cochran 1977, Sampling Techniques, 6.3), the interval is Student's.

    Args:
        values: shape (n,).
        seconds: the instant of each, shape (n,).

    Returns:
        The mean; without an interval where there are fewer than five days.
    """
    _, day = np.unique(seconds // _DAY, return_inverse=True)
    totals, sizes = np.bincount(day, weights=values), np.bincount(day)
    mean, days = float(values.mean()), sizes.size
    if days < _FEWEST_DAYS:
        return Estimate(mean, None, None, values.size)
    variance = days / (days - 1) * float(np.square(totals - mean * sizes).sum()) / values.size**2
    reach = distance(days - 1) * math.sqrt(variance)
    return Estimate(mean, mean - reach, mean + reach, values.size)


def _aligned(holdout: Table, predictions: Table) -> Floats:
    """The score of each held-out row, in their order."""
    by_id = dict(zip(predictions[ID].tolist(), predictions[SCORE].tolist(), strict=True))
    missing = [name for name in holdout[ID].tolist() if name not in by_id]
    if missing:
        raise ValueError(f"predictions: must have every held-out row, {len(missing)} missing, as {missing[0]!r}")
    score = np.array([by_id[name] for name in holdout[ID].tolist()], dtype=np.float64)
    if not ((score >= 0) & (score <= 1)).all():
        raise ValueError(f"score: must be a probability, got {score[~((score >= 0) & (score <= 1))][0]}")
    return score


def _losses(score: Floats, label: Floats) -> Floats:
    chance = np.clip(np.where(label == 1, score, 1 - score), TINY, 1)
    return np.asarray(-np.log(chance), dtype=np.float64)


def _named(prefix: str, measures: Mapping[str, Estimate]) -> dict[str, Metric]:
    return {
        f"{prefix}{name}": Metric(value=one.value, low=one.low, high=one.high)
        for name, one in measures.items()
        if one.value is not None
    }


def _why(gain: Estimate, *, better: bool) -> str:
    """In words: better only where that is beyond chance."""
    low, high = gain.low, gain.high
    beyond = low is not None and high is not None and (low > 0 or high < 0)
    verdict = ("better" if beyond else "perhaps better") if better else "not better"
    if low is None or high is None:
        return f"{verdict}: log loss lower by {gain.value:.4f}, of fewer than {_FEWEST_DAYS} days"
    chance = "beyond chance" if beyond else "within chance"
    return f"{verdict}: log loss lower by {gain.value:.4f} ({low:.4f} to {high:.4f}), {chance}"
