"""The performance of a model by group, and the gap between groups that is too large; in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.events import Status
from core.settings import Model
from functions.adapters.ports import Data
from tests.support.builders.drift import MODEL, World, trained
from tests.support.builders.flights import DAY, TICK, Row, flights

GROUPED = replace(MODEL, segments=("carrier",), gap_limits={"accuracy": 0.1}, accuracy_floor=None, recover_after=1)
COUNTED = replace(GROUPED, exact_rows=400)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained(tmp_path)


def truths(rows: list[Row], *, seed: int, unfair: float) -> list[Row]:
    """Labels that agree with nine predictions of ten; of the carrier AA less often."""
    rng = np.random.default_rng(seed)
    right = rng.random(len(rows)) < [0.9 - unfair * (row["carrier"] == "AA") for row in rows]
    return [
        {
            "prediction_id": row["prediction_id"],
            "late": bool((row["probability"] >= 0.5) == agrees),
            "arrived_at": row["scored_at"],
        }
        for row, agrees in zip(rows, right, strict=True)
    ]


def groups(world: World, number: int) -> dict[str | None, Data]:
    return {row["segment_value"]: row for row in world.groups() if row["window_end"] == TICK + number * DAY}


@pytest.mark.parametrize("model", [GROUPED, COUNTED], ids=["exact", "counts"])
def test_a_gap_that_is_too_large_is_stored_measured_told_and_ends(world: World, model: Model) -> None:
    world.models = (model,)
    for number, unfair in enumerate((0.0, 0.4, 0.0)):
        rows = flights(600, TICK + number * DAY, seed=20 + number)
        world.load(MODEL.table, rows)
        world.load("telemetry.flight_labels", truths(rows, seed=30 + number, unfair=unfair))
        world.tick(TICK + number * DAY)
    found = world.bus.findings("performance_gap")
    assert [((one.observed_at - TICK) // DAY, one.status) for one in found] == [
        (1, Status.FIRING),
        (2, Status.RESOLVED),
    ]
    assert " and AA (carrier), at most 10% is allowed" in found[0].summary
    assert (found[0].threshold, found[0].unit) == (0.1, "ratio")
    fair, unequal = groups(world, 0), groups(world, 1)
    assert set(fair) == {"UA", "DL", "AA", None}
    assert (unequal[None]["worst"], unequal[None]["best"] in {"UA", "DL"}) == ("AA", True)
    assert unequal[None]["value"] == pytest.approx(unequal[unequal[None]["best"]]["value"] - unequal["AA"]["value"])
    assert unequal[None]["low"] > 0
    assert sum(row["n_rows"] for name, row in fair.items() if name) == min(600, model.exact_rows)
    assert world.metrics.values["aia_model_group_gap_exceeded", "accuracy", "delay", "carrier"] == 0
    assert world.metrics.values["aia_model_group_gap_value", "accuracy", "delay", "carrier"] < 0.1


def test_a_tick_that_comes_again_writes_the_same_groups_once(world: World) -> None:
    world.models = (replace(GROUPED, gap_limits={}),)
    rows = flights(600, TICK, seed=20)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", truths(rows, seed=30, unfair=0.4))
    for _ in range(2):
        world.tick()
        world.forget_claims()
    assert len(world.groups()) == 4
    assert world.bus.findings("performance_gap") == []
    assert ("aia_model_group_gap_exceeded", "accuracy", "delay", "carrier") not in world.metrics.values


def test_without_labels_no_group_is_measured(world: World) -> None:
    world.models = (GROUPED,)
    world.load(MODEL.table, flights(600, TICK, seed=20))
    world.tick()
    assert groups(world, 0) == {}
    assert world.bus.findings("performance_gap") == []
