"""An estimate with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its confidence interval."""

    low: float
    middle: float
    high: float

    def times(self, factor: float) -> "Interval":
        """Multiplied by a factor of at least 0."""
        return Interval(low=self.low * factor, middle=self.middle * factor, high=self.high * factor)

    def plus(self, amount: float) -> "Interval":
        """With an amount added."""
        return Interval(low=self.low + amount, middle=self.middle + amount, high=self.high + amount)
