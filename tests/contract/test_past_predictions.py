"""The prediction log in memory answers as BigQuery does over the same rows, and what it scores is what is scored there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from google.cloud import bigquery

from core.events import Tick
from core.retraining import Span
from core.settings import Settings
from functions.adapters import config
from functions.adapters.columns import Columns
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.adapters.warehouse import BigQueryWarehouse
from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import score_models
from functions.drift_score.statements import SECOND
from functions.drift_score.watch import Outside
from functions.drift_score.window import Window, watched
from infra import stage
from infra.local.past.drift import PastDrift
from infra.local.past.load import load_rows
from infra.local.past.predictions import RecordedPredictions
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History
from infra.local.replay.reference import LABELS, PREDICTIONS, VERSIONS, version_row
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics
from tests.support.servers.emptying import empty_tables

if TYPE_CHECKING:
    from functions.drift_score.ports import Predictions
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(180)
NOW = datetime(2026, 3, 4, 15, 37, tzinfo=UTC)
AT = datetime(2026, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
ENVIRONMENT = {
    "AIA_API_URL": "http://127.0.0.1:1",
    "AIA_INBOX_URL": "http://127.0.0.1:1/",
    "AIA_PROBE_NETWORKS": "127.0.0.0/8",
    "AIA_WAREHOUSE_ADDRESS": "127.0.0.1:1",
}


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(FLIGHTS, NOW)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return config.load(stage.ROOT / "infra" / "monitoring.yaml", ENVIRONMENT)


@pytest.fixture(scope="module")
def client(_shared_client: bigquery.Client, place: "Place") -> bigquery.Client:
    """A client of a project with all tables, emptied once: the tests only read what is loaded, and write results of their own."""
    empty_tables(_shared_client, place.writes)
    return _shared_client


@pytest.fixture(scope="module")
def loaded(history: History, client: bigquery.Client) -> BigQueryPredictions:
    """The reference and the newest weeks, as the program `history` loads them."""
    load_rows(client, VERSIONS, "created_at", version_row(history.reference))
    for start, end in (history.reference, (AT - 16 * DAY, NOW)):
        load_rows(client, PREDICTIONS, "scored_at", history.prediction_rows(start, end))
        load_rows(client, LABELS, "arrived_at", history.label_rows(start, end))
    return BigQueryPredictions(BigQueryWarehouse(client))


def ordered(columns: Columns) -> Iterator[tuple[object, ...]]:
    """The rows, in an order that does not depend on who gave them; a missing number equals another."""
    rows = zip(
        *(["" if repr(value) == "nan" else value for value in column.tolist()] for column in columns.values()),
        strict=True,
    )
    return iter(sorted(rows, key=repr))


def row_key(row: Data) -> tuple[str, ...]:
    """What a row of a table of results is about."""
    return tuple(str(row.get(name)) for name in ("role", "feature", "test", "segment_value", "measure", "issue"))


def test_memory_answers_as_the_warehouse_does(
    history: History, settings: Settings, loaded: BigQueryPredictions
) -> None:
    model, memory = settings.models[0], RecordedPredictions(history)
    sources: tuple[Predictions, Predictions] = (loaded, memory)
    for end in (AT, AT + timedelta(hours=9, minutes=15), NOW - timedelta(minutes=7)):
        summaries = [source.summary(model, end - model.window, end) for source in sources]
        assert summaries[0].rows == summaries[1].rows > 5000
        assert summaries[0].newest == summaries[1].newest
        assert summaries[0].version is not None
        assert summaries[1].version is not None
        names = ("version", "in_use_from", "reference_start", "reference_end")
        assert [summaries[0].version[name] for name in names] == [summaries[1].version[name] for name in names]
        wanted = dict.fromkeys((*watched(model), *model.segments))
        rows = [
            source.rows(model, end - model.window, end, most=50_000, names=wanted, seconds=True) for source in sources
        ]
        assert list(rows[0]) == list(rows[1])
        assert list(ordered(rows[0])) == list(ordered(rows[1]))
        assert not np.isnan(rows[1][SECOND]).any()
        span = Span(start=end - 10 * DAY, end=end - DAY)
        assert model.label is not None
        counts = [source.count_labels(model, model.label, span, end) for source in sources]
        assert counts[0] == counts[1] > 5000


def test_memory_counts_cells_as_the_warehouse_does(
    history: History, settings: Settings, loaded: BigQueryPredictions, tmp_path: Path
) -> None:
    model, memory = settings.models[0], RecordedPredictions(history)
    store = open_store(f"sqlite://{tmp_path}/store.db", "test")
    reference = Window(model=model, version="v1", start=history.reference.start, end=history.reference.end)
    profile = Profiles(store, memory).get(reference).profile
    window = Window(model=model, version="v1", start=AT - model.window, end=AT)
    assert (loaded.counts(window, profile).cells == memory.counts(window, profile).cells).all()
    by = [source.counts_by(window, profile, "origin") for source in (loaded, memory)]
    assert {name: part.rows for name, part in by[0].items()} == {name: part.rows for name, part in by[1].items()}


def test_before_there_is_a_version_there_is_none_in_use(history: History, settings: Settings) -> None:
    memory = RecordedPredictions(history)
    assert memory.summary(settings.models[0], AT - 400 * DAY, history.reference.end - DAY).version is None
    empty = memory.summary(settings.models[0], AT - 500 * DAY, AT - 450 * DAY)
    assert (empty.rows, empty.newest) == (0, None)


def test_the_past_is_scored_as_a_tick_of_then_would_have(
    history: History,
    settings: Settings,
    loaded: BigQueryPredictions,
    client: bigquery.Client,
    tmp_path: Path,
) -> None:
    warehouse, metrics = BigQueryWarehouse(client), RecordingMetrics()
    store = open_store(f"sqlite://{tmp_path}/store.db", "test")
    outside = Outside(
        predictions=loaded,
        results=BigQueryResults(warehouse, lambda: datetime.now(UTC)),
        store=store,
        bus=RecordingBus(),
        metrics=metrics,
        ledger=Ledger(store, lambda: NOW, "drift_score"),
        profiles=Profiles(store, loaded),
    )
    models = [replace(model, retraining=None) for model in settings.models]
    score_models(Tick(job="drift_score", scheduled_at=AT), models, outside)
    computed = PastDrift(settings, RecordedPredictions(history)).compute([AT])
    for table in ("ops.drift_scores", "ops.model_performance", "ops.model_group_performance", "ops.data_quality"):
        written = warehouse.query(f"SELECT * FROM {table}")
        expected = computed.tables[f"{table}_raw"].drop_columns("written_at").to_pylist()
        assert len(written) == len(expected) > 0
        for one, two in zip(sorted(written, key=row_key), sorted(expected, key=row_key), strict=True):
            assert {
                name: pytest.approx(value) if isinstance(value, float) else value for name, value in one.items()
            } == two
    points = {
        (point.name, *(point.labels[key] for key in sorted(point.labels))): point.value
        for point in computed.points
        if point.at == AT and not point.name.startswith("aia_incident")
    }
    assert points == pytest.approx(metrics.values)
