"""Costs of a day above the interval that was forecast for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.business.checks import EstimateError, Floats, vector
from core.business.forecast import forecast

LEVEL = 0.98
"""Of the prediction interval: a day without a change is above it once in a hundred days."""
LEAST_DOLLARS = 5.0
LEAST_SHARE = 0.1
"""Less over the expected costs, in dollars or as a share of them, is no anomaly however narrow the interval is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAnomaly:
    """The costs of a day beside their forecast, in dollars.

    Attributes:
        actual: of the day.
        expected: forecast from the days before.
        high: upper bound of the forecast.
    """

    actual: float
    expected: float
    high: float

    @property
    def over(self) -> float:
        """Dollars over the expected ones where the day is an anomaly, else 0."""
        excess = self.actual - self.expected
        least = max(LEAST_DOLLARS, LEAST_SHARE * abs(self.expected))
        return excess if self.actual > self.high and excess >= least else 0.0


def judge_day(daily: Sequence[float] | Floats, today: date) -> CostAnomaly | None:
    """Compare the last day of a series with the forecast from those before it.

    Args:
        daily: dollars a day, oldest first, without a gap; NaN where not known; shape (n,).
        today: the date of the last day.

    Returns:
        None where it is not known: the last day is not, or the days before are too few for an interval (`forecast.MIN_DAYS`).

    Raises:
        EstimateError: there is no day, or an amount is infinite.

    >>> judge_day([10.0, 12.0] * 20 + [40.0], date(2026, 3, 1)).over > 25
    True
    """
    series = vector("daily", daily, missing=True)
    if not series.size:
        raise EstimateError("daily: must have at least one day, got none")
    expected = forecast(series[:-1], horizon=1, level=LEVEL, today=today)
    actual, middle, high = float(series[-1]), float(expected.mean[0]), float(expected.high[0])
    if not all(value == value for value in (actual, middle, high)):  # noqa: PLR0124 - NaN differs from itself
        return None
    return CostAnomaly(actual=actual, expected=middle, high=high)
