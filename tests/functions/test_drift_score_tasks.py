"""Models of every task: measured in their own measures, compared, held against their limits; in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.events import RetrainingRequest, Severity, Status
from core.settings import Features, Label, Model, Retraining, Task
from functions.adapters.ports import Data
from tests.support.builders.drift import MODEL, REFERENCE_ROWS, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, Row, flights


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained(tmp_path)


def labelled(rows: list[Row], column: str, values: list[Any]) -> list[Row]:
    """The label of each prediction, at once."""
    return [
        {"prediction_id": row["prediction_id"], column: value, "arrived_at": row["scored_at"]}
        for row, value in zip(rows, values, strict=True)
    ]


def measured(world: World, number: int) -> Mapping[str, Data]:
    """What was written for the tick so many days on, by measure."""
    return {row["measure"]: row for row in world.measures() if row["window_end"] == TICK + number * DAY}


def statuses(world: World, kind: str) -> list[tuple[int, Status]]:
    return [((one.observed_at - TICK) // DAY, one.status) for one in world.bus.findings(kind)]


LATENESS = Model(
    **{
        name: getattr(MODEL, name)
        for name in (
            "name",
            "owner",
            "table",
            "timestamp",
            "id",
            "score",
            "features",
            "reference",
            "window",
            "minimum_rows",
        )
    },
    label=Label(table="telemetry.minutes", column="minutes", arrives_within=timedelta(hours=12)),
    task=Task.REGRESSION,
    limits={"mae": 3.0},
    recover_after=1,
)


def minutes(rows: list[Row], *, seed: int, noise: float = 1.0) -> list[Row]:
    """Minutes that differ from the prediction the more, the farther the flight."""
    rng = np.random.default_rng(seed)
    far = np.array([row["distance"] for row in rows]) / 900
    values = np.array([row["probability"] for row in rows]) + noise * rng.normal(size=len(rows)) * (0.5 + far)
    return labelled(rows, "minutes", values.tolist())


def test_a_regressor_whose_error_doubles_is_a_finding_and_ends(world: World) -> None:
    world.create("telemetry.minutes", prediction_id="STRING", minutes="FLOAT64", arrived_at="TIMESTAMP")
    world.models = (LATENESS,)
    world.load("telemetry.minutes", minutes(flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY), seed=3))
    for number, noise in enumerate((1.0, 2.0, 1.0)):
        rows = flights(600, TICK + number * DAY, seed=20 + number)
        world.load(MODEL.table, rows)
        world.load("telemetry.minutes", minutes(rows, seed=30 + number, noise=noise))
        world.tick(TICK + number * DAY)
    firing = [(1, Status.FIRING), (2, Status.RESOLVED)]
    assert statuses(world, "performance_degraded") == firing
    assert statuses(world, "performance_below_expected") == firing
    assert world.bus.findings("performance_beyond_limit") == []
    found = measured(world, 1)
    assert set(found) == {"mae", "rmse", "pinball", "bias"}
    assert found["mae"]["value"] == pytest.approx(2 * found["mae"]["reference"], rel=0.15)
    assert found["pinball"]["value"] == pytest.approx(found["mae"]["value"] / 2)
    assert found["mae"]["expected"] == pytest.approx(found["mae"]["reference"], rel=0.1)
    assert found["mae"]["expected_low"] < found["mae"]["expected"] < found["mae"]["expected_high"]
    assert world.metrics.values["aia_model_measure_ceiling_value", "mae", "delay"] == 3.0
    [fall, _] = world.bus.findings("performance_degraded")
    assert fall.summary.startswith("delay: performance is worse: ")


def test_a_regressor_that_is_beyond_its_ceiling_is_a_finding_of_weight_and_asks_for_training(world: World) -> None:
    world.create("telemetry.minutes", prediction_id="STRING", minutes="FLOAT64", arrived_at="TIMESTAMP")
    policy = Retraining(important=("temperature",), minimum_labels=100, window=timedelta(days=60))
    world.models = (replace(LATENESS, limits={"mae": 1.0, "bias": 0.5}, retraining=policy),)
    world.load("telemetry.minutes", minutes(flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY), seed=3))
    rows = flights(600, TICK, seed=20)
    world.load(MODEL.table, rows)
    world.load("telemetry.minutes", minutes(rows, seed=30, noise=2.0))
    world.tick()
    [finding] = world.bus.findings("performance_beyond_limit")
    assert finding.summary.startswith("delay: mean absolute error 2.")
    assert finding.summary.endswith("on 600 labelled predictions, ceiling 1")
    assert (finding.severity, finding.threshold, list(finding.evidence)) == (
        Severity.CRITICAL,
        1.0,
        ["Mean absolute error", "reason"],
    )
    [fall] = world.bus.findings("performance_degraded")
    assert fall.severity is Severity.INFO
    [request] = [event for event in world.bus.events if isinstance(event, RetrainingRequest)]
    assert (request.reason, request.accuracy, request.floor) == ("beyond_limit", None, None)


def test_the_loss_of_a_regressor_is_estimated_before_labels_come(world: World) -> None:
    world.create("telemetry.minutes", prediction_id="STRING", minutes="FLOAT64", arrived_at="TIMESTAMP")
    world.models = (LATENESS,)
    world.load("telemetry.minutes", minutes(flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY), seed=3))
    world.load(MODEL.table, [row | {"distance": row["distance"] + 1800} for row in flights(600, TICK, seed=20)])
    world.tick()
    [finding] = world.bus.findings("estimated_performance_degraded")
    assert finding.severity is Severity.INFO
    found = measured(world, 0)["mae"]
    assert (found["value"], found["n_labels"]) == (None, 0)
    assert found["expected"] > 1.3 * found["reference"]


INTENT = replace(
    LATENESS,
    table="telemetry.intents",
    score="confidence",
    features=Features(numeric=("length",)),
    label=Label(table="telemetry.intent_labels", column="intent", arrives_within=timedelta(hours=12)),
    task=Task.MULTICLASS,
    predicted="predicted",
    probabilities={"pay": "p_pay", "refund": "p_refund", "other": "p_other"},
    limits={"recall": 0.5, "macro_f1": 0.6},
    accuracy_floor=0.55,
)
WORDS = np.array(["pay", "refund", "other"])


def intents(count: int, end: Any, *, seed: int, span: timedelta = DAY) -> list[Row]:
    rng = np.random.default_rng(seed)
    chances = np.exp(2.5 * rng.normal(size=(count, 3)))
    chances = (chances / chances.sum(axis=1, keepdims=True)).round(6)
    bare = flights(count, end, seed=seed, span=span)
    return [
        {name: row[name] for name in ("prediction_id", "model", "version", "scored_at")}
        | {"length": float(rng.normal()), "predicted": str(WORDS[one.argmax()]), "confidence": float(one.max())}
        | dict(zip(("p_pay", "p_refund", "p_other"), one.tolist(), strict=True))
        for row, one in zip(bare, chances, strict=True)
    ]


def wishes(rows: list[Row], *, seed: int, lost: float = 0.0) -> list[Row]:
    """The class of each prediction, as often as its probability says; of refunds, so many go to another class."""
    rng = np.random.default_rng(seed)
    truths = [
        rng.choice(WORDS, p=np.array(one) / sum(one))
        for one in ([row["p_pay"], row["p_refund"], row["p_other"]] for row in rows)
    ]
    swapped = ["refund" if rng.random() < lost else str(word) for word in truths]
    return labelled(rows, "intent", swapped)


def test_a_classifier_of_several_classes_is_measured_by_class_and_held_against_its_limits(world: World) -> None:
    numbers = dict.fromkeys(("length", "confidence", "p_pay", "p_refund", "p_other"), "FLOAT64")
    texts = dict.fromkeys(("prediction_id", "model", "version", "predicted"), "STRING")
    world.create("telemetry.intents", **texts, scored_at="TIMESTAMP", **numbers)
    world.create("telemetry.intent_labels", prediction_id="STRING", intent="STRING", arrived_at="TIMESTAMP")
    world.models = (INTENT,)
    past = intents(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY)
    world.load(INTENT.table, past)
    world.load("telemetry.intent_labels", wishes(past, seed=2))
    for number, lost in enumerate((0.0, 0.8, 0.0)):
        rows = intents(600, TICK + number * DAY, seed=20 + number)
        world.load(INTENT.table, rows)
        world.load("telemetry.intent_labels", wishes(rows, seed=30 + number, lost=lost))
        world.tick(TICK + number * DAY)
    firing = [(1, Status.FIRING), (2, Status.RESOLVED)]
    assert statuses(world, "performance_beyond_limit") == firing
    assert statuses(world, "performance_degraded") == firing
    assert statuses(world, "accuracy_below_floor") == firing
    found = measured(world, 0)
    named = {f"{name}/{word}" for name in ("precision", "recall") for word in WORDS}
    assert set(found) == {"accuracy", "macro_f1", "log_loss"} | named
    for name in found:
        assert found[name]["value"] == pytest.approx(found[name]["expected"], abs=0.13 if name == "log_loss" else 0.08)
        assert found[name]["value"] == pytest.approx(found[name]["reference"], abs=0.13 if name == "log_loss" else 0.08)
    [first, _] = world.bus.findings("performance_beyond_limit")
    assert {"Recall of refund", "Macro F1"} <= set(first.evidence)
    assert world.metrics.values["aia_model_measure_floor_value", "recall/refund", "delay"] == 0.5


SEARCH = replace(
    LATENESS,
    table="telemetry.results",
    score="rank_score",
    features=Features(numeric=("length",)),
    label=Label(table="telemetry.clicks", column="relevance", arrives_within=timedelta(hours=12)),
    task=Task.RANKING,
    query="search",
    limits={"ndcg": 0.8},
)


def test_a_ranking_model_is_measured_by_query(world: World) -> None:
    texts = dict.fromkeys(("prediction_id", "model", "version"), "STRING")
    world.create(
        "telemetry.results", **texts, scored_at="TIMESTAMP", search="INT64", rank_score="FLOAT64", length="FLOAT64"
    )
    world.create("telemetry.clicks", prediction_id="STRING", relevance="INT64", arrived_at="TIMESTAMP")
    world.models = (SEARCH,)
    spans = [(TRAINED, 10 * DAY, 2.0)] + [
        (TICK + number * DAY, DAY, skill) for number, skill in enumerate((2.0, -2.0, 2.0))
    ]
    for number, (end, span, skill) in enumerate(spans):
        rng = np.random.default_rng(number)
        count = 3000 if span > DAY else 1200
        relevance = rng.integers(0, 4, count)
        rows = [
            {name: row[name] for name in ("prediction_id", "model", "version", "scored_at")}
            | {"search": n // 8, "rank_score": skill * float(relevance[n]) + rng.normal(), "length": rng.normal()}
            for n, row in enumerate(flights(count, end, seed=50 + number, span=span))
        ]
        world.load(SEARCH.table, rows)
        world.load("telemetry.clicks", labelled(rows, "relevance", relevance.tolist()))
    for number in range(3):
        world.tick(TICK + number * DAY)
    firing = [(1, Status.FIRING), (2, Status.RESOLVED)]
    assert statuses(world, "performance_beyond_limit") == statuses(world, "performance_degraded") == firing
    assert measured(world, 0)["ndcg"]["value"] == pytest.approx(measured(world, 0)["ndcg"]["reference"], abs=0.03)
    assert measured(world, 0)["ndcg"]["n_labels"] == 1200
    assert world.bus.findings("performance_beyond_limit")[0].summary.endswith("on 150 queries, floor 80%")
