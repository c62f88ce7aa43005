"""Rows between the steps: Parquet files, read as columns."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]
"""A column by name, all of one length: float64 with NaN for a missing value, or objects with None."""

ID, SECOND, LABEL, CHAMPION, SCORE = "prediction_id", "second_", "label_", "champion_", "score"
"""The columns beside the features: the prediction, its instant in seconds since 1970, the label, the score that the champion
gave, and in a file of predictions the score of the new version. The underscore keeps them apart from features."""


def write(table: Table, path: str) -> None:
    """Write columns as a Parquet file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(values, from_pandas=True) for name, values in table.items()}), path)


def read(path: str) -> Table:
    """The columns of a Parquet file."""
    found = pq.read_table(path)
    return {name: _values(found[name]) for name in found.column_names}


def rows(table: Table) -> int:
    """How many rows there are."""
    return len(next(iter(table.values()), ()))


def taken(table: Table, which: NDArray[Any]) -> Table:
    """Some rows, by a mask or by their places."""
    return {name: values[which] for name, values in table.items()}


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    return np.array(column.to_pylist(), dtype=object)
