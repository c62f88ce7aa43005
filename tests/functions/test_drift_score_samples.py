"""The columns that the sample of a window becomes, however its rows are spelt."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.drift import Profile
from core.drift.joint import ROWS, evenly
from functions.drift_score.slots.samples import SampledRows, sample_columns

LARGE = 2**60
PROFILE = Profile.fit(
    {
        "x": np.linspace(0, 1, 600),
        "id": np.arange(600)[::-1] // 3 * 3 + LARGE,
        "plan": np.array(["a", "b", "true"] * 200),
    },
    always=("id",),
)


def part(names: tuple[str, ...], *rows: Sequence[Any]) -> SampledRows:
    return SampledRows(names=names, text="\n".join(json.dumps(row) for row in rows))


def columns(*parts: SampledRows) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in sample_columns(parts, PROFILE, {"x", "id"}).items()}


def test_numbers_that_json_spells_as_text_are_numbers() -> None:
    rows: list[list[Any]] = [["NaN"], ["Infinity"], ["-Infinity"], [None], ["9007199254740993"], [2], [-0.5]]
    [values] = columns(part(("x",), *rows)).values()
    np.testing.assert_array_equal(values, [np.nan, np.inf, -np.inf, np.nan, 2.0**53, 2.0, -0.5])


def test_whole_numbers_that_floats_cannot_tell_apart_stay_whole() -> None:
    assert columns(part(("id",), [str(LARGE + 1)], [None], [f"-{LARGE + 1}"], [7])) == {
        "id": [LARGE + 1, None, -LARGE - 1, 7]
    }


def test_categories_are_spelt_as_bigquery_spells_them() -> None:
    assert columns(part(("plan",), ["a"], [True], [3], [1.5], [None])) == {"plan": ["a", "true", "3", "1.5", None]}


def test_a_column_is_missing_where_a_part_has_none_and_left_out_where_no_part_has_one() -> None:
    found = columns(part(("plan", "other"), ["a", 1]), part(("x", "plan"), [0.5, "b"], [0.7, "a"]))
    np.testing.assert_array_equal(found.pop("x"), [np.nan, 0.5, 0.7])
    assert found == {"plan": ["a", "b", "a"]}
    assert columns() == {}


@pytest.mark.parametrize("sizes", [(ROWS + 344,), (700, 1, 2000), (ROWS,)])
def test_of_more_rows_those_are_decoded_that_are_looked_at(sizes: tuple[int, ...]) -> None:
    total, parts, start = sum(sizes), [], 0
    for size in sizes:
        parts.append(part(("x",), *([k] for k in range(start, start + size))))
        start += size
    assert columns(*parts) == {"x": [float(k) for k in evenly(total, ROWS)]}
