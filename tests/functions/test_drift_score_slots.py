"""Models of large windows, tick after tick: their table is counted once for all of them, and no window is read again."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from core.errors import QueryError
from core.events import ScoringShard, TableCount, Tick
from core.settings import Model
from functions.adapters.ports import Data, Document, StreamedWarehouse
from functions.adapters.warehouse import BigQueryWarehouse
from functions.drift_score import shards
from functions.drift_score.compare import is_asking
from functions.drift_score.scoring import NAME
from functions.drift_score.shards import Part, Shards
from functions.drift_score.slots.slot_counts import SLOT, SlotCounts
from functions.services.models import Models
from tests.support.builders.drift import MODEL
from tests.support.builders.drift_warehouse import WarehouseWorld, trained_in_warehouse
from tests.support.builders.flights import DAY, TICK, TRAINED, flights, load, version
from tests.support.fakes.model_table import ModelTable
from tests.support.fakes.recorders import RecordingMetrics
from tests.support.fakes.stores import WrappedStore

pytest_plugins = ["tests.support.servers.warehouse"]

LARGE = replace(MODEL, label=None, exact_rows=100)
SECOND = replace(LARGE, name="second")
SMALL = replace(MODEL, name="small", label=None)


@dataclass
class Statements:
    """BigQuery, with what it was asked.

    Attributes:
        refused: words of statements that it refuses.
    """

    real: StreamedWarehouse
    asked: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.asked.append(sql)
        if any(word in sql for word in self.refused):
            raise QueryError(f"refused: {sql[:40]}")
        return self.real.query(sql, **parameters)

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        self.asked.append(sql)
        return self.real.stream(sql, at_once=at_once, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        self.real.append(table, rows, together=together)

    def reading(self) -> list[str]:
        """The statements that read the table of predictions."""
        return [sql for sql in self.asked if "flight_predictions" in sql]


@dataclass
class Deployed:
    """drift_score with its subscription of parts: what is published comes to it, in turn."""

    world: WarehouseWorld
    statements: Statements

    def tick(self, at: datetime) -> list[Part]:
        """Deliver a tick and all parts that follow from it; returns the parts."""
        self.statements.asked.clear()
        shards = self.shards()
        shards.handle(Tick(job=NAME, scheduled_at=at))
        done: list[Part] = []
        while parts := [one for one in self.world.bus.events if isinstance(one, TableCount | ScoringShard)]:
            self.forget_parts()
            for part in parts:
                shards.handle(part)
            done += parts
        return done

    def forget_parts(self) -> None:
        self.world.bus.events = [one for one in self.world.bus.events if not isinstance(one, TableCount | ScoringShard)]

    def shards(self) -> Shards:
        """As a new instance builds it."""
        self.world.warehouse = self.statements
        return Shards(
            models=Models(self.world.models, ModelTable(), lambda: TICK),
            slots=SlotCounts(self.statements, self.world.store, lambda: datetime.now(TICK.tzinfo)),
            warehouse=self.statements,
            outside=self.world.outside,
        )

    def rows(self, at: datetime) -> set[tuple[str, int, str]]:
        """Model, rows of the window and mode of what was written for a tick."""
        found = self.statements.real.query(
            "SELECT DISTINCT model, n_current, mode FROM ops.drift_scores WHERE window_end = @at", at=at
        )
        return {(row["model"], row["n_current"], row["mode"]) for row in found}


@pytest.fixture
def deployed(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> Deployed:
    world = trained_in_warehouse(client, warehouse, tmp_path)
    world.models = (LARGE, SECOND, SMALL)
    load(client, "ops.model_versions", [version(model=name) for name in ("second", "small")])
    for number, name in enumerate(("second", "small")):
        load(client, MODEL.table, flights(1000, TRAINED, seed=40 + number, span=10 * DAY, model=name))
    for number, name in enumerate(("delay", "second", "small")):
        load(client, MODEL.table, flights(400, TICK, seed=50 + number, model=name))
    return Deployed(world, Statements(warehouse))


def test_large_windows_are_counted_once_for_all_models_and_small_ones_are_read_as_rows(deployed: Deployed) -> None:
    [first] = deployed.tick(TICK)
    assert first == ScoringShard(scheduled_at=TICK, models=("delay", "second", "small"))
    assert deployed.rows(TICK) == {("delay", 400, "counts"), ("second", 400, "counts"), ("small", 400, "exact")}
    at = TICK + SLOT
    for number, name in enumerate(("delay", "second", "small")):
        load(
            deployed.world.client,
            MODEL.table,
            flights(8, at, seed=60 + number, span=SLOT, model=name, temperature=90.0),
        )
    table, *shards = deployed.tick(at)
    assert isinstance(table, TableCount)
    assert [(one.models, bool(one.batch)) for one in shards if isinstance(one, ScoringShard)] == [
        (("small",), False),
        (("delay", "second"), True),
    ]
    expected = 400 + 8 - len([row for row in flights(400, TICK, seed=50) if row["scored_at"] < "2026-02-28T12:15"])
    assert deployed.rows(at) == {
        ("delay", expected, "counts"),
        ("second", expected, "counts"),
        ("small", expected, "exact"),
    }
    large = [sql for sql in deployed.statements.reading() if "cell_counts" in sql]
    assert len(large) == 1, "the table was not counted once"
    assert len(deployed.statements.reading()) == 1 + 2, "more than the summary and the rows of the small model was read"


def test_a_window_that_was_counted_drifts_as_one_that_was_read(deployed: Deployed) -> None:
    deployed.tick(TICK)
    at = TICK + 12 * timedelta(hours=1)
    for name in ("delay", "second", "small"):
        load(deployed.world.client, MODEL.table, flights(400, at, seed=70, span=at - TICK, shift=15, model=name))
    deployed.tick(at)
    firing = {finding.target for finding in deployed.world.bus.findings("drift")}
    assert firing == {"model/delay", "model/second", "model/small"}


def test_a_table_whose_count_is_refused_has_its_models_scored_without(deployed: Deployed) -> None:
    deployed.tick(TICK)
    deployed.statements.refused = ("INTO ops.cell_counts",)
    at = TICK + SLOT
    _, *shards = deployed.tick(at)
    assert [one.batch for one in shards if isinstance(one, ScoringShard)] == ["", ""]
    assert {name for name, _, _ in deployed.rows(at)} == {"delay", "second", "small"}


def test_parts_that_are_delivered_again_change_nothing(deployed: Deployed) -> None:
    deployed.tick(TICK)
    at = TICK + SLOT
    parts = deployed.tick(at)
    before = deployed.world.scores()
    for part in parts:
        deployed.shards().handle(part)
    deployed.forget_parts()
    assert deployed.world.scores() == before


@dataclass
class Threads(RecordingMetrics):
    """Notes in which threads the gauges of each model are set."""

    by_model: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        self.by_model[labels["model"]].add(threading.current_thread().name)
        super().gauge(name, value, at=at, **labels)


@dataclass
class Calls(WrappedStore):
    """Counts the operations by collection and kind."""

    made: Counter[tuple[str, str]] = field(default_factory=Counter)

    def get(self, collection: str, key: str) -> Document | None:
        self.made[collection, "get"] += 1
        return super().get(collection, key)

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        self.made[collection, "get_many"] += 1
        return super().get_many(collection, keys)

    def write(self, collection: str, act: Any) -> Any:
        self.made[collection, "write"] += 1
        return act()


def test_a_shard_that_was_counted_makes_as_many_calls_whatever_the_number_of_its_models(deployed: Deployed) -> None:
    deployed.tick(TICK)
    parts = deployed.tick(TICK + SLOT)
    [counted] = [one for one in parts if isinstance(one, ScoringShard) and one.batch]
    calls, threads = Calls(deployed.world.store), Threads()
    deployed.world.store, deployed.world.metrics = calls, threads
    deployed.world.forget_claims()
    calls.made.clear()
    deployed.statements.asked.clear()
    deployed.shards().handle(counted)
    assert calls.made == {
        ("ledger", "write"): 2,
        ("profiles", "get_many"): 1,
        ("conditions", "get_many"): 1,
    }
    assert len(deployed.statements.asked) == 1, "not only the windows with their samples were read"
    main = {threading.current_thread().name}
    assert threads.by_model == {"delay": main, "second": main}


def test_models_that_ask_the_warehouse_are_scored_side_by_side(deployed: Deployed) -> None:
    threads = Threads()
    deployed.world.metrics = threads
    deployed.tick(TICK)
    assert threads.by_model.keys() == {"delay", "second", "small"}
    assert all(name.startswith("model") for names in threads.by_model.values() for name in names)
    deployed.world.models = (replace(LARGE, segments=("carrier",)), replace(SECOND, segments=("carrier",)))
    deployed.tick(TICK + SLOT)
    threads.by_model.clear()
    deployed.world.store = calls = Calls(deployed.world.store)
    *_, shard = deployed.tick(TICK + 2 * SLOT)
    assert {kind: n for (name, kind), n in calls.made.items() if name == "profiles"} == {"get_many": 1}
    assert isinstance(shard, ScoringShard)
    assert shard.batch
    assert threads.by_model.keys() == {"delay", "second"}
    assert all(name.startswith("model") for names in threads.by_model.values() for name in names)


def test_models_that_ask_for_nothing_but_their_counts_share_larger_shards(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MODELS_A_SHARD", 1)
    deployed.world.models = (LARGE, SECOND)
    deployed.tick(TICK)
    _, *found = deployed.tick(TICK + SLOT)
    assert [one.models for one in found if isinstance(one, ScoringShard)] == [("delay", "second")]
    deployed.world.models = (LARGE, replace(SECOND, segments=("carrier",)))
    deployed.tick(TICK + 2 * SLOT)
    _, *found = deployed.tick(TICK + 3 * SLOT)
    assert [one.models for one in found if isinstance(one, ScoringShard)] == [("delay",), ("second",)]


@pytest.mark.parametrize(
    ("model", "rows", "asks"),
    [
        (LARGE, 101, False),
        (LARGE, 100, True),
        (replace(LARGE, segments=("carrier",)), 101, True),
        (replace(LARGE, attributions="attributions"), 101, True),
        (replace(LARGE, label=MODEL.label), 101, True),
    ],
    ids=["counts", "few rows", "segments", "attributions", "labels"],
)
def test_a_model_asks_for_what_its_counts_do_not_say(model: Model, rows: int, asks: bool) -> None:  # noqa: FBT001 - a case
    assert is_asking(model, rows) is asks


def test_a_table_of_no_model_is_passed_over(deployed: Deployed) -> None:
    part = TableCount(scheduled_at=TICK, table="telemetry.nowhere", timestamp="at", row_id="id")
    deployed.shards().handle(part)
    assert deployed.world.bus.events == []
