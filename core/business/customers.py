"""Customer counts by state, and churn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.checks import EstimateError, Floats, require, same_length, vector

PERIOD = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCounts:
    """Customers by state in a period; each customer is in one state.

    Attributes:
        new: ordered for the first time.
        active: ordered, and had ordered before.
        lapsed: did not order, and had ordered before.
        churn_ratio: of the customers who ordered in the previous period, the share that did not order in this one; None where
            nobody did, or where that is unknown.
    """

    new: int
    active: int
    lapsed: int
    churn_ratio: float | None


def count_customers(
    first_order: Sequence[float] | Floats,
    last_order: Sequence[float] | Floats,
    now: datetime,
    *,
    period: timedelta = PERIOD,
    previous: Sequence[float] | Floats | None = None,
) -> CustomerCounts:
    """Count customers in the period that ends now: after `now - period`, up to `now`.

    Args:
        first_order: first order of each customer, in seconds since 1970; shape (n,).
        last_order: newest order up to now; the same shape.
        now: end of the period.
        period: its length, also that of the previous period.
        previous: newest order of each customer before the period, so at most `now - period`; NaN where there is none; the same
            shape. Without it churn is unknown: a customer who ordered in this period may have ordered in the previous one or
            not.

    Raises:
        EstimateError: the lengths differ, a time is no number or after now, or a last order is before the first one.

    >>> from datetime import UTC
    >>> from math import nan
    >>> day = 86400.0
    >>> now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=200)
    >>> count_customers([150 * day, 20 * day, 20 * day], [190 * day, 180 * day, 60 * day], now,
    ...       previous=[nan, 90 * day, 60 * day])
    CustomerCounts(new=1, active=1, lapsed=1, churn_ratio=0.5)
    """
    if period <= timedelta(0):
        raise EstimateError(f"period: must be above 0, got {period}")
    first, last = vector("first_order", first_order), vector("last_order", last_order)
    same_length(first_order=first, last_order=last)
    end = now.timestamp()
    start = end - period.total_seconds()
    require("last_order", last, last <= end, f"at most now, {end:.0f}")
    require("first_order", first, first <= last, "at most the last order")
    new, ordered = first > start, last > start
    return CustomerCounts(
        new=int(new.sum()),
        active=int((ordered & ~new).sum()),
        lapsed=int((~ordered).sum()),
        churn_ratio=None if previous is None else _churn_ratio(previous, last, start, period),
    )


def _churn_ratio(previous: Sequence[float] | Floats, last: Floats, start: float, period: timedelta) -> float | None:
    earlier = vector("previous", previous, missing=True)
    same_length(last_order=last, previous=earlier)
    require("previous", earlier, ~(earlier > start), f"at most the beginning of the period, {start:.0f}")
    require("previous", earlier, ~(earlier > last), "at most the last order")
    before = earlier > start - period.total_seconds()
    churned = before & (last <= start)
    return float(churned.sum() / before.sum()) if before.any() else None
