"""Where we stand in the market."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from core.business.market import plausible, position
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.flaws import told
from functions.bi_rollup.rollup import Outside

NAME = "market"
SHOWN = 20
"""Companies whose share is a metric, the largest; ours always is."""


def make(outside: Outside, due: datetime, _: Made | None) -> Made:
    """Read what each company sold in the days before."""
    table = outside.settings.business.market
    if table is None:
        raise ValueError("business.market: must be given, got nothing")
    rows = outside.tables.market(due - timedelta(days=table.days), due)
    sales = plausible({row.company: row.sales for row in rows})
    flaws = {name: sum(getattr(row, name) for row in rows) for name in ("without_amount", "without_id")}
    flawed = told("market", flaws | {"company": len(rows) - len(sales)})
    return Made(due=due, figures=(*_figures(sales, table.ours), *flawed))


def _figures(sales: Mapping[str, float], ours: str) -> Iterator[Figure]:
    found = position(sales, ours)
    largest = sorted(found.shares, key=lambda company: (-found.shares[company], company))[:SHOWN]
    for company in {*largest, ours} & found.shares.keys():
        yield Figure("aia_market_share_ratio", found.shares[company], {"company": company})
    if found.rank is not None:
        yield Figure("aia_market_rank", float(found.rank))
