"""Query results by column: rows as numpy arrays.

The rows travel as JSON in a few cells, which the client hands over as they are. Measured on 6,500 rows of 12 columns
against the emulator: 75 ms, where iterating over rows takes 370 ms, `to_arrow` 300 ms and one ARRAY_AGG a column 190
ms.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import QueryError
from functions.adapters.ports import Warehouse

Columns: TypeAlias = dict[str, NDArray[Any]]
"""One array a column, all of the same length: float64 with NaN for null, or object with `str` and None.

Numbers of which one is an integer beyond 2^53 are int64, or object with `int` and None, if all of them are integers."""

# Rows of a cell: far below the 100 MB that a BigQuery row may have, with hundreds of columns.
_CHUNK = 5000
_EXACT = 2**53  # up to here a float holds every integer
_DTYPES: dict[type, type] = {float: np.float64, str: np.object_}


def read_columns(warehouse: Warehouse, sql: str, kinds: Mapping[str, type], /, **parameters: Any) -> Columns:  # noqa: ANN401 - a parameter is any JSON value
    """Run a statement and gather its rows by column.

    Args:
        warehouse: where the statement runs.
        sql: a GoogleSQL query, without a semicolon at its end.
        kinds: the columns to keep, each `float` (for any number) or `str`.
        parameters: the query's parameters.

    Returns:
        The columns in the order of `kinds`; empty arrays when there are no rows.

    Raises:
        QueryError: the statement is refused, or a column of numbers holds text.
        UnavailableError: the warehouse does not answer.
    """
    rows = [row for chunk in warehouse.query(chunked(sql), **parameters) for row in json.loads(chunk["chunk"])]
    return {name: _array(name, kind, [row[name] for row in rows]) for name, kind in kinds.items()}


def _array(name: str, kind: type, values: list[Any]) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.array(values, dtype=_DTYPES[kind])
    except (TypeError, ValueError) as error:
        raise QueryError(f"column {name!r}: must hold numbers: {error}") from error
    is_large = kind is float and bool((np.abs(found) > _EXACT).any())
    exact = _integers(values) if is_large else None
    return found if exact is None else exact


def _integers(values: list[Any]) -> NDArray[Any] | None:
    """All values as integers, which BigQuery writes as text beyond 2^53; None where one is none."""
    try:
        whole = [None if value is None else int(value) for value in values if not isinstance(value, float)]
    except ValueError:
        return None
    if len(whole) < len(values):
        return None
    return np.array(whole, dtype=np.object_ if None in whole else np.int64)


def chunked(sql: str) -> str:
    """The statement that returns the rows of `sql` as JSON arrays of objects, thousands of rows per cell."""
    # json.loads and numpy read both spellings of a number that is none: "NaN", as BigQuery has it, and NaN.
    return (
        f"SELECT TO_JSON_STRING(ARRAY_AGG(numbered.line)) AS chunk "  # noqa: S608 - the caller's statement, whole
        f"FROM (SELECT line, ROW_NUMBER() OVER () AS position FROM (\n{sql}\n) AS line) AS numbered "
        f"GROUP BY DIV(numbered.position, {_CHUNK})"
    )
