"""Measured loss of incidents: what their orders usually bring less what came, hour by hour of the booked revenue.

Orders are booked by the hour, so the hours in which an incident began and ended are compared whole: what came in the rest of such an
hour is usual on average. What an incident lost is at most what was at risk in its part of the hour. Hours that several incidents share
are divided among them, so that the losses of incidents add up.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from core.business.usual import UsualWeek
from core.incidents.measured import MeasuredLoss
from core.text import clean, instant

_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW = 5.0
"""Orders that are usual: where fewer are, none may come by chance; of more, none has a probability below 1 %."""
_NO_RATE = 0.01
"""Share of payments without an exchange rate up to which the revenue of an hour is known."""
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The time in which orders were at risk in one incident.

    Attributes:
        incident_id: the incident.
        orders: the stream of orders.
        share: of its revenue that was at risk, 0 to 1.
        since, until: the time, in UTC.
        is_outage: whether no orders may come because of the incident; otherwise it is not known why none come.
    """

    incident_id: str
    orders: str
    share: float
    since: datetime
    until: datetime
    is_outage: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedHour:
    """What is booked in one hour.

    Attributes:
        dollars: net revenue, of the payments with an exchange rate.
        payments: the number of payments, also failed ones; test orders are none.
        no_rate: of these, in a currency whose rate is not known.
    """

    dollars: float
    payments: int
    no_rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """What is known of one stream of orders.

    Attributes:
        usual: its usual week, or None where it is not known.
        payments: the usual number of payments by hour of the week, as `usual` has the places; of length 168.
        places: the place of an hour in the week, by the hour.
        booked: by hour; one without orders is missing.
        newest: the newest hour with an order, or None.
    """

    usual: UsualWeek | None
    payments: Sequence[float]
    places: Mapping[datetime, int]
    booked: Mapping[datetime, BookedHour]
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour of an exposure: its part of what the hour brings, and of what is usual the largest share that it can have lost."""

    at: datetime
    part: float
    at_risk: float
    elapsed: float


def measured_losses(
    exposures: Iterable[Exposure], history: Callable[[Exposure], OrderHistory], due: datetime, *, late: timedelta
) -> dict[str, MeasuredLoss]:
    """What each incident lost.

    Args:
        exposures: of all incidents of the time, also of those that are over: they share hours.
        history: gives what is known of the orders of an exposure; usual is what was so before it.
        due: until when orders are booked, in UTC.
        late: how late orders may arrive, at most: so long a loss is not final.

    Returns:
        By incident.
    """
    by_incident: dict[str, list[MeasuredLoss]] = {}
    every = [one for one in exposures if one.since < min(one.until, due)]
    for orders in sorted({one.orders for one in every}):
        of_orders = [replace(one, until=min(one.until, due)) for one in every if one.orders == orders]
        for one in of_orders:
            loss = _loss(one, of_orders, history(one), due, final=due >= one.until + late)
            by_incident.setdefault(one.incident_id, []).append(loss)
    return {incident: _sum(losses) for incident, losses in by_incident.items()}


def is_known(hours: Iterable[BookedHour]) -> bool:
    """Whether the revenue of some hours is: nearly all payments have an exchange rate."""
    found = list(hours)
    return sum(hour.no_rate for hour in found) <= _NO_RATE * sum(hour.payments for hour in found)


def _loss(
    one: Exposure, every: Sequence[Exposure], history: OrderHistory, due: datetime, *, final: bool
) -> MeasuredLoss:
    until = one.until if one.is_outage else min(one.until, _reported_until(one, history, due))
    others = [other for other in every if other is not one and _hours_meet(one, other)]
    loss = MeasuredLoss(since=one.since, until=one.until, orders=(one.orders,), shared=len(others), final=final)
    name = clean(one.orders, _NAME_LIMIT)
    if history.usual is None:
        return replace(loss, unknown=f"the usual revenue of orders of {name} is not known")
    if until <= one.since:
        last = f"since {instant(history.newest + _HOUR)}" if history.newest else "at all"
        return replace(loss, unknown=f"no orders of {name} arrived {last}; perhaps they only are not reported")
    hours = list(_hours(replace(one, until=until), others, due))
    if not is_known(history.booked[hour.at] for hour in hours if hour.at in history.booked):
        return replace(loss, unknown=f"orders of {name} have no exchange rate")
    places, elapsed = [history.places[hour.at] for hour in hours], [hour.elapsed for hour in hours]
    parts, at_risk = [hour.part for hour in hours], [hour.at_risk / hour.elapsed for hour in hours]
    usual = history.usual.sum(places, weights=parts, elapsed=elapsed)
    most = history.usual.sum(places, weights=at_risk, elapsed=elapsed).dollars
    booked = ((history.booked.get(hour.at), hour.part) for hour in hours)
    actual = math.fsum(found.dollars * part for found, part in booked if found)
    growth = usual.high / usual.dollars if usual.dollars else 1.0
    lost = min(max(0.0, usual.dollars - actual), most)
    return replace(
        loss,
        until=until,
        dollars=lost,
        low=min(max(0.0, usual.low - actual), most),
        high=max(lost, min(max(0.0, usual.high - actual), most * growth)),
        usual=usual.dollars,
        actual=actual,
    )


def _reported_until(one: Exposure, history: OrderHistory, due: datetime) -> datetime:
    """Until when orders are known to be reported: where many are usual and none came, the feed may have stopped."""
    silent_since = one.since if history.newest is None else max(one.since, history.newest + _HOUR)
    silent = list(_hours(replace(one, since=silent_since), (), due)) if silent_since < one.until else []
    usual = math.fsum(history.payments[history.places[hour.at]] * hour.elapsed for hour in silent)
    return silent_since if usual >= _FEW else one.until


def _hours(one: Exposure, others: Sequence[Exposure], due: datetime) -> Iterator[_Hour]:
    """The hours of an exposure that have begun."""
    at = _floor(one.since)
    while at < one.until:
        mine = _coverage(one, at) * one.share
        all_of_them = mine + math.fsum(_coverage(other, at) * other.share for other in others)
        part = mine / all_of_them if all_of_them > 0 else 1.0
        yield _Hour(at, part, part * min(1.0, all_of_them), min(1.0, (due - at) / _HOUR))
        at += _HOUR


def _coverage(one: Exposure, hour: datetime) -> float:
    """The share of an hour that lies in an exposure."""
    return max(0.0, (min(one.until, hour + _HOUR) - max(one.since, hour)) / _HOUR)


def _hours_meet(one: Exposure, other: Exposure) -> bool:
    """Whether any hour lies in both, in part at least."""
    last, other_last = (_floor(exposure.until - timedelta(microseconds=1)) for exposure in (one, other))
    return max(_floor(one.since), _floor(other.since)) <= min(last, other_last)


def _sum(losses: Sequence[MeasuredLoss]) -> MeasuredLoss:
    """The loss over several streams of orders; those of a stream that is not known make it not known."""
    first = max(losses, key=lambda loss: (loss.usual, loss.orders))
    orders = tuple(loss.orders[0] for loss in sorted(losses, key=lambda loss: (-loss.usual, loss.orders)))
    common = replace(
        first,
        orders=orders,
        until=min(loss.until for loss in losses),
        shared=max(loss.shared for loss in losses),
        final=all(loss.final for loss in losses),
    )
    unknown = [loss.unknown for loss in losses if loss.unknown]
    if unknown:
        amounts = dict.fromkeys(("dollars", "low", "high", "usual", "actual"), 0.0)
        until = max(loss.until for loss in losses)
        return replace(common, **amounts, until=until, unknown="; ".join(unknown))  # type: ignore[arg-type] # amounts are floats
    dollars = math.fsum(loss.dollars for loss in losses)
    return replace(
        common,
        dollars=dollars,
        low=max(0.0, dollars - math.hypot(*(loss.dollars - loss.low for loss in losses))),
        high=dollars + math.hypot(*(loss.high - loss.dollars for loss in losses)),
        usual=math.fsum(loss.usual for loss in losses),
        actual=math.fsum(loss.actual for loss in losses),
    )


def _floor(at: datetime) -> datetime:
    return _EPOCH + (at - _EPOCH) // _HOUR * _HOUR
