"""Net Promoter Score (NPS) and customer satisfaction (CSAT) from answers, with their intervals.

NPS is the share of promoters (9 and 10 of 0 to 10) less that of detractors (0 to 6), from -100 to 100 [1]. Its interval is the score
interval of a difference of two shares of one sample: all values that a score test at 10 % does not reject [2]. CSAT is the share of
those who answer 4 or 5 of 1 to 5; its interval is Wilson's [3]. Both hold for few answers, and for shares of 0 and 1.

References:
    [1] Reichheld (2003), The one number you need to grow.
    [2] Tango (1998), Equivalence test and confidence interval for the difference in proportions for the paired-sample design.
    [3] Wilson (1927), Probable inference, the law of succession, and statistical inference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.business.checks import EstimateError
from core.surveys import SCORES

_PROMOTER, _PASSIVE, _SATISFIED = 9, 7, 4
_Z = 1.6448536269514722
"""Of the normal distribution, at 95 %: intervals of 90 %, as elsewhere."""
_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyScore:
    """A score with its 90 % interval.

    Attributes:
        low: lower bound.
        middle: the score.
        high: upper bound.
        answers: number of answers.
    """

    low: float
    middle: float
    high: float
    answers: int


def survey_score(question: str, counts: Mapping[int, int], *, minimum: int) -> SurveyScore | None:
    """NPS (-100 to 100) or CSAT (0 to 1) of the answers to a question; None where there are fewer than the minimum.

    Args:
        question: `nps` or `csat`.
        counts: number of answers by score.
        minimum: number of answers from which on they say something, at least 1.

    Raises:
        EstimateError: an unknown question, a score out of its range, or a negative number.

    >>> survey_score("nps", {10: 6, 8: 2, 3: 2}, minimum=10).middle
    40.0
    >>> survey_score("csat", {5: 3}, minimum=10) is None
    True
    """
    _check(question, counts)
    answers = sum(counts.values())
    if answers < max(1, minimum):
        return None
    if question == "csat":
        return _csat(sum(count for score, count in counts.items() if score >= _SATISFIED), answers)
    promoters = sum(count for score, count in counts.items() if score >= _PROMOTER)
    detractors = sum(count for score, count in counts.items() if score < _PASSIVE)
    return _nps(promoters, detractors, answers)


def _check(question: str, counts: Mapping[int, int]) -> None:
    if question not in SCORES:
        raise EstimateError(f"question: must be one of {', '.join(SCORES)}, got {question!r}")
    low, high = SCORES[question]
    for score, count in counts.items():
        if not low <= score <= high:
            raise EstimateError(f"counts: scores of {question} must be {low} to {high}, got {score}")
        if count < 0:
            raise EstimateError(f"counts[{score}]: must be at least 0, got {count}")


def _csat(satisfied: int, answers: int) -> SurveyScore:
    share, square = satisfied / answers, _Z * _Z / answers
    middle = (share + square / 2) / (1 + square)
    width = _Z * math.sqrt(share * (1 - share) / answers + square / (4 * answers)) / (1 + square)
    return SurveyScore(low=max(0.0, middle - width), middle=share, high=min(1.0, middle + width), answers=answers)


def _nps(promoters: int, detractors: int, answers: int) -> SurveyScore:
    score = (promoters - detractors) / answers
    high = _bound(promoters, detractors, answers)
    low = -_bound(detractors, promoters, answers)
    return SurveyScore(low=100 * low, middle=100 * score, high=100 * high, answers=answers)


def _bound(more: int, less: int, answers: int) -> float:
    """The largest difference of the two shares that the score test does not reject, by bisection."""
    inside, outside = (more - less) / answers, 1.0
    if inside == outside:
        return 1.0
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if _statistic(more, less, answers, middle) < _Z:
            inside = middle
        else:
            outside = middle
    return inside


def _statistic(more: int, less: int, answers: int, difference: float) -> float:
    """How many standard deviations the observed difference is below another one, with the variance that this one implies."""
    b = -more - less + (2 * answers - more + less) * difference
    c = -less * difference * (1 - difference)
    smaller = (math.sqrt(max(0.0, b * b - 8 * answers * c)) - b) / (4 * answers)  # the likeliest share of `less`
    variance = answers * (2 * smaller + difference * (1 - difference))
    gap = answers * difference - (more - less)
    return gap / math.sqrt(variance) if variance > 0 else math.inf
