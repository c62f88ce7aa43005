"""The marts of orders in memory: columns written one span at a time, as the statements of bi_rollup write them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from core.business.checks import Floats, Ints
from functions.bi_rollup.customers import CustomerHistory
from functions.bi_rollup.lifetime_value import CustomerHoldout
from functions.bi_rollup.order_parts import LINKS
from functions.bi_rollup.statements import REST
from infra.local.past.business_rows import micros, sums
from infra.local.past.order_rows import MONEY, OUTCOMES, REFUNDED, TAKEN, OrderRows

HOUR, DAY = (int(span.total_seconds()) * 1_000_000 for span in (timedelta(hours=1), timedelta(days=1)))
Column = TypeVar("Column", Ints, Floats)
_AGES = LINKS.days + 2
"""More than any number of days from an order to its refund."""
_NEAR = timedelta(days=1)
"""The instants of local days are less than this before or after the same days in UTC."""
_LATEST = np.iinfo(np.int64).max


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


def _nothing() -> Floats:
    return np.empty(0)


@dataclass(slots=True)
class HourMart:
    """`marts.revenue_hourly`: one row a source and hour, in order of time.

    Attributes:
        orders: what it is built from.
        at: the hour, in microseconds since 1970; shape (n,).
        source: an index of the sources' names; shape (n,).
        money: by the words of `MONEY`; each of shape (n,).
        counts: of each outcome, in the order of `OUTCOMES`; shape (n, 6).
    """

    orders: OrderRows
    at: Ints = field(default_factory=_none)
    source: Ints = field(default_factory=_none)
    money: dict[str, Floats] = field(default_factory=lambda: dict.fromkeys(MONEY, _nothing()))
    counts: Ints = field(default_factory=lambda: np.empty((0, len(OUTCOMES)), dtype=np.int64))

    @property
    def dollars(self) -> Floats:
        """Net revenue of each row; shape (n,)."""
        return self.money["dollars"]

    def write(self, since: datetime, until: datetime) -> None:
        """Write whole hours, as `write_revenue_hours.sql`."""
        rows = self.orders.counted(since, until)
        names = len(self.orders.sources.names)
        key = self.orders.at[rows] // HOUR * names + self.orders.sources.codes[rows]
        keys, place = np.unique(key, return_inverse=True)
        outcome = np.eye(len(OUTCOMES), dtype=np.int64)[self.orders.booked_as[rows]]
        counts = np.zeros((keys.size, len(OUTCOMES)), dtype=np.int64)
        np.add.at(counts, place, outcome)
        low, high = np.searchsorted(self.at, [micros(since), micros(until)])
        self.at = _replaced(self.at, low, high, keys // names * HOUR)
        self.source = _replaced(self.source, low, high, keys % names)
        for name, amount in self.orders.money.items():
            self.money[name] = _replaced(self.money[name], low, high, sums(place, amount[rows], keys.size))
        self.counts = _replaced(self.counts, low, high, counts)

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        low, high = np.searchsorted(self.at, [micros(since), micros(until)])
        return slice(int(low), int(high))

    def days(self, since: datetime, until: datetime) -> tuple[Ints, Ints]:
        """The rows of local days, and the local time of each."""
        span = self.span(since - _NEAR, until + _NEAR)
        rows, shown = np.arange(span.start, span.stop), self.orders.local(self.at[span])
        day = shown // DAY * DAY
        within = (day >= micros(since)) & (day < micros(until))
        return rows[within], shown[within]

    def listed(self, sources: Sequence[str]) -> tuple[list[str], Ints]:
        """The names of the listed sources and of the rest, in order, and each source's index among them."""
        known = [name if not sources or name in sources else REST for name in self.orders.sources.names]
        names = sorted(set(known))
        return names, np.array([names.index(name) for name in known], dtype=np.int64)


