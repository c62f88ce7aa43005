"""Files for `aia drift`, as a plugin of pytest."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from infra.local.replay.flights import FLIGHTS


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """January and July of the flights: January in two halves, July as CSV."""
    folder = tmp_path_factory.mktemp("months")
    flights = pq.read_table(FLIGHTS).drop_columns(["flight", "late"])
    month = pc.month(flights["scheduled"])
    january, july = (flights.filter(pc.equal(month, number)) for number in (1, 7))
    order = np.random.default_rng(5).permutation(january.num_rows)
    halves = [folder / "january_a.parquet", folder / "january_b.parquet"]
    for path, rows in zip(halves, np.array_split(order, 2), strict=True):
        pq.write_table(january.take(np.sort(rows)), path)
    pa_csv.write_csv(july, folder / "july.csv")
    return halves[0], halves[1], folder / "july.csv"
