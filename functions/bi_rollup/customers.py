"""Customers: their marts, who comes and who stopped coming, and what they are worth; once a day, up to midnight."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from core.business import lifetime
from core.business.checks import EstimateError, Floats
from core.business.customers import count
from core.settings import Settings
from functions.adapters.logs import fields
from functions.bi_rollup import marts
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.ports import Lives
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY

NAME = "customers"
DAYS = marts.Mart(
    name="marts.customer_days",
    write=lambda tables, since, until: tables.write_customer_days(since, until),
    step=DAY,
)
MART = "marts.customers"
MOST = 200_000
"""Customers that are read; of more a sample, whose numbers are scaled up to all."""
_YEAR = 365
_NOON = 0.5  # a day's orders lie within it: then no day is both in a period and not
log = logging.getLogger(__name__)


def make(outside: Outside, due: datetime, before: Made | None) -> Made:
    """Bring the marts up to midnight, count customers, and say what one is worth."""
    reached = marts.bring(DAYS, outside.tables, due, before, late=outside.orders.late)
    if reached < due:
        return Made(due=reached, rollups={DAYS.name: reached})
    outside.tables.write_customers(due)
    period = outside.settings.business.customers.period
    lives = outside.tables.lives(due - 2 * period, due - period, due, MOST)
    figures = (*_states(lives, due, period), *_worth(lives)) if lives.first.size else ()
    churn = [one.value for one in figures if one.name == "aia_customer_churn_ratio"]
    facts = {"churn_ratio": churn[0]} if churn else {}
    return Made(due=due, figures=figures, rollups={DAYS.name: due, MART: due}, facts=facts)


def wanted(settings: Settings) -> bool:
    """Whether it is known who ordered."""
    orders = settings.business.orders
    return orders is not None and orders.customer is not None


def _states(lives: Lives, due: datetime, period: timedelta) -> Iterator[Figure]:
    first, last, previous = (_seconds(days, due) for days in (lives.first, lives.last, lives.previous))
    found = count(first, last, due, period=period, previous=previous)
    part = first.size / lives.everybody
    for state, number in (("new", found.new), ("active", found.active), ("lapsed", found.lapsed)):
        yield Figure("aia_customers", float(round(number / part)), {"state": state})
    if found.churn_ratio is not None:
        yield Figure("aia_customer_churn_ratio", found.churn_ratio)


def _seconds(days: Floats, due: datetime) -> Floats:
    return due.timestamp() - (days - _NOON) * DAY.total_seconds()


def _worth(lives: Lives) -> Iterator[Figure]:
    """What a customer will spend in a year, on average; where too few came again to tell, nothing."""
    again = lives.again
    monetary = np.maximum(lives.dollars, 0.0) / np.maximum(again, 1.0)
    try:
        model = lifetime.fit(again, lives.first - lives.last, lives.first, monetary)
        value = float(np.mean(model.value(_YEAR)))
    except EstimateError as error:
        log.warning("no lifetime value: %s", error, extra=fields(customers=again.size))
        return
    yield Figure("aia_customer_lifetime_value_dollars", value)
