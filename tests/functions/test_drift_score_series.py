"""How many series a model has: as many with fifty features as with three, and none but those of its newest report."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.drift import count
from core.drift.scoring import score
from core.settings import Features, Task
from functions.drift_score import effects, performance, quality
from functions.drift_score.baseline import Baseline, learn
from functions.drift_score.compare import Current
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import DAY, TICK, TRAINED
from tests.support.fakes.recorders import RecordingMetrics

FEATURES = tuple(f"f{number}" for number in range(50))
WIDE = replace(MODEL, features=Features(numeric=FEATURES, categorical=()))
ROWS = 2000


def columns(seed: int, moved: int = 0, *, names: tuple[str, ...] = FEATURES) -> dict[str, np.ndarray]:
    """Rows whose first features moved, each by more than the one after it; the scores moved with them."""
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(1 - n / 50 if n < moved else 0, 1, ROWS) for n, name in enumerate(names)}
    scores = rng.uniform(0, 1, ROWS) ** (2 if moved else 1)
    late = (rng.uniform(0, 1, ROWS) < scores).astype(float)
    return found | {MODEL.score: scores, LABEL: late, SECOND: np.linspace(0, 86_400, ROWS)}


@cache
def learnt(task: Task) -> tuple[Window, Baseline]:
    """The reference of the wide model, and what was learnt from it."""
    reference = Window(model=replace(WIDE, task=task), version="1", start=TRAINED - 10 * DAY, end=TRAINED)
    return reference, learn(reference, columns(1), ROWS)


@cache
def series(moved: int, task: Task) -> RecordingMetrics:
    """The gauges that a tick of the wide model sets, whose first features moved; tests only read them."""
    reference, baseline = learnt(task)
    model = reference.model
    window = Window(model=model, version="1", start=TICK - DAY, end=TICK)
    now = columns(2, moved)
    report = score(baseline.profile, now)
    parts = [
        replace(report, features=tuple(one for one in report.features if (one.name == model.score) is of_score))
        for of_score in (False, True)
    ]
    features, prediction = (replace(part, drifted=tuple(f.name for f in part.features if f.drifted)) for part in parts)
    counts = count(baseline.profile, now)
    current = Current(features=features, prediction=prediction, counts=counts, columns=now)
    metrics = RecordingMetrics()
    effects.measure_version(metrics, window, {"version": "1", "in_use_from": TRAINED})
    effects.measure_drift(metrics, window, features)
    effects.measure_prediction(metrics, window, prediction)
    performance.gauges(metrics, window, performance.assessed(window, baseline, now, ROWS))
    quality.gauges(metrics, window, quality.inspect(window, reference, baseline, current, TICK))
    return metrics


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
@pytest.mark.parametrize("moved", [0, 2, 40])
def test_a_model_of_fifty_features_has_a_bounded_number_of_series(moved: int, task: Task) -> None:
    metrics = series(moved, task)
    assert len(metrics.values) <= effects.SERIES_A_MODEL
    by_name = Counter(key[0] for key in metrics.values)
    assert by_name.pop("aia_drift_top_feature_shift") == min(max(moved, 1), effects.TOP_FEATURES)
    assert by_name.pop("aia_model_measure_value") == (1 if task is Task.BINARY else 2)
    assert by_name.pop("aia_model_measure_degraded", 1) <= 4
    assert set(by_name.values()) == {1}


def test_the_bound_is_reached_by_a_classifier_that_drifts() -> None:
    assert len(series(40, Task.BINARY).values) == effects.SERIES_A_MODEL


def test_the_series_of_features_are_those_that_drift_most() -> None:
    found = {
        key[1]: value
        for key, value in series(40, Task.BINARY).values.items()
        if key[0] == "aia_drift_top_feature_shift"
    }
    assert len(found) == 3
    assert set(found) <= set(FEATURES[:10])
    assert min(found.values()) > 0.5


def test_a_steady_model_has_one_series_that_says_so() -> None:
    found = {
        key[1]: value for key, value in series(0, Task.BINARY).values.items() if key[0] == "aia_drift_top_feature_shift"
    }
    assert found == {effects.NO_FEATURE: 0.0}
