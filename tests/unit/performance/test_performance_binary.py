"""How right a model is, with and without labels."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import isotonic, metrics

from core.drift import ProfileError
from core.drift.columns import Column
from core.performance import (
    Calibrator,
    Classifier,
    Comparison,
    Estimate,
    Regressor,
    Standing,
    Trend,
    classifier,
    compare_metrics,
    expected,
    regressor,
    stands,
)

Floats = NDArray[np.float64]


def compared(
    reference: Classifier | Regressor, current: Classifier | Regressor, **options: Any
) -> tuple[Comparison, ...]:
    return compare_metrics(reference._asdict(), current._asdict(), **options)


def outcomes(seed: int, rows: int, sharpness: float = 1.5) -> tuple[Floats, Floats]:
    """Probabilities that are right, and what then happened."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-sharpness * rng.normal(size=rows)))
    return p, (rng.random(rows) < p).astype(float)


def test_every_metric_of_a_classifier_equals_scikit_learn() -> None:
    p, y = outcomes(1, 3000)
    p = np.round(p, 2)
    found, named = classifier(p, y, threshold=0.4), p >= 0.4
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(y, named))
    assert found.precision.value == pytest.approx(metrics.precision_score(y, named))
    assert found.recall.value == pytest.approx(metrics.recall_score(y, named))
    assert found.f1.value == pytest.approx(metrics.f1_score(y, named))
    assert found.auc.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert found.log_loss.value == pytest.approx(metrics.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)))
    assert found.brier.value == pytest.approx(metrics.brier_score_loss(y, p))


def test_every_metric_of_a_regressor_equals_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=900)
    p = y + rng.normal(0.3, 1, 900)
    found = regressor(p, y)
    assert found.mae.value == pytest.approx(metrics.mean_absolute_error(y, p))
    assert found.rmse.value == pytest.approx(metrics.root_mean_squared_error(y, p))
    assert found.bias.value == pytest.approx((p - y).mean())


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    found = classifier([0.05, 0.05, 0.95, 0.95], [0, 1, 1, 1]).calibration_error
    assert found.value == pytest.approx((0.45 * 2 + 0.05 * 2) / 4)


@pytest.mark.parametrize("rows", [200, 2000])
def test_the_intervals_hold_the_truth_as_often_as_they_say(rows: int) -> None:
    whole = classifier(*outcomes(3, 400_000))
    windows = [classifier(*outcomes(100 + seed, rows)) for seed in range(300)]
    for metric in Classifier._fields:
        truth = getattr(whole, metric).value if metric != "calibration_error" else 0.0
        estimates = [getattr(one, metric) for one in windows]
        assert sum(one.low <= truth <= one.high for one in estimates) / 300 >= 0.91, metric


@pytest.mark.parametrize("metric", ["mae", "rmse", "bias"])
def test_the_interval_of_a_regressor_holds_the_truth(metric: str) -> None:
    truth = {"mae": math.sqrt(2 / math.pi), "rmse": 1.0, "bias": 0.0}[metric]
    inside = 0
    for seed in range(300):
        estimate = getattr(regressor(np.random.default_rng(seed).normal(size=500), np.zeros(500)), metric)
        inside += estimate.low <= truth <= estimate.high
    assert 0.91 <= inside / 300 <= 0.99


def test_rows_without_label_or_prediction_are_passed_over() -> None:
    found = classifier([0.9, None, 0.2, 0.7], [True, True, False, None])
    assert found.accuracy == classifier([0.9, 0.2], [1, 0]).accuracy
    assert found.accuracy.rows == 2


@pytest.mark.parametrize(("p", "y"), [([], []), ([None], [1]), ([0.5], [math.nan])])
def test_no_rows_give_no_metric(p: Column, y: Column) -> None:
    assert set(classifier(p, y)) == {Estimate(None, None, None, 0)}
    assert set(regressor(p, y)) == {Estimate(None, None, None, 0)}
    assert classifier(p, y).auc.error == math.inf


