"""How right a classifier of several classes is, with and without labels."""

import json

import numpy as np
import pytest
from sklearn import metrics

from core.drift import ProfileError
from core.performance import ClassEstimator, MulticlassMeter, Rows, Trend, assess, learn_performance, multiclass
from core.performance.multiclass import MOST_CLASSES

WORDS = np.array(["cat", "dog", "emu", "fox"], dtype=object)
METER = MulticlassMeter()


def draw(count: int, *, seed: int, sharpness: float = 2.0, wrong: float = 0.0) -> Rows:
    """Predictions whose probabilities are right; of the share `wrong`, the label is any class."""
    rng = np.random.default_rng(seed)
    chances = np.exp(sharpness * rng.normal(size=(count, 4)) + [0.5, 0.2, 0.0, -1.0])
    chances /= chances.sum(axis=1, keepdims=True)
    code = (rng.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    code = np.where(rng.random(count) < wrong, rng.integers(0, 4, count), code)
    best = chances.argmax(axis=1)
    return Rows(
        score=chances.max(axis=1),
        label=WORDS[code],
        predicted=WORDS[best],
        probabilities={str(word): chances[:, k] for k, word in enumerate(WORDS)},
    )


def without_labels(rows: Rows) -> Rows:
    return Rows(
        score=rows.score,
        label=np.full(len(rows.score), None, dtype=object),
        predicted=rows.predicted,
        probabilities=rows.probabilities,
    )


def test_every_metric_equals_scikit_learn() -> None:
    rows = draw(2000, seed=1)
    found = METER.measure(rows)
    y, p = list(rows.label), list(np.asarray(rows.predicted))
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(y, p))
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(y, p, average="macro"))
    chances = np.column_stack([rows.probabilities[str(word)] for word in WORDS])
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(y, chances, labels=list(WORDS)))
    names = [str(word) for word in WORDS]
    precision, recall, *_ = metrics.precision_recall_fscore_support(y, p, labels=names)
    for k, word in enumerate(names):
        assert found[f"precision/{word}"].value == pytest.approx(precision[k])
        assert found[f"recall/{word}"].value == pytest.approx(recall[k])


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth = METER.measure(draw(300_000, seed=2))
    windows = [METER.measure(draw(600, seed=100 + seed)) for seed in range(300)]
    for metric in ("accuracy", "macro_f1", "log_loss", "precision/dog", "recall/fox"):
        inside = sum(one[metric].low <= truth[metric].value <= one[metric].high for one in windows)
        assert 0.91 <= inside / 300 <= 0.99, metric


def test_classes_are_spelt_as_the_warehouse_does_and_missing_ones_are_passed_over() -> None:
    found = multiclass([1, 2.0, True, None, 2], ["1", 2, "true", "1", None])
    assert (found["accuracy"].value, found["accuracy"].rows) == (1.0, 3)


def test_a_class_that_nothing_says_has_no_precision() -> None:
    found = multiclass(["a", "a"], ["a", "b"])
    assert (found["precision/b"].value, found["recall/b"].value) == (None, 0.0)
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(["a", "b"], ["a", "a"], average="macro"))


def test_only_the_most_frequent_classes_have_metrics_of_their_own() -> None:
    words = [f"c{number:02}" for number in range(30) for _ in range(30 - number)]
    found = multiclass(words, words)
    assert found["accuracy"].value == 1.0
    named = [name for name in found if name.startswith("recall/")]
    assert named == [f"recall/c{number:02}" for number in range(MOST_CLASSES)]


def test_what_happened_without_a_probability_costs_the_most() -> None:
    found = multiclass(["a"], ["b"], {"a": [1.0]})
    assert found["log_loss"].value == pytest.approx(-np.log(1e-15))
    assert multiclass([], [])["accuracy"].value is None


def test_what_is_no_probability_or_of_another_length_is_named() -> None:
    with pytest.raises(ProfileError, match=r"probability of a: must be 0 to 1, got 1\.5"):
        multiclass(["a"], ["a"], {"a": [1.5]})
    with pytest.raises(ProfileError, match="label: must have 1 rows as predicted has, got 2"):
        multiclass(["a"], ["a", "b"])
    with pytest.raises(ProfileError, match="predicted: must be given where the task is multiclass, got None"):
        METER.measure(Rows(score=[0.5], label=["a"]))


def test_what_is_expected_without_labels_is_what_the_labels_then_say() -> None:
    estimator = METER.learn(draw(20_000, seed=3))
    assert estimator is not None
    for sharpness in (1.0, 3.0):
        now = draw(20_000, seed=4, sharpness=sharpness)
        guess, seen = estimator.expected(without_labels(now)), METER.measure(now)
        assert set(guess) == set(seen)
        for metric, one in guess.items():
            assert one.value == pytest.approx(seen[metric].value, abs=0.04 if "/" in metric else 0.02), metric


def test_confidence_alone_gives_the_accuracy_alone() -> None:
    rows = draw(8000, seed=5)
    bare = Rows(score=rows.score, label=rows.label, predicted=rows.predicted)
    estimator = METER.learn(bare)
    assert estimator is not None
    now = draw(8000, seed=6, sharpness=1.0)
    guess = estimator.expected(Rows(score=now.score, label=now.label, predicted=now.predicted))
    assert set(guess) == {"accuracy"}
    assert guess["accuracy"].value == pytest.approx(METER.measure(now)["accuracy"].value, abs=0.03)


def test_a_worse_window_is_told_though_a_class_is_missing_from_it() -> None:
    rows = draw(6000, seed=7)
    reference = learn_performance(METER, rows, np.arange(6000) * 600.0, window=604_800)
    now = draw(2000, seed=8, wrong=0.4)
    some = now.take(np.asarray(now.label) != "fox")
    found = assess(METER, some, reference, total=2000)
    trends = {one.metric: one.trend for one in found.against_reference}
    assert (trends["accuracy"], trends["macro_f1"], trends["log_loss"]) == (Trend.WORSE, Trend.WORSE, Trend.WORSE)
    assert trends["recall/dog"] is Trend.WORSE
    again = assess(METER, draw(2000, seed=9), reference, total=2000)
    assert {one.trend for one in again.against_reference if "/" not in one.metric} == {Trend.SAME}


def test_an_estimator_survives_its_storage_and_without_labels_there_is_none() -> None:
    rows = draw(500, seed=10)
    estimator = METER.learn(rows)
    assert estimator is not None
    again = ClassEstimator.from_data(json.loads(json.dumps(estimator.to_data())))
    assert again.expected(rows) == estimator.expected(rows)
    assert METER.learn(without_labels(rows)) is None
    bare = without_labels(rows)
    assert METER.learn(Rows(score=bare.score, label=bare.label, predicted=bare.predicted)) is None
