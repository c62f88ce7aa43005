"""A deployment of drift_score for tests: predictions and results in memory, a real store, recorded bus and metrics."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from core.events import Tick
from core.settings import Features, Label, Model, Reference
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store
from functions.adapters.stores import open_store
from functions.drift_score.bigquery import GROUPS, PERFORMANCE, QUALITY, SCORES
from functions.drift_score.ports import Predictions, Results
from functions.drift_score.reference import COLLECTION, Profiles
from functions.drift_score.scoring import NAME, score_models
from functions.drift_score.watch import Outside
from functions.drift_score.window import Window
from functions.runtime.endpoint import finish
from tests.support.builders.flights import DAY, TICK, TRAINED, Row, flights, version
from tests.support.fakes.predictions import MemoryPredictions
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics
from tests.support.fakes.results import MemoryResults, newest
from tests.support.fakes.tables import Tables

MODEL = Model(
    name="delay",
    owner="operations",
    table="telemetry.flight_predictions",
    timestamp="scored_at",
    id="prediction_id",
    score="probability",
    label=Label(table="telemetry.flight_labels", column="late", arrives_within=timedelta(hours=12)),
    features=Features(numeric=("temperature", "distance"), categorical=("carrier",)),
    reference=Reference(days=10),
    window=DAY,
    minimum_rows=100,
    accuracy_floor=0.85,
)
REFERENCE_ROWS = 3000
FAR = "far"
"""What a column that has become text says in every row."""


@dataclass
class World:
    """One deployment of drift_score: predictions and results in memory, a real store, recorded bus and metrics."""

    store: Store
    tables: Tables = field(default_factory=Tables)
    bus: RecordingBus = field(default_factory=RecordingBus)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    models: tuple[Model, ...] = (MODEL,)

    @property
    def predictions(self) -> Predictions:
        return MemoryPredictions(self.tables)

    @property
    def results(self) -> Results:
        return MemoryResults(self.tables, lambda: datetime.now(UTC))

    @property
    def outside(self) -> Outside:
        """As a new instance of the function builds it: nothing is kept from before but what the store has."""
        return Outside(
            predictions=self.predictions,
            results=self.results,
            store=self.store,
            bus=self.bus,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: datetime.now(UTC), "drift_score"),
            profiles=Profiles(self.store, self.predictions),
        )

    def load(self, table: str, rows: list[Row]) -> None:
        """Append rows to a table."""
        self.tables.append(table, rows)

    def create(self, table: str, **types: str) -> None:
        """Create an empty table."""
        self.tables.create(table, **types)

    def copy(self, source: str, table: str, *, without: Collection[str] = (), texts: Sequence[str] = ()) -> None:
        """Create a table, or replace it, with the rows of another one, without some columns, and with others as the text `far`."""
        self.tables.copy(source, table, without=without, texts=dict.fromkeys(texts, FAR))

    def tick(self, at: datetime = TICK) -> None:
        tick = Tick(job=NAME, scheduled_at=at)
        score_models(tick, self.models, self.outside)
        finish(tick, None, function=NAME, metrics=self.metrics)

    def forget_claims(self) -> None:
        """As if the process had crashed before it confirmed, and the lease had ended."""
        for document in self.store.find("ledger"):
            self.store.delete(document, "ledger")

    def scores(self) -> list[Data]:
        return newest(self.tables, SCORES)

    def measures(self) -> list[Data]:
        return newest(self.tables, PERFORMANCE)

    def groups(self) -> list[Data]:
        return newest(self.tables, GROUPS)

    def issues(self) -> list[Data]:
        return newest(self.tables, QUALITY)


@cache
def reference_rows() -> tuple[Row, ...]:
    """The rows of the reference window, which most tests load."""
    return tuple(flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY))


@cache
def _reference() -> Tables:
    """A table with those rows, as it keeps them."""
    tables = Tables()
    tables.append(MODEL.table, reference_rows())
    return tables


def trained(folder: Path, *, learnt: dict[str, Data] | None = None) -> World:
    """A deployment with one model, its version and its reference window.

    Args:
        folder: of the store.
        learnt: profiles by their keys, which are stored already; where there are none, that of the reference window is learnt.
    """
    world = World(open_store(f"sqlite://{folder}/store.db", "test"))
    world.load("ops.model_versions", [version()])
    world.tables[MODEL.table].rows.extend(_reference()[MODEL.table].rows)
    keep_learnt(world, learnt)
    return world


def keep_learnt(world: World, learnt: dict[str, Data] | None) -> None:
    """Store the profiles that were learnt; learn that of the reference window where there are none yet."""
    for key, data in (learnt or {}).items():
        world.store.create(COLLECTION, key, data)
    if learnt == {}:
        world.outside.profiles.prepare(Window(model=MODEL, version="1", start=TRAINED - 10 * DAY, end=TRAINED))
        learnt |= {document.key: document.data for document in world.store.find(COLLECTION)}
