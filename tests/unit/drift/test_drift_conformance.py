"""What holds for every registered statistic on every window: numbers and categories, empty, tiny, constant, missing, infinite.

A statistic that is added is tested here without a line of its own, but for its literal formula in
`test_drift_exactness.py`.
"""

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.drift import (
    Counts,
    DriftReport,
    Profile,
    ProfileError,
    Reason,
    StatisticResult,
    count,
    score,
    score_counts,
)
from core.drift.normal import LARGEST, SHIFTS
from core.drift.statistics import DECIDING, METHODS
from core.drift.storage import dump_profile, load_profile
from core.statistics import DEFAULT, STATISTICS

NAMES = tuple(STATISTICS)
HIGHEST = {"ks": 1.0, "js": math.sqrt(math.log(2)), "tvd": 1.0}
SYMMETRIC = ("ks", "js", "tvd")
WITH_EFFECT = [name for name, method in METHODS.items() if method.at_shifts]

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
    return Profile.fit(window, categorical=["label"], always=window, cells=cells)


def both(profile: Profile, window: Window) -> tuple[DriftReport, DriftReport]:
    """By its rows, and by its counts."""
    counts = count(profile, window)
    return score(profile, window, statistics=NAMES), score_counts(profile, counts, statistics=NAMES)


def results(report: DriftReport) -> list[tuple[str, str, StatisticResult]]:
    return [(feature.name, name, result) for feature in report.features for name, result in feature.tests.items()]


def value_of(result: StatisticResult) -> float:
    assert result.value is not None
    return result.value


def normal(seed: int, rows: int, shift: float = 0.0, features: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"f{k}": rng.normal(shift, 1.0, rows) for k in range(features)}


@pytest.mark.parametrize("name", NAMES)
def test_a_statistic_is_declared_once_and_says_what_it_does_not_see(name: str) -> None:
    statistic, method = STATISTICS[name], METHODS[name]
    assert statistic.name == name
    assert (method.of_bins is None) != (method.of_numbers is None)
    assert statistic.blind_to.startswith("It ")
    assert statistic.blind_to.endswith(".")
    others = [other for other in STATISTICS.values() if other is not statistic]
    assert not {statistic.label, statistic.title} & {text for other in others for text in (other.label, other.title)}


def test_five_statistics_are_on_by_default() -> None:
    assert DEFAULT == ("ks", "psi", "wasserstein", "js", "chi2")
    report = score(Profile.fit(normal(1, 90)), normal(2, 90))
    assert tuple(report["f0"].tests) == DEFAULT


def test_a_statistic_that_there_is_not_is_refused() -> None:
    profile = Profile.fit(normal(1, 90))
    message = f"statistics: must be of {', '.join(NAMES)}, got 'tdv'"
    with pytest.raises(ProfileError, match=message):
        score(profile, normal(2, 90), statistics=["ks", "tdv"])
    with pytest.raises(ProfileError, match=message):
        score_counts(profile, count(profile, normal(2, 90)), statistics=["tdv"])


@given(reference=windows(), current=windows(), chosen=st.sets(st.sampled_from(NAMES)))
def test_what_is_reported_changes_neither_its_values_nor_the_verdict(
    reference: Window, current: Window, chosen: set[str]
) -> None:
    profile = fitted(reference)
    some = score(profile, current, statistics=chosen)
    for report in (some, score_counts(profile, count(profile, current), statistics=chosen)):
        assert {tuple(feature.tests) for feature in report.features} == {tuple(n for n in NAMES if n in chosen)}
    for feature, every in zip(some.features, both(profile, current)[0].features, strict=True):
        assert feature.tests == {name: every.tests[name] for name in feature.tests}
        assert feature._replace(statistics=(), results=()) == every._replace(statistics=(), results=())


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_an_effect_grows_with_the_shift_and_is_read_back_from_the_value(name: str) -> None:
    method = METHODS[name]
    assert method.at_shifts is not None
    table = method.at_shifts()
    assert table.shape == SHIFTS.shape
    assert table[0] == pytest.approx(0.0, abs=1e-7)
    assert (np.diff(table) >= 0).all()
    for shift in (0.05, 0.2, 1.0, 3.0):
        value = method.at(shift)
        assert value is not None
        assert method.effect(np.array([value]))[0] == pytest.approx(shift, abs=1e-3)
    assert method.effect(np.array([np.nan, 0.0, 99.0])).tolist() == [0.0, 0.0, LARGEST]


@pytest.mark.parametrize("shift", [0.2, 1.0])
@pytest.mark.parametrize("name", WITH_EFFECT)
def test_the_effect_of_a_shift_is_the_shift(name: str, shift: float) -> None:
    report = score(Profile.fit(normal(3, 100_000)), normal(4, 100_000, shift), statistics=[name])
    excess = report["f0"].tests[name].excess
    assert excess is not None
    assert METHODS[name].effect(np.array([excess]))[0] == pytest.approx(shift, rel=0.05)


@cache
def normal_report(rows: int) -> DriftReport:
    return score(Profile.fit(normal(5, 5000, features=300)), normal(6, rows, features=300), statistics=NAMES)


