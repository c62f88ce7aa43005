"""What is concluded about a model: whether, how bad, and in which words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.drift import DriftReport, Profile, Thresholds, score
from core.events import Severity
from core.verdict import MOST_NAMED, Reason, accuracy_severity, drift_severity, of_accuracy, of_drift, of_scoring

NAMES = [f"f{n}" for n in range(8)]


def report(shift: float, moved: int, rows: int = 2000) -> DriftReport:
    """Eight normal features, of which the first so many moved."""
    rng = np.random.default_rng(3)
    profile = Profile.fit({name: rng.normal(size=4000) for name in NAMES})
    current = {name: rng.normal(shift if n < moved else 0.0, size=rows) for n, name in enumerate(NAMES)}
    return score(profile, current, thresholds=Thresholds(shift=0.2))


def test_nothing_moved_does_not_hold() -> None:
    verdict = of_drift("churn", report(0.0, 8))
    assert (verdict.holds, verdict.reason, verdict.value) == (False, Reason.STEADY, 0.0)
    assert verdict.summary == "churn: none of 8 features drifts"


def test_what_moved_is_counted_and_the_strongest_named() -> None:
    verdict = of_drift("churn", report(-1.0, 3))
    assert (verdict.holds, verdict.reason, verdict.value) == (True, Reason.DRIFTED, 3 / 8)
    assert verdict.summary.startswith("churn: 3 of 8 features drifted; strongest f")
    assert "sd down, PSI" in verdict.summary
    assert set(verdict.evidence) == {"f0", "f1", "f2", "window"}
    assert verdict.evidence["window"] == "2000 rows against 4000 of the reference"


def test_the_evidence_names_only_the_strongest() -> None:
    assert len(of_drift("churn", report(1.0, 8)).evidence) == MOST_NAMED + 1


def test_too_few_rows_conclude_nothing() -> None:
    verdict = of_drift("churn", report(5.0, 8, rows=12))
    assert (verdict.holds, verdict.reason) == (None, Reason.INSUFFICIENT_DATA)
    assert verdict.summary == "churn: too few rows to compare, 12 against 4000 of the reference"


@given(st.floats(0, 1), st.floats(0, 6), st.floats(0, 1), st.floats(0, 6))
def test_more_drift_is_never_less_severe(share: float, strength: float, more: float, stronger: float) -> None:
    worse = drift_severity(min(1.0, share + more), strength + stronger)
    assert worse.rank >= drift_severity(share, strength).rank >= Severity.WARNING.rank


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_accuracy_is_never_less_severe(accuracy: float, less: float, floor: float) -> None:
    assert accuracy_severity(accuracy - less, floor).rank >= accuracy_severity(accuracy, floor).rank


@pytest.mark.parametrize(
    ("accuracy", "labels", "floor", "holds", "reason"),
    [
        (0.84, 200, 0.85, True, Reason.BELOW_FLOOR),
        (0.85, 200, 0.85, False, Reason.ABOVE_FLOOR),
        (0.1, 199, 0.85, None, Reason.INSUFFICIENT_DATA),
        (None, 0, 0.85, None, Reason.INSUFFICIENT_DATA),
        (0.1, 200, None, None, Reason.NO_FLOOR),
    ],
)
def test_accuracy_is_held_against_the_floor_once_there_are_labels_enough(
    *, accuracy: float | None, labels: int, floor: float | None, holds: bool | None, reason: Reason
) -> None:
    verdict = of_accuracy("churn", accuracy=accuracy, labels=labels, floor=floor, minimum=200)
    assert (verdict.holds, verdict.reason) == (holds, reason)


def test_a_refusal_holds_until_the_model_is_scored() -> None:
    refused, scored = of_scoring("churn", "t.churn", "no column age"), of_scoring("churn", "t.churn", None)
    assert (refused.holds, refused.reason, refused.severity) == (True, Reason.REFUSED, Severity.ERROR)
    assert refused.evidence == {"table": "t.churn", "error": "no column age"}
    assert (scored.holds, scored.reason) == (False, Reason.SCORED)
