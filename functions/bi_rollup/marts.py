"""Materialization of a mart of orders, in steps: no statement writes more than some months of orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.bi_rollup.local_days import instant, local
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.spans import DAY, ceiling, floor, rewrite_start

SPAN = 90 * DAY
"""What one statement writes: more would exceed the limits of a statement on large tables."""
_WIDENING = 4
"""How many times longer the next search for the oldest order is: some months without one are followed by more of them."""


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
    last = ceiling(due, mart.step)
    complete = previous.complete_until.get(mart.table) if previous else None
    if complete is None or due - complete > DAY:
        oldest = _oldest_order(tables, start, last, zone)
        if oldest is None:
            return due
        start = floor(local(oldest, zone), mart.step)
    end = min(last, floor(start + SPAN, mart.step))
    tables.write(mart.statement, since=start, until=end)
    return min(end, due)


def _oldest_order(tables: Tables, since: datetime, until: datetime, zone: str) -> datetime | None:
    """The instant of the oldest order of a period, which is searched in few statements, each of one column."""
    span = SPAN
    while since < until:
        end = min(until, since + span)
        [order] = tables.read(OLDEST_ORDER, since=instant(since, zone), until=instant(end, zone))
        if order.oldest is not None:
            return order.oldest
        since, span = end, span * _WIDENING
    return None
