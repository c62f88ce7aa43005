"""drift_score over a real store: whatever is delivered, each tick leaves its effects once."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import UnavailableError
from core.events import Severity, Status, stamp
from core.settings import Reference
from functions.adapters.ports import Data
from tests.support.builders.drift import MODEL, REFERENCE_ROWS, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, flights, labels, version


@pytest.fixture(scope="module")
def learnt() -> dict[str, Data]:
    """The profile of the reference window, which is the same in all tests."""
    return {}


@pytest.fixture
def world(tmp_path: Path, learnt: dict[str, Data]) -> World:
    return trained(tmp_path, learnt=learnt)


def test_a_steady_window_is_scored_and_told_to_nobody(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    rows = world.scores()
    assert {(row["role"], row["feature"]) for row in rows} == {
        ("feature", "temperature"),
        ("feature", "distance"),
        ("feature", "carrier"),
        ("prediction", "probability"),
    }
    assert {row["mode"] for row in rows} == {"exact"}
    assert {row["test"] for row in rows if row["feature"] == "temperature"} == {
        "ks",
        "psi",
        "wasserstein",
        "js",
        "chi2",
    }
    assert not any(row["drifted"] for row in rows)
    assert {(row["n_reference"], row["n_current"]) for row in rows} == {(REFERENCE_ROWS, 600)}
    assert {(row["window_start"], row["window_end"], row["scored_at"]) for row in rows} == {(TICK - DAY, TICK, TICK)}
    assert world.bus.events == []


def test_the_statistics_that_the_settings_name_are_written_and_told(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.models = (replace(MODEL, statistics=("tvd", "ks")),)
    world.tick()
    rows = world.scores()
    assert {(row["feature"], row["test"]) for row in rows} == {
        *((name, test) for name in ("temperature", "distance", "probability") for test in ("ks", "tvd")),
        ("carrier", "tvd"),
    }
    [row] = [row for row in rows if row["feature"] == "temperature" and row["test"] == "tvd"]
    assert 0 < row["value"] <= 1
    assert (row["p_value"], row["drifted"]) == (None, True)
    [finding] = world.bus.findings("drift")
    assert f"TVD {row['value']:.3g}" in finding.evidence["temperature"]
    assert "PSI" not in finding.summary + finding.evidence["temperature"]


def test_a_window_that_moved_becomes_a_finding_worth_reading(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.tick()
    [finding] = world.bus.findings("drift")
    assert finding.status is Status.FIRING
    assert finding.target == "model/delay"
    assert finding.observed_at == TICK
    assert finding.severity is Severity.ERROR
    assert finding.value == pytest.approx(1 / 3)
    assert finding.summary.startswith("delay: 1 of 3 features drifted; strongest temperature (1.")
    assert "sd up; KS 0." in finding.evidence["temperature"]
    assert "distance" not in finding.evidence


def test_the_gauges_say_what_the_rows_say(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.tick()
    values = world.metrics.values
    [drifted] = {row["drifted"] for row in world.scores() if row["role"] == "prediction"}
    assert values["aia_prediction_drift_drifted", "delay"] == drifted
    assert values["aia_prediction_drift_shift", "delay"] >= 0
    top = {key[1]: value for key, value in values.items() if key[0] == "aia_drift_top_feature_shift"}
    assert set(top) == {row["feature"] for row in world.scores() if row["role"] == "feature" and row["drifted"]}
    assert top["temperature"] > MODEL.drift.shift
    assert values["aia_drift_rows", "delay"] == 600
    assert values["aia_drift_features_drifted_ratio", "delay"] == pytest.approx(1 / 3)
    assert values["aia_drift_scored_timestamp_seconds", "delay"] == TICK.timestamp()
    assert values["aia_heartbeat_timestamp_seconds", "drift_score"] == TICK.timestamp()
    [used] = world.tables["ops.model_versions"].rows
    assert values["aia_model_version_timestamp_seconds", "delay", used["version"]] == used["created_at"].timestamp()


def test_a_newer_version_is_the_one_in_use_from_its_day_on(world: World) -> None:
    newer = version() | {"version": "2", "created_at": stamp(TICK - DAY)}
    later = version() | {"version": "3", "created_at": stamp(TICK + DAY)}
    world.load("ops.model_versions", [newer, later])
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    used = {key[2]: value for key, value in world.metrics.values.items() if key[0].startswith("aia_model_version")}
    assert used == {"2": (TICK - DAY).timestamp()}


def test_a_pinned_reference_without_versions_says_nothing_of_a_version(tmp_path: Path) -> None:
    world = trained(tmp_path)
    world.tables["ops.model_versions"].rows.clear()
    world.models = (replace(MODEL, reference=Reference(days=10, until=TRAINED.date())),)
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    assert world.metrics.values["aia_drift_rows", "delay"] == 600
    assert not [key for key in world.metrics.values if key[0].startswith("aia_model_version")]


def test_a_tick_delivered_five_times_has_the_effect_of_once(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.tick()
    rows = world.scores()
    for _ in range(4):
        world.tick()
    assert world.scores() == rows
    assert len(world.bus.events) == 1


def test_a_tick_scored_again_after_its_claim_was_lost_changes_nothing(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.tick()
    rows = world.scores()
    performance = world.measures()
    world.forget_claims()
    world.tick()
    assert world.scores() == rows
    assert world.measures() == performance
    assert len(world.bus.events) == 1


def test_ticks_in_reverse_order_end_where_ticks_in_order_end(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK - DAY, seed=2, shift=15))
    world.load(MODEL.table, flights(600, TICK, seed=3))
    world.load(MODEL.table, flights(600, TICK + DAY, seed=4, shift=15))
    for at in (TICK + DAY, TICK, TICK - DAY):
        world.tick(at)
    assert [finding.observed_at for finding in world.bus.findings("drift")] == [TICK + DAY]
    document = world.store.get("conditions", "model/delay:drift")
    assert document is not None
    assert (document.data["status"], document.data["at"]) == ("firing", TICK + DAY)
    assert {row["window_end"] for row in world.scores()} == {TICK - DAY, TICK, TICK + DAY}


def test_drift_resolves_after_as_many_steady_windows_as_the_settings_say(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    for number in (1, 2, 3):
        world.load(MODEL.table, flights(600, TICK + number * DAY, seed=2 + number))
    for number in range(4):
        world.tick(TICK + number * DAY)
    found = [(finding.observed_at, finding.status) for finding in world.bus.findings("drift")]
    assert found == [(TICK, Status.FIRING), (TICK + 2 * DAY, Status.RESOLVED)]
    assert world.bus.findings("drift")[-1].summary == "delay: no drift in 3 features"


def test_drift_fires_only_after_as_many_windows_as_the_settings_say(world: World) -> None:
    world.models = (replace(MODEL, fire_after=2),)
    for number in (0, 1):
        world.load(MODEL.table, flights(600, TICK + number * DAY, seed=2 + number, shift=15))
        world.tick(TICK + number * DAY)
        assert len(world.bus.findings("drift")) == number


@pytest.mark.parametrize("count", [0, 12])
def test_a_window_of_too_few_rows_says_so_and_changes_no_condition(world: World, count: int) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.tick()
    if count:
        world.load(MODEL.table, flights(count, TICK + 2 * DAY, seed=3))
    world.tick(TICK + 2 * DAY)
    [row] = [row for row in world.scores() if row["window_end"] == TICK + 2 * DAY]
    assert (row["feature"], row["test"], row["value"], row["drifted"]) == ("", "", None, False)
    assert (row["reason"], row["n_current"]) == ("insufficient_data", count)
    assert world.metrics.values["aia_drift_rows", "delay"] == count
    assert [finding.observed_at for finding in world.bus.findings("drift")] == [TICK]
    document = world.store.get("conditions", "model/delay:drift")
    assert document is not None
    assert document.data["status"] == "firing"


@pytest.mark.parametrize(
    "column",
    [
        {"temperature": 50.0},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"temperature": -math.inf},
        {"temperature": None},
        {"carrier": "never seen"},
        {"carrier": None},
        {"carrier": ""},
    ],
    ids=str,
)
def test_a_degenerate_column_drifts_with_finite_scores(world: World, column: dict[str, Any]) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, **column))
    world.tick()
    rows = world.scores()
    assert all(math.isfinite(row["value"]) and row["value"] >= 0 for row in rows)
    assert {row["feature"] for row in rows if row["drifted"]} == set(column)
    [finding] = world.bus.findings("drift")
    assert set(column) < set(finding.evidence)


def test_a_prediction_delivered_twice_is_counted_once(world: World) -> None:
    rows = flights(600, TICK, seed=2)
    world.load(MODEL.table, rows + rows[:300])
    world.tick()
    assert {row["n_current"] for row in world.scores()} == {600}


def test_the_window_ends_just_before_the_tick_and_holds_only_the_model(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.load(MODEL.table, flights(50, TICK, seed=3, scored_at=TICK.isoformat()))
    world.load(MODEL.table, flights(50, TICK, seed=4, scored_at=(TICK - DAY).isoformat()))
    world.load(MODEL.table, flights(50, TICK, seed=5, model="another"))
    world.tick()
    assert {row["n_current"] for row in world.scores()} == {650}


def test_the_reference_is_that_of_the_version_in_use_at_the_tick(world: World) -> None:
    world.load(MODEL.table, flights(REFERENCE_ROWS, TICK - 5 * DAY, seed=6, span=10 * DAY, shift=15))
    world.load("ops.model_versions", [version("2", TICK - 5 * DAY)])
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.load(MODEL.table, flights(600, TRAINED + 3 * DAY, seed=3))
    world.tick(TRAINED + 3 * DAY)
    world.tick()
    assert world.bus.findings("drift") == []
    found = {(row["window_end"], row["version"]) for row in world.scores()}
    assert found == {(TRAINED + 3 * DAY, "1"), (TICK, "2")}


def test_a_pinned_reference_needs_no_version(world: World) -> None:
    model = replace(MODEL, name="pinned", label=None, reference=Reference(days=10, until=TRAINED.date()))
    world.load(MODEL.table, flights(REFERENCE_ROWS, TRAINED - DAY / 2, seed=7, span=9 * DAY, model="pinned"))
    world.load(MODEL.table, flights(600, TICK, seed=2, model="pinned"))
    world.models = (model,)
    world.tick()
    assert {(row["model"], row["version"], row["n_reference"]) for row in world.scores()} == {
        ("pinned", "", REFERENCE_ROWS)
    }


def test_the_profile_is_fitted_once_for_all_processes(tmp_path: Path) -> None:
    world = trained(tmp_path)
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.load(MODEL.table, flights(600, TICK + DAY, seed=3))
    world.tick()
    rows = world.tables[MODEL.table].rows
    rows[:] = [row for row in rows if row["scored_at"] >= TRAINED]
    world.tick(TICK + DAY)
    assert {row["n_reference"] for row in world.scores()} == {REFERENCE_ROWS}


def test_a_profile_of_too_few_rows_is_not_kept(world: World) -> None:
    world.load("ops.model_versions", [version("2", TICK - 5 * DAY)])
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    assert {row["reason"] for row in world.scores()} == {"insufficient_data"}
    world.load(MODEL.table, flights(REFERENCE_ROWS, TICK - 5 * DAY, seed=6, span=10 * DAY))
    world.forget_claims()
    world.tick()
    assert {row["n_reference"] for row in world.scores()} == {REFERENCE_ROWS}


def test_accuracy_counts_the_labels_that_had_arrived_by_the_tick(world: World) -> None:
    rows = flights(600, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", labels(rows[:400], TICK, right=0.7))
    world.load("telemetry.flight_labels", labels(rows[:400], TICK - DAY / 2, right=0.1))
    world.load("telemetry.flight_labels", labels(rows[400:], TICK + timedelta(seconds=1), right=1.0))
    world.tick()
    [row] = [row for row in world.measures() if row["measure"] == "accuracy"]
    assert (row["n_labels"], row["n_current"]) == (400, 600)
    assert row["value"] == pytest.approx(0.7)
    assert row["low"] < 0.7 < row["high"] < 0.85
    assert world.metrics.values["aia_model_accuracy_ratio", "delay"] == pytest.approx(0.7)
    [finding] = world.bus.findings("accuracy_below_floor")
    assert (finding.status, finding.severity, finding.threshold) == (Status.FIRING, Severity.CRITICAL, 0.85)
    assert finding.summary == "delay: accuracy 70% (65.3% to 74.3%) on 400 labelled predictions, floor 85%"


def test_no_labels_are_no_accuracy(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.tick()
    rows = world.measures()
    assert {"accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier", "calibration_error"} == {
        row["measure"] for row in rows
    }
    assert {(row["value"], row["low"], row["high"], row["n_labels"], row["n_current"]) for row in rows} == {
        (None, None, None, 0, 600)
    }
    assert ("aia_model_accuracy_ratio", "delay") not in world.metrics.values
    assert world.bus.events == []


def test_a_model_that_can_be_scored_again_resolves_its_finding(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK + DAY, seed=2))
    world.models = (replace(MODEL, table="telemetry.later", label=None),)
    world.tick()
    world.copy(MODEL.table, "telemetry.later")
    world.tick(TICK + DAY)
    assert [finding.status for finding in world.bus.findings("scoring_failed")] == [Status.FIRING, Status.RESOLVED]
    assert len(world.scores()) > 0


def test_a_bus_that_is_down_fails_the_tick_and_its_redelivery_tells(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=15))
    world.bus.down = True
    with pytest.raises(UnavailableError, match="bus: findings"):
        world.tick()
    world.bus.down = False
    world.tick()
    assert len(world.bus.findings("drift")) == 1
