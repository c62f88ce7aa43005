"""The table of a log in BigQuery: created, and given the rows that it does not have yet."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from functions.cli.watch.loading import PATIENT, ids, load_once, run
from functions.cli.watch.log import ARRIVED, MODEL, ROW, TIME, Log, row_ids
from functions.cli.watch.settings import LABEL, sources

BLOCK: Final = 50_000
"""Rows of one load job."""
_TYPES: Final = {pa.int64(): "INT64", pa.float64(): "FLOAT64", pa.bool_(): "BOOL", pa.string(): "STRING"}
_SPELT: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""Types as the API spells them."""
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


def create(client: bigquery.Client, table: str, rows: pa.Table) -> bigquery.Table:
    """Create the table of rows, unless it is there."""
    made = bigquery.Table(f"{client.project}.{table}", schema=_schema(rows))
    made.time_partitioning = bigquery.TimePartitioning(type_=partition_of(rows), field=TIME)
    made.description = "Predictions of one model, loaded by `aia watch`."
    return client.create_table(made, exists_ok=True, retry=PATIENT)


def partition_of(rows: pa.Table) -> str:
    """What one partition of the table of rows has: a day, or a month where a table would have too many days."""
    times = pc.cast(rows[TIME], pa.int64()).to_numpy()
    return "DAY" if not times.size or np.ptp(times) < _MANY_DAYS * _MICROS_A_DAY else "MONTH"


def left_behind(client: bigquery.Client, table: str, rows: pa.Table | None) -> str | None:
    """The table or view that an interrupted command made in place of a new one, if any.

    Args:
        client: of the project.
        table: the name that a new one would have: that of a model which the system does not have, and the instant.
        rows: of a table, whose columns it must have, and no others in it: it may be that of a model that was removed; None of a view.
    """
    dataset, _, name = table.partition(".")
    stem = re.compile(re.escape(name.rpartition("_")[0]) + r"_\d{14}")
    kind = "VIEW" if rows is None else "TABLE"
    found = client.list_tables(f"{client.project}.{dataset}", retry=PATIENT)
    names = [one.table_id for one in found if one.table_type == kind and stem.fullmatch(one.table_id)]
    for one in sorted(names, reverse=True):
        if rows is None or _is_part_of(client, f"{dataset}.{one}", rows):
            return f"{dataset}.{one}"
    return None


def _is_part_of(client: bigquery.Client, table: str, rows: pa.Table) -> bool:
    """Whether a table has the columns of rows, and no rows but these."""
    schema = client.get_table(f"{client.project}.{table}", retry=PATIENT).schema
    return _types(schema) == _types(_schema(rows)) and ids(client, table) <= {*rows[ROW].to_pylist()}


def load(client: bigquery.Client, table: bigquery.Table, rows: pa.Table, loaded: Callable[[int], object]) -> None:
    """Append rows, block by block; `loaded` is called with how many more are in."""
    for start in range(0, rows.num_rows, BLOCK):
        block = rows.slice(start, BLOCK)
        load_once(client, table, block)
        loaded(block.num_rows)


def drop(client: bigquery.Client, table: str) -> None:
    """Delete a table or a view, if it is there."""
    try:
        kind = client.get_table(f"{client.project}.{table}", retry=PATIENT).table_type
    except NotFound:
        return
    run(client, f"DROP {kind} IF EXISTS `{table.replace('.', '`.`')}`")


def _schema(rows: pa.Table) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField(field.name, _TYPES.get(field.type, "TIMESTAMP")) for field in rows.schema]


def _types(schema: Sequence[bigquery.SchemaField]) -> dict[str, str]:
    return {field.name: _SPELT.get(field.field_type, field.field_type) for field in schema}


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, pa.int64() if pt.is_integer(column.type) else pa.float64(), safe=False)


def _category(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pt.is_boolean(column.type) else pc.cast(column, pa.string())


def _label(log: Log) -> pa.ChunkedArray:
    column = log.table[log.label]
    if log.label_role and log.label_role.positive is not None:
        return pc.equal(pc.cast(column, pa.string()), log.label_role.positive)
    return column if pt.is_boolean(column.type) else _number(column)
