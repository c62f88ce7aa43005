"""What is concluded about a model: whether, how bad, and in which words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Outcome
from core.drift import DataQualityIssue, DataQualityIssueKind, DriftReport, Profile, Thresholds, score
from core.drift.judge import (
    MOST_NAMED,
    Reason,
    drift_severity,
    of_drift,
    of_prediction,
    of_quality,
    of_scoring,
    spell_issue,
)
from core.events import Severity

GOOD, BAD, NOT_KNOWN = Outcome.GOOD, Outcome.BAD, Outcome.NOT_KNOWN
NAMES = [f"f{n}" for n in range(8)]


def report(shift: float, moved: int, rows: int = 2000) -> DriftReport:
    """Eight normal features, of which the first so many moved."""
    rng = np.random.default_rng(3)
    profile = Profile.fit({name: rng.normal(size=4000) for name in NAMES})
    current = {name: rng.normal(shift if n < moved else 0.0, size=rows) for n, name in enumerate(NAMES)}
    return score(profile, current, thresholds=Thresholds(shift=0.2))


def test_nothing_moved_is_good() -> None:
    verdict = of_drift("churn", report(0.0, 8))
    assert (verdict.outcome, verdict.reason, verdict.value) == (GOOD, Reason.STEADY, 0.0)
    assert verdict.summary == "churn: no drift in 8 features"


def test_what_moved_is_counted_and_the_strongest_named() -> None:
    verdict = of_drift("churn", report(-1.0, 3))
    assert (verdict.outcome, verdict.reason, verdict.value) == (BAD, Reason.DRIFTED, 3 / 8)
    assert verdict.summary.startswith("churn: 3 of 8 features drifted; strongest f")
    assert "sd down, PSI" in verdict.summary
    assert set(verdict.evidence) == {"f0", "f1", "f2", "window"}
    assert verdict.evidence["window"] == "2,000 rows against 4,000 of the reference"


def test_the_evidence_names_only_the_strongest() -> None:
    assert len(of_drift("churn", report(1.0, 8)).evidence) == MOST_NAMED + 1


def test_too_few_rows_conclude_nothing() -> None:
    verdict = of_drift("churn", report(5.0, 8, rows=12))
    assert (verdict.outcome, verdict.reason) == (NOT_KNOWN, Reason.INSUFFICIENT_DATA)
    assert verdict.summary == "churn: too few rows to compare, 12 against 4000 of the reference"


@given(st.floats(0, 1), st.floats(0, 6), st.floats(0, 1), st.floats(0, 6))
def test_more_drift_is_never_less_severe(share: float, strength: float, more: float, stronger: float) -> None:
    worse = drift_severity(min(1.0, share + more), strength + stronger)
    assert worse.rank >= drift_severity(share, strength).rank >= Severity.WARNING.rank


@pytest.mark.parametrize(
    ("shift", "outcome", "severity"), [(0.0, GOOD, "warning"), (0.4, BAD, "warning"), (1, BAD, "error")]
)
def test_predictions_that_moved_are_bad_and_say_how_far(*, shift: float, outcome: Outcome, severity: str) -> None:
    rng = np.random.default_rng(5)
    profile = Profile.fit({"risk": rng.normal(size=4000)})
    found = score(profile, {"risk": rng.normal(shift, size=2000)}, thresholds=Thresholds(shift=0.2))
    verdict = of_prediction("churn", found, {"by city": "60% of the drift of risk comes from Oslo"})
    assert (verdict.outcome, verdict.severity.value, verdict.threshold) == (outcome, severity, 0.2)
    assert verdict.value == pytest.approx(shift, abs=0.1)
    assert list(verdict.evidence) == ["risk", "by city", "window"]


def test_predictions_of_too_few_rows_conclude_nothing() -> None:
    found = score(Profile.fit({"risk": [0.1, 0.9] * 500}), {"risk": [0.5]})
    assert of_prediction("churn", found).outcome is NOT_KNOWN


def test_what_carries_the_drift_stands_beside_the_features() -> None:
    verdict = of_drift("churn", report(1.0, 1), {"by city": "60% of the drift of f0 comes from Oslo"})
    assert list(verdict.evidence) == ["f0", "by city", "window"]
    assert "by city" not in of_drift("churn", report(0.0, 1), {"by city": "nothing"}).evidence


def issue(kind: DataQualityIssueKind, feature: str = "age", value: float = 0.2, detail: str = "") -> DataQualityIssue:
    return DataQualityIssue(kind=kind, feature=feature, value=value, limit=0.05, detail=detail)


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        ([issue(DataQualityIssueKind.MISSING)], "warning"),
        ([issue(DataQualityIssueKind.MISSING, value=0.9)], "error"),
        ([issue(DataQualityIssueKind.OUT_OF_RANGE), issue(DataQualityIssueKind.STALE, "")], "error"),
        ([issue(DataQualityIssueKind.CONSTANT), issue(DataQualityIssueKind.NEW_CATEGORY)], "warning"),
    ],
)
def test_issues_are_bad_and_the_gravest_says_how_bad(found: list[DataQualityIssue], severity: str) -> None:
    verdict = of_quality("churn", found)
    assert (verdict.outcome, verdict.reason, verdict.severity.value) == (BAD, Reason.QUALITY_ISSUES, severity)
    assert verdict.value == len(found)


def test_issues_of_one_column_stand_together_and_those_of_the_window_under_its_name() -> None:
    verdict = of_quality(
        "churn",
        [
            issue(DataQualityIssueKind.VOLUME, "", 0.01),
            issue(DataQualityIssueKind.MISSING),
            issue(DataQualityIssueKind.CONSTANT),
        ],
    )
    assert verdict.evidence == {
        "window": "far fewer rows than usual",
        "age": "20% of the rows are missing, at most 5% is usual; every row has the same value",
    }
    assert verdict.summary == "churn: 3 data quality issues; first, far fewer rows than usual"


@pytest.mark.parametrize("kind", list(DataQualityIssueKind))
def test_every_issue_is_spelt(kind: DataQualityIssueKind) -> None:
    text = spell_issue(issue(kind, detail="so it is"))
    assert text.startswith("age: ")
    assert text.endswith("(so it is)")


def test_a_refusal_is_bad_until_the_model_is_scored() -> None:
    refused, scored = of_scoring("churn", "t.churn", "no column age"), of_scoring("churn", "t.churn", None)
    assert (refused.outcome, refused.reason, refused.severity) == (BAD, Reason.REFUSED, Severity.ERROR)
    assert refused.evidence == {"table": "t.churn", "error": "no column age"}
    assert (scored.outcome, scored.reason) == (GOOD, Reason.SCORED)