@pytest.mark.parametrize("rows", [200, 5000])
@pytest.mark.parametrize("name", NAMES)
def test_without_drift_little_is_left_when_chance_is_taken_off(name: str, rows: int) -> None:
    found = [feature.tests[name] for feature in normal_report(rows).features]
    if name in WITH_EFFECT:
        raw, left = (
            METHODS[name].effect(np.array(values, dtype=float)).mean()
            for values in ([result.value for result in found], [result.excess for result in found])
        )
        assert left < raw / 2
    p_values = [result.p_value for result in found if result.p_value is not None]
    assert len(p_values) in (0, 300)
    assert not p_values or 0.02 < np.mean(np.array(p_values) < 0.05) < 0.1


def test_the_verdict_has_an_effect_and_a_p_value_of_bins_alone() -> None:
    binned = [METHODS[name] for name in DECIDING if METHODS[name].of_bins]
    assert any(method.at_shifts for method in binned)
    report = score(Profile.fit({"x": ["a", "b"] * 90}), {"x": ["a"] * 90})
    assert report["x"].strength > 1
    assert report["x"].p_value < 0.001


@given(reference=windows(), current=windows(), cells=st.sampled_from([2, 7, 1024]))
def test_values_and_p_values_stay_in_their_ranges(reference: Window, current: Window, cells: int) -> None:
    for report in both(fitted(reference, cells), current):
        for _, name, test in results(report):
            assert test.value is None or 0 <= test.value <= HIGHEST.get(name, math.inf) + 1e-12
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
def test_a_metric_does_not_care_which_window_is_the_reference(one: Window, other: Window) -> None:
    there, back = both(fitted(one), other)[0], both(fitted(other), one)[0]
    for name in ("number", "count"):
        assert there[name].tests["ks"].value == pytest.approx(back[name].tests["ks"].value, abs=1e-12)
    sds = np.std(one["count"]) or 1.0, np.std(other["count"]) or 1.0
    distances = [value_of(report["count"].tests["wasserstein"]) for report in (there, back)]
    assert distances[0] * sds[0] == pytest.approx(distances[1] * sds[1], abs=1e-12)
    if set(one["label"]) == set(other["label"]):
        for name in SYMMETRIC:
            values = [report["label"].tests[name].value for report in (there, back)]
            assert values[0] is None or values[0] == pytest.approx(values[1], abs=1e-7)


@given(reference=windows(), first=windows(), second=windows())
def test_counts_of_parts_add_up_to_the_counts_of_the_whole(reference: Window, first: Window, second: Window) -> None:
    profile = fitted(reference)
    whole = {name: first[name] + second[name] for name in first}
    added, at_once = count(profile, first) + count(profile, second), count(profile, whole)
    assert counted(added) == counted(at_once)
    assert added.sums == pytest.approx(at_once.sums, abs=1e-3)  # of which the order of additions rounds the last digits
    reports = (score_counts(profile, replace(one, sums=at_once.sums), statistics=NAMES) for one in (added, at_once))
    assert next(reports) == next(reports)


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
    profile = Profile.fit(reference, categorical=["label"], always=reference, keep=keep)
    again = load_profile(dump_profile(profile))
    assert both(again, current) == both(profile, current)
    assert dump_profile(again) == dump_profile(profile)


@given(reference=windows(), current=windows(), constant=numbers, other=st.none() | numbers)
def test_every_number_is_finite_for_constant_windows(
    reference: Window, current: Window, constant: float | None, other: float | None
) -> None:
    steady = reference | {"number": [other] * len(reference["count"])}
    window = current | {"number": [constant] * len(current["count"]), "label": ["a"] * len(current["count"])}
    for report in (*both(fitted(reference), window), *both(fitted(steady), window), *both(fitted(steady), current)):
        for _, _, result in results(report):
            assert all(number is None or math.isfinite(number) for number in result)


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
        both(Profile.fit({"count": column[:half]}, always=["count"]), {"count": column[half:]})[0]["count"].tests
        for column in (window["count"], [value * factor + offset for value in window["count"]])
    ]
    varies = len(set(window["count"][:half])) > 1
    for name in NAMES:
        if name != "wasserstein":
            assert scaled[name] == plain[name], name
        elif varies:
            assert scaled[name].value == pytest.approx(plain[name].value, abs=1e-9)


@pytest.mark.parametrize("rows", [30, 31, 500, 5000])
@pytest.mark.parametrize("cells", [16, 1024])
def test_large_windows_are_bounded_too(rows: int, cells: int) -> None:
    rng = np.random.default_rng(rows)
    profile = Profile.fit({"x": rng.normal(size=5000), "y": rng.lognormal(0, 2, 5000)}, cells=cells)
    window: Window = {"x": rng.normal(0.3, 1.5, rows).tolist(), "y": rng.lognormal(0.2, 2, rows).tolist()}
    exact, counts = both(profile, window)
    for feature in ("x", "y"):
        for name in NAMES:
            near, true = counts[feature].tests[name], exact[feature].tests[name]
            assert abs(value_of(near) - value_of(true)) <= near.error * (1 + 1e-9) + 1e-12
            assert METHODS[name].of_numbers or near == true, "bins are counted, not estimated"
        near, true = counts[feature].tests["ks"], exact[feature].tests["ks"]
        assert value_of(near) <= value_of(true) <= value_of(near) + near.error
        assert near.error <= 1.01 / cells + 1e-3
