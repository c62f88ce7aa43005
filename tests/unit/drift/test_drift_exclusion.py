"""Which features are left out of the comparison, why, and what is told of them nevertheless."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.detection import Outcome
from core.drift import DataQualityIssueKind, LeftOut, Profile, Reason, count, quality, score
from core.drift.judge import of_drift, of_prediction
from core.drift.storage import dump_profile, load_profile

ROWS = 3000


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def texts(values: Any) -> list[str]:
    return [f"{value:08x}" for value in values]


def some_missing(values: Any) -> list[Any]:
    return [None if k % 4 == 0 else value for k, value in enumerate(values)]


LEFT_OUT: dict[str, tuple[Any, LeftOut]] = {
    "counting up": (np.arange(ROWS), LeftOut.IDENTIFIER),
    "counting up as floats": (np.arange(ROWS) + 5e5, LeftOut.IDENTIFIER),
    "counting up, some missing": (some_missing(range(2 * ROWS)), LeftOut.IDENTIFIER),
    "drawn from a range": (rng().integers(0, 10**6, ROWS), LeftOut.IDENTIFIER),
    "64 bits of a hash": (rng().integers(-(2**63), 2**63 - 1, ROWS), LeftOut.IDENTIFIER),
    "snowflakes": (2**58 + np.cumsum(rng().integers(1, 2**22, ROWS)), LeftOut.IDENTIFIER),
    "text": (texts(rng().permutation(10**6)[:ROWS]), LeftOut.IDENTIFIER),
    "text of which 2% repeat": (texts(range(2940)) + texts(range(60)), LeftOut.IDENTIFIER),
    "few texts": (texts(range(40)), LeftOut.IDENTIFIER),
    "instants": (np.datetime64("2026-01-01") + np.arange(ROWS), LeftOut.TIMESTAMP),
    "dates": ([date(2026, 1, 1) + timedelta(days=k % 9) for k in range(90)], LeftOut.TIMESTAMP),
    "days as text": ([f"2026-01-{1 + k // 10:02}" for k in range(90)], LeftOut.TIMESTAMP),
    "instants as text": ([datetime(2026, 1, 1, k % 24, tzinfo=UTC).isoformat() for k in range(90)], LeftOut.TIMESTAMP),
    "seconds": (1_770_000_000 + np.arange(ROWS) // 3, LeftOut.TIMESTAMP),
    "milliseconds": (1_770_000_000_000.0 + rng().integers(0, 10**9, ROWS), LeftOut.TIMESTAMP),
    "one number": (np.full(60, 7.5), LeftOut.CONSTANT),
    "one text": (["gold"] * 60, LeftOut.CONSTANT),
    "nothing": ([None] * 60, LeftOut.CONSTANT),
}
COMPARED: dict[str, Any] = {
    "cents": (rng().lognormal(9, 1, ROWS)).astype(np.int64),
    "salaries": rng().normal(60_000, 20_000, ROWS).astype(np.int64),
    "nanoseconds": (rng().lognormal(20, 2, ROWS)).astype(np.int64),
    "large floats": rng().lognormal(45, 1, ROWS),
    "floats": rng().random(ROWS),
    "years": rng().integers(1950, 2026, ROWS),
    "few numbers": np.arange(200),
    "half of them missing, one number": [7.0, None] * 30,
    "words": texts(rng().integers(0, 500, ROWS)),
    "29 of one": np.full(29, 7.5),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_names_a_row_says_when_or_never_varies_is_left_out(case: str) -> None:
    values, why = LEFT_OUT[case]
    profile = Profile.fit({"x": values})
    assert profile.left_out == {"x": why}
    report = score(profile, {"x": values})
    assert (report.features, report.drifted, report.left_out) == ((), (), {"x": why})
    assert load_profile(dump_profile(profile)).left_out == {"x": why}


@pytest.mark.parametrize("case", COMPARED)
def test_measurements_are_compared(case: str) -> None:
    assert Profile.fit({"x": COMPARED[case]}).left_out == {}


def test_what_is_named_is_compared_whatever_it_looks_like() -> None:
    profile = Profile.fit({"x": np.arange(ROWS), "y": texts(range(ROWS))}, always=["x", "y"])
    report = score(profile, {"x": np.arange(ROWS) + ROWS, "y": texts(range(ROWS))})
    assert report.left_out == {}
    assert report.drifted == ("x",)


def test_the_others_are_compared_as_if_it_were_not_there() -> None:
    age, later = rng().normal(40, 9, ROWS), rng().normal(44, 9, ROWS)
    more = {"id": np.arange(ROWS), "at": np.datetime64("2026-01-01") + np.arange(ROWS), "same": np.ones(ROWS)}
    report = score(Profile.fit(more | {"age": age}), more | {"age": later})
    alone = score(Profile.fit({"age": age}), {"age": later})
    assert report.features == alone.features
    assert (report.share, alone.share) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("always", "value", "other", "detail"),
    [
        (7.5, 7.5, 8.0, "always 7.5"),
        ("gold", "gold", "tin", "always gold"),
        (None, None, 3.0, "always missing or infinite"),
    ],
)
def test_a_constant_that_begins_to_vary_is_a_data_quality_issue(
    always: Any, value: Any, other: Any, detail: str
) -> None:
    profile = Profile.fit({"x": [always] * 500})
    assert quality(profile, count(profile, {"x": [value] * 500})) == ()
    [issue] = quality(profile, count(profile, {"x": [value] * 450 + [other] * 50}))
    assert (issue.kind, issue.feature, issue.value, issue.detail) == (DataQualityIssueKind.VARIES, "x", 0.1, detail)
    assert score(profile, {"x": [other] * 500}).drifted == ()


def test_a_constant_of_which_values_are_missing_is_missing_and_does_not_vary() -> None:
    profile = Profile.fit({"x": [7.5] * 500, "y": ["gold"] * 500})
    found = quality(profile, count(profile, {"x": [7.5, None] * 250, "y": ["gold", None] * 250}))
    assert [(issue.feature, issue.kind.value) for issue in found] == [("x", "missing"), ("y", "missing")]


def test_an_identifier_that_the_window_lacks_is_absent() -> None:
    profile = Profile.fit({"id": np.arange(ROWS), "age": rng().normal(size=ROWS)})
    [issue] = quality(profile, count(profile, {"age": rng().normal(size=ROWS)}))
    assert (issue.kind, issue.feature) == (DataQualityIssueKind.ABSENT, "id")


def test_the_finding_tells_what_is_left_out_and_nothing_to_compare_is_not_known() -> None:
    profile = Profile.fit({"id": np.arange(ROWS), "age": rng().normal(size=ROWS)})
    verdict = of_drift("churn", score(profile, {"id": np.arange(ROWS), "age": rng().normal(3, 1, ROWS)}))
    assert verdict.outcome is Outcome.BAD
    assert verdict.evidence["left out"] == "id (identifier)"
    same = {"x": [7.5] * 500}
    report = score(Profile.fit(same), same)
    assert report.reason is Reason.INSUFFICIENT_DATA
    for conclude in (of_drift, of_prediction):
        verdict = conclude("churn", report)
        assert (verdict.outcome, verdict.reason.value) == (Outcome.NOT_KNOWN, "nothing_to_compare")
