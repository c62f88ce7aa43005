"""The table of a log in BigQuery: created, and given the rows that it does not have yet."""

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from functions.cli.watch.log import ARRIVED, MODEL, ROW, TIME, Log, row_ids
from functions.cli.watch.settings import LABEL, sources

BLOCK: Final = 50_000
"""Rows of one load job."""
_TYPES: Final = {pa.int64(): "INT64", pa.float64(): "FLOAT64", pa.bool_(): "BOOL", pa.string(): "STRING"}
_MANY_DAYS: Final = 1_000
_MICROS_A_DAY: Final = 86_400_000_000


def rows_of(settings: Mapping[str, Any], log: Log) -> pa.Table:
    """The rows of a log as its table has them."""
    times = pa.array(log.micros, pa.timestamp("us", tz="UTC"))
    found: dict[str, Any] = {MODEL: pa.repeat(settings["name"], len(log.micros)), ROW: row_ids(log), TIME: times}
    numeric = {settings["score"], *settings["features"]["numeric"]}
    for column, name in sources(settings, log).items():
        found[column] = _number(log.table[name]) if column in numeric else _category(log.table[name])
    if log.label is not None:
        found |= {LABEL: _label(log), ARRIVED: times}
    return pa.table(found)


def create(client: bigquery.Client, table: str, rows: pa.Table) -> None:
    """Create the table of rows, unless it is there."""
    schema = [bigquery.SchemaField(field.name, _TYPES.get(field.type, "TIMESTAMP")) for field in rows.schema]
    made = bigquery.Table(f"{client.project}.{table}", schema=schema)
    days = np.ptp(pc.cast(rows[TIME], pa.int64()).to_numpy()) / _MICROS_A_DAY
    made.time_partitioning = bigquery.TimePartitioning(type_="DAY" if days < _MANY_DAYS else "MONTH", field=TIME)
    made.description = "Predictions of one model, loaded by `aia watch`."
    client.create_table(made, exists_ok=True)


def new_rows(client: bigquery.Client, table: str, rows: pa.Table) -> pa.Table:
    """Those of the rows whose ids the table does not have; each id once."""
    try:
        statement = f"SELECT {ROW} AS id FROM `{table.replace('.', '`.`')}`"  # noqa: S608 - a name of ours
        known = {row.id for row in client.query_and_wait(statement)}
    except NotFound:
        known = set()
    kept = []
    for index, row in enumerate(rows[ROW].to_pylist()):
        if row not in known:
            known.add(row)
            kept.append(index)
    return rows.take(pa.array(kept, pa.int64()))


def load(client: bigquery.Client, table: str, rows: pa.Table, loaded: Callable[[int], object]) -> None:
    """Append rows, block by block; `loaded` is called with how many more are in."""
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    for start in range(0, rows.num_rows, BLOCK):
        block = rows.slice(start, BLOCK)
        file = io.BytesIO()
        pq.write_table(block, file)
        client.load_table_from_file(file, f"{client.project}.{table}", rewind=True, job_config=config).result()
        loaded(block.num_rows)


def drop(client: bigquery.Client, table: str) -> None:
    """Delete a table or a view, if it is there."""
    try:
        kind = client.get_table(f"{client.project}.{table}").table_type
    except NotFound:
        return
    client.query(f"DROP {kind} IF EXISTS `{table.replace('.', '`.`')}`").result()


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, pa.int64() if pt.is_integer(column.type) else pa.float64(), safe=False)


def _category(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pt.is_boolean(column.type) else pc.cast(column, pa.string())


def _label(log: Log) -> pa.ChunkedArray:
    column = log.table[log.label]
    if log.label_role and log.label_role.positive is not None:
        return pc.equal(pc.cast(column, pa.string()), log.label_role.positive)
    return column if pt.is_boolean(column.type) else _number(column)
