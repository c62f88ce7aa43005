"""A mart of orders, brought up to an instant in steps: no statement reads more than some months of orders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.bi_rollup.figures import Made
from functions.bi_rollup.ports import BusinessTables
from functions.bi_rollup.spans import DAY, ceiling, floor, since

SPAN = 90 * DAY
"""What one statement makes: more would be refused of large tables, or not be done in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """A table that is made from orders.

    Attributes:
        name: of the table.
        write: writes a span of it, from one instant to before another.
        step: the length of what a row is about.
    """

    name: str
    write: Callable[[BusinessTables, datetime, datetime], None]
    step: timedelta


def bring(mart: Mart, tables: BusinessTables, due: datetime, before: Made | None, *, late: timedelta) -> datetime:
    """Bring a mart up to an instant, or one step nearer; up to when it is complete then.

    What it holds of a time for which there are no orders any more is left as it is: a table of orders may forget what is
    old, and the mart shall not.

    Args:
        mart: which.
        tables: where it is, and the orders it is made from.
        due: up to when, at most.
        before: what was made last.
        late: how far back it is made anew.
    """
    start = since(mart.name, before, due, late=late, step=mart.step)
    end = min(ceiling(due, mart.step), floor(start + SPAN, mart.step))
    reached = before.rollups.get(mart.name) if before else None
    if reached is None or due - reached > DAY:
        oldest = tables.oldest_order(start, end)
        if oldest is None:
            return min(end, due)
        start = floor(oldest, mart.step)
    mart.write(tables, start, end)
    return min(end, due)
