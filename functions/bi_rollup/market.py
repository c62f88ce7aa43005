"""Market share and rank."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.market import market_position, valid_sales
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

SHOWN = 20
"""Companies with a market-share metric, the largest ones; ours always has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySales:
    """Sales of a company; None where no amount is valid."""

    company: str
    sales: float | None
    missing_amount: int
    missing_id: int


COMPANY_SALES = Query("company_sales", CompanySales)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Market position from the sales of the days before."""
    market = outside.settings.business.market
    if market is None:
        raise ValueError("business.market: must be given, got nothing")
    rows = outside.tables.read(COMPANY_SALES, since=due - timedelta(days=market.days), until=due)
    sales = valid_sales({row.company: row.sales for row in rows})
    issues = {issue: sum(getattr(row, issue) for row in rows) for issue in ("missing_amount", "missing_id")}
    issues["invalid_company"] = len(rows) - len(sales)
    return RollupResult(due=due, metrics=(*_metrics(sales, market.ours), *data_issues("market", issues)))


JOB = RollupJob(
    name="market",
    every=DAY,
    max_age=DAY + HOUR,
    enabled=lambda settings: settings.business.market is not None,
    run=run,
)


def _metrics(sales: Mapping[str, float], ours: str) -> Iterator[MetricValue]:
    position = market_position(sales, ours)
    largest = list(position.shares)[:SHOWN]
    for company in {*largest, ours} & position.shares.keys():
        yield MetricValue("aia_market_share_ratio", position.shares[company], {"company": company})
    if position.rank is not None:
        yield MetricValue("aia_market_rank", float(position.rank))
