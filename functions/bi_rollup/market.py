"""Market share, rank and growth, by the days of the business, and the dates that each figure is about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.business.market import growth, market_position, valid_sales
from core.settings import MarketTable
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.local_days import instant
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

EARLIER = {"quarter": 91 * DAY, "year": 364 * DAY}
"""How long ago the periods are that growth is measured against: whole weeks, so that they have the same weekdays."""
SHOWN = 20
"""Companies with a market-share metric, the largest ones; ours always has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySales:
    """Sales of a company; None where no amount is valid."""

    company: str
    sales: float | None
    missing_amount: int
    missing_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesExtent:
    """The oldest and the newest sale of a period, if there is any."""

    oldest: datetime | None
    newest: datetime | None


COMPANY_SALES = Query("company_sales", CompanySales)
SALES_EXTENT = Query("sales_extent", SalesExtent)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Market position from the sales of the days before a local midnight, and growth against those of a quarter and a year ago."""
    market, tables, zone = _market(outside), outside.tables, outside.settings.business.time_zone
    periods = {
        name: (instant(end - market.days * DAY, zone), instant(end, zone))
        for name, end in {"current": due, **{name: due - ago for name, ago in EARLIER.items()}}.items()
    }
    rows = tables.read(COMPANY_SALES, since=periods["current"][0], until=periods["current"][1])
    sales = valid_sales({row.company: row.sales for row in rows})
    issues = {issue: sum(getattr(row, issue) for row in rows) for issue in ("missing_amount", "missing_id")}
    issues["invalid_company"] = len(rows) - len(sales)
    metrics = [*_position(sales, market.ours), *data_issues("market", issues)]
    [extent] = tables.read(SALES_EXTENT, since=periods["year"][0], until=periods["current"][1])
    metrics += _dates(market.table, "current", *periods["current"], extent.newest) if sales else []
    for name in EARLIER:
        since, until = periods[name]
        if sales and extent.oldest is not None and extent.oldest < since + DAY:  # the table goes back to all of it
            before = tables.read(COMPANY_SALES, since=since, until=until)
            known = growth(sales, valid_sales({row.company: row.sales for row in before}), market.ours)
            labels = ({"of": of, "against": name} for of in known)
            metrics += map(MetricValue, ["aia_market_growth_ratio"] * len(known), known.values(), labels)
            metrics += _dates(market.table, name, since, until)
    return RollupResult(due=due, metrics=tuple(metrics))


def _market(outside: Outside) -> MarketTable:
    if outside.settings.business.market is None:
        raise ValueError("business.market: must be given, got nothing")
    return outside.settings.business.market


JOB = RollupJob(
    name="market",
    every=DAY,
    max_age=DAY + HOUR,
    enabled=lambda settings: settings.business.market is not None,
    run=run,
)


def _position(sales: Mapping[str, float], ours: str) -> Iterator[MetricValue]:
    position = market_position(sales, ours)
    largest = list(position.shares)[:SHOWN]
    for company in {*largest, ours} & position.shares.keys():
        yield MetricValue("aia_market_share_ratio", position.shares[company], {"company": company})
    if position.rank is not None:
        yield MetricValue("aia_market_rank", float(position.rank))


def _dates(
    table: str, period: str, since: datetime, until: datetime, newest: datetime | None = None
) -> Iterator[MetricValue]:
    """The dates that figures of a period are about, and their source."""
    bounds = {"begin": since, "end": until, "newest_sale": newest}
    for bound, at in bounds.items():
        if at is not None:
            labels = {"table": table, "period": period, "bound": bound}
            yield MetricValue("aia_market_period_timestamp_seconds", at.timestamp(), labels)
