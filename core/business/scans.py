"""What the tables that the settings name cost to read, and whether partitions limit that.

A table that is not partitioned by the column of time is read whole, however short the period is that a statement asks for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.business.prices import SCAN_DOLLARS_PER_TIB, TIB
from core.generative.columns import computed_columns
from core.settings.business import Business, Orders
from core.settings.models import Model

SMALL = 2**30
"""A table with fewer bytes costs cents, however it is partitioned."""
_MONTH = timedelta(days=30)
_DAY = timedelta(days=1)
_YEAR = 365
_PRUNED = 0.5
"""A partitioned table reads less than this share of itself for a day on which it has no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSource:
    """A table that statements read by time.

    Attributes:
        name: its place in the settings, as in `orders` and `models`.
        table: the table.
        timestamp: its column of time.
        columns: the columns that are read.
        look_back: the period that a statement reads.
        every: how often one does.
    """

    name: str
    table: str
    timestamp: str
    columns: tuple[str, ...]
    look_back: timedelta
    every: timedelta


class Partitioning(StrEnum):
    """Whether the partitions of a table limit what a statement reads."""

    PARTITIONED = "partitioned"
    SMALL = "small"
    """It has less than `SMALL` bytes: it does not matter."""
    UNPARTITIONED = "unpartitioned"
    NOT_KNOWN = "not_known"
    """The warehouse does not measure, or the table is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableScan:
    """What dry runs say of a table.

    Attributes:
        source: the table.
        whole: bytes of its columns, of all rows.
        period: bytes that the statement reads, of the period that it asks for.
        empty_day: bytes that are read for a day long before any row.
    """

    source: ScanSource
    whole: int
    period: int
    empty_day: int

    @property
    def partitioning(self) -> Partitioning:
        """Whether partitions limit what is read."""
        if self.whole <= 0:
            return Partitioning.NOT_KNOWN
        if self.whole < SMALL:
            return Partitioning.SMALL
        pruned = self.empty_day < _PRUNED * self.whole
        return Partitioning.PARTITIONED if pruned else Partitioning.UNPARTITIONED

    @property
    def dollars_per_month(self) -> float:
        """What its statements cost, at the list price on demand."""
        return self.period * (_MONTH / self.source.every) / TIB * SCAN_DOLLARS_PER_TIB

    @property
    def saving_per_month(self) -> float:
        """What partitions by day would save: the period alone would be read, if its rows are as many as on other days of a year.

        0 where the table is partitioned, or where it is not known.
        """
        if self.partitioning is not Partitioning.UNPARTITIONED:
            return 0.0
        days = self.source.look_back / _DAY + 1
        return self.dollars_per_month * max(0.0, 1 - days / _YEAR)

    @property
    def advice(self) -> str:
        """What to do about it; empty where there is nothing to do."""
        if self.partitioning is not Partitioning.UNPARTITIONED:
            return ""
        return f"partition {self.source.table} by DAY({self.source.timestamp})"


def scan_sources(business: Business, models: Iterable[Model]) -> Iterator[ScanSource]:
    """The tables that the settings name and rollups or detectors read by time, each once."""
    known: set[tuple[str, str]] = set()
    for source in (*_of_business(business), *_of_models(models)):
        if (source.table, source.timestamp) not in known:
            known.add((source.table, source.timestamp))
            yield source


def _of_business(business: Business) -> Iterator[ScanSource]:
    orders, spending, market, billing = business.orders, business.spending, business.market, business.billing
    if orders:
        back = orders.repeated_within + 2 * _DAY
        yield _source("orders", orders.table, _columns(orders), back, timedelta(minutes=5))
    if spending:
        read = (spending.timestamp, spending.kind, spending.amount)
        yield _source("spending", spending.table, read, _MONTH, timedelta(hours=1))
    if market:
        sold = tuple(filter(None, (market.timestamp, market.id, market.company, market.amount)))
        yield _source("market", market.table, sold, timedelta(days=market.days), _DAY)
    if billing:
        charged = (billing.partition, "export_time", "usage_start_time", "cost", "credits", "labels", "project")
        yield _source("billing", billing.table, charged, 34 * _DAY, timedelta(hours=6))


def _of_models(models: Iterable[Model]) -> Iterator[ScanSource]:
    """Rows of a table are counted once, for all of its models: those of the newest day are read at every tick."""
    for model in models:
        computed = computed_columns(model.generation) if model.generation else {}
        columns = (model.timestamp, model.id, *(name for name in model.features.names if name not in computed))
        yield _source("models", model.table, columns, _DAY, timedelta(minutes=15))


def _columns(orders: Orders) -> tuple[str, ...]:
    names = (
        orders.timestamp,
        orders.id,
        orders.source,
        orders.amount,
        orders.customer,
        orders.outcome,
        orders.refund_id,
    )
    return tuple(filter(None, names))


def _source(name: str, table: str, columns: tuple[str, ...], look_back: timedelta, every: timedelta) -> ScanSource:
    """A source whose first column is that of time."""
    distinct = tuple(dict.fromkeys(columns))
    return ScanSource(name=name, table=table, timestamp=columns[0], columns=distinct, look_back=look_back, every=every)
