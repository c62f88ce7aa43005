"""Ranks of many columns at once, from one sort of whole numbers."""

import numpy as np
import pytest
from scipy import stats

from core.drift.ranks import Ranked, sortable


def test_ranks_equal_scipys() -> None:
    rng = np.random.default_rng(1)
    values = np.stack((rng.normal(size=900), rng.lognormal(0, 4, 900), -rng.pareto(1, 900)))
    scores = Ranked.of(values).scores
    for one, found in zip(values, scores, strict=True):
        assert stats.rankdata(found).tolist() == stats.rankdata(one).tolist()
    assert scores.mean(axis=1) == pytest.approx([0, 0, 0], abs=1e-6)
    assert scores.std(axis=1) == pytest.approx([1, 1, 1])


def test_equal_values_get_ranks_without_an_order_and_each_feature_others() -> None:
    scores = Ranked.of(np.zeros((2, 1000))).scores
    assert abs(np.corrcoef(scores[0], scores[1])[0, 1]) < 0.15
    assert abs(np.corrcoef(scores[0], np.arange(1000))[0, 1]) < 0.15
    assert np.array_equal(scores, Ranked.of(np.zeros((2, 1000))).scores)


def test_values_of_any_sign_and_size_are_in_order_and_missing_ones_last() -> None:
    values = np.array([-np.inf, -1e300, -2.5, -1e-3, 0.0, 1e-3, 2.5, 1e300, np.inf])
    assert np.all(np.diff(sortable(values).astype(np.int64)) >= 0)
    missing = np.array([np.nan, -np.nan, np.copysign(np.nan, -1.0)])
    assert set(sortable(missing).tolist()) == {2**32 - 1}
    assert sortable(np.array([-0.0])) == sortable(np.array([0.0]))
