"""Revenue and payments: the hourly mart, the 24 hours before the tick, and what had been expected of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from core.settings import Orders
from functions.bi_rollup import marts, sources
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.flaws import told
from functions.bi_rollup.ports import BusinessTables, HourRevenue, Payments
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HORIZON, HOUR, ceiling, floor

NAME = "revenue"
MART = marts.Mart(
    name="marts.revenue_hourly",
    write=lambda tables, since, until: tables.write_revenue_hours(since, until),
    step=HOUR,
)
_OUTCOMES = ("taken", "refunded", "failed")
_PROFILE = 28 * DAY
"""Whole weeks, over which it is learnt how a day's revenue spreads over its hours."""
_NEWEST = 2 * HOUR
"""How far back the mart is made anew at every tick; as far as orders may come late it is at the first tick of an hour."""


def make(outside: Outside, due: datetime, before: Made | None) -> Made:
    """Bring the mart up to the tick, and read what the 24 hours before it brought."""
    tables = outside.tables
    reached = marts.bring(MART, tables, due, before, late=_back(outside.orders, due, before))
    if reached < due:
        return Made(due=reached, rollups={MART.name: reached})
    end = floor(due, DAY)
    named, more = sources.named(tables, end - _PROFILE, ceiling(due, HOUR))
    hours = tables.revenue_by_hour(end - _PROFILE, end, named)
    shapes = _shapes(hours)
    rows = {row.source: row for row in tables.payments(due - DAY, due, named)}
    flaws = {flaw: sum(getattr(row, flaw) for row in rows.values()) for flaw in ("unknown", "without_id")}
    figures = [
        *_payments(rows, sorted({*shapes, *rows})),
        *_expected(tables, shapes, due),
        *told("orders", flaws | {"source": more}),
        *_newest([*rows.values(), *hours]),
    ]
    return Made(due=due, figures=tuple(figures), rollups={MART.name: due}, facts=_facts(rows.values()))


def _back(orders: Orders, due: datetime, before: Made | None) -> timedelta:
    """How far back the mart is made anew."""
    again = before is not None and floor(before.due, HOUR) == floor(due, HOUR)
    return min(_NEWEST, orders.late) if again else orders.late


def _newest(rows: Collection[Payments | HourRevenue]) -> Iterator[Figure]:
    """When the newest order was made, where there was one in the last weeks."""
    if rows:
        yield Figure("aia_orders_newest_timestamp_seconds", max(row.newest for row in rows).timestamp())


def _payments(rows: Mapping[str, Payments], known: Sequence[str]) -> Iterator[Figure]:
    """A source that is known and sold nothing earned nothing; the share of no payments is not known."""
    for source in known:
        row = rows.get(source)
        yield Figure("aia_revenue_dollars", row.dollars if row else 0.0, {"source": source})
        made = {outcome: getattr(row, outcome) if row else 0 for outcome in _OUTCOMES}
        for outcome, count in made.items():
            yield Figure("aia_payments", float(count), {"source": source, "outcome": outcome})
        if everything := sum(made.values()):
            yield Figure("aia_payment_success_ratio", 1.0 - made["failed"] / everything, {"source": source})


def _facts(rows: Collection[Payments]) -> dict[str, float]:
    """The share of all payments that did not fail, where there were any."""
    made = {outcome: sum(getattr(row, outcome) for row in rows) for outcome in _OUTCOMES}
    everything = sum(made.values())
    return {"payment_success_ratio": 1.0 - made["failed"] / everything} if everything else {}


def _expected(tables: BusinessTables, shapes: Mapping[str, Sequence[float]], due: datetime) -> Iterator[Figure]:
    """The part of each of the two days that lies in the 24 hours, by how the source's days usually run."""
    first, second = floor(due - DAY, DAY), floor(due, DAY)
    rows = tables.expected(due - DAY - HORIZON, due - DAY, (first, second))
    means = {(row.source, row.day): row.mean for row in rows}
    for source, shape in shapes.items():
        share = passed(shape, (due - second) / HOUR)
        days = [(first, 1.0 - share), (second, share)]
        if all((source, day) in means for day, part in days if part):
            dollars = sum(means[source, day] * part for day, part in days if part)
            yield Figure("aia_revenue_expected_dollars", dollars, {"source": source})


def passed(shape: Sequence[float], hours: float) -> float:
    """The share of a day's revenue that is usually in after so many hours of it, 0 to 1.

    Args:
        shape: what each of its 24 hours brought; where that is nothing in all, time itself is the measure.
        hours: 0 to 24.

    >>> passed([0.0] * 8 + [10.0, 30.0] + [0.0] * 14, 8.5), passed([0.0] * 24, 6)
    (0.125, 0.25)
    """
    whole = int(hours)
    everything = sum(shape)
    if everything <= 0:
        return hours / len(shape)
    part = (hours - whole) * shape[whole] if whole < len(shape) else 0.0
    return min(1.0, max(0.0, (sum(shape[:whole]) + part) / everything))


def _shapes(hours: Iterable[HourRevenue]) -> dict[str, list[float]]:
    """What each known source earned in each hour of the day, over the days before."""
    shapes: dict[str, list[float]] = {}
    for row in hours:
        shapes.setdefault(row.source, [0.0] * 24)[row.of_day] = row.dollars
    return shapes
