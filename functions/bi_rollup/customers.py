"""Customers: their marts, who comes and who stopped coming, and what they are worth; once a day, up to midnight."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.business import lifetime
from core.business.checks import EstimateError
from core.business.customers import count
from core.settings import Settings
from functions.adapters.columns import Columns, read_columns
from functions.adapters.logs import fields
from functions.adapters.ports import Warehouse
from functions.bi_rollup import marts, statements
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY

NAME = "customers"
DAYS = marts.Mart(name="marts.customer_days", statement="customer_days", step=DAY)
MART = "marts.customers"
MOST = 200_000
"""Customers that are read; of more a sample, whose numbers are scaled up to all."""
_YEAR = 365
_NOON = 0.5  # a day's orders lie within it: then no day is both in a period and not
_KINDS = dict.fromkeys(("again", "first", "last", "previous", "dollars", "everybody"), float)
log = logging.getLogger(__name__)


def make(outside: Outside, due: datetime, before: Made | None) -> Made:
    """Bring the marts up to midnight, count customers, and say what one is worth."""
    business = outside.settings.business
    if business.orders is None:
        raise ValueError("business.orders: must be given, got nothing")
    orders = business.orders
    reached = marts.bring(DAYS, outside.warehouse, orders, due, before, late=orders.late)
    if reached < due:
        return Made(due=reached, rollups={DAYS.name: reached})
    outside.warehouse.query(statements.CUSTOMERS, until=due)
    period = business.customers.period
    lives = _lives(outside.warehouse, due, period)
    figures = (*_states(lives, due, period), *_worth(lives)) if lives["first"].size else ()
    churn = [one.value for one in figures if one.name == "aia_customer_churn_ratio"]
    facts = {"churn_ratio": churn[0]} if churn else {}
    return Made(due=due, figures=figures, rollups={DAYS.name: due, MART: due}, facts=facts)


def wanted(settings: Settings) -> bool:
    """Whether it is known who ordered."""
    orders = settings.business.orders
    return orders is not None and orders.customer is not None


def _lives(warehouse: Warehouse, due: datetime, period: timedelta) -> Columns:
    spans: dict[str, Any] = {"since": due - 2 * period, "middle": due - period, "until": due, "most": MOST}
    return read_columns(warehouse, statements.LIVES, _KINDS, **spans)


def _states(lives: Columns, due: datetime, period: timedelta) -> Iterator[Figure]:
    first, last, previous = (_seconds(lives, name, due) for name in ("first", "last", "previous"))
    found = count(first, last, due, period=period, previous=previous)
    part = first.size / lives["everybody"][0]
    for state, number in (("new", found.new), ("active", found.active), ("lapsed", found.lapsed)):
        yield Figure("aia_customers", float(round(number / part)), {"state": state})
    if found.churn_ratio is not None:
        yield Figure("aia_customer_churn_ratio", found.churn_ratio)


def _seconds(lives: Columns, name: str, due: datetime) -> Any:  # noqa: ANN401 - an array, as of `Columns`
    return due.timestamp() - (lives[name] - _NOON) * DAY.total_seconds()


def _worth(lives: Columns) -> Iterator[Figure]:
    """What a customer will spend in a year, on average; where too few came again to tell, nothing."""
    again = lives["again"]
    monetary = np.maximum(lives["dollars"], 0.0) / np.maximum(again, 1.0)
    try:
        model = lifetime.fit(again, lives["first"] - lives["last"], lives["first"], monetary)
        value = float(np.mean(model.value(_YEAR)))
    except EstimateError as error:
        log.warning("no lifetime value: %s", error, extra=fields(customers=again.size))
        return
    yield Figure("aia_customer_lifetime_value_dollars", value)
