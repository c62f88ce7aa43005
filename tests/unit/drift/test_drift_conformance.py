"""What holds for every test on every window: numbers and categories, empty, tiny, constant, missing and infinite."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.drift import (
    Counts,
    DriftReport,
    Profile,
    Reason,
    Statistic,
    count,
    dump_profile,
    load_profile,
    score,
    score_counts,
)

TESTS = ("ks", "psi", "wasserstein", "js", "chi2")
HIGHEST = {"ks": 1.0, "js": math.sqrt(math.log(2)), "psi": math.inf, "wasserstein": math.inf, "chi2": math.inf}
NUMERIC = ("number", "count")

numbers = st.one_of(
    st.integers(-2, 2).map(float),
    st.floats(-1e9, 1e9, allow_subnormal=False),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.none(),
)
labels = st.one_of(st.sampled_from(["a", "b", "c", "", "ß"]), st.none(), st.booleans(), st.integers(0, 3))
Window = dict[str, list[Any]]


@st.composite
def windows(draw: st.DrawFn, least: int = 0) -> Window:
    size = draw(st.one_of(st.integers(least, least + 3), st.integers(least, 90)))
    return {
        "number": draw(st.lists(numbers, min_size=size, max_size=size)),
        "count": [float(value) for value in draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))],
        "label": draw(st.lists(labels, min_size=size, max_size=size)),
    }


def fitted(window: Window, cells: int = 1024) -> Profile:
    return Profile.fit(window, categorical=["label"], cells=cells)


def both(profile: Profile, window: Window) -> tuple[DriftReport, DriftReport]:
    return score(profile, window), score_counts(profile, count(profile, window))


def results(report: DriftReport) -> list[tuple[str, str, Statistic]]:
    return [(feature.name, name, test) for feature in report.features for name, test in feature.tests.items()]


def value_of(test: Statistic) -> float:
    assert test.value is not None
    return test.value


@given(reference=windows(), current=windows(), cells=st.sampled_from([2, 7, 1024]))
def test_values_and_p_values_stay_in_their_ranges(reference: Window, current: Window, cells: int) -> None:
    for report in both(fitted(reference, cells), current):
        for _, name, test in results(report):
            assert test.value is None or 0 <= test.value <= HIGHEST[name] + 1e-12
            assert test.p_value is None or 0 <= test.p_value <= 1
            assert test.excess is None or test.excess >= 0
            assert test.value is None or test.excess is None or test.excess <= test.value + 1e-12
            assert 0 <= test.error < math.inf
        for feature in report.features:
            assert 0 <= feature.strength <= 6
            assert 0 <= feature.p_value <= feature.q_value <= 1
            assert feature.shift is None or -6 <= feature.shift <= 6


@given(window=windows(least=1))
def test_equal_samples_are_at_distance_zero(window: Window) -> None:
    for report in both(fitted(window), window):
        assert {name for _, name, test in results(report) if test.value and test.value > 1e-7} == set()
        assert report.drifted == ()
        assert all(feature.strength == 0 for feature in report.features)


@given(reference=windows(), current=windows(), seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(reference: Window, current: Window, seed: int) -> None:
    profile = fitted(reference)
    order = np.random.default_rng(seed).permutation(len(current["count"]))
    shuffled = {name: [column[k] for k in order] for name, column in current.items()}
    assert both(profile, shuffled) == both(profile, current)


@given(one=windows(least=1), other=windows(least=1))
def test_ks_wasserstein_and_js_do_not_care_which_window_is_the_reference(one: Window, other: Window) -> None:
    there, back = score(fitted(one), other), score(fitted(other), one)
    assert there["number"].ks.value == pytest.approx(back["number"].ks.value, abs=1e-12)
    assert there["count"].ks.value == pytest.approx(back["count"].ks.value, abs=1e-12)
    sds = np.std(one["count"]) or 1.0, np.std(other["count"]) or 1.0
    distances = [value_of(report["count"].wasserstein) for report in (there, back)]
    assert distances[0] * sds[0] == pytest.approx(distances[1] * sds[1], abs=1e-12)
    known = set(one["label"]) == set(other["label"])
    if known and there["label"].js.value is not None:
        assert there["label"].js.value == pytest.approx(back["label"].js.value, abs=1e-7)


@given(reference=windows(), first=windows(), second=windows())
def test_counts_of_parts_add_up_to_the_counts_of_the_whole(reference: Window, first: Window, second: Window) -> None:
    profile = fitted(reference)
    whole = {name: first[name] + second[name] for name in first}
    added, at_once = count(profile, first) + count(profile, second), count(profile, whole)
    assert counted(added) == counted(at_once)
    assert score_counts(profile, added) == score_counts(profile, at_once)


def counted(counts: Counts) -> tuple[Any, ...]:
    arrays = (counts.cells, counts.special, counts.lowest, counts.highest, *counts.categories)
    return counts.rows, counts.new, counts.absent, [array.tolist() for array in arrays]


@given(reference=windows(), current=windows(), cells=st.sampled_from([2, 7, 40, 1024]))
def test_counts_are_off_by_no_more_than_they_say(reference: Window, current: Window, cells: int) -> None:
    exact, counts = both(fitted(reference, cells), current)
    for (feature, name, true), (_, _, near) in zip(results(exact), results(counts), strict=True):
        if true.value is None:
            assert near.value is None, (feature, name)
        else:
            assert near.value == pytest.approx(true.value, abs=near.error * (1 + 1e-9) + 1e-9), (feature, name)
        assert true.error == 0


@given(reference=windows(), current=windows(), keep=st.sampled_from([0, 1_000_000]))
def test_a_profile_comes_back_from_its_bytes(reference: Window, current: Window, keep: int) -> None:
    profile = Profile.fit(reference, categorical=["label"], keep=keep)
    again = load_profile(dump_profile(profile))
    assert both(again, current) == both(profile, current)
    assert dump_profile(again) == dump_profile(profile)


@given(reference=windows(), current=windows(), constant=numbers)
def test_a_constant_window_is_scored(reference: Window, current: Window, constant: float | None) -> None:
    window = current | {"number": [constant] * len(current["count"])}
    report = score(fitted(reference), window)
    assert report["number"].reason in Reason


@given(window=windows(), rows=st.integers(0, 29))
def test_few_rows_are_no_evidence(window: Window, rows: int) -> None:
    rng = np.random.default_rng(rows)
    profile = Profile.fit({"number": rng.normal(size=500), "label": ["a"] * 500})
    report = score(profile, {"number": np.full(rows, 1e9), "label": ["z"] * rows})
    assert report.drifted == ()
    assert report.reason is Reason.INSUFFICIENT_DATA


@given(window=windows(least=40), factor=st.sampled_from([0.25, 8.0]), offset=st.sampled_from([0.0, 64.0]))
def test_the_unit_of_a_feature_does_not_matter(window: Window, factor: float, offset: float) -> None:
    half = len(window["count"]) // 2
    plain, scaled = [
        score(Profile.fit({"count": column[:half]}), {"count": column[half:]})["count"]
        for column in (window["count"], [value * factor + offset for value in window["count"]])
    ]
    assert scaled.ks == plain.ks
    assert scaled.psi == plain.psi
    if len(set(window["count"][:half])) > 1:
        assert scaled.wasserstein.value == pytest.approx(plain.wasserstein.value, abs=1e-9)


@pytest.mark.parametrize("rows", [30, 31, 500, 5000])
@pytest.mark.parametrize("cells", [16, 1024])
def test_large_windows_are_bounded_too(rows: int, cells: int) -> None:
    rng = np.random.default_rng(rows)
    profile = Profile.fit({"x": rng.normal(size=5000), "y": rng.lognormal(0, 2, 5000)}, cells=cells)
    window: Window = {"x": rng.normal(0.3, 1.5, rows).tolist(), "y": rng.lognormal(0.2, 2, rows).tolist()}
    exact, counts = both(profile, window)
    for name in ("x", "y"):
        near, true = counts[name].ks, value_of(exact[name].ks)
        assert value_of(near) <= true <= value_of(near) + near.error
        assert near.error <= 1.01 / cells + 1e-3
        near, true = counts[name].wasserstein, value_of(exact[name].wasserstein)
        assert abs(value_of(near) - true) <= near.error
        assert exact[name].psi == counts[name].psi
        assert exact[name].js == counts[name].js
        assert exact[name].chi2 == counts[name].chi2
