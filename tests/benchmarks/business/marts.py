"""The marts of orders over all 541,909 lines of a shop's year: seconds, what a second run changes, and the bytes that are read.

    python tests/benchmarks/business/marts.py [--data FOLDER] [--lines 541909]

`bi_rollup` runs as deployed over BigQuery's emulator, on one machine. The emulator measures no bytes, so they are reckoned: the rows of
orders in the spans that its statements name, 60 bytes each.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from google.cloud import bigquery
from numpy.typing import NDArray

from functions.adapters.ports import Data, Warehouse
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.registry import ROLLUPS
from infra.local.warehouse import Emulator, write_credentials
from infra.local.warehouse.tables import create_tables
from tests.support.builders.business import ORDERS, TICK, TODAY, World, world
from tests.support.servers.warehouse import Place

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
ROW_BYTES = 60
"""Of the columns that the statements read, as in docs/business.md."""
SECONDS = 30
MARTS = ("revenue", "customers", "cohorts", "dimensions")
"""The rollups that read orders, where there are any."""
NAMES = ("revenue_hourly", "customers", "customer_days", "customer_cohorts", "revenue_by_dimension_daily")
_LOADED = 50_000


@dataclass
class Metered:
    """A warehouse that counts the rows of orders in the spans of its statements.

    Attributes:
        inner: answers.
        seconds: of the rows, ascending.
        read: rows so far.
    """

    inner: Warehouse
    seconds: NDArray[np.int64]
    read: int = field(default=0)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        """As the port says."""
        if "`orders`" in sql or "telemetry.orders" in sql:
            self.read += sum(self._rows(first, last) for first, last in spans(sql, parameters))
        return self.inner.query(sql, **parameters)

    def _rows(self, first: datetime, last: datetime) -> int:
        at = np.searchsorted(self.seconds, [int(first.timestamp()), int(last.timestamp())])
        return int(at[1] - at[0])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def spans(sql: str, parameters: Mapping[str, Any]) -> Iterator[tuple[datetime, datetime]]:
    """The spans of instants that a statement reads orders of: the widest of its parameters, once."""
    instants = [value for value in parameters.values() if isinstance(value, datetime)]
    if instants:
        yield min(instants), max(instants)


def lines(path: Path, most: int) -> Iterator[dict[str, Any]]:
    """The lines of the shop, each a payment, moved so that the last day is yesterday."""
    table = pq.read_table(path).slice(0, most)
    columns = {name: table[name].to_pylist() for name in ("InvoiceDate", "CustomerID", "Country")}
    dollars = (table["Quantity"].to_numpy() * table["UnitPrice"].to_numpy()).round(2).tolist()
    newest = max(columns["InvoiceDate"])
    moved = TODAY - timedelta(days=1) - datetime(newest.year, newest.month, newest.day, tzinfo=UTC)
    for number, amount in enumerate(dollars):
        yield {
            "order_id": f"line-{number}",
            "customer_id": _customer(columns["CustomerID"][number]),
            "ordered_at": (columns["InvoiceDate"][number].replace(tzinfo=UTC) + moved).isoformat(),
            "source": columns["Country"][number],
            "amount_dollars": amount,
            "outcome": "refunded" if amount < 0 else "taken",
        }


def _customer(number: float | None) -> str:
    return "" if number is None or number != number else f"{number:.0f}"  # noqa: PLR0124 - so is NaN found


def fill(client: bigquery.Client, rows: list[dict[str, Any]]) -> None:
    """Load rows by load jobs."""
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    for first in range(0, len(rows), _LOADED):
        text = "\n".join(map(json.dumps, rows[first : first + _LOADED]))
        client.load_table_from_file(io.BytesIO(text.encode()), ORDERS.table, job_config=config).result()


def until_done(shop: World, at: datetime) -> float:
    """Ticks until nothing waits; seconds."""
    started = time.monotonic()
    for number in range(20):
        before = shop.warehouse.read  # type: ignore[attr-defined]
        shop.tick(at + number * timedelta(minutes=5))
        if number and shop.warehouse.read - before < len(MARTS) * 20_000:  # type: ignore[attr-defined]
            break
    return time.monotonic() - started


def state(shop: World) -> list[list[Data]]:
    """All marts of orders; sums of floats in another order differ in their last digits, so they are rounded to a millionth."""
    found = [shop.warehouse.query(f"SELECT * FROM marts.{name} ORDER BY 1, 2, 3") for name in NAMES]
    return [
        [{key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()} for row in rows]
        for rows in found
    ]


def measure(path: Path, most: int) -> Iterator[tuple[str, str, str, bool]]:
    """What is measured, the target, the figure, and whether it is met."""
    rows = list(lines(path, most))
    seconds = np.sort(np.array([int(datetime.fromisoformat(row["ordered_at"]).timestamp()) for row in rows]))
    folder = Path(tempfile.mkdtemp())
    credentials = write_credentials(folder / "account.json")
    with Emulator(data=folder / "warehouse") as emulator:
        place = Place(
            emulator, {"BIGQUERY_EMULATOR_HOST": emulator.url, "GOOGLE_APPLICATION_CREDENTIALS": str(credentials)}
        )
        client = place.client("test")
        create_tables(client)
        fill(client, rows)
        metered = Metered(BigQueryWarehouse(client, patience=2.0), seconds)
        jobs = [job for job in ROLLUPS if job.name in MARTS]
        shop = world(client, metered, folder, jobs)
        first = until_done(shop, TICK)
        read, once = metered.read, state(shop)
        shop.forget()
        metered.read = 0
        second = until_done(shop, TICK)
        again = metered.read
        what = f"all marts over {len(rows):,} lines"
        yield f"{what}, first time", f"≤ {SECONDS} s", f"{first:.1f} s", first <= SECONDS
        yield f"{what}, second time", f"≤ {SECONDS} s", f"{second:.1f} s", second <= SECONDS
        yield "rows that differ after the second time", "0", "0" if once == state(shop) else "some", once == state(shop)
        [total] = shop.warehouse.query("SELECT SUM(dollars) AS dollars FROM marts.revenue_hourly")
        cents = round(100 * abs(total["dollars"] - sum(row["amount_dollars"] for row in rows)))
        yield "cents that differ from the sum of the lines", "0", f"{cents}", cents == 0
        size = f"{read:,} rows, {read * ROW_BYTES / 1e6:,.0f} MB ({read / len(rows):.2f} reads of each row)"
        yield "orders read, first time", "one read of each row for each mart, and look-backs", size, True
        yield "orders read, second time", "likewise", f"{again:,} rows ({again / len(rows):.2f})", True


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the public data sets")
    parser.add_argument("--lines", type=int, default=541_909)
    options = parser.parse_args()
    found = list(measure(options.data / "online_retail.parquet", options.lines))
    table = ["| | target | measured | met |", "|---|---|---|---|"]
    table += [f"| {what} | {target} | {figure} | {'yes' if met else '**no**'} |" for what, target, figure, met in found]
    print("\n".join(table))
    return int(not all(met for *_, met in found))


if __name__ == "__main__":
    sys.exit(main())
