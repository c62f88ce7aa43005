"""Reconciliation of the revenue in the mart with the rows of orders: a second computation of closed days, daily.

Days that differ are written again: payments arrived later than `late`, or their rows were changed. What differs even then is a fault,
and has an alert.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.settings import Orders
from functions.adapters.logs import fields
from functions.bi_rollup import customers, dimensions, revenue
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.local_days import local
from functions.bi_rollup.marts import SPAN
from functions.bi_rollup.order_parts import LINKS, RETRIES
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob, has_orders
from functions.bi_rollup.spans import DAY, HOUR, ceiling, floor

ROUNDS = 2
"""How often days that differ are booked again: more rows may come while this is done."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestRows:
    """The instants of the oldest order and of the oldest hour of the mart, if there are any."""

    ordered_at: datetime | None
    booked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueDifference:
    """A day on which the mart differs from the orders.

    Attributes:
        day: its first instant.
        cents: the absolute difference, summed over the sources.
        missing: rows that the mart does not count.
    """

    day: datetime
    cents: int
    missing: int


OLDEST_ROWS = Query("oldest_rows", OldestRows)
REVENUE_DIFFERENCES = Query("revenue_differences", RevenueDifference)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Compare the closed days of the last months, and book those again that differ."""
    until = floor(due - outside.orders.late - RETRIES, DAY)
    since = _comparable_since(outside.tables, outside.orders, until)
    found = _differences(outside.tables, since, until)
    remaining = found
    for _round in range(ROUNDS):
        if remaining:
            _book(outside, due, remaining)
            remaining = _differences(outside.tables, since, until)
    late = sum(max(1, day.missing) for day in found)  # a row that was changed is missing nowhere
    cents = MetricValue("aia_revenue_difference_cents", float(sum(day.cents for day in remaining)))
    return RollupResult(due=due, metrics=(cents, *data_issues("orders", {"late": late})))


JOB = RollupJob(name="reconciliation", every=DAY, max_age=DAY + HOUR, enabled=has_orders, run=run)


def _comparable_since(tables: Tables, orders: Orders, until: datetime) -> datetime:
    """The first day that can be compared.

    Where the mart has older hours than the orders, these have expired: the first ones that remain may be copies of rows
    that are gone.
    """
    since = until - SPAN
    [oldest] = tables.read(OLDEST_ROWS, since=since - orders.repeated_within - DAY, until=until)
    if oldest.ordered_at is None:
        return until
    if oldest.booked_at is not None and oldest.booked_at < floor(oldest.ordered_at, HOUR):
        return max(since, ceiling(oldest.ordered_at + orders.repeated_within, DAY))
    return since


def _differences(tables: Tables, since: datetime, until: datetime) -> list[RevenueDifference]:
    return tables.read(REVENUE_DIFFERENCES, since=since, until=until) if since < until else []


def _book(outside: Outside, due: datetime, days: Sequence[RevenueDifference]) -> None:
    """Write the marts from the first to the last of the days."""
    span = {"since": days[0].day, "until": days[-1].day + DAY}
    cents = sum(day.cents for day in days)
    log.warning("revenue differs from the orders; booked again", extra=fields(days=len(days), cents=cents, **span))
    outside.tables.write(revenue.MART.statement, **span)
    # By local days, near these; and refunds of later days may belong to orders of these.
    until = min(floor(local(due, outside.settings.business.time_zone), DAY), days[-1].day + 2 * DAY + LINKS)
    by_day = [customers.DAYS_MART] if outside.orders.customer else []
    for mart in (*dimensions.written(outside), *by_day):
        outside.tables.write(mart.statement, since=days[0].day - DAY, until=until)
