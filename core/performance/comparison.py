"""How performance metrics compare with their limits, and with those of the reference."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from core.drift.columns import ProfileError
from core.measures import measure_of
from core.performance.intervals import Estimate
from core.performance.meter import Measures
from core.performance.student import p_value


class Standing(StrEnum):
    """How a metric compares with its floor."""

    BELOW = "below"
    """Below the floor, and the whole confidence interval with it."""

    DOUBTFUL = "doubtful"
    """The floor lies within the confidence interval."""

    ABOVE = "above"
    """Above the floor, and the whole confidence interval with it."""

    UNKNOWN = "unknown"
    """There is no value."""


class Trend(StrEnum):
    """How a metric compares with the reference's."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    """No difference that chance does not explain."""

    UNKNOWN = "unknown"
    """One of the two has no value."""


class Between(NamedTuple):
    """How much a metric varies between windows of the reference, beyond what chance explains.

    Attributes:
        deviation: standard deviation between windows, sampling taken off; 0 where chance explains all.
        blocks: how many windows it comes from.
    """

    deviation: float
    blocks: int


_NOTHING: Mapping[str, Between] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A metric of a window beside that of the reference.

    Attributes:
        metric: its name.
        reference: in the reference.
        current: in the window.
        p_value: the chance of such a difference or a larger one without a change, or None.
        trend: which way it went.
    """

    metric: str
    reference: Estimate
    current: Estimate
    p_value: float | None
    trend: Trend

    @property
    def growth(self) -> float:
        """By how much the loss has grown, as a share of the reference's: 1 where it has doubled, below 0 where it is less.

        >>> fall = Comparison(
        ...     metric="accuracy", reference=Estimate(0.9, 0.89, 0.91, 900), current=Estimate(0.85, 0.84, 0.86, 900),
        ...     p_value=1e-6, trend=Trend.WORSE,
        ... )
        >>> round(fall.growth, 3)
        0.5
        """
        if self.reference.value is None or self.current.value is None:
            return 0.0
        loss = measure_of(self.metric).loss
        before, now = loss(self.reference.value), loss(self.current.value)
        return (now - before) / abs(before) if before else math.inf if now > 0 else 0.0


def stands(estimate: Estimate, floor: float, *, ceiling: bool = False) -> Standing:
    """How a metric compares with its floor, or with its ceiling: then it is below where it is too high.

    >>> stands(Estimate(0.8, 0.78, 0.82, 1000), 0.85).value, stands(Estimate(12, 11, 13, 1000), 10, ceiling=True).value
    ('below', 'below')
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Standing.UNKNOWN
    if ceiling:
        return stands(Estimate(-estimate.value, -estimate.high, -estimate.low, estimate.rows), -floor)
    if estimate.high < floor:
        return Standing.BELOW
    return Standing.ABOVE if estimate.low >= floor else Standing.DOUBTFUL


def compare_metrics(
    reference: Measures, current: Measures, *, certainty: float = 0.01, between: Mapping[str, Between] = _NOTHING
) -> tuple[Comparison, ...]:
    """Compare every metric of a window with the reference's; of classes that only one of the two has there is nothing to compare.

    Args:
        reference: the metrics in the reference.
        current: the metrics in the window, of the same task.
        certainty: the p-value from which on a difference is no chance, above 0 and below 1.
        between: how much each metric varies between windows of the reference, where that is known.

    Raises:
        ProfileError: the metrics are of different tasks.
    """
    both = [name for name in reference if name in current]
    if not both:
        raise ProfileError(f"current: must hold {', '.join(reference)}, got {', '.join(current)}")
    return tuple(_compare(name, reference[name], current[name], certainty, between.get(name)) for name in both)


def _compare(name: str, old: Estimate, new: Estimate, certainty: float, between: Between | None) -> Comparison:
    if old.value is None or new.value is None:
        return Comparison(metric=name, reference=old, current=new, p_value=None, trend=Trend.UNKNOWN)
    change, variance, degrees = new.value - old.value, old.error**2 + new.error**2, math.inf
    if between is not None and between.deviation:
        extra = between.deviation**2 * (1 + 1 / between.blocks)
        degrees = (between.blocks - 1) * ((variance + extra) / extra) ** 2
        variance += extra
    chance = p_value(change / math.sqrt(variance), degrees) if variance else float(change == 0)
    better = measure_of(name).is_worse(old.value, new.value)
    trend = Trend.SAME if chance > certainty else Trend.BETTER if better else Trend.WORSE
    return Comparison(metric=name, reference=old, current=new, p_value=chance, trend=trend)
