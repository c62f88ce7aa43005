"""What is wrong with a window whatever its distribution."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.drift import DataQualityIssue, DataQualityIssueKind, Profile, QualityThresholds, Reason, count, quality, score
from tests.support.builders.budget import examples, some

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def window(seed: int, rows: int = 1000) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"age": rng.normal(40, 9, rows), "city": rng.choice(["Rome", "Oslo"], rows), "same": np.zeros(rows)}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.fit(window(1, 5000))


def issues(
    profile: Profile,
    current: dict[str, Any],
    **arguments: Any,
) -> dict[tuple[str, str], DataQualityIssue]:
    found = quality(profile, count(profile, current), **arguments)
    return {(issue.feature, issue.kind.value): issue for issue in found}


@pytest.mark.parametrize("seed", some(range(20), 8))
@pytest.mark.parametrize("rows", [30, 1000, 20_000])
def test_a_window_like_the_reference_has_no_issues(profile: Profile, seed: int, rows: int) -> None:
    assert issues(profile, window(100 + seed, rows)) == {}


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("age", math.nan, DataQualityIssueKind.MISSING),
        ("age", math.inf, DataQualityIssueKind.INFINITE),
        ("age", 500.0, DataQualityIssueKind.OUT_OF_RANGE),
        ("age", -500.0, DataQualityIssueKind.OUT_OF_RANGE),
        ("city", None, DataQualityIssueKind.MISSING),
        ("city", "Bern", DataQualityIssueKind.NEW_CATEGORY),
    ],
)
def test_each_issue_is_found_with_its_share(
    profile: Profile, column: str, value: float | str | None, kind: DataQualityIssueKind
) -> None:
    current = window(2)
    current[column] = current[column].astype(object)
    current[column][:80] = value
    [issue] = issues(profile, current).values()
    assert (issue.feature, issue.kind) == (column, kind)
    assert issue.value == pytest.approx(0.08, abs=1e-3)
    assert 0 < issue.limit < issue.value


def test_new_categories_are_named(profile: Profile) -> None:
    current = window(3)
    current["city"][:80] = "Bern"
    assert issues(profile, current)["city", "new_category"].detail == "Bern"


def test_a_column_stuck_at_one_value_is_constant_unless_it_always_was(profile: Profile) -> None:
    current = window(4) | {"age": np.full(1000, 41.0), "city": ["Rome"] * 1000}
    found = issues(profile, current)
    assert found.keys() == {("age", "constant"), ("city", "constant")}
    assert found["age", "constant"].detail == "always 41"


@pytest.mark.parametrize(
    ("column", "values", "detail"),
    [
        ("age", ["old"] * 1000, "numbers in the reference, text now"),
        ("age", [f"{k}" for k in range(1000)], "numbers in the reference, text now"),
        ("age", [*range(999), "unknown"], "numbers in the reference, mixed values now"),
        ("age", np.full(1000, np.datetime64("2026-01-01")), "numbers in the reference, times now"),
        ("city", np.arange(1000.0), "text in the reference, numbers now"),
        ("city", [True, False] * 500, "text in the reference, booleans now"),
        ("city", [NOW] * 1000, "text in the reference, times now"),
        ("city", [{"a": 1}] * 1000, "text in the reference, other values now"),
    ],
)
def test_a_column_of_another_type_is_told_and_the_others_are_compared(
    profile: Profile, column: str, values: Any, detail: str
) -> None:
    current = window(4) | {column: values}
    found = issues(profile, current)
    assert found.keys() == {(column, "type_changed")}
    assert found[column, "type_changed"].detail == detail
    report = score(profile, current)
    assert report[column].reason is Reason.TYPE_CHANGED
    assert report.reason is Reason.NO_CHANGE
    assert report.drifted == ()
    doubled = count(profile, current) + count(profile, current)
    assert doubled.retyped.keys() == {column}
    everything = score(profile, {"age": ["old"] * 1000, "city": [NOW] * 1000})
    assert everything.reason is Reason.ABSENT


@pytest.mark.parametrize("values", [[None] * 1000, np.full(1000, np.nan), ["Rome"] * 500 + [None] * 500])
def test_missing_values_are_of_no_type(profile: Profile, values: Any) -> None:
    assert count(profile, window(4) | {"city": values}).retyped == {}


def test_categories_that_are_spelt_the_same_are_of_the_same_type() -> None:
    profile = Profile.fit({"code": ["1", "2", "3"] * 100})
    assert count(profile, {"code": [1, 2, 4]}).retyped == {}
    assert count(profile, {"code": [7, 8, 9]}).retyped == {"code": "numbers"}


def test_an_absent_column_is_absent_and_nothing_else(profile: Profile) -> None:
    current = window(5)
    del current["city"], current["age"]
    assert issues(profile, current).keys() == {("age", "absent"), ("city", "absent")}


@pytest.mark.parametrize(("expected", "limit"), [(3000.0, 1500.0), (400.0, 800.0)])
def test_too_few_and_too_many_rows_are_told(profile: Profile, expected: float, limit: float) -> None:
    issue = issues(profile, window(6), expected_rows=expected)["", "volume"]
    assert (issue.value, issue.limit) == (1000.0, limit)
    assert issue.detail == f"1000 rows, {expected:g} expected"


def test_a_volume_within_the_factor_is_well(profile: Profile) -> None:
    assert issues(profile, window(6), expected_rows=1900.0) == {}


def test_an_old_newest_row_is_stale(profile: Profile) -> None:
    late, fresh = NOW - timedelta(hours=3), NOW - timedelta(minutes=59)
    assert issues(profile, window(7), newest=late, now=NOW)["", "stale"].value == 10800.0
    assert issues(profile, window(7), newest=fresh, now=NOW) == {}
    patient = QualityThresholds(age=timedelta(hours=4))
    assert issues(profile, window(7), newest=late, now=NOW, thresholds=patient) == {}


def test_an_empty_window_has_no_columns_to_blame(profile: Profile) -> None:
    empty: dict[str, Any] = {name: [] for name in profile.names}
    assert issues(profile, empty) == {}
    assert issues(profile, empty, expected_rows=10.0).keys() == {("", "volume")}


def test_an_empty_reference_has_no_range(profile: Profile) -> None:
    empty = Profile.fit({"age": [None, None], "city": [None, None]}, categories=1)
    assert issues(empty, {"age": [1.0, 2.0], "city": [None, None]}) == {}


def test_categories_that_were_never_kept_are_not_new() -> None:
    profile = Profile.fit({"id": [str(k) for k in range(100)]}, categories=10)
    assert issues(profile, {"id": [str(k) for k in range(500, 600)]}) == {}


@pytest.mark.parametrize(("reference", "current"), [(30, 30), (300, 30), (100, 100)])
def test_chance_makes_no_issue_of_few_rows(reference: int, current: int) -> None:
    found = 0
    for seed in range(examples(1000)):
        rng = np.random.default_rng(seed)
        old, new = ({f"x{k}": rng.normal(size=rows) for k in range(20)} for rows in (reference, current))
        found += bool(issues(Profile.fit(old), new))
    assert found <= examples(1000) / 40


def test_a_value_that_nearly_all_rows_have_may_be_alone_in_a_small_window() -> None:
    rng = np.random.default_rng(9)
    reference = {
        "method": rng.choice(["GET", "POST"], 300, p=[0.99, 0.01]),
        "rain": np.where(rng.random(300) < 0.06, 1.0, 0.0),
    }
    profile = Profile.fit(reference)
    assert issues(profile, {"method": ["GET"] * 30, "rain": [0.0] * 30}) == {}
    found = issues(profile, {"method": ["GET"] * 3000, "rain": [0.0] * 3000})
    assert found.keys() == {("method", "constant"), ("rain", "constant")}
