"""Measured revenue of targets: what their orders usually bring in an hour of the week, and what incidents lost of it."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

from core.settings.business import RevenueOf
from core.text import clean, counted, number, period

_HOUR = timedelta(hours=1)
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRevenue:
    """The usual revenue of one stream of orders in an hour.

    Attributes:
        orders: the stream: the source of its orders.
        dollars_per_hour: the best estimate.
        low: the lower end of its 90 % interval.
        high: the upper end.
        basis: what it was measured by, as in `usual for Tuesday 14:00 UTC from the last 8 weeks`.
    """

    orders: str
    dollars_per_hour: float
    low: float
    high: float
    basis: str

    @property
    def is_known(self) -> bool:
        """Whether all of it are numbers."""
        return all(map(math.isfinite, (self.dollars_per_hour, self.low, self.high)))


Measured = Mapping[str, tuple[MeasuredRevenue, ...]]
"""By target, the usual revenue of its orders at an instant; nothing for a target that has orders, but whose revenue is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualHours:
    """The usual revenue of one stream of orders in successive hours, in dollars; each of the same length.

    Attributes:
        weeks: how many weeks of orders say so.
        dollars, low, high: the best estimate and its 90 % interval.
    """

    weeks: int
    dollars: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLoss:
    """What an incident lost of the revenue of its orders, by the orders that came, in dollars.

    Attributes:
        dollars: what is usual less what came, at least 0 and at most what was at risk.
        low, high: the ends of its 90 % interval, within the same bounds.
        usual, actual: what is usual, and what came, in the hours in which it lost: of hours shared with other incidents, its part.
        since, until: the time that is measured.
        orders: the streams, largest risk first.
        shared: with how many other incidents it shares hours of the same orders.
        unknown: why it is not known, in which case all amounts are 0; else empty.
        final: whether no more orders are waited for.
    """

    dollars: float = 0.0
    low: float = 0.0
    high: float = 0.0
    usual: float = 0.0
    actual: float = 0.0
    since: datetime
    until: datetime
    orders: tuple[str, ...]
    shared: int = 0
    unknown: str = ""
    final: bool = False


Losses = Mapping[str, MeasuredLoss]
"""By incident, what it lost."""
NO_LOSSES: Losses = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrders:
    """What a decision knows of orders.

    Attributes:
        measured: the usual revenue of the targets with orders in the hour of the decision.
        losses: what incidents lost so far.
    """

    measured: Measured = field(default_factory=dict)
    losses: Losses = field(default_factory=dict)

    def of(self, targets: Collection[str], incidents: Collection[str]) -> Self:
        """What is known of some targets and incidents."""
        return replace(
            self,
            measured={target: found for target, found in sorted(self.measured.items()) if target in targets},
            losses={incident: loss for incident, loss in sorted(self.losses.items()) if incident in incidents},
        )

    def with_newer(self, newer: "KnownOrders") -> Self:
        """What became known later; of targets that it does not name, what was known before."""
        return replace(self, measured={**self.measured, **newer.measured}, losses=newer.losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualRevenue:
    """What decisions about incidents know of orders; one document.

    Attributes:
        made_at: when the usual revenue was computed; None where it never was.
        first: the beginning of the first hour.
        orders: by stream of orders, the usual revenue from that hour on.
        losses: what open incidents lost so far, by incident.
    """

    made_at: datetime | None = None
    first: datetime | None = None
    orders: Mapping[str, UsualHours] = field(default_factory=dict)
    losses: Losses = field(default_factory=dict)

    def at(self, orders: str, at: datetime, zone: str) -> MeasuredRevenue | None:
        """The usual revenue of a stream of orders in the hour of an instant; None where it is not known."""
        hours = self.orders.get(orders)
        if hours is None or self.first is None:
            return None
        place = (at - self.first) // _HOUR
        if not 0 <= place < len(hours.dollars):
            return None
        return MeasuredRevenue(
            orders=orders,
            dollars_per_hour=hours.dollars[place],
            low=hours.low[place],
            high=hours.high[place],
            basis=_basis(self.first + place * _HOUR, zone, hours.weeks),
        )


def measured_revenue(
    usual: UsualRevenue,
    revenue_of: Mapping[str, RevenueOf],
    at: datetime,
    *,
    max_age: timedelta,
    zone: str,
) -> Measured:
    """The usual revenue of targets in the hour of an instant.

    Args:
        usual: as far as it is known.
        revenue_of: which orders are those of a target, from the settings.
        at: the instant.
        max_age: how old the usual revenue may be.
        zone: the time zone of the business.

    Returns:
        By target; of one of whose orders any is not known, nothing.
    """
    made_at = usual.made_at
    recent = made_at is not None and at - made_at <= max_age
    found: dict[str, tuple[MeasuredRevenue, ...]] = {}
    for target, orders in revenue_of.items():
        hours = [usual.at(source, at, zone) if recent else None for source in orders.sources]
        known = tuple(one for one in hours if one is not None and one.is_known)
        found[target] = known if len(known) == len(hours) else ()
    return found


def loss_text(loss: MeasuredLoss) -> str:
    """A measured loss in one line, with what it is measured by.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 3, 3, 9, 10, tzinfo=UTC)
    >>> loss_text(MeasuredLoss(dollars=2300, low=1900, high=2700, usual=3400, actual=1100, since=nine,
    ...                        until=nine + timedelta(hours=2), orders=("shop",)))
    '$2,300 ($1,900 to $2,700) from 2026-03-03 09:10 to 11:10 UTC: $1,100 of orders of shop in these hours, $3,400 usual; orders may still arrive'
    """
    when, of = period(loss.since, loss.until), order_names(loss.orders)
    if loss.unknown:
        return f"not known {when}: {loss.unknown}"
    shared = f"; shared with {counted(loss.shared, 'other incident')}" if loss.shared else ""
    basis = f"{number(loss.actual, 'dollars')} of orders of {of} in these hours, {number(loss.usual, 'dollars')} usual{shared}"
    more = "" if loss.final else "; orders may still arrive"
    high = number(loss.high, "dollars")
    if not loss.dollars:
        return f"no loss measured (up to {high}) {when}: {basis}{more}"
    amount = number(loss.dollars, "dollars")
    return f"{amount} ({number(loss.low, 'dollars')} to {high}) {when}: {basis}{more}"


@lru_cache(maxsize=1024)
def _basis(hour: datetime, zone: str, weeks: int) -> str:
    """What the usual revenue of an hour was measured by."""
    clock = f"{hour.astimezone(ZoneInfo(zone)):%A %H:%M} {zone}"
    return f"usual for {clock} from the last {weeks} weeks"


def order_names(orders: Iterable[str]) -> str:
    """The names of streams of orders, as people gave them."""
    return ", ".join(clean(one, _NAME_LIMIT) for one in orders)
