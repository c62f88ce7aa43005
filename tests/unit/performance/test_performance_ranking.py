"""How well a model ranks."""

import numpy as np
import pytest
from sklearn import metrics

from core.drift import ProfileError
from core.performance import RankingMeter, Rows, Trend, assess, learn_performance, ndcg

METER = RankingMeter(cutoff=5)


def pages(count: int, *, seed: int, skill: float = 1.0, digits: int = 6) -> Rows:
    """Result pages of ten documents, with scores that follow the relevance."""
    rng = np.random.default_rng(seed)
    relevance = rng.integers(0, 4, (count, 10)).astype(float)
    score = np.round(skill * relevance + 2 * rng.normal(size=relevance.shape), digits)
    query = np.repeat([f"q{number}" for number in range(count)], 10).astype(object)
    order = rng.permutation(query.size)
    return Rows(score=score.ravel()[order], label=relevance.ravel()[order], query=query[order])


@pytest.mark.parametrize("cutoff", [1, 3, 10, 50])
@pytest.mark.parametrize("digits", [0, 6])
def test_it_equals_scikit_learn_with_and_without_ties(cutoff: int, digits: int) -> None:
    rows = pages(60, seed=1, digits=digits)
    query = np.asarray(rows.query)
    score, relevance = np.asarray(rows.score), np.asarray(rows.label)
    truth = [
        metrics.ndcg_score([relevance[query == one]], [score[query == one]], k=cutoff)
        for one in np.unique(query)
        if relevance[query == one].any()
    ]
    found = ndcg(query, score, relevance, cutoff=cutoff)
    assert (found.value, found.rows) == (pytest.approx(np.mean(truth)), len(truth))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    truth = METER.measure(pages(40_000, seed=2))["ndcg"].value
    inside = sum(
        one.low <= truth <= one.high for one in (METER.measure(pages(150, seed=100 + n))["ndcg"] for n in range(300))
    )
    assert 0.91 <= inside / 300 <= 0.99


def test_queries_of_which_every_order_is_as_good_do_not_count() -> None:
    found = ndcg(["a", "b", "b", "c", "c", "d", None], [1, 1, 2, 1, 2, 1, 1], [1, 0, 0, 1, 0, None, 1])
    assert (found.value, found.rows) == (pytest.approx(1 / np.log2(3)), 1)
    assert ndcg([], [], []).value is None


def test_what_is_no_relevance_or_no_query_is_named() -> None:
    with pytest.raises(ProfileError, match="relevance: must be 0 or more, got -1"):
        ndcg(["a"], [1.0], [-1.0])
    with pytest.raises(ProfileError, match="score: must have 2 rows as query has, got 1"):
        ndcg(["a", "b"], [1.0], [1.0, 0.0])
    with pytest.raises(ProfileError, match="query: must be given where the task is ranking, got None"):
        METER.measure(Rows(score=[1.0], label=[1.0]))


def test_a_worse_order_is_told_and_nothing_is_estimated() -> None:
    rows = pages(600, seed=3)
    seconds = np.arange(6000) * 600.0
    reference = learn_performance(METER, rows, seconds, window=604_800)
    worse, same = (assess(METER, pages(200, seed=4, skill=skill), reference, total=2000) for skill in (0.0, 1.0))
    assert [one.trend for one in worse.against_reference] == [Trend.WORSE]
    assert [one.trend for one in same.against_reference] == [Trend.SAME]
    assert (worse.expected, worse.estimate_against_reference) == (None, ())
