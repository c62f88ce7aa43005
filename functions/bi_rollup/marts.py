"""Materialization of a mart of orders, in steps: no statement reads more than some months of orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.bi_rollup.local_days import instant, local
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.spans import DAY, ceiling, floor, rewrite_start

SPAN = 90 * DAY
"""What one statement writes: more would exceed the limits of a statement on large tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestOrder:
    """The instant of the oldest order, if there is any."""

    oldest: datetime | None


OLDEST_ORDER = Query("oldest_order", OldestOrder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """A table that is built from orders.

    Attributes:
        table: its name.
        statement: writes whole steps of it, from `since` to before `until`.
        step: the period of a row.
    """

    table: str
    statement: str
    step: timedelta


def materialize(
    mart: Mart, tables: Tables, due: datetime, previous: RollupResult | None, *, late: timedelta, zone: str = "UTC"
) -> datetime:
    """Write a mart up to an instant, or one step towards it.

    Rows older than the oldest order are kept: a table of orders may expire, the mart does not.

    Args:
        mart: the mart.
        tables: where it and the orders are.
        due: the instant.
        previous: the newest result.
        late: how far back it is rewritten.
        zone: the time zone of the days of its rows, `due` and `previous`, as `local_days` writes them.

    Returns:
        The instant up to which the mart is complete.
    """
    start = rewrite_start(mart.table, previous, due, late=late, step=mart.step)
    end = min(ceiling(due, mart.step), floor(start + SPAN, mart.step))
    complete = previous.complete_until.get(mart.table) if previous else None
    if complete is None or due - complete > DAY:
        [order] = tables.read(OLDEST_ORDER, since=instant(start, zone), until=instant(end, zone))
        if order.oldest is None:
            return min(end, due)
        start = floor(local(order.oldest, zone), mart.step)
    tables.write(mart.statement, since=start, until=end)
    return min(end, due)
