"""Cohorts of customers: how many order again, and what they brought."""

from core.detection import Outcome
from core.reports.daily import Daily, Trend
from core.reports.document import Chart, Number, Part, SectionDocument, Series, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

MOST_SHOWN = 6
"""Cohorts of the table, the newest ones."""
_RETENTION = "aia_customer_retention_ratio"
_BASIS = (
    "Share of the customers who ordered in the month so many months after that of their first order, over all cohorts."
)
_SIZE = "Customers by the month of their first order."
_REVENUE = "Revenue to date of those customers, net of refunds."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    months = daily.labelled(_RETENTION, "months")
    cohorts = daily.labelled("aia_cohort_customers", "cohort")
    if not months and not cohorts:
        return SectionDocument(name="", title="", unknown=(f"marts.daily_metrics has no {_RETENTION} for this week",))
    curve = {month: daily.trend(_RETENTION, "ratio", _BASIS, months=month) for month in months}
    first = next(iter(curve.items()), None)
    return SectionDocument(
        name="",
        title="",
        statements=(_statement(*first),) if first else (),
        tables=(_table(daily, cohorts),) if cohorts else (),
        charts=(_chart(curve),) if curve else (),
        unknown=() if first else ("retention: no cohort is a month old",),
    )


SECTION = Section(name="retention", title="Cohorts and retention", reads=(DAILY_METRICS,), write=write)


def _statement(months: str, trend: Trend) -> Statement:
    parts: tuple[Part, ...] = (
        f"Month {int(months)} after the first order: ",
        trend.now,
        " of the customers ordered again (",
        trend.change,
        " within the week).",
    )
    fell = (trend.change.value or 0.0) < 0
    return Statement(parts=parts, outcome=Outcome.of(bad=fell) if trend.effect >= 1 else None, effect=trend.effect)


def _table(daily: Daily, cohorts: list[str]) -> Table:
    rows = []
    for cohort in sorted(cohorts, reverse=True)[:MOST_SHOWN]:
        size = daily.trend("aia_cohort_customers", "", _SIZE, cohort=cohort).now
        revenue = daily.trend("aia_cohort_revenue_dollars", "dollars", _REVENUE, cohort=cohort).now
        rows.append((cohort, size, revenue, _each(revenue, size)))
    return Table(
        title="Customers by the month of their first order, the newest",
        columns=("Month", "Customers", "Revenue to date", "Per customer"),
        rows=tuple(rows),
    )


def _each(revenue: Number, size: Number) -> Number:
    value = revenue.value / size.value if revenue.value is not None and size.value else None
    return Number(
        value=value,
        unit="dollars",
        query=DAILY_METRICS.name,
        basis="Revenue to date by customer.",
        at=revenue.at,
        reason="the revenue of the cohort is not known",
    )


def _chart(curve: dict[str, Trend]) -> Chart:
    return Chart(
        title="Customers who order again, by months since the first order (%)",
        kind="bars",
        unit="ratio",
        labels=tuple(str(int(month)) for month in curve),
        series=(Series(name="Retention", values=tuple(trend.now.value for trend in curve.values())),),
        query=DAILY_METRICS.name,
    )
