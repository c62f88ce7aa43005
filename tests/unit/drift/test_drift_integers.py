"""Integers beyond 2^53, where floats are no longer exact: compared as the same integers near zero are."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.drift import DriftReport, Profile, count, quality, score, score_counts
from core.drift.columns import measured, origin_of
from core.drift.storage import dump_profile, load_profile

BASES = {"snowflake": 2**60, "just above": 2**53, "negative": -(2**61), "the largest": 2**63 - 5000}
ROWS = 4000


def numbers(seed: int, shift: int = 0) -> Any:
    return np.random.default_rng(seed).integers(0, 900, ROWS) + shift


def told(report: DriftReport) -> dict[str, Any]:
    tests = {name: test for name, test in report["x"].tests.items() if name != "wasserstein"}
    return tests | {"strength": report["x"].strength, "shift": report["x"].shift, "bins": report["x"].current}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
@pytest.mark.parametrize("shift", [0, 60])
def test_where_the_integers_lie_does_not_matter(base: int, shift: int) -> None:
    near, far = Profile.fit({"x": numbers(1)}), Profile.fit({"x": numbers(1) + base})
    window, moved = {"x": numbers(2, shift)}, {"x": numbers(2, shift) + base}
    report = score(far, moved)
    assert told(report) == told(score(near, window))
    assert report["x"].tests["ks"].value == pytest.approx(stats.ks_2samp(numbers(1), numbers(2, shift)).statistic)
    assert report.drifted == (("x",) if shift else ())
    assert report["x"].tests["wasserstein"].value == pytest.approx(score(near, window)["x"].tests["wasserstein"].value)
    counted = score_counts(far, count(far, moved))
    assert told(counted) == told(score_counts(near, count(near, window)))
    again = load_profile(dump_profile(far))
    assert score(again, moved) == report


@pytest.mark.parametrize(
    "spell",
    [
        lambda values: values,
        lambda values: values.tolist(),
        lambda values: values.astype(np.uint64),
        lambda values: [None, *values.tolist()],
        lambda values: np.array([None, *values.tolist()], dtype=object),
    ],
    ids=["int64", "list", "uint64", "list with None", "objects with None"],
)
def test_any_spelling_of_integers_is_exact(spell: Any) -> None:
    profile = Profile.fit({"x": spell(numbers(1) + 2**60)})
    report = score(profile, {"x": spell(numbers(2, 60) + 2**60)})
    expected = stats.ks_2samp(numbers(1), numbers(2, 60)).statistic
    assert report["x"].tests["ks"].value == pytest.approx(expected)
    assert report.drifted == ("x",)


def test_integers_beyond_64_bits_apart_are_measured_to_a_float() -> None:
    values = np.array([-(2**63), 0, 2**62, 2**62 + 3])
    assert measured("x", values, 2**62).tolist() == [-(2.0**63 + 2.0**62), -(2.0**62), 0.0, 3.0]
    large = np.array([2**64 - 1, 5], dtype=np.uint64)
    assert origin_of(large) == 2**64 - 1
    assert measured("x", large, 2**64 - 1).tolist() == [0.0, -(2.0**64)]
    assert measured("x", np.array([1.5, np.nan]), 2**60).tolist()[0] == 1.5 - 2**60


@pytest.mark.parametrize(
    "values", [np.arange(5), np.array([1.5, 1e300]), np.array(["a"]), np.array([], dtype=np.int64)]
)
def test_others_are_measured_from_zero(values: Any) -> None:
    assert origin_of(values) == 0


def test_labels_and_issues_name_the_integers_themselves() -> None:
    base = 2**60
    profile = Profile.fit({"x": np.repeat(np.arange(10), 50) + base})
    labels = [bar.label for bar in score(profile, {"x": np.arange(10) + base})["x"].bins]
    assert labels[0] == f"up to {base:,}"
    assert labels[1] == f"{base + 1:,}"
    [issue] = quality(profile, count(profile, {"x": np.full(500, base + 40)}))[:1]
    assert issue.detail == f"reference {base} to {base + 9}"
