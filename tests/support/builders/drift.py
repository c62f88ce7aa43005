"""A deployment of drift_score for tests: real warehouse and store, recorded bus and metrics."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from google.cloud import bigquery

from core.events import Tick
from core.settings import Features, Label, Model, Reference
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store, Warehouse
from functions.adapters.stores import open_store
from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.reference import COLLECTION, Profiles
from functions.drift_score.scoring import NAME, score_models
from functions.drift_score.watch import Outside
from functions.drift_score.window import Window
from functions.runtime.endpoint import finish
from tests.support.builders.flights import DAY, TICK, TRAINED, append, flights, lines, load, version
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics

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
SCORES = "SELECT * FROM ops.drift_scores ORDER BY model, window_end, feature, test"
MEASURES = "SELECT * FROM ops.model_performance ORDER BY model, window_end, measure"
REFERENCE_ROWS = 3000


@dataclass
class World:
    """One deployment of drift_score: real warehouse and store, recorded bus and metrics."""

    client: bigquery.Client
    store: Store
    warehouse: Warehouse
    bus: RecordingBus = field(default_factory=RecordingBus)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    models: tuple[Model, ...] = (MODEL,)

    @property
    def predictions(self) -> BigQueryPredictions:
        return BigQueryPredictions(self.warehouse)

    @property
    def outside(self) -> Outside:
        """As a new instance of the function builds it: nothing is kept from before but what the store has."""
        return Outside(
            predictions=self.predictions,
            results=BigQueryResults(self.warehouse, lambda: datetime.now(UTC)),
            store=self.store,
            bus=self.bus,
            metrics=self.metrics,
            ledger=Ledger(self.store, lambda: datetime.now(UTC), "drift_score"),
            profiles=Profiles(self.store, self.predictions),
        )

    def tick(self, at: datetime = TICK) -> None:
        tick = Tick(job=NAME, scheduled_at=at)
        score_models(tick, self.models, self.outside)
        finish(tick, None, function=NAME, metrics=self.metrics)

    def forget_claims(self) -> None:
        """As if the process had crashed before it confirmed, and the lease had ended."""
        for document in self.store.find("ledger"):
            self.store.delete(document, "ledger")

    def scores(self) -> list[Data]:
        return self.warehouse.query(SCORES)

    def measures(self) -> list[Data]:
        return self.warehouse.query(MEASURES)


@cache
def _reference() -> bytes:
    """The rows of the reference window, which most tests load."""
    return lines(flights(REFERENCE_ROWS, TRAINED, seed=1, span=10 * DAY))


def trained(
    client: bigquery.Client, warehouse: Warehouse, folder: Path, *, learnt: dict[str, Data] | None = None
) -> World:
    """A deployment with one model, its version and its reference window.

    Args:
        client: of the warehouse.
        warehouse: the same.
        folder: of the store.
        learnt: profiles by their keys, which are stored already; where there are none, that of the reference window is learnt.
    """
    load(client, "ops.model_versions", [version()])
    append(client, MODEL.table, _reference())
    world = World(client, open_store(f"sqlite://{folder}/store.db", "test"), warehouse)
    for key, data in (learnt or {}).items():
        world.store.create(COLLECTION, key, data)
    if learnt == {}:
        world.outside.profiles.prepare(Window(model=MODEL, version="1", start=TRAINED - 10 * DAY, end=TRAINED))
        learnt |= {document.key: document.data for document in world.store.find(COLLECTION)}
    return world
