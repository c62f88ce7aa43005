"""The effect of a model on revenue, from the arms of an experiment: the difference in mean revenue a customer, with its interval.

References:
    B. L. Welch (1947), The generalization of "Student's" problem when several different population variances are involved.
    A. Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import chdtrc, stdtrit

from core.business.checks import EstimateError
from core.business.interval import Interval

MISMATCH = 0.001
"""P-value of the sample ratio below which the assignment of customers is not what was planned."""
LARGE_SHARE = 0.05
"""Share of the revenue of an arm above which its largest customer is named: the interval hangs on few customers then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Revenue a customer in an arm.

    Attributes:
        customers: number of them.
        mean: dollars a customer.
        variance: sample variance, in square dollars.
        largest: dollars of the customer with the highest revenue.
    """

    customers: int
    mean: float
    variance: float
    largest: float


def difference(treatment: Arm, control: Arm, *, level: float = 0.9) -> Interval:
    """The difference in means of two arms, with Welch's interval.

    Revenue a customer is skewed; the interval needs arms in which no few customers make up the variance (`heavy_tail`).

    Args:
        treatment: has the model.
        control: has not.
        level: of the interval, above 0 and below 1.

    Raises:
        EstimateError: an arm has fewer than two customers, or the level is out of range.

    >>> arm = Arm(customers=200, mean=12.0, variance=100.0, largest=40.0)
    >>> found = difference(arm, Arm(customers=200, mean=10.0, variance=100.0, largest=40.0))
    >>> [round(value, 2) for value in (found.low, found.middle, found.high)]
    [0.35, 2.0, 3.65]
    """
    if not 0 < level < 1:
        raise EstimateError(f"level: must be above 0 and below 1, got {level}")
    if min(treatment.customers, control.customers) < 2:  # noqa: PLR2004 - as the variance needs
        raise EstimateError(
            f"customers: must be at least 2 in each arm, got {treatment.customers} and {control.customers}"
        )
    parts = [arm.variance / arm.customers for arm in (treatment, control)]
    middle, variance = treatment.mean - control.mean, sum(parts)
    if variance <= 0:
        return Interval(low=middle, middle=middle, high=middle)
    freedom = variance**2 / sum(
        part**2 / (arm.customers - 1) for part, arm in zip(parts, (treatment, control), strict=True)
    )
    width = float(stdtrit(freedom, 0.5 + level / 2)) * math.sqrt(variance)
    return Interval(low=middle - width, middle=middle, high=middle + width)


def sample_ratio(customers: Mapping[str, int], split: Mapping[str, float]) -> float:
    """The p-value of the numbers of customers under the planned split (chi-squared test).

    Args:
        customers: by arm.
        split: planned share by arm, above 0 each, of the same arms; it is scaled to a sum of 1.

    Raises:
        EstimateError: the arms differ.

    >>> round(sample_ratio({"a": 5000, "b": 5100}, {"a": 0.5, "b": 0.5}), 2)
    0.32
    >>> sample_ratio({"a": 5000, "b": 5400}, {"a": 0.5, "b": 0.5}) < MISMATCH
    True
    """
    if customers.keys() != split.keys():
        raise EstimateError(f"split: must have the arms {sorted(customers)}, got {sorted(split)}")
    total, whole = sum(customers.values()), math.fsum(split.values())
    expected = {arm: total * share / whole for arm, share in split.items()}
    statistic = math.fsum((customers[arm] - expected[arm]) ** 2 / expected[arm] for arm in expected) if total else 0.0
    return float(chdtrc(len(expected) - 1, statistic)) if len(expected) > 1 else 1.0


def doubt(arms: Mapping[str, Arm], control: str, split: Mapping[str, float], minimum: int) -> str | None:
    """Why the effect of an experiment is not known; None where it is.

    Args:
        arms: revenue a customer by arm.
        control: the arm without the model.
        split: planned share of customers by arm; empty for equal ones.
        minimum: customers that each arm must have.

    >>> doubt({"old": Arm(customers=9, mean=1.0, variance=1.0, largest=3.0)}, "old", {}, 100)
    "no other arm than 'old'"
    """
    if control not in arms:
        return f"no customer in the control arm {control!r}"
    if len(arms) == 1:
        return f"no other arm than {control!r}"
    planned = split or dict.fromkeys(arms, 1.0)
    if missing := sorted(planned.keys() ^ arms.keys()):
        return f"arms that are planned or have customers, and not both: {', '.join(missing)}"
    return _too_little(arms, minimum) or _mismatch(arms, planned)


def _too_little(arms: Mapping[str, Arm], minimum: int) -> str | None:
    few = [f"{arm!r} has {found.customers}" for arm, found in sorted(arms.items()) if found.customers < minimum]
    if few:
        return f"too few customers: {', '.join(few)}, {minimum} are needed"
    if not any(found.variance > 0 for found in arms.values()):
        return "revenue does not differ between customers in any arm: perhaps no orders are reported"
    return None


def _mismatch(arms: Mapping[str, Arm], planned: Mapping[str, float]) -> str | None:
    customers = {arm: found.customers for arm, found in arms.items()}
    if (p_value := sample_ratio(customers, planned)) < MISMATCH:
        counts = ", ".join(f"{arm!r} {count}" for arm, count in sorted(customers.items()))
        return f"sample ratio mismatch: {counts} do not fit the planned split (p = {p_value:.1g})"
    return None


def heavy_tail(arm: Arm) -> float | None:
    """The share of the largest customer in the revenue of an arm, where it is large; None where it is not.

    >>> heavy_tail(Arm(customers=200, mean=10.0, variance=100.0, largest=400.0))
    0.2
    """
    total = arm.customers * arm.mean
    share = arm.largest / total if total > 0 else None
    return share if share is not None and share > LARGE_SHARE else None