def test_one_class_has_no_auc_and_one_row_has_wide_intervals() -> None:
    assert classifier([0.7, 0.8], [1, 1]).auc.value is None
    found = classifier([0.9, 0.1], [1, 0])
    assert (found.auc.value, found.auc.low) == (1.0, 0.0)
    assert found.recall.low == pytest.approx(0.2065, abs=1e-3)


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([0.5], [1, 0], "label: must have 1 rows as probability has, got 2"),
        ([1.5], [1], "probability: must be 0 to 1, got 1.5"),
        ([0.5], [2], "label: must be 0 or 1, got 2"),
        (["x"], [1], "probability: must be numbers, got object: could not convert string to float: 'x'"),
    ],
)
def test_what_is_no_probability_or_label_is_named(p: list[Any], y: list[Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        classifier(p, y)


@pytest.mark.parametrize(
    ("estimate", "standing"),
    [
        (Estimate(0.80, 0.78, 0.82, 900), Standing.BELOW),
        (Estimate(0.84, 0.82, 0.86, 900), Standing.DOUBTFUL),
        (Estimate(0.90, 0.85, 0.95, 900), Standing.ABOVE),
        (Estimate(None, None, None, 0), Standing.UNKNOWN),
    ],
)
def test_a_metric_stands_to_its_floor(estimate: Estimate, standing: Standing) -> None:
    assert stands(estimate, 0.85) is standing


def test_a_worse_window_is_worse_in_every_metric_and_an_equal_one_is_not() -> None:
    reference = classifier(*outcomes(4, 20_000, sharpness=3.0))
    p, y = outcomes(5, 20_000, sharpness=3.0)
    same = compared(reference, classifier(p, y))
    assert {part.trend for part in same} == {Trend.SAME}
    flipped = np.where(np.random.default_rng(6).random(20_000) < 0.2, 1 - y, y)
    worse = compared(reference, classifier(p, flipped))
    assert {part.trend for part in worse} == {Trend.WORSE}
    assert {part.trend for part in compared(classifier(p, flipped), reference)} == {Trend.BETTER}
    assert all(part.p_value is not None and part.p_value < 1e-6 for part in worse)


def test_a_bias_nearer_to_zero_is_better() -> None:
    rng = np.random.default_rng(7)
    y = rng.normal(size=5000)
    off, good = regressor(y - 0.5 + rng.normal(size=5000), y), regressor(y + 0.1 + rng.normal(size=5000), y)
    trends = {part.metric: part.trend for part in compared(off, good)}
    assert trends["bias"] is Trend.BETTER


def test_what_has_no_value_has_no_trend_and_what_has_no_error_is_certain() -> None:
    empty, exact = classifier([], []), regressor([1.0, 1.0], [1.0, 1.0])
    assert {part.trend for part in compared(empty, empty)} == {Trend.UNKNOWN}
    assert {part.trend for part in compared(exact, exact)} == {Trend.SAME}
    assert {part.trend for part in compared(exact, regressor([2.0, 2.0], [1.0, 1.0]))} == {Trend.WORSE}
    with pytest.raises(ProfileError, match="current: must hold"):
        compared(empty, exact)


def test_what_is_expected_without_labels_is_what_the_labels_then_say() -> None:
    for sharpness in (0.7, 1.5, 4.0):
        p, y = outcomes(8, 40_000, sharpness)
        guess, seen = expected(p, p >= 0.5), classifier(p, y)
        for metric in ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier"):
            assert getattr(guess, metric).value == pytest.approx(getattr(seen, metric).value, abs=0.012), metric
        trends = {part.trend for part in compared(guess, seen)}
        assert trends <= {Trend.SAME, Trend.UNKNOWN}


def test_what_is_expected_of_a_model_that_is_too_sure_is_what_its_own_probabilities_earn() -> None:
    p, y = outcomes(18, 40_000)
    boast = p**2 / (p**2 + (1 - p) ** 2)
    guess, seen = expected(p, boast >= 0.5, boast), classifier(boast, y)
    assert seen.log_loss.value > 1.05 * classifier(p, y).log_loss.value
    for metric in ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier"):
        assert getattr(guess, metric).value == pytest.approx(getattr(seen, metric).value, abs=0.012), metric
        assert getattr(guess, metric).low <= getattr(seen, metric).value <= getattr(guess, metric).high, metric
    with pytest.raises(ProfileError, match="score: must be 0 to 1, got 2"):
        expected([0.5], [True], [2.0])


def test_a_model_that_became_unsure_is_expected_to_be_wrong_more_often() -> None:
    sure, unsure = outcomes(9, 5000, 4.0)[0], outcomes(9, 5000, 0.5)[0]
    before, after = expected(sure, sure >= 0.5), expected(unsure, unsure >= 0.5)
    assert compared(before, after)[0].trend is Trend.WORSE


def test_an_expectation_of_nothing_is_none() -> None:
    assert set(expected([], [])) == {Estimate(None, None, None, 0)}
    assert expected([0.1, 0.2], [False, False]).precision.value is None
    assert expected([0.1, 0.2], [False, False]).auc.value is None


def test_a_calibrator_is_isotonic_regression() -> None:
    rng = np.random.default_rng(10)
    score = np.round(rng.random(2000), 2)
    label = (rng.random(2000) < score**2).astype(float)
    known = isotonic.IsotonicRegression().fit(score, label)
    fitted = Calibrator.learn(score, label)
    assert fitted.probability(score) == pytest.approx(known.predict(score), abs=1e-12)
    assert np.isnan(fitted.probability([None, 0.5])[0])
    guess = expected(fitted.probability(score), score >= 0.7)
    assert guess.accuracy.value == pytest.approx(np.mean((score >= 0.7) == label), abs=0.01)


def test_a_calibrator_needs_labels() -> None:
    with pytest.raises(ProfileError, match="label: must hold at least 1 row with a score, got none"):
        Calibrator.learn([None], [1])
    with pytest.raises(ProfileError, match="label: must be 0 or 1, got 3"):
        Calibrator.learn([0.5], [3])
