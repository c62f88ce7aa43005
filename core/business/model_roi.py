"""Return on investment of one model: attributed revenue with its basis, less allocated cost; payback and a year's projection."""

from dataclasses import dataclass
from enum import StrEnum

from core.business.checks import EstimateError
from core.business.interval import Interval

MONTH_DAYS, YEAR_DAYS = 30, 365


class Basis(StrEnum):
    """What attributed revenue comes from."""

    EXPERIMENT = "experiment"
    """The difference between the arms of an experiment."""
    SHARE = "share"
    """A stated share of the net revenue of the model's orders."""
    STATED = "stated"
    """Dollars an hour in the settings, of the model and of what depends on it."""


class Verdict(StrEnum):
    """Whether the return is at least the target."""

    GOOD = "good"
    BAD = "bad"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoi:
    """Return on investment of a model over 30 days, and what follows for a year.

    Attributes:
        ratio: (revenue - cost) / cost: 0.5 is 50 %.
        payback: months (of 30 days) until the investment is earned; None where it is not stated, or never earned at this rate. `low` is
            the shortest.
        projection: dollars of a year at this rate: revenue less cost and investment.
        verdict: good where all of the interval reaches the target, bad where none of it does.
    """

    ratio: Interval
    payback: Interval | None
    projection: Interval
    verdict: Verdict


def model_roi(revenue: Interval, cost: float, *, target: float, investment: float | None = None) -> ModelRoi:
    """Return on investment from the attributed revenue and the allocated cost of 30 days.

    Args:
        revenue: dollars; low, middle and high are equal where no interval is known.
        cost: dollars, above 0.
        target: ratio that must be reached.
        investment: dollars that the model cost once.

    Raises:
        EstimateError: the cost is not above 0.

    >>> found = model_roi(Interval(low=900.0, middle=1200.0, high=1500.0), 600.0, target=0.5, investment=3000.0)
    >>> found.ratio, found.verdict.value
    (Interval(low=0.5, middle=1.0, high=1.5), 'good')
    >>> found.payback.middle, round(found.projection.middle)
    (5.0, 4300)
    """
    if not cost > 0:
        raise EstimateError(f"cost: must be above 0, got {cost}")
    monthly = revenue.plus(-cost)
    ratio = monthly.times(1.0 / cost)
    return ModelRoi(
        ratio=ratio,
        payback=_payback(monthly, investment),
        projection=monthly.times(YEAR_DAYS / MONTH_DAYS).plus(-(investment or 0.0)),
        verdict=_verdict(ratio, target),
    )


def _verdict(ratio: Interval, target: float) -> Verdict:
    if ratio.low >= target:
        return Verdict.GOOD
    return Verdict.BAD if ratio.high < target else Verdict.NOT_KNOWN


def _payback(monthly: Interval, investment: float | None) -> Interval | None:
    if investment is None or monthly.middle <= 0:
        return None
    longest = investment / monthly.low if monthly.low > 0 else float("inf")
    return Interval(low=investment / monthly.high, middle=investment / monthly.middle, high=longest)
