"""What the platform brings in, beside what it costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.business.checks import amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """The return on investment over some time.

    Attributes:
        gain: in dollars.
        cost: in dollars.
        ratio: gain less cost, as a share of cost: 0 breaks even, -1 is all lost; None where nothing was spent.
    """

    gain: float
    cost: float
    ratio: float | None


def roi(gains: Mapping[str, float], costs: Mapping[str, float]) -> Roi:
    """The return on what was spent, by kind; all of the same time.

    Args:
        gains: dollars by kind; losses are negative.
        costs: dollars by kind; credits are negative.

    Raises:
        EstimateError: an amount is no number.

    >>> roi({"prevented": 900.0, "saved hours": 300.0}, {"compute": 500.0, "licences": 100.0})
    Roi(gain=1200.0, cost=600.0, ratio=1.0)
    """
    amounts("gains", gains)
    amounts("costs", costs)
    gain, cost = math.fsum(gains.values()), math.fsum(costs.values())
    return Roi(gain=gain, cost=cost, ratio=(gain - cost) / cost if cost > 0 else None)
