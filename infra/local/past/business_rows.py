"""Text, sales and spend as sorted columns, read by the same rules as the statements of bi_rollup.

Instants are whole microseconds since 1970 (UTC), text is dictionary-encoded, and -1 is the code of a missing value.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
import pyarrow as pa

from core.business.checks import Floats, Ints
from core.settings import MarketTable, Spending
from functions.bi_rollup.order_parts import NAMELESS

UNNAMED = "unknown"
"""The source or kind of a row without one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (at - _EPOCH) // MICROSECOND


def instant(count: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + int(count) * MICROSECOND


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

    @classmethod
    def none(cls, size: int) -> Self:
        """A column without a value."""
        return cls(names=(), codes=np.full(size, -1))

    @property
    def rank(self) -> Ints:
        """The place of each row's value among the names in order, -1 where it is missing; shape (n,)."""
        by_name = np.argsort(np.argsort(np.array(self.names, dtype=object), kind="stable"), kind="stable")
        return np.append(by_name, -1)[self.codes]

    def values(self, rows: Ints) -> list[str | None]:
        """The text of rows, None where it is missing."""
        text = np.array([*self.names, None], dtype=object)
        found: list[str | None] = text[self.codes[rows]].tolist()
        return found

    def take(self, rows: Ints) -> Self:
        """The column with its rows in another order."""
        return type(self)(names=self.names, codes=self.codes[rows])


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
        at, order = times(table, given.timestamp)
        return cls(
            at=at,
            companies=TextColumn.of(table[given.company]).take(order),
            amount=numbers(table, given.amount)[order] if given.amount else None,
            ids=TextColumn.of(table[given.id]).codes[order],
        )

    def counted(self, since: datetime, until: datetime) -> Ints:
        """The rows of a span with each sale of a known company once, as `company_sales.sql` deduplicates them."""
        span = within(self.at, since, until)
        rows = np.arange(span.start, span.stop)[self.companies.codes[span] >= 0]
        if self.ids is None:
            return rows
        ids = self.ids[rows]
        _, first = np.unique(ids, return_index=True)
        return rows[np.union1d(first, np.flatnonzero(ids < 0))]

    def sold(self, since: datetime, until: datetime) -> Ints:
        """The instants of the sales of known companies in a span, ascending."""
        span = within(self.at, since, until)
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
        at, order = times(table, given.timestamp)
        kinds = TextColumn.of(table[given.kind], missing=UNNAMED).take(order)
        return cls(at=at, kinds=kinds, amount=numbers(table, given.amount)[order])

    def span(self, since: datetime, until: datetime) -> slice:
        """The rows of a span."""
        return within(self.at, since, until)


def times(table: pa.Table, column: str) -> tuple[Ints, Ints]:
    """The instants in ascending order, and the rows in that order."""
    at = table[column].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    order = np.argsort(at, kind="stable")
    return at[order], order


def numbers(table: pa.Table, column: str) -> Floats:
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


def within(at: Ints, since: datetime, until: datetime) -> slice:
    """The rows of a span; instants are in ascending order."""
    low, high = np.searchsorted(at, [micros(since), micros(until)])
    return slice(int(low), int(high))


def sums(place: Ints, values: Floats | Ints, size: int) -> Floats:
    """The sum of the values at each index; shape (size,)."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
