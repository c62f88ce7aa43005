"""drift_score over a real store: whatever fails of BigQuery, the redelivery of the tick completes it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from google.cloud import bigquery

from core.errors import UnavailableError
from core.events import RetrainingRequest, Severity, Status
from core.settings import Features, Model, Retraining
from functions.adapters.ports import Data, Warehouse
from functions.adapters.stores import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse.tables import create_tables
from tests.support.builders.budget import boundaries
from tests.support.builders.drift import MODEL, World
from tests.support.builders.drift_warehouse import WarehouseWorld, trained_in_warehouse
from tests.support.builders.flights import DAY, TICK, TRAINED, flights, labels, version
from tests.support.fakes.tables import Table, Tables

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]


@pytest.fixture
def world(client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path) -> WarehouseWorld:
    return trained_in_warehouse(client, warehouse, tmp_path)


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (replace(MODEL, name="broken", table="telemetry.nowhere"), ["telemetry.nowhere"]),
        (
            replace(MODEL, name="broken", features=Features(numeric=("no_such_column",))),
            ["telemetry.flight_predictions", "no_such_column"],
        ),
        (
            replace(MODEL, name="broken", features=Features(numeric=("carrier",))),
            ["telemetry.flight_predictions", "carrier"],
        ),
        (replace(MODEL, name="unknown"), ["ops.model_versions", "unknown"]),
    ],
    ids=["table", "column", "type", "version"],
)
def test_a_model_that_cannot_be_scored_is_a_finding_and_the_others_are_scored(
    world: WarehouseWorld, broken: Model, names: list[str]
) -> None:
    world.load("ops.model_versions", [version(model="broken")])
    world.load(MODEL.table, flights(600, TRAINED, seed=8, model="broken"))
    world.load(MODEL.table, flights(600, TICK, seed=2))
    world.models = (broken, MODEL)
    world.tick()
    [finding] = world.bus.findings("scoring_failed")
    assert (finding.target, finding.status, finding.severity) == (broken.target, Status.FIRING, Severity.ERROR)
    assert all(name in finding.summary for name in names)
    assert {row["model"] for row in world.scores()} == {"delay"}


T = TypeVar("T", bound=World)
POLICY = Retraining(important=("temperature",), minimum_labels=500)


def with_two_models(world: T) -> T:
    """Two models that have drifted, the first of which asks for a training."""
    world.load("ops.model_versions", [version(), version(model="second")])
    past = flights(600, TRAINED, seed=1, span=10 * DAY)
    world.load(MODEL.table, past)
    world.load("telemetry.flight_labels", labels(past, TRAINED, right=0.9))
    world.load(MODEL.table, flights(600, TRAINED, seed=3, span=10 * DAY, model="second"))
    world.load(MODEL.table, flights(300, TICK, seed=2, shift=15))
    world.load(MODEL.table, flights(300, TICK, seed=4, shift=15, model="second"))
    world.models = (replace(MODEL, retraining=POLICY), replace(MODEL, name="second"))
    return world


@dataclass
class DyingWarehouse:
    """BigQuery, which dies just before the query of that number.

    Attributes:
        kill: makes it so that it does not answer.
    """

    real: Warehouse
    last: int
    kill: Callable[[], object]
    calls: int = 0

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.calls += 1
        if self.calls == self.last:
            self.kill()
        return self.real.query(sql, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        self.real.append(table, rows, together=together)


@dataclass
class DyingTables(Tables):
    """Tables in memory that answer no more from their use of that number on."""

    last: int = 0
    uses: int = 0

    def __getitem__(self, name: str) -> Table:
        self.uses += 1
        if self.uses >= self.last:
            raise UnavailableError(f"BigQuery does not answer: {name}")
        return super().__getitem__(name)


USES = 26
"""Of the tables in a tick of the two models: those of predictions, labels and versions, and one for each table of results."""


@pytest.mark.parametrize("use", boundaries(USES))
def test_tables_that_answer_no_more_fail_the_tick_and_its_redelivery_completes_it(tmp_path: Path, use: int) -> None:
    world = with_two_models(World(open_store(f"sqlite://{tmp_path}/store.db", "test")))
    whole, world.tables = world.tables, DyingTables(world.tables._tables, last=use)
    assert_fails(world)
    world.tables = whole
    assert_completes(world)


def test_every_use_of_the_tables_is_tried(tmp_path: Path) -> None:
    world = with_two_models(World(open_store(f"sqlite://{tmp_path}/store.db", "test")))
    world.tables = tables = DyingTables(world.tables._tables, last=1000)
    world.tick()
    assert tables.uses == USES


def test_bigquery_that_is_killed_fails_the_tick_and_its_redelivery_completes_it(
    own_place: "Place", tmp_path: Path
) -> None:
    with closing(own_place.client("test")) as client:
        create_tables(client)
        real = BigQueryWarehouse(client, patience=0.3)
        store = open_store(f"sqlite://{tmp_path}/store.db", "test")
        world = with_two_models(WarehouseWorld(store=store, client=client, warehouse=real))
        world.warehouse = dying = DyingWarehouse(real, 4, own_place.emulator.kill)
        assert_fails(world)
        assert dying.calls >= dying.last
        own_place.emulator.start()
        world.warehouse = real
        assert_completes(world)


def assert_fails(world: World) -> None:
    with pytest.raises(UnavailableError, match="BigQuery does not answer"):
        world.tick()
    assert world.store.find("ledger") == [], "a claim was not released"


def assert_completes(world: World) -> None:
    world.tick()
    rows = world.scores()
    assert len(rows) == len({(row["model"], row["feature"], row["test"]) for row in rows})
    assert {row["model"] for row in rows} == {"delay", "second"}
    measures = world.measures()
    assert len(measures) == len({(row["model"], row["measure"]) for row in measures}) == 2 * 8
    assert {(finding.id, finding.status) for finding in world.bus.findings("drift")} == {
        ("model/delay:drift:2026-03-01T12:00:00Z", Status.FIRING),
        ("model/second:drift:2026-03-01T12:00:00Z", Status.FIRING),
    }
    asked = [event for event in world.bus.events if isinstance(event, RetrainingRequest)]
    assert [(event.id, event.reason, event.n_labels) for event in asked] == [
        ("delay:2026-03-01T12:00:00Z", "drift", 600)
    ]
