"""Orders and exchange rates as sorted columns, read by the same rules as the statements of bi_rollup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.business.checks import Bools, Floats, Ints
from core.settings import Business, Orders, Rates
from core.settings.business import OUTCOMES as KNOWN_OUTCOMES
from functions.bi_rollup.order_parts import LABELS, LINKS, RETRIES, TEST, dimensions, kept_models
from infra.local.past.business_rows import MICROSECOND, UNNAMED, TextColumn, micros, numbers, times, within

OUTCOMES = (*KNOWN_OUTCOMES, "unknown", "no_rate", "test")
TAKEN, REFUNDED, FAILED, UNKNOWN, NO_RATE, IS_TEST = range(len(OUTCOMES))
MONEY = ("dollars", "gross", "discount", "tax", "refund")
_LINKS = LINKS // MICROSECOND
_HOUR, _DAY = timedelta(hours=1) // MICROSECOND, timedelta(days=1) // MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateRows:
    """Exchange rates.

    Attributes:
        quotes: the days since 1970 with a rate, ascending, and the rates, NaN where a day has different ones, by currency.
        max_age: for how many days a rate holds at most.
    """

    quotes: Mapping[str, tuple[Ints, Floats]] = field(default_factory=dict)
    max_age: int = 0

    @classmethod
    def read(cls, table: pa.Table, given: Rates) -> Self:
        """Read a table with the columns that the settings name."""
        days = table[given.day].cast(pa.date32()).cast(pa.int32()).to_pylist()
        by_currency: dict[str, dict[int, float]] = {}
        for day, currency, rate in zip(
            days, table[given.currency].to_pylist(), numbers(table, given.rate).tolist(), strict=True
        ):
            if day is not None and currency is not None and 0 < rate < np.inf:
                quotes = by_currency.setdefault(currency.strip().upper(), {})
                quotes[day] = rate if quotes.get(day, rate) == rate else np.nan
        columns = {
            name: (np.array(sorted(found)), np.array([found[day] for day in sorted(found)]))
            for name, found in by_currency.items()
        }
        return cls(quotes=columns, max_age=given.max_age.days)

    def at(self, currencies: TextColumn, days: Ints, reporting: str) -> Floats:
        """The rate of each row's currency on its day, NaN where it is not known; shape (n,)."""
        rates = np.full(days.size, np.nan)
        for code, name in enumerate(currencies.names):
            rows = np.flatnonzero(currencies.codes == code)
            if name == reporting:
                rates[rows] = 1.0
            elif name in self.quotes:
                quoted_on, quotes = self.quotes[name]
                place = np.searchsorted(quoted_on, days[rows], side="right") - 1
                holds = (place >= 0) & (days[rows] - quoted_on[place] <= self.max_age)
                rates[rows[holds]] = quotes[place[holds]]
        return rates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderRows:
    """The rows of a table of orders by time; columns of shape (n,).

    Attributes:
        at: instant of the order.
        ids: id of the order.
        sources: source of revenue.
        customers: customer.
        currencies: currency of the amounts.
        labels: model, version, arm, device and country, by these words.
        amount: that was paid; -inf where it is missing or not valid, as BigQuery sorts it.
        parts: tax and discount, without a sign, by these words.
        outcome: an index of `OUTCOMES`, before rates are applied.
        rate: of the currency on the day of the order, NaN where it is not known.
        refunds: the key of a refund among those of its order, 0 for other rows.
        sale_ids: the id of the order of a refund, of other rows their own: an index of the names of `ids`, -1 where it is missing.
        repeated_within: rows with one key that are less than this apart are copies.
        dimensions: that the orders have, by which revenue is known.
        kept_models: models that have rows of their own on every day.
        zone: the time zone of days.
        money: of each row in the reporting currency, by the words of `MONEY`.
        sales: the rows of the sales of each id, by time.
    """

    at: Ints
    ids: TextColumn
    sources: TextColumn
    customers: TextColumn
    currencies: TextColumn
    labels: Mapping[str, TextColumn]
    amount: Floats
    parts: Mapping[str, Floats]
    outcome: Ints
    rate: Floats
    refunds: Ints
    sale_ids: Ints
    repeated_within: timedelta
    dimensions: tuple[str, ...] = ("source",)
    kept_models: tuple[str, ...] = ()
    zone: str = "UTC"
    money: Mapping[str, Floats] = field(init=False)
    sales: Mapping[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "money", _money(self))
        object.__setattr__(self, "sales", _sales(self))

    @classmethod
    def read(cls, table: pa.Table, business: Business, rates: RateRows | None = None) -> Self:
        """Read a table with the columns that the settings name.

        Raises:
            ValueError: the settings name none.
        """
        if (given := business.orders) is None:
            raise ValueError("business.orders: must be given, got nothing")
        at, order = times(table, given.timestamp)
        amount = numbers(table, given.amount)
        parts = {name: _part_of_amount(table, getattr(given, name)) for name in ("tax", "discount")}
        outcome = _outcomes(table, amount, parts, given)
        outcome, amount = outcome[order], amount[order]
        rows, outcome = _sold_before(amount, outcome) if given.refunds == "in_place" else (np.arange(at.size), outcome)
        order, at, amount = order[rows], at[rows], amount[rows]
        currencies = _currencies(table, business.currency, given.currency).take(order)
        days = local(at, business.time_zone) // _DAY
        ids, refund_of = (_named(table, column).take(order) for column in (given.id, given.refund_of))
        return cls(
            at=at,
            ids=ids,
            sources=TextColumn.of(table[given.source], missing=UNNAMED).take(order),
            customers=_named(table, given.customer).take(order),
            currencies=currencies,
            labels={label: _named(table, getattr(given, label)).take(order) for label in LABELS},
            amount=np.where(np.isnan(amount), -np.inf, amount),
            parts={name: np.where(np.isnan(part), -np.inf, part)[order] for name, part in parts.items()},
            outcome=outcome,
            rate=(rates or RateRows()).at(currencies, days, business.currency),
            refunds=np.where(
                outcome == REFUNDED, _refund_keys(_named(table, given.refund_id).take(order).codes, at, amount), 0
            ),
            sale_ids=np.where(outcome == REFUNDED, _sale_ids(ids, refund_of), ids.codes),
            repeated_within=given.repeated_within,
            dimensions=dimensions(given),
            kept_models=kept_models(business),
            zone=business.time_zone,
        )

    @property
    def paid(self) -> Bools:
        """Whether each was taken or refunded."""
        paid: Bools = self.outcome <= REFUNDED
        return paid

    @property
    def booked_as(self) -> Ints:
        """The outcome in the marts: also whether the rate is not known."""
        return np.where(self.paid & np.isnan(self.rate), NO_RATE, self.outcome)

    @property
    def dollars(self) -> Floats:
        """Net revenue of each row: refunds are negative, other outcomes than taken 0."""
        return self.money["dollars"]

    def local(self, at: Ints) -> Ints:
        """What the clocks show at instants, written as UTC; shape (n,)."""
        return local(at, self.zone)

    def local_days(self, at: Ints) -> Ints:
        """The number of the local day in which the hour of each instant begins; shape (n,)."""
        return self.local(at // _HOUR * _HOUR) // _DAY

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return within(self.at, since, until)

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span with each order once, as `orders.sql` deduplicates them; by time."""
        span = self.span(since - self.repeated_within, until + RETRIES)
        rows = np.arange(span.start, span.stop)
        counts = ~self._is_copy(rows) & ~self._is_attempt(rows) | (self.ids.codes[rows] < 0)
        at = self.at[rows]
        return rows[counts & (at >= micros(since)) & (at < micros(until))]

    def sold_at(self, rows: Ints) -> Ints:
        """The instant of the order of each: of a refund the first sale with the id of its order in the 90 days before."""
        found = self.at[rows].copy()
        for place, sales in self._sales_of_refunds(rows):
            found[place] = self.at[sales[0]]
        return found

    def label(self, name: str, rows: Ints) -> list[str | None]:
        """The label of rows; of a refund without one the first by name of such sales."""
        found = self.labels[name].values(rows)
        for place, sales in self._sales_of_refunds(rows):
            if found[place] is None:
                found[place] = min((value for value in self.labels[name].values(sales) if value), default=None)
        return found

    def _sales_of_refunds(self, rows: Ints) -> list[tuple[int, Ints]]:
        """The places of refunds among rows, each with the sales of its order in the 90 days before, by time, if there are any."""
        found = []
        for place in np.flatnonzero(self.outcome[rows] == REFUNDED).tolist():
            at, of_id = int(self.at[rows[place]]), self.sales.get(int(self.sale_ids[rows[place]]), [])
            near = [sale for sale in of_id if at - _LINKS <= self.at[sale] <= at]
            if near:
                found.append((place, np.array(near)))
        return found

    def _is_copy(self, rows: Ints) -> Bools:
        """Whether the row before, with the same key, is less than `repeated_within` earlier."""
        names = (self.customers.rank[rows], self.sources.rank[rows], self.currencies.rank[rows])
        amounts = (self.parts["discount"][rows], self.parts["tax"][rows], self.amount[rows])
        key = np.stack([self.ids.codes[rows], self.outcome[rows], self.refunds[rows]])
        place = np.lexsort((*names, *amounts, self.at[rows], *key))
        near = np.diff(self.at[rows][place]) < self.repeated_within // MICROSECOND
        copy = np.zeros(rows.size, dtype=np.bool_)
        copy[place[1:]] = near & (np.diff(key[:, place]) == 0).all(axis=0)
        return copy

    def _is_attempt(self, rows: Ints) -> Bools:
        """Whether the row is not paid, but its order was within `repeated_within` before or within a day after."""
        paid = rows[self.paid[rows] & (self.ids.codes[rows] >= 0)]
        paid_at: dict[int, list[int]] = {}
        for code, at in zip(self.ids.codes[paid].tolist(), self.at[paid].tolist(), strict=True):
            paid_at.setdefault(code, []).append(at)
        before, after = self.repeated_within // MICROSECOND, RETRIES // MICROSECOND
        attempt = np.zeros(rows.size, dtype=np.bool_)
        for place in np.flatnonzero(~self.paid[rows] & (self.outcome[rows] != IS_TEST)).tolist():
            at = int(self.at[rows[place]])
            near = paid_at.get(int(self.ids.codes[rows[place]]), [])
            attempt[place] = any(at - before < other < at + after for other in near)
        return attempt


def local(at: Ints, zone: str) -> Ints:
    """What the clocks of a time zone show at instants, written as UTC; shape (n,)."""
    shown = pc.local_timestamp(pa.array(at, pa.timestamp("us", zone)))
    return np.asarray(shown.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)


def _money(orders: OrderRows) -> dict[str, Floats]:
    """Gross, discount, tax, refund and net revenue of each row."""
    known = ~np.isnan(orders.rate)
    taken, refunded = (known & (orders.outcome == outcome) for outcome in (TAKEN, REFUNDED))
    either = taken | refunded
    amount, tax, discount, rate = (
        np.where(either, column, 0.0)
        for column in (orders.amount, orders.parts["tax"], orders.parts["discount"], orders.rate)
    )
    sign = np.where(refunded | (amount < 0), -1.0, 1.0)
    net, gross_discount = sign * (np.abs(amount) - tax) * rate, sign * discount * rate
    return {
        "dollars": net,
        "gross": np.where(taken, net + gross_discount, 0.0),
        "discount": np.where(taken, gross_discount, 0.0),
        "tax": sign * tax * rate,
        "refund": np.where(refunded, -net, 0.0),
    }


def _sales(orders: OrderRows) -> dict[int, list[int]]:
    """The rows of the sales of each id, by time."""
    sales: dict[int, list[int]] = {}
    rows = np.flatnonzero((orders.outcome == TAKEN) & (orders.ids.codes >= 0))
    for row, code in zip(rows.tolist(), orders.ids.codes[rows].tolist(), strict=True):
        sales.setdefault(code, []).append(row)
    return sales


def _named(table: pa.Table, column: str | None) -> TextColumn:
    return TextColumn.named(table[column]) if column else TextColumn.none(len(table))


def _currencies(table: pa.Table, reporting: str, column: str | None) -> TextColumn:
    if column is None:
        return TextColumn(names=(reporting,), codes=np.zeros(len(table), dtype=np.int64))
    return TextColumn.named(pc.utf8_upper(pc.utf8_trim_whitespace(table[column].cast(pa.string()))))


def _part_of_amount(table: pa.Table, column: str | None) -> Floats:
    """A part of the amount without its sign: 0 where there is none, NaN where it is no number."""
    if column is None:
        return np.zeros(len(table))
    missing = table[column].is_null().to_numpy()
    return np.where(missing, 0.0, np.abs(numbers(table, column)))


def _outcomes(table: pa.Table, amount: Floats, parts: Mapping[str, Floats], given: Orders) -> Ints:
    outcome = _by_word(table, given) if given.outcome else np.where(amount < 0, REFUNDED, TAKEN)
    valid = np.isfinite(amount + parts["tax"] + parts["discount"]) & (parts["tax"] <= np.abs(amount))
    marks = _named(table, given.test)
    is_test = np.array([*(name.strip().lower() in TEST for name in marks.names), False])[marks.codes]
    return np.where(is_test, IS_TEST, np.where(valid, outcome, UNKNOWN))


def _by_word(table: pa.Table, given: Orders) -> Ints:
    words = TextColumn.of(table[given.outcome])
    index = {word: OUTCOMES.index(outcome) for outcome, spelt in given.outcomes.items() for word in spelt}
    by_code = np.array([*(index.get(name, UNKNOWN) for name in words.names), UNKNOWN])
    outcomes: Ints = by_code[words.codes]  # -1, a missing word, is the last one
    return outcomes


def _sold_before(amount: Floats, outcome: Ints) -> tuple[Ints, Ints]:
    """The rows with the sales that refunds set in place were before, by time, and the outcome of each."""
    sold = (outcome == REFUNDED) & (amount > 0)
    rows = np.repeat(np.arange(outcome.size), np.where(sold, 2, 1))
    again = np.append(False, np.diff(rows) == 0)
    return rows, np.where(np.append(again[1:], False), TAKEN, outcome[rows])


def _sale_ids(ids: TextColumn, refund_of: TextColumn) -> Ints:
    """The id of the order that each row names; its own where it names none, and -1 where no row has that id."""
    index = {name: code for code, name in enumerate(ids.names)}
    by_code = np.array([*(index.get(name, -1) for name in refund_of.names), -1])
    named: Ints = np.where(refund_of.codes >= 0, by_code[refund_of.codes], ids.codes)
    return named


def _refund_keys(refund_id: Ints, at: Ints, amount: Floats) -> Ints:
    """A number from 1 for each distinct refund id, and where there is none for each distinct instant and amount."""
    named = refund_id >= 0
    parts = np.stack([refund_id, np.where(named, 0, at), np.where(named, 0, np.abs(amount))], axis=1)
    _, keys = np.unique(parts, axis=0, return_inverse=True)
    return keys.reshape(-1) + 1
