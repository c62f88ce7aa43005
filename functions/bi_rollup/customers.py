"""Customer marts, customer counts, churn and lifetime value; daily, up to midnight."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.business import lifetime
from core.business.checks import EstimateError, Floats
from core.business.customers import count_customers
from core.settings import Settings
from functions.adapters.logs import fields
from functions.bi_rollup import marts
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

DAYS_MART = marts.Mart(table="marts.customer_days", statement="write_customer_days", step=DAY)
MART = "marts.customers"
MOST = 200_000
"""Customers that are read; of more a sample is taken, and counts are scaled up."""
_YEAR = 365
_NOON = 0.5  # of a day: a day lies either within a period or not
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomerHistory:
    """Orders of customers, in days before an instant; arrays of shape (n,).

    Attributes:
        repeat_days: days with an order, less the first one.
        first: days since the first one.
        last: days since the newest one.
        previous: days since the newest one of the previous period; NaN where there is none.
        repeat_dollars: revenue after the first day.
        total: number of all customers; more than n where these are a sample.
    """

    repeat_days: Floats
    first: Floats
    last: Floats
    previous: Floats
    repeat_dollars: Floats
    total: Floats


CUSTOMER_HISTORY = Query("customer_history", CustomerHistory)


def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Materialize the marts up to a local midnight, then count customers and estimate their lifetime value."""
    tables = outside.tables
    complete = marts.materialize(
        DAYS_MART, tables, due, previous, late=outside.orders.late, zone=outside.settings.business.time_zone
    )
    if complete < due:
        return RollupResult(due=complete, complete_until={DAYS_MART.table: complete})
    tables.write("write_customers", until=due)
    period = outside.settings.business.customers.period
    periods = {"since": due - 2 * period, "middle": due - period, "until": due}
    history = tables.read_columns(CUSTOMER_HISTORY, **periods, most=MOST)
    metrics = (*_counts(history, due, period), *_lifetime_value(history)) if history.first.size else ()
    churn = [metric.value for metric in metrics if metric.name == "aia_customer_churn_ratio"]
    return RollupResult(
        due=due,
        metrics=metrics,
        complete_until={DAYS_MART.table: due, MART: due},
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


def _lifetime_value(history: CustomerHistory) -> Iterator[MetricValue]:
    """The mean spend expected of a customer in a year; nothing where too few customers have repeat purchases."""
    repeat = history.repeat_days
    monetary = np.maximum(history.repeat_dollars, 0.0) / np.maximum(repeat, 1.0)
    try:
        model = lifetime.fit(repeat, history.first - history.last, history.first, monetary)
        value = float(np.mean(model.value(_YEAR)))
    except EstimateError as error:
        log.warning("no customer lifetime value: %s", error, extra=fields(customers=repeat.size))
        return
    yield MetricValue("aia_customer_lifetime_value_dollars", value)
