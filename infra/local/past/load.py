"""Loads the past in bulk: rows into the warehouse by load jobs, documents into the store."""

import io
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.cloud import bigquery

from core.errors import ConflictError
from functions.adapters.ports import Data, Store

_MICROSECOND = timedelta(microseconds=1)


def load_rows(client: bigquery.Client, name: str, instant: str, rows: pa.Table) -> int:
    """Append rows to a table by one load job, unless they are there.

    A part of the past is loaded by one job a table, so either all of its rows are there or none; whoever was killed in
    between looks by their number.

    Args:
        client: its project has the tables.
        name: of the table, as in `telemetry.orders`.
        instant: the column whose values only this part has.
        rows: of the part.

    Returns:
        How many were loaded.

    Raises:
        GoogleAPICallError: the table is missing, or the warehouse does not answer.
    """
    if len(rows) == 0 or _count(client, name, instant, rows) >= len(rows):
        return 0
    file = io.BytesIO()
    pq.write_table(rows, file)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    client.load_table_from_file(file, f"{client.project}.{name}", rewind=True, job_config=config).result()
    return len(rows)


def keep_documents(store: Store, documents: Mapping[tuple[str, str], Data]) -> None:
    """Write documents that are missing; what a function wrote meanwhile stands.

    Raises:
        UnavailableError: the store does not answer.
    """
    for (collection, key), data in documents.items():
        with suppress(ConflictError):
            store.create(collection, key, data)


def _count(client: bigquery.Client, name: str, instant: str, rows: pa.Table) -> int:
    """How many rows the table has between the first and the last instant of these."""
    ends: dict[str, datetime] = pc.min_max(rows[instant]).as_py()
    parameters = [
        bigquery.ScalarQueryParameter("start", "TIMESTAMP", ends["min"]),
        bigquery.ScalarQueryParameter("end", "TIMESTAMP", ends["max"] + _MICROSECOND),
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    sql = f"SELECT COUNT(*) AS n FROM {name} WHERE `{instant}` >= @start AND `{instant}` < @end"  # noqa: S608 - constants
    # not query_and_wait: the emulator answers a refused statement there with no rows and no error
    return int(next(iter(client.query(sql, job_config=config).result())).n)
