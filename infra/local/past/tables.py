"""Rows as Arrow tables, with the types that `infra/tables` gives their columns."""

from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from functions.adapters.ports import Data
from infra.local.warehouse import TableDefinition, read_definitions

_TYPES = {
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "DATE": pa.date32(),
}


@cache
def _definitions() -> dict[str, TableDefinition]:
    return {definition.id: definition for definition in read_definitions()}


def table_of(name: str, rows: Sequence[Data]) -> pa.Table:
    """Rows as a table.

    Args:
        name: of the table, as in `ops.drift_scores`.
        rows: each with a value, or None, for every column.

    Raises:
        KeyError: there is no such table, or a row lacks a column.
    """
    columns = {column["name"]: _TYPES[column["type"]] for column in _definitions()[name].schema}
    return pa.table({column: pa.array([row[column] for row in rows], kind) for column, kind in columns.items()})
