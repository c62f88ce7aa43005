"""Loads what is older than the replay in bulk, as a team would that starts to watch what it already runs."""

import io
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery

from infra.local.replay.history import MODEL, VERSION, History, Span
from infra.local.replay.orders import Orders

PREDICTIONS = "telemetry.flight_predictions"
LABELS = "telemetry.flight_labels"
VERSIONS = "ops.model_versions"
ORDERED = "telemetry.orders"


def load_reference(client: bigquery.Client, history: History) -> int:
    """Load predictions, labels and the model's version; what is there already is not loaded again.

    Args:
        client: its project has the tables.
        history: whose reference is loaded.

    Returns:
        How many rows were loaded, 0 when all were there.
    """
    span = history.reference
    return (
        _load(client, PREDICTIONS, "scored_at", span, history.reference_rows())
        + _load(client, LABELS, "arrived_at", span, history.reference_labels())
        + _load(client, VERSIONS, "reference_start", span, version_row(span))
    )


def load_orders(client: bigquery.Client, orders: Orders, until: datetime) -> int:
    """Load every order before an instant; what is there already is not loaded again.

    Returns:
        How many rows were loaded, 0 when all were there.
    """
    span = Span(orders.first, until)
    return _load(client, ORDERED, "ordered_at", span, orders.rows(*span))


def version_row(span: Span) -> pa.Table:
    """The row of `ops.model_versions` that says what the model was trained on."""
    instant = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "model": [MODEL],
            "version": [VERSION],
            "reference_start": pa.array([span.start], instant),
            "reference_end": pa.array([span.end], instant),
            "created_at": pa.array([span.end], instant),
        }
    )


def _load(client: bigquery.Client, table: str, timestamp: str, span: Span, rows: pa.Table) -> int:
    if _count(client, table, timestamp, span) >= len(rows):
        return 0
    file = io.BytesIO()
    pq.write_table(rows, file)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    client.load_table_from_file(file, f"{client.project}.{table}", rewind=True, job_config=config).result()
    return len(rows)


def _count(client: bigquery.Client, table: str, timestamp: str, span: Span) -> int:
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("start", "TIMESTAMP", span.start),
            bigquery.ScalarQueryParameter("end", "TIMESTAMP", span.end),
        ]
    )
    sql = f"SELECT COUNT(*) AS n FROM {table} WHERE {timestamp} >= @start AND {timestamp} < @end"  # noqa: S608 - constants
    # not query_and_wait: the emulator answers a refused statement there with no rows and no error
    return int(next(iter(client.query(sql, job_config=config).result())).n)
