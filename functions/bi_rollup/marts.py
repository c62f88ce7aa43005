"""A mart of orders, brought up to an instant in steps: no statement reads more than some months of orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.settings import Orders
from functions.adapters.ports import Warehouse
from functions.bi_rollup import statements
from functions.bi_rollup.figures import Made
from functions.bi_rollup.spans import DAY, ceiling, floor, since

SPAN = 90 * DAY
"""What one statement makes: more would be refused of large tables, or not be done in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """A table that is made from orders.

    Attributes:
        name: of the table.
        statement: the name of the statement that writes a span of it.
        step: the length of what a row is about.
    """

    name: str
    statement: str
    step: timedelta


def bring(
    mart: Mart, warehouse: Warehouse, orders: Orders, due: datetime, before: Made | None, *, late: timedelta
) -> datetime:
    """Bring a mart up to an instant, or one step nearer; up to when it is complete then.

    What it holds of a time for which there are no orders any more is left as it is: a table of orders may forget what is
    old, and the mart shall not.

    Args:
        mart: which.
        warehouse: where it is.
        orders: what it is made from.
        due: up to when, at most.
        before: what was made last.
        late: how far back it is made anew.
    """
    start = since(mart.name, before, due, late=late, step=mart.step)
    end = min(ceiling(due, mart.step), floor(start + SPAN, mart.step))
    reached = before.rollups.get(mart.name) if before else None
    if reached is None or due - reached > DAY:
        oldest = _oldest(warehouse, orders, start, end)
        if oldest is None:
            return min(end, due)
        start = floor(oldest, mart.step)
    write(mart, warehouse, orders, start, end)
    return min(end, due)


def write(mart: Mart, warehouse: Warehouse, orders: Orders, start: datetime, end: datetime) -> None:
    """Write the rows of a span of whole steps; safe to call again."""
    sql = statements.of_orders(mart.statement, orders)
    warehouse.query(sql, since=start, until=end, **statements.words(orders))


def _oldest(warehouse: Warehouse, orders: Orders, start: datetime, end: datetime) -> datetime | None:
    [row] = warehouse.query(statements.oldest(orders), since=start, until=end)
    oldest: datetime | None = row["oldest"]
    return oldest
