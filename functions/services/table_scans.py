"""What a table of the settings costs to read: dry runs, which read nothing and cost nothing."""

from datetime import UTC, datetime
from typing import Any, Protocol

from core.business.scans import ScanSource, TableScan
from functions.adapters.ports import Data

_LONG_AGO = {"since": datetime(1990, 1, 1, tzinfo=UTC), "until": datetime(1990, 1, 2, tzinfo=UTC)}
_EVER = {"since": datetime(1, 1, 2, tzinfo=UTC), "until": datetime(9999, 1, 1, tzinfo=UTC)}


class BytesOf(Protocol):
    """Says what a statement would read, as `MeteredWarehouse.bytes_of`."""

    def __call__(self, sql: str, **parameters: Any) -> int:  # noqa: ANN401 - as above
        """The bytes, 0 where the warehouse does not measure."""
        ...


def unmeasured(sql: str, **parameters: Any) -> int:  # noqa: ANN401, ARG001 - the signature of `BytesOf`
    """The dry run of a warehouse that does not measure."""
    return 0


def measure(source: ScanSource, bytes_of: BytesOf, at: datetime) -> TableScan:
    """What a table costs to read, as of an instant.

    Raises:
        QueryError: there is no such table, or it has no such column.
        UnavailableError: the warehouse does not answer.
    """
    sql = statement(source)
    return TableScan(
        source=source,
        whole=bytes_of(sql, **_EVER),
        period=bytes_of(sql, since=at - source.look_back, until=at),
        empty_day=bytes_of(sql, **_LONG_AGO),
    )


def statement(source: ScanSource) -> str:
    """The statement whose bytes are measured; the settings check the names.

    Columns have other names in the result: BigQuery refuses one that is called `_PARTITIONTIME`.
    """
    columns = ", ".join(f"`{name}` AS column_{n}" for n, name in enumerate(source.columns))
    table = ".".join(f"`{part}`" for part in source.table.split("."))
    column = f"`{source.timestamp}`"
    return f"SELECT {columns} FROM {table} WHERE {column} >= @since AND {column} < @until"  # noqa: S608 - see above


def as_data(scan: TableScan) -> Data:
    """A table as a line of the log and of `aia costs tables`."""
    return {
        "table": scan.source.table,
        "partitioning": scan.partitioning.value,
        "bytes": scan.period,
        "dollars_per_month": round(scan.dollars_per_month, 2),
        "advice": scan.advice,
    }
