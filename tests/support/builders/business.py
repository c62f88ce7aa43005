"""A deployment of bi_rollup for tests: real warehouse and store, recorded metrics, and generated orders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from google.cloud import bigquery

from core.events import Tick, stamp
from core.settings import Business, Customers, Orders, Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store, Warehouse
from functions.adapters.stores import open_store
from functions.bi_rollup import incidents
from functions.bi_rollup.bigquery import BigQueryTables
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.rollup import NAME, Outside, RollupJob, roll_up
from functions.runtime.endpoint import finish
from tests.support.builders.flights import load
from tests.support.fakes.recorders import RecordingMetrics

TICK = datetime(2026, 3, 2, 12, 35, tzinfo=UTC)
TODAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIVE = timedelta(minutes=5)
SHOP = "shop"
ORDERS = Orders(
    table="telemetry.orders",
    timestamp="ordered_at",
    id="order_id",
    source="source",
    amount="amount_dollars",
    customer="customer_id",
    outcome="outcome",
)
SETTINGS = Settings(jobs={}, business=Business(orders=ORDERS, customers=Customers(period=30 * DAY)))
Row = dict[str, Any]


@dataclass
class World:
    """One deployment of bi_rollup."""

    client: bigquery.Client
    store: Store
    warehouse: Warehouse
    jobs: Sequence[RollupJob]
    settings: Settings = SETTINGS
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)

    @property
    def outside(self) -> Outside:
        """As a new instance of the function builds it."""
        return Outside(
            settings=self.settings,
            models=lambda: {model.name: model for model in self.settings.models},
            tables=self.tables,
            incidents=partial(incidents.read, self.store),
            store=self.store,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: datetime.now(UTC), "bi_rollup"),
        )

    @property
    def tables(self) -> BigQueryTables:
        """The tables of the business in the warehouse."""
        return BigQueryTables(self.warehouse, self.settings.business)

    def tick(self, at: datetime = TICK) -> None:
        tick = Tick(job=NAME, scheduled_at=at)
        finish(tick, roll_up(tick, self.outside, self.jobs), function=NAME, metrics=self.metrics)

    def order(self, *rows: Row) -> None:
        load(self.client, ORDERS.table, list(rows))

    def forget(self) -> None:
        """As if nothing had ever run: the store is new, the warehouse is not."""
        for collection in ("ledger", "business"):
            for document in self.store.find(collection):
                self.store.delete(document, collection)

    def value(self, name: str, *labels: str) -> float | None:
        return self.metrics.values.get((name, *labels))

    def hours(self) -> list[Data]:
        return self.warehouse.query("SELECT * FROM marts.revenue_hourly ORDER BY source, hour")

    def customers(self) -> list[Data]:
        return self.warehouse.query("SELECT * FROM marts.customers ORDER BY customer")


def world(client: bigquery.Client, warehouse: Warehouse, folder: Path, jobs: Sequence[RollupJob]) -> World:
    return World(client, open_store(f"sqlite://{folder}/store.db", "test"), warehouse, jobs)


def only(*names: str) -> list[RollupJob]:
    """The rollups of these names."""
    return [job for job in ROLLUPS if job.name in names]


def rounded(row: Data) -> Row:
    """A row with its numbers rounded: the order in which they are summed up changes the last digit."""
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()}


def order(number: object, at: datetime, dollars: float = 10.0, **changed: Any) -> Row:
    """An order of the shop, taken."""
    return {
        "order_id": str(number),
        "customer_id": "ada",
        "ordered_at": stamp(at),
        "source": "shop",
        "amount_dollars": dollars,
        "outcome": "refunded" if dollars < 0 else "taken",
    } | changed


def weeks(end: datetime, count: int, *, seed: int = 0, source: str = "shop") -> list[Row]:
    """Weeks of orders up to an instant: ten a day at noon, twice as many on the last day of a week, with noise."""
    rng = np.random.default_rng(seed)
    days = [end - ago * DAY for ago in range(7 * count, 0, -1)]
    return [row for number, day in enumerate(days) for row in _day(rng, day, 20 if number % 7 == 0 else 10, source)]


def _day(rng: np.random.Generator, day: datetime, orders: int, source: str) -> Iterable[Row]:
    for number in range(orders):
        customer, dollars = f"c{rng.integers(400)}", round(float(rng.gamma(4, 5)), 2)
        at = day + 9 * HOUR + number * timedelta(minutes=20)
        yield order(f"{source}-{day.date()}-{number}", at, dollars, customer_id=customer, source=source)
