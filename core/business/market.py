"""How large a part of the market is ours, and how many are ahead of us."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.business.checks import amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The companies of a market by what they sold.

    Attributes:
        shares: of the whole, 0 to 1, the largest first; empty where nobody sold anything.
        rank: ours: 1 and the number of those who sold more, so that equals share a rank; None where we are not among them.
        share: ours; None where we are not among them.
    """

    shares: dict[str, float]
    rank: int | None
    share: float | None


def plausible(sales: Mapping[str, float | None]) -> dict[str, float]:
    """What companies sold of which it can be so: a number, and not below 0.

    >>> plausible({"us": 30.0, "them": -5.0, "others": None})
    {'us': 30.0}
    """
    return {company: sold for company, sold in sales.items() if sold is not None and 0.0 <= sold < math.inf}


def position(sales: Mapping[str, float], ours: str) -> Market:
    """Our place in the market.

    Args:
        sales: of each company over the same time, at least 0, in any unit.
        ours: our name among them. Absent, nothing is said of us: what is not known is not 0.

    Raises:
        EstimateError: what a company sold is no number or below 0.

    >>> position({"us": 30.0, "them": 50.0, "others": 20.0}, "us")
    Market(shares={'them': 0.5, 'us': 0.3, 'others': 0.2}, rank=2, share=0.3)
    """
    amounts("sales", sales, least=0.0)
    whole = math.fsum(sales.values())
    if whole == 0:
        return Market(shares={}, rank=None, share=None)
    ordered = sorted(sales.items(), key=lambda item: (-item[1], item[0]))
    shares = {name: sold / whole for name, sold in ordered}
    if ours not in sales:
        return Market(shares=shares, rank=None, share=None)
    rank = 1 + sum(sold > sales[ours] for sold in sales.values())
    return Market(shares=shares, rank=rank, share=shares[ours])
