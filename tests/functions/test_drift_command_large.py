"""`aia drift` of columns near the largest float: the same verdicts and statistics as of the same values in a smaller unit."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from functions.cli.main import main

SHIFTS = {"steady": 1.0, "moved": 0.9, "narrower": 0.5}


def compared(folder: Path, unit: float, *, reference: float | None = None) -> dict[str, Any]:
    """Three columns of two files, uniform within a unit, with an infinity and a missing value; numpy may not warn."""
    rng = np.random.default_rng(5)
    paths = (folder / "old.parquet", folder / "new.parquet")
    units = (unit if reference is None else reference, unit)
    for path, own, shifts in zip(paths, units, (dict.fromkeys(SHIFTS, 1.0), SHIFTS), strict=True):
        columns = {name: rng.uniform(-1, 1, 900) * shift * own for name, shift in shifts.items()}
        columns["steady"][:2] = np.inf, np.nan
        pq.write_table(pa.table(columns), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CliRunner().invoke(main, ["drift", *map(str, paths), "--json"])
    assert result.exception is None, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.mark.parametrize("exponent", [500, 1000, 1023])
def test_columns_near_the_largest_float_are_compared_as_in_a_smaller_unit(tmp_path: Path, exponent: int) -> None:
    plain, large = compared(tmp_path, 1.0), compared(tmp_path, 2.0**exponent)
    assert {one["name"]: one["drifted"] for one in large["features"]} == {
        "steady": False,
        "moved": True,
        "narrower": True,
    }
    for small, found in zip(plain["features"], large["features"], strict=True):
        for name in ("strength", "shift", "p_value", "q_value", "tests", "present"):
            assert found[name] == small[name], (found["name"], name)
        assert [(one["reference"], one["current"]) for one in found["bins"]] == [
            (one["reference"], one["current"]) for one in small["bins"]
        ]
        for window in ("reference", "current"):
            assert found["mean"][window] == small["mean"][window] * 2.0**exponent
        assert (found["tail"] is None) == (small["tail"] is None)
        if found["tail"]:
            expected = float(small["tail"]["threshold"]) * 2.0**exponent
            assert float(found["tail"]["threshold"]) == pytest.approx(expected, rel=2e-5)


def test_values_far_beyond_the_reference_have_drifted_and_warn_of_nothing(tmp_path: Path) -> None:
    document = compared(tmp_path, 2.0**1023, reference=1.0)
    assert all(one["drifted"] for one in document["features"])
