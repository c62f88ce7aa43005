"""Forecast accuracy: forecasts compared with actuals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoredForecast:
    """The forecast of one day and its actual value, in dollars.

    Attributes:
        actual: the actual value.
        low: lower bound of the prediction interval, or None.
        middle: the point forecast.
        high: upper bound of the prediction interval, or None.
    """

    actual: float
    low: float | None
    middle: float
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAccuracy:
    """Accuracy of daily forecasts; a ratio is None where it is not defined.

    Attributes:
        error_ratio: weighted absolute percentage error (WAPE) [1]: absolute errors as a share of the actuals, both summed.
        coverage_ratio: share of the days with a prediction interval whose actual lies within it, bounds included.
        bias_ratio: sum of the errors as a share of the actuals; above 0 when forecasts were too high.
        days: number of scored days.
    """

    error_ratio: float | None
    coverage_ratio: float | None
    bias_ratio: float | None
    days: int


def accuracy(forecasts: Sequence[ScoredForecast]) -> ForecastAccuracy:
    """Score forecasts against actuals; days whose forecast or actual is NaN are skipped.

    References:
        [1] Kolassa and Schuetz (2007), Advantages of the MAD/mean ratio over the MAPE.

    >>> accuracy([ScoredForecast(100.0, 80.0, 90.0, 120.0), ScoredForecast(300.0, 200.0, 250.0, 280.0)])
    ForecastAccuracy(error_ratio=0.15, coverage_ratio=0.5, bias_ratio=-0.15, days=2)
    """
    days = [day for day in forecasts if not math.isnan(day.actual) and not math.isnan(day.middle)]
    total = math.fsum(abs(day.actual) for day in days)
    covered = [
        low <= day.actual <= high for day in days if (low := day.low) is not None and (high := day.high) is not None
    ]
    return ForecastAccuracy(
        error_ratio=math.fsum(abs(day.middle - day.actual) for day in days) / total if total else None,
        coverage_ratio=sum(covered) / len(covered) if covered else None,
        bias_ratio=math.fsum(day.middle - day.actual for day in days) / total if total else None,
        days=len(days),
    )
