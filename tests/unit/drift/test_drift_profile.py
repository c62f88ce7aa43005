"""What a profile keeps, what it refuses, and how it is counted against."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.drift import (
    Mode,
    Profile,
    ProfileError,
    Reason,
    count,
    score,
    score_counts,
    with_segments,
)
from core.drift.archive import pack, unpack
from core.drift.columns import Column, ordered
from core.drift.storage import VERSION, dump_profile, load_profile
from core.errors import AiaError


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "amount": rng.lognormal(0, 1, 3000),
        "items": rng.integers(0, 7, 3000),
        "zone": rng.integers(0, 4, 3000),
        "city": rng.choice(["Rome", "Oslo"], 3000),
        "open": rng.random(3000) < 0.5,
    }


@pytest.fixture(scope="module")
def profile(reference: dict[str, Any]) -> Profile:
    return with_segments(Profile.fit(reference, categorical=["zone"]), reference, ["city"])


def test_numbers_are_numeric_unless_they_are_named_categorical(profile: Profile) -> None:
    assert profile.names == ("amount", "items", "zone", "city", "open")
    assert profile.grid.names == ("amount", "items")
    assert [part.name for part in profile.categorical] == ["zone", "city", "open"]
    assert profile.order == ("amount", "items", "zone", "city", "open")


def test_the_report_keeps_the_order_of_the_columns(profile: Profile, reference: dict[str, Any]) -> None:
    report = score(profile, reference)
    assert tuple(feature.name for feature in report.features) == profile.names


def test_few_distinct_values_are_counted_exactly(profile: Profile) -> None:
    current = {"items": np.random.default_rng(2).integers(0, 8, 500)}
    exact, counted = score(profile, current)["items"], score_counts(profile, count(profile, current))["items"]
    assert counted.tests["ks"].error == 0.0
    assert counted.tests["ks"].value == pytest.approx(exact.tests["ks"].value, abs=1e-12)


def test_a_compact_profile_is_small_and_scores_from_counts(profile: Profile, reference: dict[str, Any]) -> None:
    compact = profile.thinned(0)
    assert len(dump_profile(compact)) < len(dump_profile(profile)) / 1.5
    report = score(compact, reference)
    assert report.mode is Mode.COUNTS
    assert report == score_counts(profile, count(profile, reference), sample=reference)


def test_above_the_row_limit_the_report_says_that_it_counted(profile: Profile, reference: dict[str, Any]) -> None:
    assert score(profile, reference, row_limit=3000).mode is Mode.EXACT
    assert score(profile, reference, row_limit=2999).mode is Mode.COUNTS


def test_a_thinned_sample_stays_close() -> None:
    rng = np.random.default_rng(3)
    reference, current = {"x": rng.normal(size=50_000)}, {"x": rng.normal(0.2, 1, 5000)}
    whole, thin = Profile.fit(reference), Profile.fit(reference, keep=5000)
    assert thin.samples[0].values.size == 5000
    assert score(thin, current)["x"].tests["ks"].value == pytest.approx(
        score(whole, current)["x"].tests["ks"].value, abs=1 / 5000
    )


def test_rare_categories_beyond_the_limit_count_as_one() -> None:
    profile = Profile.fit({"id": ["a"] * 60 + ["b"] * 50 + ["c", "d"] * 5}, categories=2)
    part = profile.categorical[0]
    assert (part.values, part.counts.tolist(), part.complete) == (("a", "b"), [60, 50, 10, 0], False)
    counts = count(profile, {"id": ["a", "c", "x"]})
    assert counts.categories[0].tolist() == [1, 0, 2, 0]
    assert counts.new == {}
    assert score(profile, {"id": ["a"] * 40})["id"].labels[:4] == ("a", "b", "other", "missing")


@pytest.mark.parametrize(
    "column",
    [
        np.array([1, 2, 2], dtype=np.int8),
        np.array([1.0, 2.0, 2.0], dtype=np.float32),
        [1, 2, 2],
        np.array([1, 2, 2], dtype=object),
        ["1", "2", "2"],
        np.array([b"1", b"2", b"2"]),
    ],
)
def test_a_category_is_spelt_the_same_whatever_holds_it(column: Column) -> None:
    profile = Profile.fit({"x": ["1", "2", "3"]})
    assert count(profile, {"x": column}).categories[0].tolist() == [1, 2, 0, 0, 0]


def test_distant_integers_are_categories_too() -> None:
    profile = Profile.fit({"x": np.array([5, 5, 10**12])}, categorical=["x"])
    assert profile.categorical[0].values == ("5", "1000000000000")
    assert count(profile, {"x": np.array([10**12, 7], dtype=np.uint64)}).categories[0].tolist() == [0, 1, 1, 0]


def test_true_is_not_one() -> None:
    profile = Profile.fit({"x": np.array([True, 1, 1.5, None, float("nan")], dtype=object)}, categorical=["x"])
    assert profile.categorical[0].values == ("1", "1.5", "true")
    assert profile.categorical[0].counts.tolist() == [1, 1, 1, 0, 2]


def test_an_empty_integer_column_is_empty() -> None:
    profile = Profile.fit({"x": np.zeros(0, dtype=np.int64)}, categorical=["x"])
    assert score(profile, {"x": np.zeros(0, dtype=np.int64)}).reason is Reason.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0], "b": [1.0, 2.0]}, "column 'b': must have 1 rows as 'a' has, got 2"),
        ({"a": np.zeros((2, 2))}, r"column 'a': must be 1-d, got shape \(2, 2\)"),
        (
            {"a": np.array([5], dtype="timedelta64[D]")},
            "column 'a': must be categorical, got timedelta64.* 5",
        ),
        ({"a": np.array([1j])}, "column 'a': must be categorical, got complex128"),
        ({"a": np.array([[1], "x"], dtype=object)}, "column 'a': must hold strings, booleans or numbers: unhashable"),
    ],
)
def test_a_column_that_cannot_be_profiled_is_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Profile.fit(columns)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["x", "y"], "column 'a': must be numeric, got object: could not convert string to float: 'x'"),
        (np.array(["x"]), "column 'a': must be numeric, got <U1 as in x"),
        (np.array(["2026-01-01"], dtype="datetime64[D]"), "column 'a': must be numeric, got datetime64"),
        (np.zeros(0, dtype="datetime64[D]"), r"column 'a': must be numeric, got datetime64\[D\]$"),
    ],
)
def test_what_is_no_number_is_named(column: Column, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        ordered("a", column)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cells": 1}, "cells: must be at least 2, got 1"),
        ({"bins": 1}, "bins: must be at least 2, got 1"),
        ({"categories": 0}, "categories: must be at least 1, got 0"),
        ({"keep": -1}, "keep: must be at least 0, got -1"),
        ({"categorical": ["b"]}, r"categorical: must name columns, got \['b'\]"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Profile.fit({"a": [1.0]}, **arguments)


def test_counts_of_another_profile_are_refused(profile: Profile) -> None:
    counts = count(Profile.fit({"x": [1.0]}), {"x": [1.0]})
    with pytest.raises(ProfileError, match=f"counts: must be of profile {profile.fingerprint}, got counts of"):
        score_counts(profile, counts)
    with pytest.raises(ProfileError, match="counts: must be of profile"):
        _ = count(profile, {}) + counts
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = counts + 1  # type: ignore[operator]


def test_a_profile_error_is_one_of_ours_and_a_value_error() -> None:
    assert issubclass(ProfileError, AiaError)
    assert issubclass(ProfileError, ValueError)


def test_new_categories_are_named_and_names_add_up(profile: Profile) -> None:
    first, second = count(profile, {"city": ["Bern", "Rome"]}), count(profile, {"city": ["Aix", None]})
    assert first.new == {"city": ("Bern",)}
    assert (first + second).new == {"city": ("Aix", "Bern")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"", "profile: must be two archives of arrays, got 0 bytes"),
        (lambda _: b"nonsense", "profile: must be two archives of arrays, got 8 bytes"),
        (lambda data: data[:200], "profile: must be two archives of arrays, got 200 bytes"),
        (lambda data: data[:-1], "profile: must be two archives of arrays, got"),
        (lambda data: rewritten(data, version=5), "profile version: must be 7, got 5"),
        (lambda data: rewritten(data, without="edges"), "profile: must hold 'edges', got"),
        (lambda data: rewritten(data, without="names"), "profile: must hold 'names', got"),
    ],
)
def test_bytes_that_are_no_profile_say_what_is_wrong(
    profile: Profile, change: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(ProfileError, match=message):
        load_profile(change(dump_profile(profile)))


def test_samples_that_are_none_are_refused_when_they_are_asked_for(profile: Profile) -> None:
    data = dump_profile(profile)
    start = 8 + int.from_bytes(data[:4], "little")
    for samples in (bytes(len(data) - start), pack({}, {})):
        found = load_profile(data[:4] + len(samples).to_bytes(4, "little") + data[8:start] + samples)
        assert len(found.samples.sketches) == len(profile.grid.names)
        with pytest.raises(ProfileError, match=r"profile: must (hold 'sample_0'|be an archive of arrays), got"):
            found.samples[0]


def rewritten(data: bytes, *, version: int = VERSION, without: str = "") -> bytes:
    start = 8 + int.from_bytes(data[:4], "little")
    head, arrays = unpack(data[8:start])
    parts = (head | {"version": version}, arrays)
    main = pack(*({name: one for name, one in part.items() if name != without} for part in parts))
    return len(main).to_bytes(4, "little") + data[4:8] + main + data[start:]


@pytest.mark.parametrize("older", [np.savez, np.savez_compressed])
def test_a_profile_of_the_format_before_is_refused(older: Callable[..., None]) -> None:
    target = io.BytesIO()
    older(target, head=np.array([{"version": 4}], dtype=object))
    with pytest.raises(ProfileError, match="profile: must be two archives of arrays"):
        load_profile(target.getvalue())


def test_drift_imports_neither_scipy_nor_pandas() -> None:
    code = "import sys, core.drift; print(sorted({'scipy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
