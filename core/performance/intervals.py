"""Metrics with 95 % confidence intervals, from shares, means, ranks and probabilities.

References:
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    DeLong, DeLong and Clarke-Pearson (1988), Comparing the areas under two or more correlated ROC curves.
    Hanley and McNeil (1982), The meaning and use of the area under a ROC curve.
    Guo et al. (2017), On calibration of modern neural networks.
"""

import math
from typing import NamedTuple

import numpy as np

from core.drift.columns import Floats

_Z = 1.959963984540054  # 95 % of a normal lie within
_BINS = 10


class Estimate(NamedTuple):
    """A metric with what is uncertain about it.

    Attributes:
        value: the metric, or None when there are no rows for it.
        low: the lower end of its 95 % confidence interval, or None.
        high: the upper end, or None.
        rows: how many rows it comes from.
    """

    value: float | None
    low: float | None
    high: float | None
    rows: int

    @property
    def error(self) -> float:
        """The standard error; infinite when there is no value."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / (2 * _Z)

    def widened(self, reach: float, *, least: float = -math.inf, most: float = math.inf) -> "Estimate":
        """The same value with what else may be wrong about it, added in quadrature to both ends of the interval.

        Args:
            reach: half the width of an interval of what is added.
            least: no value is lower.
            most: no value is higher.

        >>> wide = Estimate(0.9, 0.87, 0.93, 400).widened(0.04)
        >>> f"{wide.value} ({wide.low:.2f} to {wide.high:.2f})"
        '0.9 (0.85 to 0.95)'
        """
        if self.value is None or self.low is None or self.high is None or not reach:
            return self
        low = self.value - math.hypot(self.value - self.low, reach)
        high = self.value + math.hypot(self.high - self.value, reach)
        return self._replace(low=max(low, least), high=min(high, most))


NOTHING = Estimate(None, None, None, 0)
"""No rows, no metric."""


def share(part: float, whole: float, rows: int | None = None) -> Estimate:
    """A share with Wilson's interval."""
    if not whole:
        return NOTHING
    value, square = float(part / whole), _Z**2 / whole
    middle = (value + square / 2) / (1 + square)
    reach = _Z / (1 + square) * math.sqrt(value * (1 - value) / whole + square / (4 * whole))
    return Estimate(value, float(max(middle - reach, 0.0)), float(min(middle + reach, 1.0)), rows or int(whole))


def f1(hit: float, either: float, rows: int | None = None) -> Estimate:
    """F1 with its interval: it is 2 J / (1 + J) of the share J of hits among all that were predicted or positive."""
    hits = share(hit, either, rows)
    if hits.value is None or hits.low is None or hits.high is None:
        return hits
    value, low, high = (2 * end / (1 + end) for end in (hits.value, hits.low, hits.high))
    return Estimate(value, low, high, hits.rows)


def mean(values: Floats) -> Estimate:
    """A mean with the normal interval."""
    if not values.size:
        return NOTHING
    middle = float(values.mean())
    reach = _Z * float(values.std(ddof=min(1, values.size - 1))) / math.sqrt(values.size)
    return Estimate(middle, middle - reach, middle + reach, values.size)


def root(square: Estimate) -> Estimate:
    """The root of a mean square, its interval with it."""
    if square.value is None or square.low is None or square.high is None:
        return square
    value, low, high = (math.sqrt(max(end, 0.0)) for end in (square.value, square.low, square.high))
    return Estimate(value, low, high, square.rows)


def auc(positive: Floats, negative: Floats) -> Estimate:
    """The area under the ROC curve with DeLong's variance."""
    n, m = positive.size, negative.size
    if not n or not m:
        return NOTHING
    positive, negative = np.sort(positive), np.sort(negative)
    above = _middle_ranks(negative, positive) / m
    below = 1 - _middle_ranks(positive, negative) / n
    area = float(above.mean())
    variance = sum(float(part.var(ddof=1)) / part.size if part.size > 1 else 0.25 for part in (above, below))
    reach = _Z * math.sqrt(variance)
    return Estimate(area, max(area - reach, 0.0), min(area + reach, 1.0), n + m)


def _middle_ranks(ordered: Floats, values: Floats) -> Floats:
    """How many of the ordered values lie below each value, ties counted half."""
    ranks: Floats = (ordered.searchsorted(values) + ordered.searchsorted(values, "right")) / 2
    return ranks


def calibration_error(p: Floats, y: Floats) -> Estimate:
    """The gaps of the bins; chance alone makes each wider, so the interval reaches further down than up."""
    if not p.size:
        return NOTHING
    place = np.minimum((p * _BINS).astype(np.int64), _BINS - 1)
    rows, stated, seen = (np.bincount(place, weights=part, minlength=_BINS) for part in (np.ones(p.size), p, y))
    error = float(np.abs(stated - seen).sum() / p.size)
    spread = np.sqrt(np.bincount(place, weights=p * (1 - p), minlength=_BINS)) / p.size
    by_chance, reach = math.sqrt(2 / math.pi) * float(spread.sum()), _Z * float(np.sqrt(np.square(spread).sum()))
    return Estimate(error, max(error - by_chance - reach, 0.0), min(error + reach, 1.0), int(rows.sum()))


def expected_mean(p: Floats) -> Estimate:
    """The mean of outcomes of which each has a probability of its own."""
    if not p.size:
        return NOTHING
    middle = float(p.mean())
    reach = _Z * math.sqrt(float((p * (1 - p)).sum())) / p.size
    return Estimate(middle, max(middle - reach, 0.0), min(middle + reach, 1.0), p.size)


def expected_loss(chances: Floats, losses: Floats) -> Estimate:
    """The mean loss of outcomes of which each has a probability of its own.

    Args:
        chances: of each outcome, shape (n, k); each row sums to 1.
        losses: of each outcome, shape (n, k).

    >>> one = expected_loss(np.array([[0.5, 0.5]] * 100), np.array([[0.0, 2.0]] * 100))
    >>> one.value, round(one.high - one.value, 3)
    (1.0, 0.196)
    """
    if not len(chances):
        return NOTHING
    means = (chances * losses).sum(axis=1)
    variances = (chances * np.square(losses - means[:, None])).sum(axis=1)
    middle, reach = float(means.mean()), _Z * math.sqrt(float(variances.sum())) / len(chances)
    return Estimate(middle, middle - reach, middle + reach, len(chances))


def expected_auc(p: Floats, score: Floats) -> Estimate:
    """Each row is a positive with weight p and a negative with weight 1 - p (Hanley and McNeil's error), ranked by its score."""
    values, place = np.unique(score, return_inverse=True)
    positive, negative = (np.bincount(place, weights=part, minlength=values.size) for part in (p, 1 - p))
    n, m = float(positive.sum()), float(negative.sum())
    if n < 1 or m < 1:
        return NOTHING
    area = float((positive * (np.cumsum(negative) - negative / 2)).sum() / (n * m))
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    variance = (area * (1 - area) + (n - 1) * (first - area**2) + (m - 1) * (second - area**2)) / (n * m)
    reach = _Z * math.sqrt(max(variance, 0.0))
    return Estimate(area, max(area - reach, 0.0), min(area + reach, 1.0), p.size)
