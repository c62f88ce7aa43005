"""Customer marts, customer counts, churn, cohorts and lifetime value; daily, up to midnight."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.checks import Floats
from core.business.customers import count_customers
from core.settings import Settings
from functions.bi_rollup import marts
from functions.bi_rollup.cohorts import MART as COHORTS
from functions.bi_rollup.cohorts import cohort_metrics
from functions.bi_rollup.lifetime_value import CUSTOMER_HOLDOUT, Purchases, Valuer, error_metrics, value_metrics
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

DAYS_MART = marts.Mart(table="marts.customer_days", statement="write_customer_days", step=DAY)
MART = "marts.customers"
MOST = 200_000
"""Customers that are read; of more a sample is taken, and counts are scaled up."""
_NOON = 0.5  # of a day: a day lies either within a period or not


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomerHistory(Purchases):
    """Orders of customers, in days before an instant; arrays of shape (n,).

    Attributes:
        previous: days since the newest one of the previous period; NaN where there is none.
        total: number of all customers; more than n where these are a sample.
    """

    previous: Floats
    total: Floats


CUSTOMER_HISTORY = Query("customer_history", CustomerHistory)


def run(
    outside: Outside,
    due: datetime,
    previous: RollupResult | None,
    *,
    checked: bool = True,
    valuer: Valuer = value_metrics,
) -> RollupResult:
    """Materialize the marts up to a local midnight, then count customers and estimate their lifetime value.

    Args:
        outside: the ports.
        due: the local midnight.
        previous: the newest result.
        checked: whether the interval and the error of the lifetime value are estimated; they take twenty times as long as it.
        valuer: estimates the lifetime value.
    """
    tables, given = outside.tables, outside.settings.business.customers
    complete = marts.materialize(
        DAYS_MART, tables, due, previous, late=outside.orders.late, zone=outside.settings.business.time_zone
    )
    if complete < due:
        return RollupResult(due=complete, complete_until={DAYS_MART.table: complete})
    tables.write("write_customers", until=due)
    metrics = list(cohort_metrics(tables, due))
    periods = {"since": due - 2 * given.period, "middle": due - given.period, "until": due}
    history = tables.read_columns(CUSTOMER_HISTORY, **periods, most=MOST)
    if history.first.size:
        metrics += _counts(history, due, given.period)
        metrics += valuer(history, given.discount_rate, interval=checked)
    if checked:
        holdout = tables.read_columns(CUSTOMER_HOLDOUT, middle=due - given.period, until=due, most=MOST)
        metrics += error_metrics(holdout, given.period)
    churn = [metric.value for metric in metrics if metric.name == "aia_customer_churn_ratio"]
    return RollupResult(
        due=due,
        metrics=tuple(metrics),
        complete_until={DAYS_MART.table: due, MART: due, COHORTS: due},
        indicators={"churn_ratio": churn[0]} if churn else {},
    )


def _has_customers(settings: Settings) -> bool:
    orders = settings.business.orders
    return orders is not None and orders.customer is not None


JOB = RollupJob(name="customers", every=DAY, max_age=DAY + HOUR, enabled=_has_customers, run=run)


def _counts(history: CustomerHistory, due: datetime, period: timedelta) -> Iterator[MetricValue]:
    first, last, previous = (_seconds(days, due) for days in (history.first, history.last, history.previous))
    counts = count_customers(first, last, due, period=period, previous=previous)
    sampled = first.size / int(history.total[0])
    for state in ("new", "active", "lapsed"):
        yield MetricValue("aia_customers", float(round(getattr(counts, state) / sampled)), {"state": state})
    if counts.churn_ratio is not None:
        yield MetricValue("aia_customer_churn_ratio", counts.churn_ratio)


def _seconds(days: Floats, due: datetime) -> Floats:
    return due.timestamp() - (days - _NOON) * DAY.total_seconds()
