"""NPS and CSAT: their values, the coverage of their intervals, and what is refused."""

import math
from itertools import product

import pytest
from scipy.stats import binomtest

from core.business.answers import survey_score
from core.business.checks import EstimateError
from core.surveys import SCORES


def nps(promoters: int, passives: int, detractors: int) -> tuple[float, float, float]:
    found = survey_score("nps", {10: promoters, 7: passives, 6: detractors}, minimum=1)
    assert found is not None
    return found.low, found.middle, found.high


def test_every_score_is_a_promoter_a_passive_or_a_detractor() -> None:
    found = [survey_score("nps", {score: 1}, minimum=1) for score in range(11)]
    assert [one.middle for one in found if one] == [-100.0] * 7 + [0.0] * 2 + [100.0] * 2
    satisfied = [survey_score("csat", {score: 1}, minimum=1) for score in range(1, 6)]
    assert [one.middle for one in satisfied if one] == [0.0] * 3 + [1.0] * 2


@pytest.mark.parametrize("count", [10, 25])
def test_the_interval_of_nps_holds_the_truth_nine_times_in_ten(count: int) -> None:
    """Exactly: over all samples of that size, by their probability."""
    for promoter, detractor in [(0.5, 0.2), (0.7, 0.1), (0.3, 0.3), (0.9, 0.05), (0.2, 0.6), (0.1, 0.1)]:
        held = 0.0
        for promoters, detractors in product(range(count + 1), repeat=2):
            passives = count - promoters - detractors
            if passives >= 0:
                low, _, high = nps(promoters, passives, detractors)
                ways = math.comb(count, promoters) * math.comb(count - promoters, detractors)
                share = promoter**promoters * detractor**detractors * (1 - promoter - detractor) ** passives
                held += ways * share * (low - 1e-9 <= 100 * (promoter - detractor) <= high + 1e-9)
        assert 0.87 <= held <= 0.97, (promoter, detractor)


def test_the_interval_of_csat_is_wilsons() -> None:
    for satisfied, rest in [(0, 12), (7, 3), (12, 0), (80, 20)]:
        found = survey_score("csat", {5: satisfied, 2: rest}, minimum=10)
        expected = binomtest(satisfied, satisfied + rest).proportion_ci(0.9, method="wilson")
        assert found is not None
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert found.answers == satisfied + rest


def test_the_interval_turns_round_with_the_answers_and_narrows_with_their_number() -> None:
    low, middle, high = nps(8, 3, 1)
    assert nps(1, 3, 8) == pytest.approx((-high, -middle, -low))
    assert nps(10, 0, 0)[1:] == (100.0, 100.0)
    assert nps(10, 0, 0)[0] > nps(5, 0, 0)[0]
    assert nps(80, 30, 10)[0] > low


@pytest.mark.parametrize("question", SCORES)
def test_too_few_answers_say_nothing(question: str) -> None:
    assert survey_score(question, {5: 9}, minimum=10) is None
    assert survey_score(question, {}, minimum=0) is None
    assert survey_score(question, {5: 10}, minimum=10) is not None


@pytest.mark.parametrize(
    ("question", "counts", "message"),
    [
        ("ces", {5: 1}, "question: must be one of nps, csat, got 'ces'"),
        ("nps", {11: 1}, "counts: scores of nps must be 0 to 10, got 11"),
        ("csat", {0: 1}, "counts: scores of csat must be 1 to 5, got 0"),
        ("csat", {5: -1}, r"counts\[5\]: must be at least 0, got -1"),
    ],
)
def test_what_is_no_answer_is_refused(question: str, counts: dict[int, int], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        survey_score(question, counts, minimum=1)
