"""Loads the history in bulk: rows into the warehouse by load jobs, documents into the store."""

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.cloud import bigquery

from core.errors import ConflictError
from functions.adapters.ports import Data, Store

if TYPE_CHECKING:
    from datetime import datetime


def load_rows(client: bigquery.Client, name: str, column: str, rows: pa.Table) -> int:
    """Append rows to a table by one load job, unless they are there.

    A part of the history is loaded by one job per table, so either all of its rows are there or none; after a kill in
    between looks by their number.

    Args:
        client: its project has the tables.
        name: of the table, as in `telemetry.orders`.
        column: whose values only this part has: an instant, or an id.
        rows: of the part.

    Returns:
        How many were loaded.

    Raises:
        GoogleAPICallError: the table is missing, or the warehouse does not answer.
    """
    if len(rows) == 0 or _count(client, name, column, rows) >= len(rows):
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
    """Write missing documents; documents that a function wrote meanwhile stay.

    Raises:
        UnavailableError: the store does not answer.
    """
    for (collection, key), data in documents.items():
        with suppress(ConflictError):
            store.create(collection, key, data)


def _count(client: bigquery.Client, name: str, column: str, rows: pa.Table) -> int:
    """How many of these rows the table has: by their ids, or between the first and the last of their instants."""
    parameters: list[bigquery.ArrayQueryParameter | bigquery.ScalarQueryParameter]
    if pa.types.is_string(rows.schema.field(column).type):
        where = f"`{column}` IN UNNEST(@ids)"
        parameters = [bigquery.ArrayQueryParameter("ids", "STRING", rows[column].to_pylist())]
    else:
        where = f"`{column}` >= @start AND `{column}` <= @end"
        ends: dict[str, datetime] = pc.min_max(rows[column]).as_py()
        parameters = [
            bigquery.ScalarQueryParameter("start", "TIMESTAMP", ends["min"]),
            bigquery.ScalarQueryParameter("end", "TIMESTAMP", ends["max"]),
        ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    sql = f"SELECT COUNT(*) AS n FROM {name} WHERE {where}"  # noqa: S608 - constants
    return int(next(iter(client.query_and_wait(sql, job_config=config))).n)
