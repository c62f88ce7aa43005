"""Public data sets that are beside the project (`../shared/data`), where they are: their licences let nobody ship all of them."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

_ROOT = Path(__file__).resolve().parents[3]
FOLDERS = (_ROOT.parent / "shared" / "data", _ROOT.parents[1] / "shared" / "data")
"""Beside the project, and beside the folder of a work tree."""
RETAIL, FLIGHTS, ELEC2 = "online_retail.parquet", "nyc_flights_2013.parquet", "elec2.csv.gz"
MOVES_AT = 17_424
"""The row of Elec2 from which on the features of `CONSTANT` vary, which were constant before."""
CONSTANT = ("vicprice", "vicdemand", "transfer")


def found(name: str) -> Path | None:
    """Where a file is, if it is there."""
    return next((folder / name for folder in FOLDERS if (folder / name).exists()), None)


def words(path: Path, column: str, rows: int, seed: int) -> NDArray[np.object_]:
    """So many rows of a column of a Parquet file, at random and none twice, as text."""
    table = pq.read_table(path, columns=[column])
    chosen = np.random.default_rng(seed).permutation(table.num_rows)[:rows]
    values = table[column].take(chosen).to_pylist()
    return np.array([None if value is None else str(value) for value in values], dtype=object)


def elec2(path: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of the Elec2 data set: half-hours of two electricity markets."""
    with gzip.open(path, "rt") as lines:
        names = next(lines).strip().split(",")
        wanted = ("nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
        table = np.loadtxt(lines, delimiter=",", usecols=[names.index(name) for name in wanted])
    return {name: table[:, k] for k, name in enumerate(wanted)}
