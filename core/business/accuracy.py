"""How right forecasts were, once it is known what came."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tracked:
    """A day that was forecast and has come, in dollars.

    Attributes:
        actual: what came.
        low: the lower bound of the forecast, or None where it had none.
        middle: the forecast.
        high: the upper bound, or None.
    """

    actual: float
    low: float | None
    middle: float
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How right the forecasts of some days were, each ratio None where it is not defined.

    Attributes:
        error_ratio: how far they were off, all days together, as a share of what came (WAPE) [1]; None where nothing came.
        coverage_ratio: the share of the days with bounds that lay between them, the ends counted in.
        bias_ratio: by how much they were too high (above 0) or too low, as a share of what came.
        days: that were counted.
    """

    error_ratio: float | None
    coverage_ratio: float | None
    bias_ratio: float | None
    days: int


def accuracy(tracked: Sequence[Tracked]) -> Accuracy:
    """Hold forecasts against what came; days on which one of both is NaN are passed over.

    References:
        [1] Kolassa and Schuetz (2007), Advantages of the MAD/mean ratio over the MAPE.

    >>> accuracy([Tracked(100.0, 80.0, 90.0, 120.0), Tracked(300.0, 200.0, 250.0, 280.0)])
    Accuracy(error_ratio=0.15, coverage_ratio=0.5, bias_ratio=-0.15, days=2)
    """
    days = [day for day in tracked if not math.isnan(day.actual) and not math.isnan(day.middle)]
    size = math.fsum(abs(day.actual) for day in days)
    within = [
        low <= day.actual <= high for day in days if (low := day.low) is not None and (high := day.high) is not None
    ]
    return Accuracy(
        error_ratio=math.fsum(abs(day.middle - day.actual) for day in days) / size if size else None,
        coverage_ratio=sum(within) / len(within) if within else None,
        bias_ratio=math.fsum(day.middle - day.actual for day in days) / size if size else None,
        days=len(days),
    )
