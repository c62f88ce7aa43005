"""Market share, rank and growth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.business.checks import require_amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPosition:
    """Market shares of companies, and our own position.

    Attributes:
        shares: share of total sales by company, 0 to 1, largest first; empty without sales.
        rank: our rank: one more than the number of companies with higher sales, so that ties share a rank; None where our
            sales are unknown.
        share: our market share; None where our sales are unknown.
    """

    shares: dict[str, float]
    rank: int | None
    share: float | None


def valid_sales(sales: Mapping[str, float | None]) -> dict[str, float]:
    """The sales that are a finite number of at least 0.

    >>> valid_sales({"us": 30.0, "them": -5.0, "others": None})
    {'us': 30.0}
    """
    return {company: amount for company, amount in sales.items() if amount is not None and 0.0 <= amount < math.inf}


def market_position(sales: Mapping[str, float], ours: str) -> MarketPosition:
    """Market shares from sales, and our position among them.

    Args:
        sales: by company over the same period, at least 0, in any unit.
        ours: our company. Without sales of ours, rank and share are None: unknown is not 0.

    Raises:
        EstimateError: sales of a company are not finite, or below 0.

    >>> market_position({"us": 30.0, "them": 50.0, "others": 20.0}, "us")
    MarketPosition(shares={'them': 0.5, 'us': 0.3, 'others': 0.2}, rank=2, share=0.3)
    """
    require_amounts("sales", sales, least=0.0)
    total = math.fsum(sales.values())
    if total == 0:
        return MarketPosition(shares={}, rank=None, share=None)
    ordered = sorted(sales.items(), key=lambda item: (-item[1], item[0]))
    shares = {company: amount / total for company, amount in ordered}
    if ours not in sales:
        return MarketPosition(shares=shares, rank=None, share=None)
    rank = 1 + sum(amount > sales[ours] for amount in sales.values())
    return MarketPosition(shares=shares, rank=rank, share=shares[ours])


def growth(now: Mapping[str, float], before: Mapping[str, float], ours: str) -> dict[str, float]:
    """Growth of our sales, and of those of all companies, against an earlier period of the same length.

    Args:
        now: sales by company, as for `market_position`.
        before: those of the earlier period.
        ours: our company.

    Returns:
        Growth as a share, by `ours` and `market`; without what has no sales in the earlier period, or none known now.

    >>> growth({"us": 33.0, "them": 55.0}, {"us": 30.0, "them": 50.0, "others": 30.0}, "us")
    {'ours': 0.1, 'market': -0.2}
    """
    pairs = {"ours": (now.get(ours), before.get(ours)), "market": (math.fsum(now.values()), math.fsum(before.values()))}
    known = {what: (new, old) for what, (new, old) in pairs.items() if new is not None and old}
    return {what: round(new / old - 1, 12) for what, (new, old) in known.items()}
