"""Rows as Arrow tables, with the types that `infra/tables` gives their columns."""

from collections.abc import Sequence

import pyarrow as pa

from functions.adapters.ports import Data
from infra.local.warehouse.definitions import FOLDER, read_definition

_TYPES = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "BOOL": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
}


def schema(name: str) -> pa.Schema:
    """The columns of a table, as in `ops.drift_scores`."""
    columns = read_definition(FOLDER / f"{name}.json").schema
    return pa.schema(
        [pa.field(column["name"], _TYPES[column["type"]], column["mode"] != "REQUIRED") for column in columns]
    )


def table_of(name: str, rows: Sequence[Data]) -> pa.Table:
    """Rows as a table.

    Args:
        name: of the table.
        rows: each with a value, or None, for every column.

    Raises:
        KeyError: a row lacks a column.
    """
    columns = schema(name)
    return pa.table({column.name: [row[column.name] for row in rows] for column in columns}, schema=columns)
