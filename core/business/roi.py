"""Return on investment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.business.checks import require_amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """Return on investment over a period.

    Attributes:
        revenue: in dollars.
        cost: in dollars.
        ratio: (revenue - cost) / cost: 0 is break-even, -1 a total loss; None where cost is not above 0.
    """

    revenue: float
    cost: float
    ratio: float | None


def roi(revenue: Mapping[str, float], costs: Mapping[str, float]) -> Roi:
    """Return on investment from revenue and costs by kind, all of the same period.

    Args:
        revenue: dollars by kind; losses are negative.
        costs: dollars by kind; credits are negative.

    Raises:
        EstimateError: an amount is not finite.

    >>> roi({"prevented": 900.0, "saved hours": 300.0}, {"compute": 500.0, "licences": 100.0})
    Roi(revenue=1200.0, cost=600.0, ratio=1.0)
    """
    require_amounts("revenue", revenue)
    require_amounts("costs", costs)
    earned, cost = math.fsum(revenue.values()), math.fsum(costs.values())
    return Roi(revenue=earned, cost=cost, ratio=(earned - cost) / cost if cost > 0 else None)
