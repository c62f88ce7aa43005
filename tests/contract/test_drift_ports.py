"""The ports of drift_score: BigQuery and memory give the same answers over the same rows."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.drift import Counts, Profile, count
from core.errors import QueryError
from core.generative.columns import computed_columns
from core.retraining import Span
from core.settings import Features, Label, Task
from functions.adapters.stores import open_store
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window
from tests.support.builders import generations
from tests.support.builders.drift import MODEL, World
from tests.support.builders.drift_warehouse import WarehouseWorld
from tests.support.builders.flights import DAY, TICK, Row, flights, version
from tests.support.fakes.computed import compute

pytest_plugins = ["tests.support.servers.warehouse"]
START = TICK - DAY
LABELS = "telemetry.flight_labels"
CHANGED = "telemetry.changed"
WINDOW = Window(model=MODEL, version="1", start=START, end=TICK)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "BigQuery"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    store = open_store(f"sqlite://{tmp_path}/store.db", "test")
    if request.param == "memory":
        return World(store)
    client, warehouse = (request.getfixturevalue(name) for name in ("client", "warehouse"))
    return WarehouseWorld(store=store, client=client, warehouse=warehouse)


def prediction(name: str, hours: float, **columns: Any) -> Row:
    """A prediction so many hours after the start of the window."""
    [row] = flights(1, TICK, seed=1, prediction_id=name, scored_at=(START + hours * HOUR).isoformat(), **columns)
    return row


def label(name: str, hours: float, *, late: bool | None) -> Row:
    return {"prediction_id": name, "late": late, "arrived_at": (START + hours * HOUR).isoformat()}


def by_id(columns: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A column by the ids of the predictions, which are among the columns; NaN as None."""
    values = [None if value != value else value for value in columns[name].tolist()]  # noqa: PLR0124 - so is NaN found
    return dict(zip(columns["prediction_id"].tolist(), values, strict=True))


def read(world: World, *names: str, **settings: Any) -> Mapping[str, Any]:
    wanted = {"most": 1000} | settings
    return world.predictions.rows(MODEL, START, TICK, names=("prediction_id", *names), **wanted)


def test_a_prediction_is_read_and_counted_once_as_it_was_logged_first(world: World) -> None:
    rows = [
        prediction("before", -0.01),
        prediction("first", 0, temperature=None),
        prediction("twice", 3, temperature=30.0, carrier="AA"),
        prediction("twice", 2, temperature=20.0, carrier="DL"),
        prediction("other", 2, model="another"),
        prediction("end", 24),
    ]
    world.load(MODEL.table, rows)
    found = read(world, "temperature", "carrier", seconds=True)
    assert by_id(found, "temperature") == {"first": None, "twice": 20.0}
    assert found["temperature"].dtype == np.float64
    assert by_id(found, SECOND)["twice"] == (START + 2 * HOUR).timestamp()
    assert list(found) == ["prediction_id", "temperature", "carrier", SECOND, LABEL]
    summary = world.predictions.summary(MODEL, START, TICK)
    assert (summary.rows, summary.newest, summary.version) == (3, START + 3 * HOUR, None)
    profile = Profile.fit({"temperature": [10.0, 25.0, 40.0] * 50, "carrier": ["AA", "DL"] * 75})
    columns = {name: found[name].tolist() for name in profile.names}
    assert_same(world.predictions.counts(WINDOW, profile), count(profile, columns))


