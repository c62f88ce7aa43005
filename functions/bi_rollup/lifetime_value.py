"""Lifetime value of customers, its interval, and its error on the customers of the last period."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np

from core.business import lifetime
from core.business.checks import EstimateError, Floats
from core.business.lifetime_error import holdout_error
from core.business.lifetime_interval import mean_value_factor
from functions.adapters.logs import fields
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue
from functions.bi_rollup.spans import DAY

_YEAR = 365
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Purchases:
    """Purchases of customers, in days before an instant; arrays of shape (n,).

    Attributes:
        repeat_days: days with an order, less the first one.
        first: days since the first one.
        last: days since the newest one.
        repeat_dollars: revenue after the first day.
    """

    repeat_days: Floats
    first: Floats
    last: Floats
    repeat_dollars: Floats

    @property
    def summary(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Frequency, recency, age and mean value, as `lifetime.fit` takes them."""
        monetary = np.maximum(self.repeat_dollars, 0.0) / np.maximum(self.repeat_days, 1.0)
        return self.repeat_days, self.first - self.last, self.first, monetary


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CustomerHoldout(Purchases):
    """Customers as they were known at an instant.

    Attributes:
        purchases: days with an order from then on.
    """

    purchases: Floats


CUSTOMER_HOLDOUT = Query("customer_holdout", CustomerHoldout)


class Valuer(Protocol):
    """Estimates the lifetime value of customers."""

    def __call__(self, history: Purchases, discount: float, *, interval: bool) -> Iterable[MetricValue]:
        """As `value_metrics`."""
        ...


def value_metrics(history: Purchases, discount: float, *, interval: bool) -> Iterator[MetricValue]:
    """The mean spend expected of a customer in a year; nothing where too few customers have repeat purchases.

    Args:
        history: of the customers.
        discount: discount rate a year, as a share.
        interval: whether its bounds are estimated as well.
    """
    details = fields(customers=history.repeat_days.size)
    try:
        model = lifetime.fit(*history.summary)
    except EstimateError as error:
        log.warning("no customer lifetime value: %s", error, extra=details)
        return
    middle = float(np.mean(model.value(_YEAR, discount=discount)))
    yield MetricValue("aia_customer_lifetime_value_dollars", middle)
    if not interval:
        return
    try:
        factor = mean_value_factor(model, _YEAR)
    except EstimateError as error:
        log.warning("no interval of customer lifetime value: %s", error, extra=details)
        return
    for bound, value in (("low", middle / factor), ("high", middle * factor)):
        yield MetricValue("aia_customer_lifetime_value_bound_dollars", value, {"bound": bound})


def error_metrics(holdout: CustomerHoldout, period: timedelta) -> Iterator[MetricValue]:
    """The error of the purchases that would have been forecast a period ago; nothing where too few customers were known then."""
    try:
        error = holdout_error(holdout.summary, holdout.purchases, period / DAY)
    except EstimateError as fault:
        log.info("no error of customer lifetime value: %s", fault, extra=fields(customers=holdout.purchases.size))
        return
    for method in ("forecast", "naive_count"):
        value = error.forecast if method == "forecast" else error.naive
        yield MetricValue("aia_customer_purchases_error", value, {"method": method})
    yield MetricValue("aia_customer_purchases_ratio", error.ratio)
