"""Orders, sales and spend as sorted columns, read by the same rules as the statements of bi_rollup.

Instants are whole microseconds since 1970 (UTC), text is dictionary-encoded, and -1 is the code of a missing value.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa

from core.business.checks import Bools, Floats, Ints
from core.settings import MarketTable, Orders, Spending
from core.settings.business import OUTCOMES as KNOWN_OUTCOMES

OUTCOMES = (*KNOWN_OUTCOMES, "unknown")
TAKEN, REFUNDED, FAILED, UNKNOWN = range(4)
UNNAMED = "unknown"
"""The source or kind of a row without one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


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
    """

    at: Ints
    ids: TextColumn
    sources: TextColumn
    customers: TextColumn
    amount: Floats
    outcome: Ints

    @classmethod
    def read(cls, table: pa.Table, given: Orders) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        amount = _numbers(table, given.amount)[order]
        known = np.isfinite(amount)
        if given.outcome:
            outcome = _outcomes(TextColumn.of(table[given.outcome]).take(order), given)
        else:
            outcome = np.where(amount < 0, REFUNDED, TAKEN)
        nobody = pa.nulls(len(table), pa.string())
        return cls(
            at=at,
            ids=TextColumn.of(table[given.id]).take(order),
            sources=TextColumn.of(table[given.source], missing=UNNAMED).take(order),
            customers=TextColumn.of(table[given.customer] if given.customer else nobody).take(order),
            amount=np.where(np.isnan(amount), -np.inf, amount),
            outcome=np.where(known, outcome, UNKNOWN),
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

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return _span(self.at, since, until)

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span with each order once, as `orders.sql` deduplicates them; by time."""
        span = self.span(since - _DAY, until)
        rows = np.arange(span.start, span.stop)
        ids = self.ids.codes[rows]
        by_place = np.lexsort((self.amount[rows], self.at[rows], ~self.paid[rows], ids))
        first = np.ones(rows.size, dtype=np.bool_)
        first[1:] = np.diff(ids[by_place]) != 0
        counts = np.empty(rows.size, dtype=np.bool_)
        counts[by_place] = first
        return rows[(counts | (ids < 0)) & (self.at[rows] >= micros(since))]


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
    return np.asarray(table[column].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _outcomes(words: TextColumn, given: Orders) -> Ints:
    index = {word: OUTCOMES.index(outcome) for outcome, spelt in given.outcomes.items() for word in spelt}
    by_code = np.array([*(index.get(name, UNKNOWN) for name in words.names), UNKNOWN])
    outcomes: Ints = by_code[words.codes]  # -1, a missing word, is the last one
    return outcomes


def _span(at: Ints, since: datetime, until: datetime) -> slice:
    low, high = np.searchsorted(at, [micros(since), micros(until)])
    return slice(int(low), int(high))


def sums(place: Ints, values: Floats | Ints, size: int) -> Floats:
    """The sum of the values at each index; shape (size,)."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
