"""Orders, sales and spend as sorted columns, read by the same rules as the statements of bi_rollup.

Instants are whole microseconds since 1970 (UTC), text is dictionary-encoded, and -1 is the code of a missing value.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.business.checks import Bools, Floats, Ints
from core.settings import MarketTable, Orders, Spending
from core.settings.business import OUTCOMES as KNOWN_OUTCOMES
from functions.bi_rollup.statements import LINKS, NAMELESS, RETRIES

OUTCOMES = (*KNOWN_OUTCOMES, "unknown")
TAKEN, REFUNDED, FAILED, UNKNOWN = range(4)
UNNAMED = "unknown"
"""The source or kind of a row without one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LINKS = LINKS // _MICROSECOND


def micros(at: datetime) -> int:
    """Microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (at - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + int(count) * _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextColumn:
    """A dictionary-encoded column of text.

    Attributes:
        names: the distinct values.
        codes: the index in `names` of each row's value, -1 where it is missing; shape (n,).
    """

    names: tuple[str, ...]
    codes: Ints

    @classmethod
    def of(cls, column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> Self:
        """Encode a column of any type as BigQuery casts it to text; `missing` replaces NULL."""
        text = column.cast(pa.string())
        text = text.fill_null(missing) if missing is not None else text
        whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        coded = whole.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(names=tuple(coded.dictionary.to_pylist()), codes=codes)

    @classmethod
    def named(cls, column: pa.ChunkedArray | pa.Array) -> Self:
        """Encode a column of ids, of which some words identify nothing."""
        text = cls.of(column)
        nameless = [name.strip().lower() in NAMELESS for name in text.names]
        codes = np.where(np.array([*nameless, True])[text.codes], -1, text.codes)  # -1, a missing id, is the last one
        return cls(names=text.names, codes=codes)

    @property
    def rank(self) -> Ints:
        """The place of each row's value among the names in order, -1 where it is missing; shape (n,)."""
        by_name = np.argsort(np.argsort(np.array(self.names, dtype=object), kind="stable"), kind="stable")
        return np.append(by_name, -1)[self.codes]

    def take(self, rows: Ints) -> Self:
        """The column with its rows in another order."""
        return type(self)(names=self.names, codes=self.codes[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderRows:
    """The rows of a table of orders by time; columns of shape (n,).

    Attributes:
        at: instant of the order.
        ids: id of the order.
        sources: source of revenue.
        customers: customer.
        amount: in dollars; -inf where it is missing or not valid, as BigQuery sorts it.
        outcome: an index of `OUTCOMES`.
        refunds: the key of a refund among those of its order, 0 for other rows.
        sale_ids: the id of the order of a refund, of other rows their own: an index of the names of `ids`, -1 where it is missing.
        repeated_within: rows with one key that are less than this apart are copies.
        zone: the time zone of days.
    """

    at: Ints
    ids: TextColumn
    sources: TextColumn
    customers: TextColumn
    amount: Floats
    outcome: Ints
    refunds: Ints
    sale_ids: Ints
    repeated_within: timedelta
    zone: str = "UTC"

    @classmethod
    def read(cls, table: pa.Table, given: Orders, *, zone: str = "UTC") -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        amount, nobody = _numbers(table, given.amount)[order], pa.nulls(len(table), pa.string())
        if given.outcome:
            outcome = _outcomes(TextColumn.of(table[given.outcome]).take(order), given)
        else:
            outcome = np.where(amount < 0, REFUNDED, TAKEN)
        outcome = np.where(np.isfinite(amount), outcome, UNKNOWN)
        rows, outcome = _sold_before(amount, outcome) if given.refunds == "in_place" else (np.arange(at.size), outcome)
        order, at, amount = order[rows], at[rows], amount[rows]
        refund_id = TextColumn.named(table[given.refund_id] if given.refund_id else nobody).take(order)
        refund_of = TextColumn.named(table[given.refund_of] if given.refund_of else nobody).take(order)
        ids = TextColumn.named(table[given.id]).take(order)
        return cls(
            at=at,
            ids=ids,
            sources=TextColumn.of(table[given.source], missing=UNNAMED).take(order),
            customers=TextColumn.named(table[given.customer] if given.customer else nobody).take(order),
            amount=np.where(np.isnan(amount), -np.inf, amount),
            outcome=outcome,
            refunds=np.where(outcome == REFUNDED, _refund_keys(refund_id.codes, at, amount), 0),
            sale_ids=np.where(outcome == REFUNDED, _sale_ids(ids, refund_of), ids.codes),
            repeated_within=given.repeated_within,
            zone=zone,
        )

    @property
    def paid(self) -> Bools:
        """Whether each was taken or refunded."""
        paid: Bools = self.outcome <= REFUNDED
        return paid

    @property
    def dollars(self) -> Floats:
        """Revenue of each row: refunds are negative, failed and unknown outcomes 0."""
        amount = np.where(self.paid, self.amount, 0.0)
        return np.where(self.outcome == REFUNDED, -np.abs(amount), amount)

    def local(self, at: Ints) -> Ints:
        """What the clocks show at instants, written as UTC; shape (n,)."""
        shown = pc.local_timestamp(pa.array(at, pa.timestamp("us", self.zone)))
        return np.asarray(shown.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return _span(self.at, since, until)

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span with each order once, as `orders.sql` deduplicates them; by time."""
        span = self.span(since - self.repeated_within, until + RETRIES)
        rows = np.arange(span.start, span.stop)
        counts = ~self._is_copy(rows) & ~self._is_attempt(rows) | (self.ids.codes[rows] < 0)
        at = self.at[rows]
        return rows[counts & (at >= micros(since)) & (at < micros(until))]

    def sold_at(self, rows: Ints) -> Ints:
        """The instant of the order of each: of a refund the first sale with the id of its order in the 90 days before."""
        sold: dict[int, list[int]] = {}
        sales = np.flatnonzero((self.outcome == TAKEN) & (self.ids.codes >= 0))
        for code, at in zip(self.ids.codes[sales].tolist(), self.at[sales].tolist(), strict=True):
            sold.setdefault(code, []).append(at)
        found = self.at[rows].copy()
        for place in np.flatnonzero(self.outcome[rows] == REFUNDED).tolist():
            at = int(found[place])
            near = (sale for sale in sold.get(int(self.sale_ids[rows[place]]), []) if at - _LINKS <= sale <= at)
            found[place] = next(near, at)
        return found

    def _is_copy(self, rows: Ints) -> Bools:
        """Whether the row before, with the same key, is less than `repeated_within` earlier."""
        names = (self.customers.rank[rows], self.sources.rank[rows])
        key = np.stack([self.ids.codes[rows], self.outcome[rows], self.refunds[rows]])
        place = np.lexsort((*names, self.amount[rows], self.at[rows], *key))
        near = np.diff(self.at[rows][place]) < self.repeated_within // _MICROSECOND
        copy = np.zeros(rows.size, dtype=np.bool_)
        copy[place[1:]] = near & (np.diff(key[:, place]) == 0).all(axis=0)
        return copy

    def _is_attempt(self, rows: Ints) -> Bools:
        """Whether the row is not paid, but its order was within `repeated_within` before or within a day after."""
        paid = rows[self.paid[rows] & (self.ids.codes[rows] >= 0)]
        paid_at: dict[int, list[int]] = {}
        for code, at in zip(self.ids.codes[paid].tolist(), self.at[paid].tolist(), strict=True):
            paid_at.setdefault(code, []).append(at)
        before, after = self.repeated_within // _MICROSECOND, RETRIES // _MICROSECOND
        attempt = np.zeros(rows.size, dtype=np.bool_)
        for place in np.flatnonzero(~self.paid[rows]).tolist():
            at = int(self.at[rows[place]])
            near = paid_at.get(int(self.ids.codes[rows[place]]), [])
            attempt[place] = any(at - before < other < at + after for other in near)
        return attempt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaleRows:
    """The sales of a market by time; columns of shape (n,).

    Attributes:
        at: instant of the sale.
        companies: the seller.
        amount: value, NaN where missing or not valid; None where sales are counted.
        ids: id of the sale; None where all are distinct.
    """

    at: Ints
    companies: TextColumn
    amount: Floats | None = None
    ids: Ints | None = None

    @classmethod
    def read(cls, table: pa.Table, given: MarketTable) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        return cls(
            at=at,
            companies=TextColumn.of(table[given.company]).take(order),
            amount=_numbers(table, given.amount)[order] if given.amount else None,
            ids=TextColumn.of(table[given.id]).codes[order],
        )

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span with each sale of a known company once, as `company_sales.sql` deduplicates them."""
        span = _span(self.at, since, until)
        rows = np.arange(span.start, span.stop)[self.companies.codes[span] >= 0]
        if self.ids is None:
            return rows
        ids = self.ids[rows]
        _, first = np.unique(ids, return_index=True)
        return rows[np.union1d(first, np.flatnonzero(ids < 0))]

    def sold(self, since: datetime, until: datetime) -> Ints:
        """The instants of the sales of known companies in a span, ascending."""
        span = _span(self.at, since, until)
        return self.at[span][self.companies.codes[span] >= 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpendingRows:
    """Amounts of spend by time; columns of shape (n,)."""

    at: Ints
    kinds: TextColumn
    amount: Floats

    @classmethod
    def read(cls, table: pa.Table, given: Spending) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        kinds = TextColumn.of(table[given.kind], missing=UNNAMED).take(order)
        return cls(at=at, kinds=kinds, amount=_numbers(table, given.amount)[order])

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return _span(self.at, since, until)


def _times(table: pa.Table, column: str) -> tuple[Ints, Ints]:
    """The instants in ascending order, and the rows in that order."""
    at = table[column].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    order = np.argsort(at, kind="stable")
    return at[order], order


def _numbers(table: pa.Table, column: str) -> Floats:
    """A column as numbers: NaN where it is missing, and where a text is no number."""
    values = table[column]
    if pa.types.is_string(values.type):
        return np.array([_number(text) for text in values.to_pylist()], dtype=np.float64)
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan


def _outcomes(words: TextColumn, given: Orders) -> Ints:
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


def _span(at: Ints, since: datetime, until: datetime) -> slice:
    low, high = np.searchsorted(at, [micros(since), micros(until)])
    return slice(int(low), int(high))


def sums(place: Ints, values: Floats | Ints, size: int) -> Floats:
    """The sum of the values at each index; shape (size,)."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