@dataclass(slots=True)
class DayMart:
    """`marts.customer_days`: one row a customer, day and day of the order, in order of time; columns of shape (n,).

    Attributes:
        orders: what it is built from.
        at: the day, in microseconds since 1970.
        customer: an index of the customers' names.
        order_day: the day of the orders whose revenue it is, in microseconds since 1970.
        taken: orders with the outcome taken.
        dollars: revenue with refunds deducted.
    """

    orders: OrderRows
    at: Ints = field(default_factory=_none)
    customer: Ints = field(default_factory=_none)
    order_day: Ints = field(default_factory=_none)
    taken: Ints = field(default_factory=_none)
    dollars: Floats = field(default_factory=_nothing)

    def write(self, since: datetime, until: datetime) -> None:
        """Write whole days, as `write_customer_days.sql`."""
        rows = self.orders.counted(since - _NEAR, until + _NEAR)
        day = self.orders.local_days(self.orders.at[rows])
        rows = rows[(day >= micros(since) // DAY) & (day < micros(until) // DAY)]
        rows = rows[(self.orders.customers.codes[rows] >= 0) & (self.orders.booked_as[rows] <= REFUNDED)]
        names = max(1, len(self.orders.customers.names))
        day, order_day = (self.orders.local_days(at) for at in (self.orders.at[rows], self.orders.sold_at(rows)))
        key = (day * names + self.orders.customers.codes[rows]) * _AGES + day - order_day
        keys, place = np.unique(key, return_inverse=True)
        keys, age = keys // _AGES, keys % _AGES
        taken = np.bincount(place[self.orders.outcome[rows] == TAKEN], minlength=keys.size)
        low, high = np.searchsorted(self.at, [micros(since), micros(until)])
        self.at = _replaced(self.at, low, high, keys // names * DAY)
        self.customer = _replaced(self.customer, low, high, keys % names)
        self.order_day = _replaced(self.order_day, low, high, (keys // names - age) * DAY)
        self.taken = _replaced(self.taken, low, high, taken)
        dollars = sums(place, self.orders.dollars[rows], keys.size)
        self.dollars = _replaced(self.dollars, low, high, dollars)

    def newest(self, since: datetime, until: datetime) -> Ints:
        """The newest day of a span on which each customer ordered, 0 where there is none; by the index of the customer."""
        low, high = np.searchsorted(self.at, [micros(since), micros(until)])
        rows = slice(low, high)
        newest = np.zeros(len(self.orders.customers.names), dtype=np.int64)
        np.maximum.at(newest, self.customer[rows][self.taken[rows] > 0], self.at[rows][self.taken[rows] > 0])
        return newest


@dataclass(slots=True)
class CustomerMart:
    """`marts.customers`: every customer who ever paid, as of the newest rollup; columns of shape (n,).

    Attributes:
        days_of: the mart it is built from.
        customer: an index of the customers' names, in sampling order.
        first: first day, in microseconds since 1970.
        last: newest day.
        days: days with an order.
        taken: orders with the outcome taken.
        dollars: revenue.
        first_dollars: revenue on the first day.
    """

    days_of: DayMart
    customer: Ints = field(default_factory=_none)
    first: Ints = field(default_factory=_none)
    last: Ints = field(default_factory=_none)
    days: Ints = field(default_factory=_none)
    taken: Ints = field(default_factory=_none)
    dollars: Floats = field(default_factory=_nothing)
    first_dollars: Floats = field(default_factory=_nothing)
    _order: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        digests = [hashlib.md5(name.encode()).digest() for name in self._names]  # noqa: S324 - as customer_history.sql takes samples
        self._order = np.array(sorted(range(len(digests)), key=digests.__getitem__), dtype=np.int64)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.days_of.orders.customers.names

    def write(self, until: datetime) -> None:
        """Rebuild all customers, as `write_customers.sql`."""
        lived = slice(0, int(np.searchsorted(self.days_of.at, micros(until))))
        at, who, taken = self.days_of.at[lived], self.days_of.customer[lived], self.days_of.taken[lived]
        dollars, size, ordered = self.days_of.dollars[lived], len(self._names), taken > 0
        order_day = self.days_of.order_day[lived]
        first, last = np.full(size, _LATEST), np.zeros(size, dtype=np.int64)
        np.minimum.at(first, who[ordered], at[ordered])
        np.maximum.at(last, who[ordered], at[ordered])
        on_first = order_day == first[who]
        self.customer = self._order[first[self._order] < _LATEST]
        self.first, self.last = first[self.customer], last[self.customer]
        self.days = np.bincount(who[ordered], minlength=size)[self.customer]
        self.taken = sums(who, taken, size).astype(np.int64)[self.customer]
        self.dollars = sums(who, dollars, size)[self.customer]
        self.first_dollars = sums(who[on_first], dollars[on_first], size)[self.customer]

    def history(self, since: datetime, middle: datetime, until: datetime, most: int) -> CustomerHistory:
        """The history of customers as of `until`, as `customer_history.sql`."""
        now = micros(until)
        known = np.flatnonzero(self.last < now)
        rows = known[:most]
        previous = self.days_of.newest(since, middle)[self.customer[rows]]
        return CustomerHistory(
            repeat_days=(self.days[rows] - 1).astype(np.float64),
            first=_days(now - self.first[rows]),
            last=_days(now - self.last[rows]),
            previous=np.where(previous > 0, _days(now - previous), np.nan),
            repeat_dollars=self.dollars[rows] - self.first_dollars[rows],
            total=np.full(rows.size, float(known.size)),
        )

    def holdout(self, middle: datetime, until: datetime, most: int) -> CustomerHoldout:
        """Customers as they were known at an instant, and what they ordered since, as `customer_holdout.sql`."""
        days, size, split = self.days_of, len(self._names), micros(middle)
        lived = slice(0, int(np.searchsorted(days.at, micros(until))))
        at, who, ordered = days.at[lived], days.customer[lived], days.taken[lived] > 0
        first, last = np.full(size, _LATEST), np.zeros(size, dtype=np.int64)
        np.minimum.at(first, who[ordered], at[ordered])
        before = at < split
        np.maximum.at(last, who[ordered & before], at[ordered & before])
        again = before & (days.order_day[lived] != first[who])
        rows = self._order[first[self._order] < split][:most]
        return CustomerHoldout(
            repeat_days=sums(who, (ordered & before).astype(np.int64), size)[rows] - 1,
            first=_days(split - first[rows]),
            last=_days(split - last[rows]),
            repeat_dollars=sums(who[again], days.dollars[lived][again], size)[rows],
            purchases=sums(who, (ordered & ~before).astype(np.int64), size)[rows],
        )


def _days(span: Ints) -> Floats:
    return (span // DAY).astype(np.float64)


def _replaced(column: Column, low: int, high: int, new: Column) -> Column:
    return np.concatenate([column[:low], new, column[high:]])
