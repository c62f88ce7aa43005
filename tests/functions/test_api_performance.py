"""What the page is told of the performance of a model."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from core.settings import Generation, Label, Task
from functions.adapters.ports import Data
from functions.api.performance import accuracy, gaps, measures
from tests.support.builders.pages import MODEL


def metric(measure: str, value: float | None, day: int = 2) -> Data:
    row: Data = {
        "model": "churn",
        "measure": measure,
        "day": date(2026, 1, day),
        "value": value,
        "low": 0.8,
        "high": 0.95,
    }
    row |= {
        "reference": 0.92,
        "expected": 0.91,
        "expected_low": 0.9,
        "expected_high": 0.93,
        "n_labels": 5,
        "n_current": 9,
    }
    return row | {"window_end": datetime(2026, 1, day, 12, tzinfo=UTC)}


ROWS = [
    metric("accuracy", 0.95, 1),
    metric("recall/gold", 0.3),
    metric("log_loss", None),
    metric("auc", 0.7),
    metric("accuracy", 0.8),
    metric("retired", 0.3),
]


def test_every_measure_of_the_newest_window_is_shown_with_its_limit() -> None:
    shown = measures(ROWS, replace(MODEL, limits={"log_loss": 0.5, "recall": 0.2}))
    assert [(one["measure"], one["title"], one["limit"], one["beyond"]) for one in shown] == [
        ("accuracy", "Accuracy", 0.85, True),
        ("auc", "Area under the ROC curve", None, False),
        ("log_loss", "Log loss", 0.5, False),
        ("recall/gold", "Recall of gold", 0.2, False),
    ]
    first = shown[0]
    assert (first["low"], first["high"], first["reference"], first["expected"]) == (0.8, 0.95, 0.92, 0.91)
    assert (first["unit"], first["better"], first["n_labels"]) == ("ratio", "higher", 5)
    assert measures([], MODEL) == []


def test_a_ceiling_is_broken_from_above_and_a_bias_from_both_sides() -> None:
    label = Label(table="t.labels", column="minutes", arrives_within=timedelta(hours=1))
    model = replace(MODEL, task=Task.REGRESSION, label=label, accuracy_floor=None, limits={"mae": 10, "bias": 2})
    values = {"mae": 12.0, "bias": -3.0, "rmse": 99.0}
    shown = measures([metric(name, value) for name, value in values.items()], model)
    assert {one["measure"]: one["beyond"] for one in shown} == {"mae": True, "rmse": False, "bias": True}
    assert not any(one["beyond"] for one in measures([metric("mae", 9.0), metric("bias", 2.0)], model))


def test_the_accuracy_is_shown_by_day_as_far_as_it_is_known() -> None:
    found = accuracy([*ROWS, metric("accuracy", None, 3)], 0.85)
    assert found is not None
    assert (found["value"], found["n_labels"], found["floor"]) == (0.8, 5, 0.85)
    assert found["by_day"] == [{"day": date(2026, 1, 1), "value": 0.95}, {"day": date(2026, 1, 2), "value": 0.8}]
    assert accuracy([metric("mae", 3.0)], None) is None


def group(name: str | None, value: float, measure: str = "accuracy", **ends: str) -> Data:
    row: Data = {"model": "churn", "segment": "city", "segment_value": name, "measure": measure, "value": value}
    return row | {"low": 0.01, "high": 0.99, "n_rows": 300, "best": None, "worst": None} | ends


def test_the_measures_of_a_generative_model_are_shown_with_the_limits_of_its_log() -> None:
    log = Generation(total="seconds", limits={"error_ratio": 0.02, "score": 4.0})
    model = replace(MODEL, task=Task.GENERATIVE, label=None, accuracy_floor=None, generation=log)
    shown = measures([metric("score/stars", 3.5), metric("error_ratio", 0.01), metric("total_p95", 8.0)], model)
    assert [(one["title"], one["unit"], one["limit"], one["beyond"]) for one in shown] == [
        ("Error ratio", "ratio", 0.02, False),
        ("Total time, 95th percentile", "seconds", None, False),
        ("Score of stars", "number", 4.0, True),
    ]


def test_a_gap_is_shown_with_its_limit_and_every_group_the_worst_first() -> None:
    rows = [group("Oslo", 0.9), group("Rome", 0.7), group("Bonn", 0.8), group(None, 0.2, best="Oslo", worst="Rome")]
    rows += [group("Oslo", 4.0, "mae"), group("Rome", 9.0, "mae"), group(None, 5.0, "mae", best="Oslo", worst="Rome")]
    first, second = gaps([*rows, group(None, 0.2, "retired")], replace(MODEL, gap_limits={"accuracy": 0.1}))
    assert (first["segment"], first["title"], first["limit"], first["best"]) == ("city", "Accuracy", 0.1, "Oslo")
    assert [one["name"] for one in first["groups"]] == ["Rome", "Bonn", "Oslo"]
    assert (second["limit"], [one["name"] for one in second["groups"]]) == (None, ["Rome", "Oslo"])
    assert gaps([], MODEL) == []
