"""Makes `infra/local/data/orders.parquet` from the order lines of UCI's Online Retail.

    python -m infra.local.replay.prepare_orders online_retail.parquet

The file holds the data set's columns Description, Quantity, InvoiceDate, UnitPrice, CustomerID and Country. The same
file gives the same bytes with the same version of pyarrow.
"""

import argparse
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.local.replay.orders import ORDERS
from infra.local.replay.prepare import write

DOLLARS_A_POUND = 1.6
"""The mean of 2011, one rate for every day, so that charts show the shop's business and not the currency's."""
FIRST_DAY = date(2010, 12, 4)
"""53 whole weeks before the day after the last one: that day and this one are both Saturdays, so that weeks go on."""

_HOME = ("United Kingdom", "Channel Islands")
_EUROPE = (
    *("Austria", "Belgium", "Cyprus", "Czech Republic", "Denmark", "EIRE", "European Community", "Finland", "France"),
    *("Germany", "Greece", "Iceland", "Italy", "Lithuania", "Malta", "Netherlands", "Norway", "Poland", "Portugal"),
    *("Spain", "Sweden", "Switzerland"),
)
_BOOKKEEPING = "Adjust bad debt"
_ORDER = ["ordered_at", "source", "customer", "dollars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The compact table, and the counts of dropped rows.

    Attributes:
        table: one row an order, ordered by its instant.
        unpriced: lines without a price, which move stock and sell nothing.
        bookkeeping: lines that adjust the books.
        early: lines of the days before the first one.
    """

    table: pa.Table
    unpriced: int
    bookkeeping: int
    early: int


def prepare(lines: pa.Table) -> Prepared:
    """Group lines into orders by customer, minute and country, with purchases separate from returns.

    Args:
        lines: the data set; `InvoiceDate` is the shop's local time, prices are in pounds.

    Returns:
        The table; `customer` is null where the lines name none, and `dollars` is negative where something came back.
    """
    pounds = pc.multiply(pc.cast(lines["Quantity"], pa.float64()), lines["UnitPrice"])
    lines = lines.append_column("pounds", pounds)
    priced, sold = pc.not_equal(pounds, 0.0), pc.not_equal(_text(lines, "Description"), _BOOKKEEPING)
    in_time = pc.greater_equal(lines["InvoiceDate"], pa.scalar(FIRST_DAY, pa.date32()).cast(pa.timestamp("ns")))
    kept = lines.filter(pc.and_(pc.and_(priced, sold), in_time))
    return Prepared(
        table=_orders(kept),
        unpriced=_count(pc.invert(priced)),
        bookkeeping=_count(pc.and_(priced, pc.invert(sold))),
        early=_count(pc.and_(pc.and_(priced, sold), pc.invert(in_time))),
    )


def source(country: str) -> str:
    """The shop that a country orders from.

    >>> source("United Kingdom"), source("EIRE"), source("Japan")
    ('shop-uk', 'shop-europe', 'shop-world')
    """
    if country in _HOME:
        return "shop-uk"
    return "shop-europe" if country in _EUROPE else "shop-world"


def _orders(lines: pa.Table) -> pa.Table:
    local = pc.floor_temporal(pc.cast(lines["InvoiceDate"], pa.timestamp("s"), safe=False), unit="minute")
    columns = {
        "ordered_at": pc.assume_timezone(local, "Europe/London"),
        "customer": pc.cast(lines["CustomerID"], pa.int32()),
        "country": _text(lines, "Country"),
        "back": pc.less(lines["pounds"], 0.0),
        "pounds": lines["pounds"],
    }
    keys = ["ordered_at", "customer", "country", "back"]
    orders = pa.table(columns).group_by(keys, use_threads=False).aggregate([("pounds", "sum")])
    table = pa.table(
        {
            "ordered_at": pc.cast(orders["ordered_at"], pa.timestamp("s", "UTC")),
            "source": pa.array([source(country) for country in orders["country"].to_pylist()]),
            "customer": orders["customer"],
            "dollars": pc.round(pc.multiply(orders["pounds_sum"], DOLLARS_A_POUND), 2),
        }
    )
    table = table.filter(pc.not_equal(table["dollars"], 0.0)).sort_by([(name, "ascending") for name in _ORDER])
    return table.set_column(1, "source", table["source"].combine_chunks().dictionary_encode())


def _text(table: pa.Table, name: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.cast(table[name], pa.string()), "")


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def main() -> None:
    """Write the file, and print what was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--to", type=Path, default=ORDERS)
    given = parser.parse_args()
    prepared = prepare(pq.read_table(given.lines))
    write(prepared.table, given.to, delta="ordered_at")
    table = prepared.table
    print(f"{len(table)} orders, {given.to.stat().st_size} bytes in {given.to}")
    print(f"  {_count(pc.less(table['dollars'], 0.0))} refunds, {table['customer'].null_count} without a customer")
    print(f"left out: {prepared.unpriced} lines without a price, {prepared.bookkeeping} of bookkeeping,")
    print(f"  {prepared.early} before {FIRST_DAY.isoformat()}")


if __name__ == "__main__":
    main()
