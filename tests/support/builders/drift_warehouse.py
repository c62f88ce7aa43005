"""A deployment of drift_score over BigQuery's emulator."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from google.cloud import bigquery

from functions.adapters.ports import Data, Warehouse
from functions.adapters.stores import open_store
from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.ports import Predictions, Results
from tests.support.builders.drift import FAR, MODEL, World, reference_rows
from tests.support.builders.flights import Row, append, lines, load, version


@dataclass(kw_only=True)
class WarehouseWorld(World):
    """One deployment of drift_score: real warehouse and store, recorded bus and metrics."""

    client: bigquery.Client
    warehouse: Warehouse

    @property
    def predictions(self) -> Predictions:
        return BigQueryPredictions(self.warehouse)

    @property
    def results(self) -> Results:
        return BigQueryResults(self.warehouse, lambda: datetime.now(UTC))

    def load(self, table: str, rows: list[Row]) -> None:
        load(self.client, table, rows)

    def create(self, table: str, **types: str) -> None:
        schema = [
            bigquery.SchemaField(
                name, kind.removeprefix("ARRAY<").removesuffix(">"), "REPEATED" if "<" in kind else "NULLABLE"
            )
            for name, kind in types.items()
        ]
        self.client.create_table(bigquery.Table(f"{self.client.project}.{table}", schema))

    def copy(self, source: str, table: str, *, without: Collection[str] = (), texts: Sequence[str] = ()) -> None:
        left_out = ", ".join((*without, *texts))
        columns = ", ".join((f"* EXCEPT ({left_out})" if left_out else "*", *(f"'{FAR}' AS {name}" for name in texts)))
        self.warehouse.query(f"CREATE OR REPLACE TABLE {table} AS SELECT {columns} FROM {source}")

    def scores(self) -> list[Data]:
        return self.warehouse.query("SELECT * FROM ops.drift_scores ORDER BY model, window_end, feature, test")

    def measures(self) -> list[Data]:
        return self.warehouse.query("SELECT * FROM ops.model_performance ORDER BY model, window_end, measure")

    def groups(self) -> list[Data]:
        return self.warehouse.query(
            "SELECT * FROM ops.model_group_performance ORDER BY model, window_end, segment_value"
        )

    def issues(self) -> list[Data]:
        return self.warehouse.query("SELECT * FROM ops.data_quality ORDER BY model, window_end, issue")


@cache
def _reference() -> bytes:
    return lines(reference_rows())


def trained_in_warehouse(client: bigquery.Client, warehouse: Warehouse, folder: Path) -> WarehouseWorld:
    """A deployment with one model, its version and its reference window."""
    load(client, "ops.model_versions", [version()])
    append(client, MODEL.table, _reference())
    store = open_store(f"sqlite://{folder}/store.db", "test")
    return WarehouseWorld(store=store, client=client, warehouse=warehouse)
