"""Orders, sales and spending as sorted columns, read by the same rules as the statements of bi_rollup.

Instants are whole microseconds since 1970 (UTC), words are codes of a list of names, and -1 stands for a missing one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa

from core.business.checks import Bools, Floats, Ints
from core.settings import MarketTable, Orders, Spending

OUTCOMES = ("taken", "refunded", "failed", "unknown")
TAKEN, REFUNDED, FAILED, UNKNOWN = range(4)
UNNAMED = "unknown"
"""What a source or kind is called where the row has none."""
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
    """The instant so many microseconds after 1970."""
    return _EPOCH + int(count) * _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Words:
    """A column of text.

    Attributes:
        names: each once.
        codes: the place of each row's word in `names`; -1 where it is missing; shape (n,).
    """

    names: tuple[str, ...]
    codes: Ints

    @classmethod
    def of(cls, column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> Self:
        """Read a column of any type as BigQuery casts it to text; `missing` takes the place of null."""
        text = column.cast(pa.string())
        text = text.fill_null(missing) if missing is not None else text
        whole = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        coded = whole.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(names=tuple(coded.dictionary.to_pylist()), codes=codes)

    def take(self, rows: Ints) -> Self:
        """The same column with the rows in another order."""
        return type(self)(names=self.names, codes=self.codes[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderRows:
    """Every row of a table of orders, in order of time; columns of shape (n,).

    Attributes:
        at: when it was ordered.
        ids: of the order.
        sources: what sold it.
        customers: who ordered.
        amount: in dollars; -inf where it is missing or no number, as BigQuery sorts it.
        outcome: a place in `OUTCOMES`.
    """

    at: Ints
    ids: Words
    sources: Words
    customers: Words
    amount: Floats
    outcome: Ints

    @classmethod
    def read(cls, table: pa.Table, given: Orders) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        amount = _numbers(table, given.amount)[order]
        known = np.isfinite(amount)
        if given.outcome:
            outcome = _meaning(Words.of(table[given.outcome]).take(order), given)
        else:
            outcome = np.where(amount < 0, REFUNDED, TAKEN)
        nobody = pa.nulls(len(table), pa.string())
        return cls(
            at=at,
            ids=Words.of(table[given.id]).take(order),
            sources=Words.of(table[given.source], missing=UNNAMED).take(order),
            customers=Words.of(table[given.customer] if given.customer else nobody).take(order),
            amount=np.where(np.isnan(amount), -np.inf, amount),
            outcome=np.where(known, outcome, UNKNOWN),
        )

    @property
    def paid(self) -> Bools:
        """Which were taken or refunded."""
        found: Bools = self.outcome <= REFUNDED
        return found

    @property
    def dollars(self) -> Floats:
        """What each brought: what is refunded is negative, and what failed or is not understood brings nothing."""
        amount = np.where(self.paid, self.amount, 0.0)
        return np.where(self.outcome == REFUNDED, -np.abs(amount), amount)

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return _span(self.at, since, until)

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span that count, each order once, as `orders.sql` has it; in order of time."""
        looked = self.span(since - _DAY, until)
        rows = np.arange(looked.start, looked.stop)
        ids = self.ids.codes[rows]
        by_place = np.lexsort((self.amount[rows], self.at[rows], ~self.paid[rows], ids))
        first = np.ones(rows.size, dtype=np.bool_)
        first[1:] = np.diff(ids[by_place]) != 0
        counts = np.empty(rows.size, dtype=np.bool_)
        counts[by_place] = first
        return rows[(counts | (ids < 0)) & (self.at[rows] >= micros(since))]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaleRows:
    """Every sale of a market, in order of time; columns of shape (n,).

    Attributes:
        at: when it was sold.
        companies: who sold it.
        amount: what it was worth, NaN where that is missing or no number; None where sales are counted.
        ids: of the sale; None where each has its own.
    """

    at: Ints
    companies: Words
    amount: Floats | None = None
    ids: Ints | None = None

    @classmethod
    def read(cls, table: pa.Table, given: MarketTable) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        return cls(
            at=at,
            companies=Words.of(table[given.company]).take(order),
            amount=_numbers(table, given.amount)[order] if given.amount else None,
            ids=Words.of(table[given.id]).codes[order],
        )

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span that count, each sale once and of a company that is known."""
        span = _span(self.at, since, until)
        rows = np.arange(span.start, span.stop)[self.companies.codes[span] >= 0]
        if self.ids is None:
            return rows
        ids = self.ids[rows]
        _, first = np.unique(ids, return_index=True)
        return rows[np.union1d(first, np.flatnonzero(ids < 0))]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpendingRows:
    """Every amount that was spent, in order of time; columns of shape (n,)."""

    at: Ints
    kinds: Words
    amount: Floats

    @classmethod
    def read(cls, table: pa.Table, given: Spending) -> Self:
        """Read a table with the columns that the settings name."""
        at, order = _times(table, given.timestamp)
        kinds = Words.of(table[given.kind], missing=UNNAMED).take(order)
        return cls(at=at, kinds=kinds, amount=_numbers(table, given.amount)[order])

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return _span(self.at, since, until)


def _times(table: pa.Table, column: str) -> tuple[Ints, Ints]:
    """The instants, ascending, and the rows in that order."""
    at = table[column].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    order = np.argsort(at, kind="stable")
    return at[order], order


def _numbers(table: pa.Table, column: str) -> Floats:
    return np.asarray(table[column].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _meaning(words: Words, given: Orders) -> Ints:
    places = {word: OUTCOMES.index(one) for one, spelt in given.outcomes.items() for word in spelt}
    meant = np.array([*(places.get(name, UNKNOWN) for name in words.names), UNKNOWN])
    found: Ints = meant[words.codes]  # -1, a missing word, is the last one
    return found


def _span(at: Ints, since: datetime, until: datetime) -> slice:
    low, high = np.searchsorted(at, [micros(since), micros(until)])
    return slice(int(low), int(high))


def sums(place: Ints, values: Floats | Ints, size: int) -> Floats:
    """The sum of the values at each of so many places; shape (size,)."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
