"""Verdicts on a generative model: limits, changes against the reference, and personal data by itself."""

import pytest

from core.detection import Outcome
from core.events import Severity
from core.generative.judge import of_generation_change, of_generation_limits, of_personal_data
from core.generative.literal import text
from core.performance import Comparison, Estimate, compare_metrics
from core.performance.intervals import share

OPTIONS = {"minimum": 200, "change": 0.1, "certainty": 0.01}


def compared(before: dict[str, Estimate], now: dict[str, Estimate]) -> tuple[Comparison, ...]:
    return compare_metrics(before, now)


REFUSALS = compared({"refusal_ratio": share(100, 10_000)}, {"refusal_ratio": share(50, 1000)})
LEAK = compared({"pii_ratio": share(0, 10_000)}, {"pii_ratio": share(20, 1000)})


def test_a_jump_of_refusals_is_bad_and_named_with_both_values() -> None:
    verdict = of_generation_change("chat", REFUSALS, **OPTIONS)  # type: ignore[arg-type]  # numbers of two kinds
    assert (verdict.outcome, verdict.value, verdict.threshold) == (Outcome.BAD, 0.05, 0.01)
    assert verdict.summary == "chat: generation is worse: refusal ratio 5% (3.8% to 6.5%), 1% in the reference"


def test_personal_data_is_no_part_of_the_other_verdicts() -> None:
    change = of_generation_change("chat", (*REFUSALS, *LEAK), **OPTIONS)  # type: ignore[arg-type]  # as above
    assert list(change.evidence) == ["Refusal ratio"]
    limits = of_generation_limits("chat", {"pii_ratio": share(20, 1000)}, {"pii_ratio": 0.001}, minimum=200)
    assert limits.outcome is Outcome.NOT_KNOWN


@pytest.mark.parametrize(
    ("limits", "threshold"), [({}, 0.0), ({"pii_ratio": 0.001}, 0.001), ({"pii_ratio": 0.5}, 0.0)], ids=str
)
def test_personal_data_is_bad_beyond_its_limit_or_the_reference(limits: dict[str, float], threshold: float) -> None:
    found = {"pii_ratio": share(20, 1000)}
    verdict = of_personal_data("chat", found, LEAK, limits, kinds="email in 20 responses", **OPTIONS)  # type: ignore[arg-type]  # as above
    assert (verdict.outcome, verdict.value, verdict.threshold) == (Outcome.BAD, 0.02, threshold)
    assert verdict.severity in {Severity.ERROR, Severity.CRITICAL}
    assert verdict.evidence["kinds"] == "email in 20 responses"


def test_one_of_many_responses_is_no_proof() -> None:
    one = {"pii_ratio": share(1, 1000)}
    beside = compared({"pii_ratio": share(0, 10_000)}, one)
    verdict = of_personal_data("chat", one, beside, {}, kinds="", **OPTIONS)  # type: ignore[arg-type]  # as above
    assert verdict.outcome is not Outcome.BAD
    assert "kinds" not in verdict.evidence


def test_a_score_that_falls_is_worse_and_one_that_rises_is_not() -> None:
    before, fallen, risen = (
        {"score/stars": Estimate(value, value - 0.05, value + 0.05, 900)} for value in (4.0, 3.0, 4.9)
    )
    verdict = of_generation_change("chat", compared(before, fallen), **OPTIONS)  # type: ignore[arg-type]  # as above
    assert verdict.outcome is Outcome.BAD
    assert list(verdict.evidence) == ["Score of stars"]
    better = of_generation_change("chat", compared(before, risen), **OPTIONS)  # type: ignore[arg-type]  # as above
    assert better.outcome is Outcome.GOOD
    [growth] = [one.growth for one in compared(before, fallen)]
    assert growth == pytest.approx(0.25)


def test_a_retrieval_that_finds_less_is_worse_and_one_that_finds_more_is_not() -> None:
    before, lower, higher = ({"retrieval_hit_ratio": share(hits, 1000)} for hits in (900, 750, 950))
    verdict = of_generation_change("chat", compared(before, lower), **OPTIONS)  # type: ignore[arg-type]  # as above
    assert (verdict.outcome, list(verdict.evidence)) == (Outcome.BAD, ["Retrieval hit rate"])
    better = of_generation_change("chat", compared(before, higher), **OPTIONS)  # type: ignore[arg-type]  # as above
    assert better.outcome is Outcome.GOOD
    limits = of_generation_limits("chat", lower, {"retrieval_hit_ratio": 0.8}, minimum=200)
    assert (limits.outcome, limits.threshold) == (Outcome.BAD, 0.8)


@pytest.mark.parametrize("value", ["a\x00b", "a\u200bb"])
def test_a_literal_of_what_cannot_be_seen_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="text: must be printable, got"):
        text(value)
