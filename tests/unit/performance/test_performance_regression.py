"""How wrong a regressor is, with and without labels."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from core.drift import ProfileError
from core.performance import LossEstimator, RegressionMeter, Rows, Trend, assess, learn_performance, regressor
from core.performance.additive import AdditiveModel

DAY, WEEK = 86_400.0, 7 * 86_400.0
METER = RegressionMeter()
Floats = NDArray[np.float64]


def trips(days: int, *, seed: int, far: float = 0.0, noise: float = 1.0) -> tuple[Rows, Floats]:
    """Minutes of trips: the error grows with the distance, and at night is twice as large; `far` makes all trips longer."""
    rng = np.random.default_rng(seed)
    count = 200 * days
    distance = rng.gamma(2.0, 2.0 + far, count)
    night = rng.random(count) < 0.3
    score = 5 + 3 * distance
    label = score + rng.normal(size=count) * (1 + distance / 2) * np.where(night, 2.0, 1.0) * noise
    features = {"distance": distance, "time": np.where(night, "night", "day").astype(object)}
    return Rows(score=score, label=label, features=features), np.arange(count) * DAY / 200


def without_labels(rows: Rows) -> Rows:
    return Rows(score=rows.score, label=np.full(len(rows.score), np.nan), features=rows.features)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_pinball_loss_is_that_of_scikit_learn(quantile: float) -> None:
    rng = np.random.default_rng(1)
    y, p = rng.normal(size=(2, 700))
    expected = metrics.mean_pinball_loss(y, p, alpha=quantile)
    assert regressor(p, y, quantile=quantile).pinball.value == pytest.approx(expected)


@pytest.mark.parametrize("quantile", [0.0, 1.0, -2.0])
def test_a_quantile_that_is_none_is_named(quantile: float) -> None:
    with pytest.raises(ProfileError, match=f"quantile: must be between 0 and 1, got {quantile:g}"):
        regressor([1.0], [1.0], quantile=quantile)


def test_the_interval_of_the_pinball_loss_holds_the_truth() -> None:
    inside = 0
    for seed in range(300):
        y = np.random.default_rng(seed).normal(size=500)
        one = regressor(np.full(500, 1.2815515655), y, quantile=0.9).pinball
        inside += one.low <= 0.17549833193 <= one.high  # the density of the normal at its 90 % quantile
    assert 0.91 <= inside / 300 <= 0.99


def test_a_doubled_error_is_worse_and_an_equal_one_is_not() -> None:
    reference = learn_performance(METER, *trips(56, seed=1), window=WEEK)
    same = assess(METER, trips(7, seed=2)[0], reference, total=1400)
    worse = assess(METER, trips(7, seed=2, noise=2.0)[0], reference, total=1400)
    assert {one.trend for one in same.against_reference} == {Trend.SAME}
    trends = {one.metric: one.trend for one in worse.against_reference}
    assert [trends[name] for name in ("mae", "rmse", "pinball")] == [Trend.WORSE] * 3
    growth = {one.metric: one.growth for one in worse.against_reference}
    assert growth["mae"] == pytest.approx(1.0, abs=0.15)
    assert {one.trend for one in worse.against_estimate if one.metric == "mae"} == {Trend.WORSE}
    assert {one.trend for one in same.against_estimate} == {Trend.SAME}


def test_the_loss_is_estimated_without_labels_where_trips_become_longer() -> None:
    reference = learn_performance(METER, *trips(56, seed=3), window=WEEK)
    now, _ = trips(7, seed=4, far=1.0)
    truth = METER.measure(now)
    found = reference.expected(without_labels(now))
    assert found is not None
    before = reference.measured["mae"].value
    assert truth["mae"].value > 1.25 * before
    for name in ("mae", "rmse", "pinball"):
        assert found[name].value == pytest.approx(truth[name].value, rel=0.1)
    moved = assess(METER, without_labels(now), reference, total=1400)
    trends = {one.metric: one.trend for one in moved.estimate_against_reference}
    assert trends["mae"] is Trend.WORSE
    assert {one.trend for one in moved.against_reference} == {Trend.UNKNOWN}


def test_the_interval_of_the_estimate_holds_what_the_labels_then_say() -> None:
    reference = learn_performance(METER, *trips(56, seed=5), window=WEEK)
    held = 0
    for seed in range(100):
        now, _ = trips(2, seed=100 + seed)
        found = reference.expected(without_labels(now))
        assert found is not None
        held += found["mae"].low <= METER.measure(now)["mae"].value <= found["mae"].high
    assert held >= 90


def test_labels_of_the_hard_cases_alone_are_no_fall() -> None:
    reference = learn_performance(METER, *trips(56, seed=6), window=WEEK)
    now, _ = trips(14, seed=7)
    hard = np.asarray(now.features["distance"]) > 4
    some = Rows(score=now.score, label=np.where(hard, now.label, np.nan), features=now.features)
    found = assess(METER, some, reference, total=2800)
    assert found.found["mae"].value > 1.25 * reference.measured["mae"].value
    trends = [
        next(one.trend for one in side if one.metric == "mae")
        for side in (found.against_reference, found.against_estimate)
    ]
    assert trends == [Trend.SAME, Trend.SAME]


def test_an_estimator_survives_its_storage_and_meets_what_it_never_saw() -> None:
    rows, _ = trips(20, seed=8)
    estimator = METER.learn(rows)
    assert estimator is not None
    again = LossEstimator.from_data(json.loads(json.dumps(estimator.to_data())))
    assert again.expected(rows) == estimator.expected(rows)
    strange = Rows(score=[5.0, None], label=[None, None], features={"distance": [None, 1.0], "time": ["noon", None]})
    assert estimator.expected(strange)["mae"].rows == 1
    assert estimator.expected(strange.take(np.array([False, True])))["mae"].value is None


def test_few_labels_teach_nothing() -> None:
    rows, _ = trips(1, seed=9)
    assert METER.learn(rows.take(np.arange(49))) is None
    assert METER.learn(rows.take(np.arange(50))) is not None


def test_an_additive_model_learns_a_sum_and_ignores_noise() -> None:
    rng = np.random.default_rng(10)
    age, city, noise = rng.uniform(0, 1, 5000), rng.choice(["Rome", "Oslo"], 5000), rng.normal(size=5000)
    truth = np.column_stack([np.sin(3 * age) + (city == "Rome"), 2 - age])
    columns = {"age": age, "city": city.astype(object), "noise": noise}
    model = AdditiveModel.fit(columns, truth + rng.normal(size=truth.shape) / 5)
    assert np.sqrt(np.mean(np.square(model.predict(columns) - truth))) < 0.06
    assert np.abs(model.steps["noise"]).max() < 0.05


def test_of_very_many_columns_those_that_add_most_are_kept() -> None:
    rng = np.random.default_rng(11)
    columns = {f"f{number}": rng.normal(size=1000) for number in range(60)}
    truth = 3 * columns["f41"][:, None]
    model = AdditiveModel.fit(columns, truth + rng.normal(size=(1000, 1)))
    assert len(model.axes) == 30
    assert "f41" in model.axes
    assert len(json.dumps(model.to_data())) < 100_000