def assert_same(found: Counts, expected: Counts) -> None:
    assert (found.rows, found.absent, found.retyped) == (expected.rows, expected.absent, expected.retyped)
    for name in ("cells", "special", "lowest", "highest"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert found.sums == pytest.approx(expected.sums)
    for left, right in zip(found.categories + found.groups, expected.categories + expected.groups, strict=True):
        assert left.tolist() == right.tolist()


def test_of_more_rows_than_asked_for_the_same_sample_is_read(world: World) -> None:
    world.load(MODEL.table, flights(40, TICK, seed=3))
    found = read(world, "distance", most=7)
    ids = [row["prediction_id"] for row in flights(40, TICK, seed=3)]
    assert found["prediction_id"].tolist() == sorted(ids, key=lambda one: hashlib.md5(one.encode()).digest())[:7]
    rows = world.predictions.sample(WINDOW, Profile.fit({"distance": [1.0, 2.0] * 50, "temperature": [3.0, 4.0] * 50}))
    assert {name: column.size for name, column in rows.items() if name != LABEL} == {"distance": 40, "temperature": 40}  # type: ignore[union-attr]


def test_the_newest_label_that_arrived_by_the_end_is_read(world: World) -> None:
    world.load(MODEL.table, [prediction(name, 1) for name in ("none", "early", "late", "null", "old", "changed")])
    arrived = [
        *(label("early", 2, late=True), label("late", 24.01, late=True), label("null", 2, late=None)),
        *(label("old", -1, late=True), label("changed", 3, late=True), label("changed", 24, late=False)),
        *(label("changed", 2, late=True), label("nobody's", 2, late=True)),
    ]
    world.load(LABELS, arrived)
    missing = dict.fromkeys(("none", "late", "null", "old"))
    assert by_id(read(world), LABEL) == missing | {"early": 1.0, "changed": 0.0}
    assert MODEL.label is not None
    for hours, known in ((1.5, 0), (2, 2), (24, 2), (25, 3)):
        span, at = Span(start=START, end=START + 2 * HOUR), START + hours * HOUR
        assert world.predictions.count_labels(MODEL, MODEL.label, span, at) == known
    before = Span(start=START - DAY, end=START + HOUR)
    assert world.predictions.count_labels(MODEL, MODEL.label, before, TICK) == 0


def test_an_empty_window_has_columns_without_values_and_counts_nothing(world: World) -> None:
    found = read(world, "temperature", "carrier")
    assert {name: column.size for name, column in found.items()} == dict.fromkeys(
        ("prediction_id", "temperature", "carrier", LABEL), 0
    )
    summary = world.predictions.summary(MODEL, START, TICK)
    assert (summary.rows, summary.newest) == (0, None)
    profile = Profile.fit({"temperature": [1.0, 2.0] * 50, "carrier": ["AA", "DL"] * 50})
    assert_same(world.predictions.counts(WINDOW, profile), count(profile, {"temperature": [], "carrier": []}))
    assert world.predictions.counts_by(WINDOW, profile, "carrier") == {}


def test_a_window_is_counted_by_the_values_of_a_column(world: World) -> None:
    odd = [
        prediction("infinite", 1, temperature=float("-inf"), carrier=None),
        prediction("none", 1, temperature=float("nan"), carrier="ZZ"),
    ]
    rows = flights(60, TICK, seed=3) + odd
    world.load(MODEL.table, rows)
    columns = {name: [row[name] for row in rows] for name in ("temperature", "carrier")}
    profile = Profile.fit({"temperature": [40.0, 50.0, 60.0] * 50, "carrier": ["UA", "DL", "AA"] * 50})
    assert_same(world.predictions.counts(WINDOW, profile), count(profile, columns))
    found = world.predictions.counts_by(WINDOW, profile, "carrier")
    carriers = ["missing" if one is None else one for one in columns["carrier"]]
    assert {name: part.rows for name, part in found.items()} == {one: carriers.count(one) for one in {*carriers}}
    united = [k for k, one in enumerate(carriers) if one == "UA"]
    assert_same(found["UA"], count(profile, {name: [column[k] for k in united] for name, column in columns.items()}))
    assert world.predictions.counts_by(WINDOW, profile, "no_such_column") == {}


def test_columns_that_are_gone_or_of_another_type_are_told_and_the_others_read(world: World) -> None:
    world.load(MODEL.table, flights(60, TICK, seed=3))
    world.copy(MODEL.table, CHANGED, without=["carrier"], texts=["distance"])
    model = replace(MODEL, table=CHANGED, label=None)
    found = world.predictions.rows(model, START, TICK, most=100, names=[*MODEL.features.names, "probability"])
    assert list(found) == ["temperature", "distance", "probability"]
    assert set(found["distance"].tolist()) == {'"far"'}
    reference = {"temperature": [1.0, 2.0] * 50, "distance": [3.0, 4.0] * 50, "carrier": ["AA", "DL"] * 50}
    profile = Profile.fit(reference)
    counts = world.predictions.counts(replace(WINDOW, model=model), profile)
    assert (counts.rows, counts.absent, counts.retyped) == (60, {"carrier"}, {"distance": "text"})
    assert counts.cells[profile.grid.names.index("temperature")].sum() == 60
    assert counts.cells[profile.grid.names.index("distance")].sum() == 0


@pytest.mark.parametrize("change", [{"without": ["probability"]}, {"texts": ["probability"]}], ids=["gone", "retyped"])
def test_a_score_that_cannot_be_read_is_refused(world: World, change: dict[str, Any]) -> None:
    world.load(MODEL.table, flights(5, TICK, seed=3))
    world.copy(MODEL.table, CHANGED, **change)
    model = replace(MODEL, table=CHANGED, label=None)
    with pytest.raises(QueryError, match="probability"):
        world.predictions.rows(model, START, TICK, most=100, names=["temperature", "probability"])


def test_a_table_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        world.predictions.summary(replace(MODEL, table="telemetry.nowhere"), START, TICK)
    lost = replace(MODEL, label=Label(table="telemetry.nowhere", column="late", arrives_within=HOUR))
    with pytest.raises(QueryError, match="nowhere"):
        world.predictions.rows(lost, START, TICK, most=1, names=["temperature"])


def test_labels_of_several_classes_and_whole_numbers_are_read_as_they_are(world: World) -> None:
    texts = dict.fromkeys(("prediction_id", "model"), "STRING")
    world.create("telemetry.intents", **texts, scored_at="TIMESTAMP", length="INT64", sure="BOOL", p="FLOAT64")
    world.create("telemetry.wishes", prediction_id="STRING", wish="STRING", arrived_at="TIMESTAMP")
    one = {"prediction_id": "one", "model": "delay", "scored_at": START.isoformat(), "sure": True, "p": 0.5}
    two = one | {"prediction_id": "two", "sure": None, "length": 7}
    world.load("telemetry.intents", [one, two])
    world.load("telemetry.wishes", [{"prediction_id": "two", "wish": "refund", "arrived_at": TICK.isoformat()}])
    model = replace(
        MODEL,
        table="telemetry.intents",
        score="p",
        features=Features(numeric=("length",), categorical=("sure",)),
        label=Label(table="telemetry.wishes", column="wish", arrives_within=HOUR),
        task=Task.MULTICLASS,
        predicted="sure",
    )
    found = world.predictions.rows(model, START, TICK, most=10, names=["prediction_id", "length", "sure"])
    assert by_id(found, "length") == {"one": None, "two": 7.0}
    assert by_id(found, "sure") == {"one": True, "two": None}
    assert by_id(found, LABEL) == {"one": None, "two": "refund"}


def test_columns_are_computed_of_requests(world: World) -> None:
    world.create(generations.TABLE, **generations.TYPES)
    changes = {"refused": 0.1, "failed": 0.1, "longest": 300, "german": 0.3, "asked_in_german": 0.3, "leaked": 0.1}
    rows = generations.requests(1000, TICK, seed=5, broken=0.2, unfound=0.3, **changes)
    world.load(generations.TABLE, rows)
    chat, names = generations.model(), [*computed_columns(generations.LOG)]
    found = world.predictions.rows(chat, START, TICK, most=1000, names=["request_id", *names])
    assert list(found) == ["request_id", *names]
    places = np.argsort(found["request_id"].tolist())
    rows.sort(key=lambda row: row["request_id"])
    for name in names:
        column, expected = found[name][places], np.array(compute(name, rows))
        assert len({*expected.tolist()}) > (name != "empty_"), f"{name} says nothing"
        if column.dtype == np.float64:
            assert column == pytest.approx(expected), name
        else:
            assert column.tolist() == expected.tolist(), name


def test_the_version_in_use_is_the_one_that_was_registered_last_by_the_end(world: World) -> None:
    world.load("ops.model_versions", [version("1", START - 9 * DAY), version("2", START - DAY), version("3", TICK)])
    world.load("ops.model_versions", [version("4", START - DAY, model="another")])
    for end, name in ((START - 9 * DAY, None), (START - 8 * DAY, "1"), (TICK, "2"), (TICK + DAY, "3")):
        used = world.predictions.summary(MODEL, end - DAY, end).version
        assert (used and used["version"]) == name
    used = world.predictions.summary(MODEL, START, TICK).version
    assert used is not None
    assert (used["in_use_from"], used["reference_start"], used["reference_end"]) == (
        START,
        START - 11 * DAY,
        START - DAY,
    )
    world.load("ops.model_versions", [version("2b", START - DAY)])
    assert (world.predictions.summary(MODEL, START, TICK).version or {})["version"] == "2b"


SCORE = {
    "role": "feature",
    "feature": "temperature",
    "test": "ks",
    "value": 0.25,
    "drifted": False,
    "reason": "no_change",
}
MEASURE = {"measure": "accuracy", "value": 0.5, "low": None, "expected": 1}


def write(world: World, window: Window, *tests: str) -> None:
    """What a shard of one model writes."""
    results = world.results.batch()
    rows = [SCORE | {"test": test} for test in tests]
    results.write_scores(window, rows, mode="exact", n_reference=100, n_current=60)
    results.write_performance(window, [MEASURE], n_labels=40, n_current=60)
    results.write_groups(window, [{"segment": "carrier", "segment_value": None, "measure": "accuracy", "n_rows": 60}])
    results.write_quality(window, [{"issue": "missing", "issues": 1, "features": "temperature"}])
    results.append()


def test_what_was_written_last_for_a_window_is_read_and_every_other_window_is_kept(world: World) -> None:
    another, later = replace(MODEL, name="another"), replace(WINDOW, start=TICK, end=TICK + DAY)
    world.results.write_scores(WINDOW, [SCORE], mode="exact", n_reference=1, n_current=1)  # and never appended
    for window in (WINDOW, later, replace(WINDOW, model=another)):
        write(world, window, "ks", "psi")
    write(world, replace(WINDOW, version="2"), "tvd", "tvd")
    rows = [(row["model"], row["window_end"], row["version"], row["test"]) for row in world.scores()]
    assert rows == [
        *(("another", TICK, "1", "ks"), ("another", TICK, "1", "psi"), ("delay", TICK, "2", "tvd")),
        *(("delay", TICK + DAY, "1", "ks"), ("delay", TICK + DAY, "1", "psi")),
    ]
    about = {"model": "another", "version": "1", "window_start": START, "window_end": TICK, "scored_at": TICK}
    unset = dict.fromkeys(("p_value",))
    assert world.scores()[0] == SCORE | about | unset | {"mode": "exact", "n_reference": 100, "n_current": 60}
    unset = dict.fromkeys(("high", "reference", "expected_low", "expected_high", "expected_labelled"))
    assert world.measures()[0] == MEASURE | about | unset | {"n_labels": 40, "n_current": 60}
    unset = dict.fromkeys(("value", "low", "high", "best", "worst", "p_value"))
    assert world.groups()[0] == about | unset | {
        "segment": "carrier",
        "segment_value": None,
        "measure": "accuracy",
        "n_rows": 60,
    }
    assert world.issues()[0] == about | {"issue": "missing", "issues": 1, "features": "temperature"}


@pytest.mark.parametrize("change", [{"no_such": 1}, {"value": "high"}, {"drifted": "maybe"}], ids=str)
def test_memory_refuses_a_row_that_does_not_fit_its_table(tmp_path: Path, change: Row) -> None:
    """As BigQuery does; its emulator takes some, and has an internal error at others."""
    world = World(open_store(f"sqlite://{tmp_path}/store.db", "test"))
    results = world.results.batch()
    results.write_scores(WINDOW, [SCORE | change], mode="exact", n_reference=1, n_current=1)
    with pytest.raises(QueryError, match=rf"drift_scores_raw\.{next(iter(change))}"):
        results.append()
    assert world.scores() == []
