"""Correlations of all pairs: the right values, with the variance of the window measured where it matters, of some features too."""

import numpy as np
import pytest
from scipy import stats

from core.drift import Profile, score
from core.drift.joint import MOST, JointReference
from core.drift.pairs import Pairs, compare
from core.drift.ranks import Ranked, Scores


def scores(seed: int, rows: int, correlation: float, features: int = 4) -> Scores:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(features, rows))
    values[1] = correlation * values[0] + np.sqrt(1 - correlation**2) * values[1]
    return Ranked.of(values).scores


def test_correlations_and_their_variances_equal_scipys() -> None:
    window = scores(1, 4000, 0.6)
    found = Pairs.learn(window)
    assert found.products[0, 0, 1] == pytest.approx(stats.spearmanr(window[0], window[1]).statistic, abs=1e-5)
    far = window.astype(float) ** 2 - 1
    assert found.products[2, 0, 1] == pytest.approx(np.mean(far[0] * far[1]) / 0.8, abs=1e-4)
    assert found.products[1, 1, 0] == pytest.approx(np.mean(far[1] * window[0]) / np.sqrt(0.8), abs=1e-4)
    assert found.spreads[2, 0, 1] == pytest.approx(np.var(far[0] * far[1]) / 0.64, rel=1e-4)
    assert not found.apart.any()


def test_deviates_are_those_of_fishers_z() -> None:
    old, new = scores(1, 5000, 0.5, 2), scores(2, 1000, 0.3, 2)
    pairs, p_value, effect = compare(Pairs.learn(old), ("a", "b"), new, np.ones(2), 1.0)
    [found] = [one for one in pairs if one.of == "ranks"]
    before, after = (stats.spearmanr(*one).statistic for one in (old, new))
    assert (found.reference, found.current) == pytest.approx((before, after), abs=1e-5)
    z = (np.arctanh(after) - np.arctanh(before)) / np.sqrt((1 + 0.5**2 / 2) * (1 / 5000 + 1 / 1000))
    assert stats.norm.isf(p_value / 4 / 2) == pytest.approx(abs(z), rel=0.05)
    assert effect == 1.0


def test_rows_that_break_a_relation_in_one_window_only_are_weighed_by_its_variance() -> None:
    """Of a variance that only the reference has, one wild part of a window would be certain."""
    old, new = scores(3, 5000, 0.99, 2), scores(4, 1000, 0.99, 2)
    broken = new.copy()
    broken[1, :4] = -broken[1, :4]
    sound, p_sound, _ = compare(Pairs.learn(old), ("a", "b"), new, np.ones(2), 0.005)
    _, p_broken, _ = compare(Pairs.learn(old), ("a", "b"), broken, np.ones(2), 0.005)
    assert sound == ()
    assert p_broken > 1e-4
    assert p_sound > 0.005


def test_some_of_the_features_are_compared_as_if_the_others_were_not_there() -> None:
    old, new = scores(1, 3000, 0.8), scores(2, 1000, 0.2)
    some = [0, 1, 3]
    names = ("a", "b", "d")
    by_part = compare(Pairs.learn(old).only(some), names, new[some], np.ones(3), 0.005)
    whole = compare(Pairs.learn(old[some]), names, new[some], np.ones(3), 0.005)
    assert by_part[0] == whole[0] != ()
    assert by_part[1] == pytest.approx(whole[1])


def test_of_too_many_features_those_are_looked_at_that_go_together_most() -> None:
    rng = np.random.default_rng(1)
    columns = {f"f{k}": rng.normal(size=800) for k in range(MOST + 20)}
    columns[f"f{MOST + 19}"] = columns["f3"] + 0.1 * rng.normal(size=800)
    found = JointReference.learn(columns, columns, dict.fromkeys(columns, 0))
    assert len(found.names) == MOST
    assert {"f3", f"f{MOST + 19}"} < set(found.names)
    current = columns | {"f3": rng.permutation(columns["f3"])}
    report = score(Profile.fit(columns), current)
    assert report.joint is not None
    assert {report.joint.pairs[0].first, report.joint.pairs[0].second} == {"f3", f"f{MOST + 19}"}


def test_a_window_without_a_column_is_compared_by_the_others() -> None:
    rng = np.random.default_rng(2)
    columns = {f"f{k}": rng.normal(size=3000) for k in range(6)}
    columns["f4"] = columns["f0"] + 0.5 * columns["f4"]
    current = {name: rng.permutation(column) for name, column in columns.items() if name != "f2"}
    report = score(Profile.fit(columns), current)
    assert report.joint is not None
    assert [(one.first, one.second) for one in report.joint.pairs] == [("f0", "f4")]
