r"""Anomalies of a metric: how unlikely its newest values are, by the tail of what it was in the last week.

Five statistics are compared with their own past up to an hour ago: the value, high and low; the level that an hour has not gone
below, and above; and the range of an hour. The past above its 98th percentile u has a generalised Pareto tail, fitted by the
method of moments [1], as streaming detectors of extremes do [2]: of a value s above u the tail probability is

    0.02 (1 + xi (s - u) / sigma) ** (-1 / xi)

The surprise is the largest of -log10 of these, and 0 below u. Bursts that a metric has now and then are in its tail, so that only
larger or longer ones surprise; and a quiet metric has a scale of at least one hundredth of its median.

References:
    [1] Hosking and Wallis (1987), Parameter and quantile estimation for the generalized Pareto distribution.
    [2] Siffer, Fouque, Termier and Largouet (2017), Anomaly detection in streams with extreme value theory.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.business.candidates import fill_missing
from core.business.checks import Floats, vector
from core.capacity.forecast import HISTORY, HOUR, windows

MIN_KNOWN = 12 * HOUR
"""Known steps needed."""
RISK = 1e-4
"""Tail probability from which the newest values are an anomaly: by chance once in 35 days, by each statistic."""
_LIMIT = -math.log10(RISK)
_TAIL = 0.02
_HEAVIEST = 0.5  # shape of the tail; that of a distribution whose variance is just finite
_FEWEST = 5  # values in a tail; a tail of fewer is taken to end where they do
_LEAST = 0.01  # of the median of the metric


class Deviation(StrEnum):
    """What is unusual."""

    HIGH = "high value"
    LOW = "low value"
    LASTING_HIGH = "high for an hour"
    LASTING_LOW = "low for an hour"
    RANGE = "wide range within an hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """How unlikely the newest values are.

    Attributes:
        digits: -log10 of the tail probability of the most unlikely statistic; 0 where none is in its tail.
        deviation: the first statistic that is an anomaly; where none is, the most unlikely one.
    """

    digits: float
    deviation: Deviation

    @property
    def is_anomaly(self) -> bool:
        """Whether the probability is at most `RISK`."""
        return self.digits >= _LIMIT


def surprise(values: Floats) -> Surprise | None:
    """How unlikely the newest values of a series are.

    Args:
        values: one a step of five minutes, oldest first, ending now; NaN where unknown; shape (n,). The newest week counts.

    Returns:
        None where fewer than `MIN_KNOWN` steps are known, or the newest one is not.

    Raises:
        EstimateError: the series is invalid.

    >>> found = surprise(np.append(np.tile([5.0, 6.0, 7.0], 200), 30.0))
    >>> found.is_anomaly, found.deviation.value
    (True, 'high value')
    """
    series = vector("values", values, missing=True)[-HISTORY - 2 * HOUR :]
    known = np.flatnonzero(~np.isnan(series))
    if known.size < MIN_KNOWN or known[-1] != series.size - 1:
        return None
    filled = fill_missing(series[known[0] :], 1)
    least = _LEAST * abs(float(np.median(filled)))
    found = {deviation: _digits(of, least) for deviation, of in _statistics(filled)}
    first = [deviation for deviation, digits in found.items() if digits >= _LIMIT]
    return Surprise(digits=max(found.values()), deviation=first[0] if first else max(found, key=found.__getitem__))


def _statistics(filled: Floats) -> Iterator[tuple[Deviation, Floats]]:
    """Each statistic, in the direction in which it is unusual; shape (n,)."""
    hours = windows(filled, HOUR)
    least, most = hours.min(axis=1), hours.max(axis=1)
    yield Deviation.HIGH, filled
    yield Deviation.LOW, -filled
    yield Deviation.LASTING_HIGH, least
    yield Deviation.LASTING_LOW, -most
    yield Deviation.RANGE, most - least


def _digits(values: Floats, least: float) -> float:
    """-log10 of the tail probability of the newest value; 0 where it is not in the tail. The scale is at least `least`."""
    past, newest = values[:-HOUR], float(values[-1])
    limit = float(np.quantile(past, 1 - _TAIL))
    if newest <= limit:
        return 0.0
    excess = past[past > limit] - limit
    if excess.size < _FEWEST:
        excess = np.append(excess, 0.0)
    mean, variance = float(excess.mean()), float(excess.var()) if excess.size > 1 else 0.0
    shape = 0.5 * (1 - mean * mean / variance) if variance > 0 else 0.0
    shape = min(max(shape, 0.0), _HEAVIEST)
    scale = max(mean * (1 - shape), least, 1e-12)
    far = (newest - limit) / scale
    return -math.log10(_TAIL) + (math.log1p(shape * far) / shape if shape else far) / math.log(10)
