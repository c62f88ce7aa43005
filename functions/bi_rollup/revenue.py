"""Revenue and payments: the hourly mart, the last 24 hours, and their expected revenue."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.settings import Orders
from core.settings.business import OUTCOMES
from functions.bi_rollup import marts
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.local_days import local
from functions.bi_rollup.order_parts import RETRIES
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob, has_orders
from functions.bi_rollup.sources import listed_sources
from functions.bi_rollup.spans import DAY, HORIZON, HOUR, ceiling, floor

MART = marts.Mart(table="marts.revenue_hourly", statement="write_revenue_hours", step=HOUR)
_EVERY = timedelta(minutes=5)
_PROFILE = 28 * DAY
"""Whole weeks, from which the hourly profile of a day's revenue is taken."""
ISSUES = ("unknown", "no_rate", "test", "missing_id")
"""The columns of `PaymentCounts` that count rows with a data-quality issue."""
_NEWEST = 2 * HOUR
"""How far back the mart is rewritten at each tick; the first tick of an hour goes as far back as orders may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCounts:
    """Net revenue of a source, its payments by outcome, and its newest order, if one is no test order."""

    source: str
    dollars: float
    taken: int
    refunded: int
    failed: int
    unknown: int
    no_rate: int
    test: int
    missing_id: int
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyRevenue:
    """Revenue of a source in an hour of the day (0 to 23) over some days, and its newest hour with an order, if there is one."""

    source: str
    of_day: int
    dollars: float
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRevenue:
    """Expected revenue of a source on a day."""

    source: str
    day: datetime
    mean: float


PAYMENT_COUNTS = Query("payment_counts", PaymentCounts)
REVENUE_BY_HOUR = Query("revenue_by_hour", HourlyRevenue)
EXPECTED_REVENUE = Query("expected_revenue", ExpectedRevenue)


def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Materialize the mart up to the tick, and measure the last 24 hours."""
    tables = outside.tables
    complete = marts.materialize(MART, tables, due, previous, late=_rewritten(outside.orders, due, previous))
    if complete < due:
        return RollupResult(due=complete, complete_until={MART.table: complete})
    now = local(due, outside.settings.business.time_zone)
    end = floor(now, DAY)
    listed, others = listed_sources(tables, end - _PROFILE, ceiling(due, HOUR))
    hours = tables.read(REVENUE_BY_HOUR, since=end - _PROFILE, until=end, sources=listed)
    rows = {row.source: row for row in tables.read(PAYMENT_COUNTS, since=due - DAY, until=due, sources=listed)}
    profiles = _profiles(hours)
    issues = {issue: sum(getattr(row, issue) for row in rows.values()) for issue in ISSUES}
    metrics = (
        *_payments(rows, sorted({*profiles, *rows})),
        *_expected(tables, profiles, now),
        *data_issues("orders", issues | {"other_sources": others}),
        *_newest([*rows.values(), *hours]),
    )
    success = _success_ratio(rows.values())
    indicators = {} if success is None else {"payment_success_ratio": success}
    return RollupResult(due=due, metrics=metrics, complete_until={MART.table: due}, indicators=indicators)


JOB = RollupJob(name="revenue", every=_EVERY, max_age=3 * _EVERY, enabled=has_orders, run=run)


def _rewritten(orders: Orders, due: datetime, previous: RollupResult | None) -> timedelta:
    """How far back the mart is rewritten: late payments also change the attempts that they were preceded by."""
    same_hour = previous is not None and floor(previous.due, HOUR) == floor(due, HOUR)
    return min(_NEWEST, orders.late) if same_hour else orders.late + RETRIES


def _newest(rows: Collection[PaymentCounts | HourlyRevenue]) -> Iterator[MetricValue]:
    """The instant of the newest order of the last weeks, if there is any."""
    known = [row.newest for row in rows if row.newest is not None]
    if known:
        yield MetricValue("aia_orders_newest_timestamp_seconds", max(known).timestamp())


def _payments(rows: Mapping[str, PaymentCounts], sources: Sequence[str]) -> Iterator[MetricValue]:
    """Revenue and payments by source: 0 for a known source without orders; without payments there is no success ratio."""
    for source in sources:
        row = rows.get(source)
        yield MetricValue("aia_revenue_dollars", row.dollars if row else 0.0, {"source": source})
        counts = {outcome: getattr(row, outcome) if row else 0 for outcome in OUTCOMES}
        for outcome, count in counts.items():
            yield MetricValue("aia_payments", float(count), {"source": source, "outcome": outcome})
        if row and (ratio := _success_ratio([row])) is not None:
            yield MetricValue("aia_payment_success_ratio", ratio, {"source": source})


def _success_ratio(rows: Collection[PaymentCounts]) -> float | None:
    """The share of payments that did not fail, if there were any."""
    total = sum(getattr(row, outcome) for row in rows for outcome in OUTCOMES)
    return 1.0 - sum(row.failed for row in rows) / total if total else None


def _expected(tables: Tables, profiles: Mapping[str, Sequence[float]], now: datetime) -> Iterator[MetricValue]:
    """Expected revenue of the last 24 hours: of the two local days they lie in, each by its share of the hourly profile."""
    first, second = floor(now - DAY, DAY), floor(now, DAY)
    made = {"since": now - DAY - HORIZON, "until": now - DAY}
    rows = tables.read(EXPECTED_REVENUE, **made, first=first, second=second)
    means = {(row.source, row.day): row.mean for row in rows}
    for source, profile in profiles.items():
        share = elapsed_share(profile, (now - second) / HOUR)
        days = [(first, 1.0 - share), (second, share)]
        if all((source, day) in means for day, part in days if part):
            dollars = sum(means[source, day] * part for day, part in days if part)
            yield MetricValue("aia_revenue_expected_dollars", dollars, {"source": source})


def elapsed_share(profile: Sequence[float], hours: float) -> float:
    """The share of a day's revenue that is usually in after so many hours, 0 to 1.

    Args:
        profile: revenue by hour of the day, 24 values; without revenue, time itself is the measure.
        hours: 0 to 24.

    >>> elapsed_share([0.0] * 8 + [10.0, 30.0] + [0.0] * 14, 8.5), elapsed_share([0.0] * 24, 6)
    (0.125, 0.25)
    """
    whole = int(hours)
    total = sum(profile)
    if total <= 0:
        return hours / len(profile)
    part = (hours - whole) * profile[whole] if whole < len(profile) else 0.0
    return min(1.0, max(0.0, (sum(profile[:whole]) + part) / total))


def _profiles(hours: Iterable[HourlyRevenue]) -> dict[str, list[float]]:
    """Revenue of each source by hour of the day."""
    profiles: dict[str, list[float]] = {}
    for row in hours:
        profiles.setdefault(row.source, [0.0] * 24)[row.of_day] = row.dollars
    return profiles
