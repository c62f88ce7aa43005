"""What is concluded about the performance of a model: whether, how bad, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Outcome
from core.events import Severity
from core.performance import Comparison, Estimate, Trend
from core.performance.judge import Reason, accuracy_severity, of_accuracy, of_degradation, worse_metrics

GOOD, BAD, NOT_KNOWN = Outcome.GOOD, Outcome.BAD, Outcome.NOT_KNOWN
OPTIONS = {"subject": "performance", "beside": "in the reference", "minimum": 200, "change": 0.1}


def beside(metric: str, before: float, now: float, p_value: float | None, rows: int = 900) -> Comparison:
    old, new = Estimate(before, before - 0.01, before + 0.01, 9000), Estimate(now, now - 0.02, now + 0.02, rows)
    trend = Trend.UNKNOWN if p_value is None else Trend.SAME if p_value > 0.01 else Trend.WORSE
    return Comparison(metric=metric, reference=old, current=new, p_value=p_value, trend=trend)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_lower_accuracy_is_never_less_severe(accuracy: float, less: float, floor: float) -> None:
    assert accuracy_severity(accuracy - less, floor).rank >= accuracy_severity(accuracy, floor).rank


@pytest.mark.parametrize(
    ("accuracy", "floor", "outcome", "reason"),
    [
        (Estimate(0.80, 0.77, 0.84, 200), 0.85, BAD, Reason.BELOW_FLOOR),
        (Estimate(0.84, 0.79, 0.88, 200), 0.85, NOT_KNOWN, Reason.DOUBTFUL),
        (Estimate(0.85, 0.80, 0.89, 200), 0.85, GOOD, Reason.ABOVE_FLOOR),
        (Estimate(0.95, 0.92, 0.97, 200), 0.85, GOOD, Reason.ABOVE_FLOOR),
        (Estimate(0.1, 0.07, 0.15, 199), 0.85, NOT_KNOWN, Reason.INSUFFICIENT_DATA),
        (Estimate(None, None, None, 0), 0.85, NOT_KNOWN, Reason.INSUFFICIENT_DATA),
        (Estimate(0.1, 0.07, 0.15, 200), None, NOT_KNOWN, Reason.NO_FLOOR),
    ],
)
def test_accuracy_is_held_against_the_floor_once_it_is_certain(
    *, accuracy: Estimate, floor: float | None, outcome: Outcome, reason: Reason
) -> None:
    verdict = of_accuracy("churn", accuracy=accuracy, floor=floor, minimum=200, evidence={"reference": "92%"})
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert (verdict.evidence == {"reference": "92%"}) == (verdict.threshold is not None)


@pytest.mark.parametrize(
    ("comparisons", "outcome", "reason"),
    [
        ([beside("accuracy", 0.92, 0.88, 1e-4)], BAD, Reason.DEGRADED),
        ([beside("accuracy", 0.92, 0.915, 1e-4)], GOOD, Reason.STEADY),
        ([beside("accuracy", 0.92, 0.88, 0.05)], NOT_KNOWN, Reason.DOUBTFUL),
        ([beside("accuracy", 0.92, 0.88, 0.3)], GOOD, Reason.STEADY),
        ([beside("accuracy", 0.92, 0.96, 1e-9)], GOOD, Reason.STEADY),
        ([beside("mae", 10.0, 20.0, 1e-9)], BAD, Reason.DEGRADED),
        ([beside("mae", 10.0, 5.0, 1e-9)], GOOD, Reason.STEADY),
        ([beside("accuracy", 0.92, 0.88, 0.008), beside("auc", 0.9, 0.9, 0.9)], NOT_KNOWN, Reason.DOUBTFUL),
        ([beside("accuracy", 0.92, 0.5, 1e-9, rows=199)], NOT_KNOWN, Reason.INSUFFICIENT_DATA),
        ([beside("accuracy", 0.92, 0.5, None)], NOT_KNOWN, Reason.NO_REFERENCE),
        ([beside("calibration_error", 0.01, 0.5, 1e-9)], NOT_KNOWN, Reason.NO_REFERENCE),
        ([], NOT_KNOWN, Reason.NO_REFERENCE),
    ],
    ids=[
        *("a fall", "significant and small", "large and doubtful", "large by chance", "a rise", "an error doubled"),
        *("an error halved", "not significant among several", "few labels", "no value", "not watched", "nothing"),
    ],
)
def test_a_fall_is_bad_where_it_is_significant_and_matters(
    *, comparisons: list[Comparison], outcome: Outcome, reason: Reason
) -> None:
    verdict = of_degradation("churn", comparisons, **OPTIONS)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    assert (
        any(worse_metrics(comparisons, change=0.1).values()) is (outcome is BAD) or reason is Reason.INSUFFICIENT_DATA
    )


def test_the_most_certain_fall_is_the_headline_and_each_is_evidence() -> None:
    falls = [beside("accuracy", 0.92, 0.88, 1e-4), beside("brier", 0.05, 0.09, 1e-7), beside("auc", 0.95, 0.95, 0.8)]
    verdict = of_degradation("churn", falls, **OPTIONS, severity=Severity.INFO)
    assert verdict.summary == "churn: performance is worse: brier score 9% (7% to 11%), 5% in the reference"
    assert (verdict.value, verdict.threshold, verdict.unit, verdict.severity) == (0.09, 0.05, "ratio", Severity.INFO)
    assert list(verdict.evidence) == ["Brier score", "Accuracy"]
    assert verdict.evidence["Accuracy"] == "accuracy 88% (86% to 90%), 92% in the reference (p 0.0001)"
