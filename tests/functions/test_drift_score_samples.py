"""The sample of a window, however its slots are parted."""

import base64

import numpy as np
import pytest
from numpy.typing import NDArray

from core.drift import Profile, count, score_counts
from core.drift.joint import ROWS, evenly, sample
from core.errors import QueryError
from functions.drift_score.slots.samples import SampledRows, joint_sample

RNG = np.random.default_rng(5)
COLUMNS = {
    "x": RNG.normal(size=900),
    "y": RNG.normal(size=900),
    "plan": RNG.choice(["a", "b", "c"], 900),
}
PROFILE = Profile.fit(COLUMNS)


def part(features: tuple[int, ...], values: NDArray[np.float32]) -> SampledRows:
    """As the warehouse gives them; values of shape (rows, features)."""
    return SampledRows(features=features, text=base64.b64encode(values.astype(">f4").tobytes()).decode())


def test_a_window_is_compared_by_its_sample_as_by_its_rows() -> None:
    current = COLUMNS | {"y": COLUMNS["x"] + RNG.normal(size=900) / 2}
    places = sample(PROFILE.joint, current).places
    parts = [part((0, 1, 2), places[:, :200].T), part((0, 1, 2), places[:, 200:].T)]
    counts = count(PROFILE, current)
    report = score_counts(PROFILE, counts, sample=joint_sample(parts, PROFILE))
    assert report == score_counts(PROFILE, counts, sample=current)
    assert report.joint
    assert report.joint.drifted


def test_a_feature_is_missing_where_a_part_has_none_and_left_out_where_no_part_has_one() -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = joint_sample([part((1,), values[:1, :1]), part((1, 2), values)], PROFILE)
    assert found.names == ("y", "plan")
    np.testing.assert_array_equal(found.places, [[0, 0, 2, 4], [np.nan, 1, 3, 5]])
    assert joint_sample([], PROFILE).places.shape == (0, 0)


def test_a_feature_whose_column_has_another_type_is_left_out() -> None:
    found = joint_sample([part((0, 1), np.ones((2, 2), dtype=np.float32))], PROFILE)
    assert found.without({"x": "text"}).names == ("y",)
    assert found.without({}) is found


@pytest.mark.parametrize("sizes", [(ROWS + 344,), (700, 1, 2000), (ROWS,)])
def test_of_more_rows_evenly_spaced_ones_are_looked_at(sizes: tuple[int, ...]) -> None:
    total = sum(sizes)
    listed = np.split(np.arange(total, dtype=np.float32)[:, None], np.cumsum(sizes)[:-1])
    found = joint_sample([part((0,), one) for one in listed], PROFILE)
    np.testing.assert_array_equal(found.places, [evenly(total, ROWS)])


@pytest.mark.parametrize("text", ["AAAA", "AAAAAAAA", "no base64", "é"])
def test_what_is_no_whole_rows_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"ops\.cell_counts\.sample: must be rows of 2 x >f4 as base64, got"):
        joint_sample([SampledRows(features=(0, 1), text=text)], PROFILE)
