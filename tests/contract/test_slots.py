"""Counting by slots over BigQuery's emulator: whatever is delivered, the sums are those of one statement over the whole window."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from google.cloud import bigquery

from core.drift import Counts, Profile, Reason, count, score_counts
from core.drift.joint import ROWS, sample
from core.drift.slots import counts_from_cells
from core.errors import QueryError, UnavailableError
from core.events import stamp
from core.settings import Features, Model
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.drift_score.bigquery import BigQueryPredictions
from functions.drift_score.slots.predictions import CountedPredictions
from functions.drift_score.slots.samples import joint_sample
from functions.drift_score.slots.slot_counts import SLOT, SlotCounts, can_count, closed, profile_name
from functions.drift_score.slots.windows import WindowCells
from functions.drift_score.window import Window, watched
from tests.support.builders.drift import MODEL
from tests.support.builders.flights import DAY, TICK, flights, load, version
from tests.support.fakes.clock import FakeClock

pytest_plugins = ["tests.support.servers.warehouse"]

HOUR = timedelta(hours=1)
DELAY = replace(MODEL, label=None)
SECOND = replace(
    DELAY, name="second", window=6 * HOUR, features=Features(numeric=("distance",), categorical=("carrier",))
)


def profile_of(model: Model, seed: int) -> Profile:
    rows = flights(800, TICK - 10 * DAY, seed=seed)
    columns = {name: [row[name] for row in rows] for name in watched(model)}
    return Profile.fit(columns, categorical=model.features.categorical, cells=16)


PROFILES = {DELAY.name: profile_of(DELAY, 1), SECOND.name: profile_of(SECOND, 2)}


@dataclass
class World:
    """A table of predictions of two models."""

    client: bigquery.Client
    warehouse: BigQueryWarehouse
    store: SqliteStore
    clock: FakeClock = field(default_factory=FakeClock)
    loaded: int = 0

    @property
    def slots(self) -> SlotCounts:
        """As a new instance has it."""
        return SlotCounts(self.warehouse, self.store, self.clock)

    def load(self, end: datetime, count: int = 40, *, span: timedelta = SLOT, **fixed: Any) -> None:
        """Rows of both models before an instant, whose values nobody expects."""
        for name in PROFILES:
            self.loaded += 1
            rows = flights(count, end, seed=100 + self.loaded, span=span, model=name, **fixed)
            load(self.client, DELAY.table, rows)

    def register(self, model: Model, at: datetime) -> None:
        self.slots.register(model, "1", PROFILES[model.name], at)

    def advance(self, at: datetime, *models: Model, slots: SlotCounts | None = None) -> str:
        self.clock.move(seconds=1)
        slots, models = slots or self.slots, models or (DELAY, SECOND)
        return slots.advance(models, slots.registered(models), at)

    def read(self, batch: str, at: datetime, *models: Model) -> dict[str, WindowCells]:
        return {one.model: one for one in self.slots.read(models, batch, at)}

    def predictions(self, window: WindowCells, at: datetime) -> CountedPredictions:
        """Of a model whose window has been counted: nothing else is read."""
        return CountedPredictions(
            rest=None,  # type: ignore[arg-type] # nothing is read
            slots=self.slots,
            warehouse=self.warehouse,
            at=at,
            window=window,
        )

    def counted(self, model: Model, batch: str, at: datetime) -> Counts:
        found = self.read(batch, at, model)[model.name]
        assert found.profile == profile_name(model, "1", PROFILES[model.name])
        return counts_from_cells(PROFILES[model.name], found.features)

    def direct(self, model: Model, at: datetime) -> Counts:
        """By one statement over the whole window."""
        window = Window(model=model, version="1", start=closed(at) - model.window, end=closed(at))
        return BigQueryPredictions(self.warehouse).counts(window, PROFILES[model.name])

    def rows(self, model: Model, at: datetime) -> list[Data]:
        sql = f"SELECT * FROM {model.table} WHERE model = @model AND scored_at >= @start AND scored_at < @end"
        return self.warehouse.query(sql, model=model.name, start=at - model.window, end=at)

    def assert_exact(self, batch: str, at: datetime, *models: Model) -> None:
        for model in models or (DELAY, SECOND):
            same(self.counted(model, batch, at), self.direct(model, at))


def same(found: Counts, wanted: Counts) -> None:
    assert found.rows == wanted.rows
    np.testing.assert_array_equal(found.cells, wanted.cells)
    np.testing.assert_array_equal(found.special, wanted.special)
    np.testing.assert_allclose(found.sums, wanted.sums, rtol=1e-9, atol=1e-6)
    for name in ("categories", "groups"):
        for mine, other in zip(getattr(found, name), getattr(wanted, name), strict=True):
            np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(found.lowest, wanted.lowest)
    np.testing.assert_array_equal(found.highest, wanted.highest)


@pytest.fixture
def world(client: bigquery.Client, warehouse: BigQueryWarehouse) -> Iterator[World]:
    with closing(SqliteStore(":memory:")) as store:
        yield World(client, warehouse, store)


@pytest.fixture
def begun(world: World) -> World:
    """Both models are counted by slots, and so are the windows that end at TICK."""
    world.load(TICK, 600, span=DAY)
    for model in (DELAY, SECOND):
        world.register(model, TICK)
    return world


def test_the_first_sums_are_those_of_the_whole_window(begun: World) -> None:
    batch = begun.advance(TICK)
    begun.assert_exact(batch, TICK)
    assert begun.counted(DELAY, batch, TICK).rows == 600
    newest = begun.read(batch, TICK, DELAY)[DELAY.name].newest
    assert newest
    assert TICK - SLOT < newest < TICK


def test_windows_move_on_with_late_rows_over_midnight_and_an_outage(begun: World) -> None:
    at = TICK
    begun.advance(at)
    for number in range(3):
        at += SLOT
        begun.load(at)
        if number == 1:
            begun.load(at - 2 * SLOT, 7)  # late by a slot: counted an hour after its slot closed
        begun.advance(at)
    at += HOUR
    begun.load(at, 30, span=HOUR)
    begun.assert_exact(begun.advance(at), at)  # four ticks did not come
    begun.load(at - 3 * HOUR, 9)  # later than an hour: counted again after a day
    at += 13 * HOUR
    begun.load(at, 100, span=13 * HOUR)
    begun.advance(at)
    at += 13 * HOUR
    begun.load(at, 100, span=13 * HOUR)
    begun.assert_exact(begun.advance(at), at)


def test_a_late_row_counts_from_the_hour_after_its_slot_and_only_then(begun: World) -> None:
    begun.advance(TICK)
    begun.load(TICK - SLOT, 5)
    early = begun.advance(TICK + SLOT)
    assert begun.counted(DELAY, early, TICK + SLOT).rows == begun.direct(DELAY, TICK + SLOT).rows - 5
    at = TICK + SLOT
    while at < TICK + HOUR:
        at += SLOT
        batch = begun.advance(at)
    begun.assert_exact(batch, at)


def test_extremes_leave_the_window_with_their_slots(begun: World) -> None:
    brief = replace(SECOND, window=HOUR)
    begun.advance(TICK, DELAY, brief)
    at, lowest = TICK, []
    window = brief.window // SLOT
    for number in range(window + 4):
        at += SLOT
        begun.load(at, 3, distance={0: -3000.0, 2: -1000.0, 3: -2000.0}.get(number, 500.0))
        batch = begun.advance(at, DELAY, brief)
        lowest.append(float(begun.counted(brief, batch, at).lowest[0]))
    assert lowest == [-3000.0] * window + [-2000.0] * 3 + [500.0]
    begun.assert_exact(batch, at, DELAY, brief)


def test_a_slot_is_written_again_only_where_rows_came_late(begun: World) -> None:
    begun.advance(TICK)
    at = TICK
    for number in range(6):
        at += SLOT
        begun.load(at)
        if number == 2:
            begun.load(TICK + 2 * SLOT, 5)  # of the second slot, which is counted again at the sixth tick
        batch = begun.advance(at)
    written = begun.warehouse.query(
        "SELECT slot_end, COUNT(DISTINCT batch) AS batches, MAX(n_rows) AS n_rows FROM ops.cell_counts "
        "WHERE slot_end > @since AND model = 'delay' GROUP BY slot_end ORDER BY slot_end",
        since=TICK,
    )
    assert [row["n_rows"] for row in written] == [40, 45, 40, 40, 40, 40]
    assert [row["batches"] for row in written] == [1, 2, 1, 1, 1, 1]
    begun.assert_exact(batch, at)


def test_an_id_that_was_logged_again_counts_once_as_it_was_logged_first_as_where_rows_are_read(world: World) -> None:
    first = flights(40, TICK - SLOT, seed=7, span=SLOT)
    again = [row | {"scored_at": stamp(TICK - SLOT / 2), "distance": 5000.0} for row in first[:20]]
    load(world.client, DELAY.table, again + first)
    world.register(DELAY, TICK)
    counted = world.counted(DELAY, world.advance(TICK, DELAY), TICK)
    names = watched(DELAY)
    rows = BigQueryPredictions(world.warehouse).rows(DELAY, TICK - DELAY.window, TICK, most=1000, names=names)
    same(counted, count(PROFILES[DELAY.name], {name: rows[name] for name in names}))
    assert counted.rows == 40
    assert counted.highest[[*PROFILES[DELAY.name].names].index("distance")] < 5000


def test_a_tick_that_is_delivered_again_and_again_doubles_nothing(begun: World) -> None:
    begun.advance(TICK)
    begun.load(TICK + SLOT)
    batches = {begun.advance(TICK + SLOT) for _ in range(3)}
    assert len(batches) == 1
    begun.assert_exact(batches.pop(), TICK + SLOT)


@dataclass
class Dying:
    """BigQuery that does not answer from some statement on."""

    real: BigQueryWarehouse
    left: int

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.left -= 1
        if self.left < 0:
            raise UnavailableError("BigQuery does not answer")
        return self.real.query(sql, **parameters)

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        return self.real.stream(sql, at_once=at_once, **parameters)

    def append(self, table: str, rows: Any, *, together: str = "") -> None:
        self.real.append(table, rows, together=together)


@pytest.mark.parametrize("statements", [1, 2])
def test_a_process_that_is_killed_in_between_leaves_nothing_that_counts(begun: World, statements: int) -> None:
    begun.advance(TICK)
    begun.load(TICK + SLOT)
    dying = SlotCounts(Dying(begun.warehouse, statements), begun.store, begun.clock)
    with pytest.raises(UnavailableError):
        begun.advance(TICK + SLOT, slots=dying)
    begun.load(TICK + 2 * SLOT)
    begun.assert_exact(begun.advance(TICK + 2 * SLOT), TICK + 2 * SLOT)


def test_two_instances_at_once_agree(begun: World) -> None:
    begun.advance(TICK)
    begun.load(TICK + SLOT)
    before = begun.store.find("slots")[0]
    first = begun.advance(TICK + SLOT)
    progress = begun.store.find("slots")[0]
    begun.store.replace(progress, "slots", before.data)
    second = begun.advance(TICK + SLOT)
    for batch in (first, second):
        begun.assert_exact(batch, TICK + SLOT)
    begun.load(TICK + 2 * SLOT)
    begun.assert_exact(begun.advance(TICK + 2 * SLOT), TICK + 2 * SLOT)


def test_a_model_that_begins_later_joins_with_its_whole_window(world: World) -> None:
    world.load(TICK, 600, span=DAY)
    world.register(DELAY, TICK)
    world.advance(TICK, DELAY)
    world.load(TICK + SLOT)
    world.advance(TICK + SLOT, DELAY)
    world.register(SECOND, TICK)  # late: the table is already farther
    world.load(TICK + 2 * SLOT)
    world.assert_exact(world.advance(TICK + 2 * SLOT), TICK + 2 * SLOT)


def test_a_new_version_is_counted_by_its_own_profile(begun: World) -> None:
    begun.advance(TICK)
    newer = profile_of(DELAY, 9)
    begun.clock.move(seconds=1)
    begun.slots.register(DELAY, "2", newer, TICK)
    assert begun.slots.registered([DELAY])[DELAY.name] == profile_name(DELAY, "2", newer)
    begun.load(TICK + SLOT)
    batch = begun.advance(TICK + SLOT)
    found = begun.read(batch, TICK + SLOT, DELAY)[DELAY.name]
    window = Window(model=DELAY, version="2", start=TICK + SLOT - DAY, end=TICK + SLOT)
    same(counts_from_cells(newer, found.features), BigQueryPredictions(begun.warehouse).counts(window, newer))


def test_odd_values_are_counted_as_by_one_statement(begun: World) -> None:
    begun.advance(TICK)
    begun.load(TICK + SLOT, 6, temperature=None, carrier=None)
    begun.load(TICK + SLOT, 6, temperature=float("nan"), distance=float("inf"), carrier="Ünbekannt")
    begun.load(TICK + SLOT, 6, distance=float("-inf"), carrier="")
    begun.assert_exact(begun.advance(TICK + SLOT), TICK + SLOT)


def test_columns_that_are_gone_or_retyped_keep_no_other_from_being_counted(world: World) -> None:
    world.load(TICK, 600, span=DAY)
    changed = replace(DELAY, table="telemetry.changed")
    world.warehouse.query(
        f"CREATE TABLE {changed.table} AS SELECT * EXCEPT (temperature, distance), CAST(distance AS STRING) || ' km' AS distance "
        f"FROM {DELAY.table}"
    )
    window = Window(model=changed, version="1", start=TICK - DAY, end=TICK)
    world.register(changed, TICK)
    batch = world.advance(TICK, changed)
    counted = world.predictions(world.read(batch, TICK, changed)[DELAY.name], TICK)
    found = counted.counts(window, PROFILES[DELAY.name])
    assert (found.rows, found.absent, found.retyped) == (600, {"temperature"}, {"distance": "text"})
    assert not found.cells[:2].any()
    same(found, BigQueryPredictions(world.warehouse).counts(window, PROFILES[DELAY.name]))


def test_a_table_that_is_gone_is_refused(begun: World) -> None:
    with pytest.raises(QueryError):
        begun.advance(TICK + SLOT, replace(DELAY, table="telemetry.nowhere"))


def test_windows_that_are_no_whole_slots_are_not_counted_by_slots(world: World) -> None:
    odd = replace(DELAY, window=timedelta(minutes=20))
    assert (can_count(odd), can_count(DELAY)) == (False, True)
    world.slots.register(odd, "1", PROFILES[DELAY.name], TICK)
    assert world.slots.registered([DELAY, SECOND]) == {}


def test_what_was_counted_is_not_read_again_and_what_was_not_is_registered(world: World) -> None:
    load(world.client, "ops.model_versions", [version()])
    world.load(TICK, 600, span=DAY)

    window = Window(model=DELAY, version="1", start=TICK - DAY, end=TICK)
    first = CountedPredictions(
        rest=BigQueryPredictions(world.warehouse), slots=world.slots, warehouse=world.warehouse, at=TICK
    )
    assert first.summary(DELAY, window.start, TICK).rows == 600
    same(first.counts(window, PROFILES[DELAY.name]), world.direct(DELAY, TICK))
    assert list(world.slots.registered([DELAY, SECOND])) == [DELAY.name]
    at = TICK + SLOT
    batch = world.advance(at, DELAY)
    used = asdict(world.slots.versions([DELAY], at)[DELAY.name])
    second = replace(world.predictions(world.read(batch, at, DELAY)[DELAY.name], at), version=used)
    summary = second.summary(DELAY, at - DAY, at)
    assert (summary.rows, summary.version and summary.version["version"]) == (world.direct(DELAY, at).rows, "1")
    moved = replace(window, start=at - DAY, end=at)
    same(second.counts(moved, PROFILES[DELAY.name]), world.direct(DELAY, at))


@pytest.mark.parametrize("statements", [0, 1])
def test_a_registration_that_was_cut_short_counts_for_nothing(world: World, statements: int) -> None:
    world.load(TICK, 600, span=DAY)
    dying = SlotCounts(Dying(world.warehouse, statements), world.store, world.clock)
    if statements:
        world.slots.register(SECOND, "1", PROFILES[SECOND.name], TICK)
    with pytest.raises(UnavailableError):
        dying.register(replace(DELAY, table="telemetry.nowhere"), "1", PROFILES[DELAY.name], TICK)
    assert DELAY.name not in world.slots.registered([DELAY, SECOND])
    world.clock.move(seconds=1)
    world.register(DELAY, TICK)
    world.assert_exact(world.advance(TICK, DELAY), TICK, DELAY)


def placed(rows: list[Data], profile: Profile) -> list[bytes]:
    """Where rows of the table lie in the reference, as a sample has them."""
    columns = {name: [row[name] for row in rows] for name in profile.joint.names}
    return [one.tobytes() for one in sample(profile.joint, columns).places.T]


def test_a_sample_is_the_rows_of_the_window_to_the_last_bit(begun: World) -> None:
    begun.advance(TICK)
    at = TICK + SLOT
    begun.load(at, 4)
    begun.load(at - HOUR, 2)  # late: the sample of a slot that is counted again replaces the one before
    begun.load(at, 3, temperature=float("nan"), distance=None, carrier=None)
    begun.load(at, 2, temperature=float("inf"), distance=-1e300, carrier='a,\n"b" ]\u2028')
    windows = begun.read(begun.advance(at), at, DELAY, SECOND)
    for model in (DELAY, SECOND):
        profile = PROFILES[model.name]
        found = joint_sample(windows[model.name].samples, profile)
        assert found.names == profile.joint.names
        rows = begun.rows(model, at)
        assert len(rows) < ROWS, "few rows are all sampled"
        assert sorted(one.tobytes() for one in found.places.T) == sorted(placed(rows, profile))


def test_a_window_that_was_counted_is_compared_by_the_sample_of_its_slots(begun: World) -> None:
    begun.advance(TICK)
    at = TICK + SLOT
    batch = begun.advance(at)
    window = begun.read(batch, at, DELAY)[DELAY.name]
    counted = begun.predictions(window, at)
    profile = PROFILES[DELAY.name]
    about = Window(model=DELAY, version="1", start=at - DAY, end=at)
    report = score_counts(profile, counted.counts(about, profile), sample=counted.sample(about, profile))
    assert report.joint
    assert report.joint.rows == (800, len(begun.rows(DELAY, at)))


def test_slots_of_other_columns_are_parts_of_their_own_in_the_order_of_time(begun: World) -> None:
    begun.advance(TICK)
    begun.load(TICK + SLOT, 3)
    at = TICK + SLOT
    gone = replace(DELAY, features=Features(numeric=("distance",), categorical=("carrier",)))
    before, after = begun.read(begun.advance(at, gone), at, DELAY)[DELAY.name].samples
    order = PROFILES[DELAY.name].order
    assert {order[k] for k in after.features} == {"distance", "carrier", DELAY.score}
    assert set(after.features) < set(before.features)
    assert len(after.rows) == 3


@pytest.mark.parametrize("rows", [[65_535, 1], [65_536, 2**40]])
def test_rows_by_cell_are_read_whatever_their_number(world: World, rows: list[int]) -> None:
    none = {"n": None, "total": None}
    cells = [none, none, none, {"n": rows[0], "total": 0.0}, none, {"n": rows[1], "total": 1.0}]
    about = {"batch": "b", "window_end": TICK, "model": DELAY.name, "profile": "p", "newest": TICK}
    world.warehouse.append(
        "ops.window_counts",
        [
            about | {"feature": k, "cells": cells, "lows": [], "highs": [], "clip_low": 0, "clip_high": 2}
            for k in (-2, 0)
        ],
    )
    found = world.read("b", TICK, DELAY)[DELAY.name]
    assert (found.rows, found.counted) == (sum(rows), (sum(rows),))
    assert found.features[0].rows.tolist() == [0, 0, 0, rows[0], 0, rows[1]]
    assert found.features[0].sums == (0.0, 1.0, 0.0)


def test_values_whose_sum_is_beyond_floats_keep_no_other_model_from_being_read(begun: World) -> None:
    begun.load(TICK + SLOT, 6, distance=1e308)
    batch = begun.advance(TICK + SLOT)
    found = begun.read(batch, TICK + SLOT, DELAY, SECOND)
    assert found.keys() == {DELAY.name, SECOND.name}
    for model in (DELAY, SECOND):
        report = score_counts(PROFILES[model.name], begun.counted(model, batch, TICK + SLOT))
        assert report["distance"].reason in set(Reason)
