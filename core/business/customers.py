"""Who is new, who comes, who stopped coming."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.business.checks import EstimateError, Floats, require, same_length, vector

PERIOD = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """Customers by what they did in the period; each counts once, so that the three add up to all.

    Attributes:
        new: ordered for the first time.
        active: ordered, and not for the first time.
        lapsed: did not order, but did before.
        churn_ratio: of those who ordered in the period before, the share that did not in this one; None where nobody did,
            or where it is not known who did.
    """

    new: int
    active: int
    lapsed: int
    churn_ratio: float | None


def count(
    first_order: Sequence[float] | Floats,
    last_order: Sequence[float] | Floats,
    now: datetime,
    *,
    period: timedelta = PERIOD,
    previous: Sequence[float] | Floats | None = None,
) -> Customers:
    """Count customers in the period that ends now: what is after `now - period`, and not after `now`.

    Args:
        first_order: of each customer, in seconds since 1970; shape (n,).
        last_order: the newest one up to now; the same shape.
        now: the end of the period.
        period: how long it is; the period before is as long.
        previous: the newest order of each customer that is not in the period, so not after `now - period`; NaN where there
            is none; the same shape. Without it the ratio of churn is not known: somebody who ordered in this period may
            or may not have ordered in the one before.

    Raises:
        EstimateError: the lengths differ, a time is no number or after now, or orders are not in their order.

    >>> from datetime import UTC
    >>> from math import nan
    >>> day = 86400.0
    >>> now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=200)
    >>> count([150 * day, 20 * day, 20 * day], [190 * day, 180 * day, 60 * day], now,
    ...       previous=[nan, 90 * day, 60 * day])
    Customers(new=1, active=1, lapsed=1, churn_ratio=0.5)
    """
    if period <= timedelta(0):
        raise EstimateError(f"period: must be above 0, got {period}")
    first, last = vector("first_order", first_order), vector("last_order", last_order)
    same_length(first_order=first, last_order=last)
    until = now.timestamp()
    begin = until - period.total_seconds()
    require("last_order", last, last <= until, f"at most now, {until:.0f}")
    require("first_order", first, first <= last, "at most the last order")
    new, ordered = first > begin, last > begin
    return Customers(
        new=int(new.sum()),
        active=int((ordered & ~new).sum()),
        lapsed=int((~ordered).sum()),
        churn_ratio=None if previous is None else _churn(previous, last, begin, period),
    )


def _churn(previous: Sequence[float] | Floats, last: Floats, begin: float, period: timedelta) -> float | None:
    earlier = vector("previous", previous, missing=True)
    same_length(last_order=last, previous=earlier)
    require("previous", earlier, ~(earlier > begin), f"at most the beginning of the period, {begin:.0f}")
    require("previous", earlier, ~(earlier > last), "at most the last order")
    before = earlier > begin - period.total_seconds()
    stayed_away = before & (last <= begin)
    return float(stayed_away.sum() / before.sum()) if before.any() else None
