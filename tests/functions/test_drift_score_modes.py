"""A window read by its rows and the same window counted: the same story, within the stated bounds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.drift import FeatureDrift, Mode
from core.events import Status
from core.settings import Model
from functions.drift_score.compare import Current, by_segment, compare
from functions.drift_score.window import Window
from tests.support.builders.drift import MODEL, World, trained
from tests.support.builders.flights import DAY, TICK, TRAINED, flights, labels

EXACT = replace(MODEL, segments=("carrier",))
COUNTED = replace(EXACT, exact_rows=100)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return trained(tmp_path)


def compared(world: World, model: Model) -> Current:
    """The window that ends at the tick, compared as the model's settings say."""
    window = Window(model=model, version="1", start=TICK - DAY, end=TICK)
    reference = Window(model=model, version="1", start=TRAINED - 10 * DAY, end=TRAINED)
    baseline = world.outside.profiles.get(reference)
    return compare(world.predictions, window, baseline.profile, world.predictions.summary(model, TICK - DAY, TICK).rows)


def features(current: Current) -> Iterator[FeatureDrift]:
    yield from (*current.features.features, *current.prediction.features)


def test_both_ways_agree_within_the_stated_bounds(world: World) -> None:
    rows = flights(600, TICK, seed=2, shift=6)
    world.load(MODEL.table, rows + rows[:40] + flights(50, TICK, seed=9, model="another", temperature=99.0))
    exact, counted = compared(world, EXACT), compared(world, COUNTED)
    assert (exact.features.mode, counted.features.mode) == (Mode.EXACT, Mode.COUNTS)
    assert exact.features.n_current == counted.features.n_current == 600
    assert exact.features.drifted == counted.features.drifted == ("temperature",)
    for left, right in zip(features(exact), features(counted), strict=True):
        for name, test in left.tests.items():
            value, bound = right.tests[name].value, right.tests[name].error
            assert (test.value is None) == (value is None)
            assert test.value is None or test.value == pytest.approx(value, abs=bound + 1e-12)
    assert any(test.error > 0 for feature in features(counted) for test in feature.tests.values())


def test_both_ways_count_the_same_segments(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=6))
    window = Window(model=EXACT, version="1", start=TICK - DAY, end=TICK)
    reference = Window(model=EXACT, version="1", start=TRAINED - 10 * DAY, end=TRAINED)
    profile = world.outside.profiles.get(reference).profile
    read, counted = (
        by_segment(world.predictions, window, profile, compared(world, model), "carrier") for model in (EXACT, COUNTED)
    )
    assert {name: part.rows for name, part in read.items()} == {name: part.rows for name, part in counted.items()}
    assert all((read[name].cells == counted[name].cells).all() for name in read)


@pytest.mark.parametrize(("model", "mode"), [(EXACT, "exact"), (COUNTED, "counts")], ids=["exact", "counts"])
def test_a_tick_says_how_it_was_scored_and_tells_the_same(world: World, model: Model, mode: str) -> None:
    rows = flights(600, TICK, seed=2, shift=15)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", labels(rows, TICK, right=0.5))
    world.models = (model,)
    world.tick()
    assert {(row["mode"], row["n_current"]) for row in world.scores()} == {(mode, 600)}
    [drift] = world.bus.findings("drift")
    assert (drift.status, drift.summary[:46]) == (Status.FIRING, "delay: 1 of 3 features drifted; strongest temp")
    assert len(world.bus.findings("accuracy_below_floor")) == 1
    measured = {row["measure"]: row for row in world.measures()}
    assert measured["accuracy"]["n_current"] == 600
    assert measured["accuracy"]["n_labels"] == (600 if mode == "exact" else 100)


def test_a_counted_window_is_never_read(world: World) -> None:
    world.load(MODEL.table, flights(600, TICK, seed=2, shift=6))
    current = compared(world, replace(COUNTED, label=None))
    assert current.columns == {}


@pytest.mark.parametrize("model", [EXACT, COUNTED], ids=["exact", "counts"])
def test_the_finding_names_the_segment_that_carries_the_drift(world: World, model: Model) -> None:
    rows = flights(600, TICK, seed=2)
    moved = [row | {"temperature": row["temperature"] + 30} if row["carrier"] == "DL" else row for row in rows]
    world.load(MODEL.table, moved)
    world.models = (model,)
    world.tick()
    [finding] = world.bus.findings("drift")
    text = finding.evidence["by carrier"]
    share = text.split("%")[0]
    assert 80 <= float(share) <= 110
    assert f"{share}% of the drift of temperature comes from DL (3" in text
