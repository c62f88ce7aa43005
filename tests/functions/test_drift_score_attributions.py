"""Feature attributions in the prediction log, compared with the reference; in memory."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.events import Status
from core.settings import Model
from tests.support.builders.drift import MODEL, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, Row, flights

EXPLAINED = replace(
    MODEL, table="telemetry.explained", label=None, accuracy_floor=None, attributions="explanation", recover_after=1
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = trained(tmp_path)
    texts = dict.fromkeys(("prediction_id", "model", "version", "carrier", "explanation"), "STRING")
    kinds = texts | {"scored_at": "TIMESTAMP"} | dict.fromkeys(("temperature", "distance", "probability"), "FLOAT64")
    world.create(EXPLAINED.table, **kinds)
    world.load(EXPLAINED.table, explained(flights(3000, TRAINED, seed=1, span=10 * DAY), seed=1))
    return world


def explained(rows: list[Row], *, seed: int, weight: float = 1.0) -> list[Row]:
    """Attributions as Vertex AI gives them; that of the temperature has a weight."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(len(rows), 2)) * [weight, 0.3]
    return [
        row
        | {"explanation": json.dumps({"attributions": [{"featureAttributions": {"temperature": a, "distance": b}}]})}
        for row, (a, b) in zip(rows, numbers.tolist(), strict=True)
    ]


@pytest.mark.parametrize("model", [EXPLAINED, replace(EXPLAINED, exact_rows=400)], ids=["exact", "counts"])
def test_a_feature_that_adds_more_is_a_finding_though_its_values_are_the_same_and_ends(
    world: World, model: Model
) -> None:
    world.models = (model,)
    for number, weight in enumerate((1.0, 2.0, 1.0)):
        rows = flights(600, TICK + number * DAY, seed=20 + number)
        world.load(EXPLAINED.table, explained(rows, seed=30 + number, weight=weight))
        world.tick(TICK + number * DAY)
    found = world.bus.findings("attribution_drift")
    assert [((one.observed_at - TICK) // DAY, one.status) for one in found] == [
        (1, Status.FIRING),
        (2, Status.RESOLVED),
    ]
    assert found[0].summary.startswith("delay: attributions of 1 of 2 features have drifted: temperature ")
    assert world.bus.findings("drift") == []
    assert world.metrics.values["aia_attribution_drift_drifted", "delay"] == 0
    assert abs(world.metrics.values["aia_attribution_drift_value", "delay"]) < 0.2


def test_a_log_without_attributions_concludes_nothing(world: World) -> None:
    world.models = (EXPLAINED,)
    world.load(EXPLAINED.table, [row | {"explanation": None} for row in flights(600, TICK, seed=20)])
    world.tick()
    assert world.bus.findings("attribution_drift") == []
    assert not any(key[0].startswith("aia_attribution") for key in world.metrics.values)
