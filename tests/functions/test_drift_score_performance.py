"""How right a model is, by late labels and without them, and how far its scores have moved; in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.events import Finding, Severity, Status
from core.settings import Performance
from functions.adapters.ports import Data
from tests.support.builders.drift import MODEL, REFERENCE_ROWS, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, Row, flights, labels, version


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained(tmp_path)


def truths(rows: list[Row], *, seed: int = 5, worse: float = 0.0) -> list[Row]:
    """A label for each prediction, true as often as its score says; of the share `worse` the opposite."""
    rng = np.random.default_rng(seed)
    late = rng.random(len(rows)) < [row["probability"] for row in rows]
    late ^= rng.random(len(rows)) < worse
    return [
        {"prediction_id": row["prediction_id"], "late": bool(value), "arrived_at": row["scored_at"]}
        for row, value in zip(rows, late, strict=True)
    ]


def accuracy(world: World) -> Data:
    [row] = [row for row in world.measures() if row["measure"] == "accuracy" and row["window_end"] == TICK]
    return row


def label_the_reference(world: World) -> None:
    past = flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY)
    world.load("telemetry.flight_labels", truths(past))


def test_the_accuracy_stands_beside_the_reference_and_what_was_expected(world: World) -> None:
    label_the_reference(world)
    rows = flights(600, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", truths(rows, seed=6))
    world.tick()
    row = accuracy(world)
    assert row["low"] < row["value"] < row["high"]
    assert row["reference"] == pytest.approx(0.75, abs=0.03)
    assert row["expected"] == pytest.approx(0.75, abs=0.03)
    assert world.metrics.values["aia_model_accuracy_expected_ratio", "delay"] == row["expected"]
    assert world.metrics.values["aia_model_accuracy_floor_ratio", "delay"] == MODEL.accuracy_floor
    assert world.metrics.values["aia_model_accuracy_ratio", "delay"] == row["value"]
    by_name = {row["measure"]: row for row in world.measures()}
    assert world.metrics.values["aia_model_measure_value", "auc", "delay"] == by_name["auc"]["value"]
    assert all(row["reference"] is not None for row in by_name.values())
    assert by_name["brier"]["value"] == pytest.approx(1 / 6, abs=0.02)


def test_without_a_label_the_expected_accuracy_is_still_told(world: World) -> None:
    label_the_reference(world)
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    row = accuracy(world)
    assert (row["value"], row["n_labels"]) == (None, 0)
    assert row["expected"] == pytest.approx(0.75, abs=0.03)
    assert ("aia_model_accuracy_ratio", "delay") not in world.metrics.values


def test_labels_that_do_not_arrive_are_told_after_the_time_of_the_settings_and_when_they_do(world: World) -> None:
    label_the_reference(world)
    world.models = (replace(MODEL, performance=Performance(no_verdict_after=DAY)),)
    for number in range(4):
        rows = flights(600, TICK + number * DAY, seed=50 + number)
        world.load(MODEL.table, rows)
        few = truths(rows if number == 3 else rows[: 10 * number or 1], seed=6)
        world.load("telemetry.flight_labels", few)
        world.tick(TICK + number * DAY)
    missing, there = world.bus.findings("no_performance_verdict")
    assert (missing.observed_at, missing.status, missing.severity) == (TICK + DAY, Status.FIRING, Severity.WARNING)
    assert missing.summary.endswith(
        "performance is not known: 10 labels have arrived for 600 predictions, 100 required"
    )
    assert (there.observed_at, there.status) == (TICK + 3 * DAY, Status.RESOLVED)
    assert world.bus.findings("no_verdict") == []


def test_what_the_labels_refute_is_told_in_order_of_weight(world: World) -> None:
    label_the_reference(world)
    rows = flights(600, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", truths(rows, seed=6, worse=0.5))
    world.tick()
    [floor] = world.bus.findings("accuracy_below_floor")
    assert floor.evidence["expected"].startswith("7")
    assert "without labels (p " in floor.evidence["expected"]
    assert floor.evidence["reference"].endswith(f"of {REFERENCE_ROWS} labelled predictions were right then")
    [fall], [refuted] = (world.bus.findings(kind) for kind in ("performance_degraded", "performance_below_expected"))
    assert floor.severity.rank > fall.severity.rank == refuted.severity.rank
    assert fall.summary.startswith("delay: performance is worse: ")
    assert "in the reference" in fall.evidence["Accuracy"]
    assert "expected of the same predictions" in refuted.evidence["Accuracy"]
    assert world.bus.findings("estimated_performance_degraded") == []


@pytest.mark.parametrize("floor", [None, 0.4])
def test_a_fall_against_the_reference_is_a_finding_without_a_broken_floor_and_ends(
    world: World, floor: float | None
) -> None:
    label_the_reference(world)
    world.models = (replace(MODEL, accuracy_floor=floor, recover_after=1),)
    for number, worse in enumerate((0.0, 0.5, 0.5, 0.0)):
        at = TICK + number * DAY
        rows = flights(600, at, seed=20 + number)
        world.load(MODEL.table, rows)
        world.load("telemetry.flight_labels", truths(rows, seed=40 + number, worse=worse))
        world.tick(at)
    found = world.bus.findings("performance_degraded")
    assert [(one.observed_at, one.status) for one in found] == [
        (TICK + DAY, Status.FIRING),
        (TICK + 2 * DAY, Status.FIRING),
        (TICK + 3 * DAY, Status.RESOLVED),
    ]
    assert found[0].severity is Severity.WARNING
    assert world.bus.findings("accuracy_below_floor") == []
    assert world.metrics.values["aia_model_measure_degraded", "accuracy", "delay"] == 0


@pytest.mark.parametrize(("floor", "severity"), [(None, Severity.INFO), (0.9, Severity.WARNING)])
def test_an_estimate_that_falls_is_a_finding_before_any_label_comes(
    world: World, floor: float | None, severity: Severity
) -> None:
    label_the_reference(world)
    world.models = (replace(MODEL, accuracy_floor=floor, recover_after=1),)
    for number, unsure in enumerate((True, False)):
        rows = flights(600, TICK + number * DAY, seed=30 + number)
        if unsure:
            rows = [row | {"probability": 0.45 + row["probability"] / 10} for row in rows]
        world.load(MODEL.table, rows)
        world.tick(TICK + number * DAY)
    found = world.bus.findings("estimated_performance_degraded")
    assert [(one.status, one.severity) for one in found] == [(Status.FIRING, severity), (Status.RESOLVED, severity)]
    assert found[0].summary.startswith("delay: estimated performance is worse: ")
    assert world.bus.findings("performance_degraded") == []
    first = next(row for row in world.measures() if row["measure"] == "accuracy" and row["window_end"] == TICK)
    assert first["expected_low"] < first["expected"] < first["expected_high"] < first["reference"]


def test_labels_of_doubtful_cases_alone_are_no_fall(world: World) -> None:
    label_the_reference(world)
    world.models = (replace(MODEL, accuracy_floor=None),)
    rows = flights(1500, TICK, seed=2)
    world.load(MODEL.table, rows)
    doubtful = [row for row in rows if abs(row["probability"] - 0.5) < 0.27]
    world.load("telemetry.flight_labels", truths(doubtful, seed=6))
    world.tick()
    row = accuracy(world)
    assert row["value"] == pytest.approx(0.635, abs=0.03)
    assert row["expected_labelled"] == pytest.approx(0.635, abs=0.02)
    assert row["expected"] == pytest.approx(0.75, abs=0.02)
    assert world.metrics.values["aia_model_accuracy_expected_labelled_ratio", "delay"] == row["expected_labelled"]
    assert [one.kind for one in world.bus.events if isinstance(one, Finding) and "performance" in one.kind] == []


@pytest.mark.parametrize(("right", "told"), [(0.83, 0), (0.75, 1)])
def test_only_a_floor_that_is_certain_to_be_undercut_fires(world: World, right: float, told: int) -> None:
    rows = flights(300, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", labels(rows, TICK, right=right))
    world.tick()
    assert accuracy(world)["value"] == pytest.approx(right, abs=0.01)
    assert len(world.bus.findings("accuracy_below_floor")) == told


def test_a_doubtful_accuracy_neither_fires_nor_resolves(world: World) -> None:
    for number, right in enumerate((0.7, 0.83, 0.83, 0.9, 0.9)):
        at = TICK + number * DAY
        rows = flights(300, at, seed=20 + number)
        world.load(MODEL.table, rows)
        world.load("telemetry.flight_labels", labels(rows, at, right=right))
        world.tick(at)
    found = [(finding.observed_at, finding.status) for finding in world.bus.findings("accuracy_below_floor")]
    assert found == [(TICK, Status.FIRING), (TICK + 4 * DAY, Status.RESOLVED)]


def test_a_classifier_whose_score_is_no_probability_is_a_finding_and_its_drift_is_told(world: World) -> None:
    rows = flights(600, TICK, seed=2, shift=15)
    world.load(MODEL.table, [row | {"probability": row["probability"] * 30} for row in rows])
    world.load("telemetry.flight_labels", labels(rows, TICK, right=0.9))
    world.tick()
    [finding] = world.bus.findings("scoring_failed")
    assert "probability: must be 0 to 1, got" in finding.summary
    assert len(world.bus.findings("drift")) == 1


def test_scores_that_moved_are_a_finding_of_their_own_and_no_feature(world: World) -> None:
    rows = [row | {"probability": row["probability"] ** 3} for row in flights(600, TICK, seed=2)]
    world.load(MODEL.table, rows)
    world.load(MODEL.table, flights(600, TICK + DAY, seed=3))
    world.load(MODEL.table, flights(600, TICK + 2 * DAY, seed=4))
    for number in range(3):
        world.tick(TICK + number * DAY)
    first, last = world.bus.findings("prediction_drift")
    assert (first.status, last.status) == (Status.FIRING, Status.RESOLVED)
    assert first.summary.startswith("delay: predictions have drifted: probability (")
    assert (first.unit, first.value and first.value > 0.3) == ("sd", True)
    assert "probability" in first.evidence
    assert world.bus.findings("drift") == []
    assert world.metrics.values["aia_drift_features_drifted_ratio", "delay"] == 0
    found = [row for row in world.scores() if row["window_end"] == TICK and row["drifted"]]
    assert {(row["role"], row["feature"]) for row in found} == {("prediction", "probability")}


def test_a_new_version_is_measured_against_its_own_reference(world: World) -> None:
    label_the_reference(world)
    second = flights(REFERENCE_ROWS, TICK - 5 * DAY, seed=6, span=10 * DAY)
    world.load(MODEL.table, second)
    world.load("telemetry.flight_labels", labels(second, TICK - 5 * DAY, right=0.9))
    world.load("ops.model_versions", [version("2", TICK - 5 * DAY)])
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    assert (accuracy(world)["version"], accuracy(world)["reference"]) == ("2", pytest.approx(0.9))
