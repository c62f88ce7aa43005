"""After a promotion, windows are scored against the reference of the new version; only they end what the old one's began."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import Status
from core.errors import UnavailableError
from core.events import Finding, Tick
from core.settings import Features, Model, Promotion, Reference
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score.bigquery import SCORES
from functions.drift_score.prepared import NEWEST_VERSIONS, prepare
from functions.drift_score.reference import COLLECTION, Profiles
from functions.drift_score.scoring import NAME, score_models
from functions.drift_score.statements import SECOND
from functions.drift_score.watch import Outside
from functions.drift_score.window import WindowSummary
from infra.local.past.results import RecordedResults
from tests.support.builders.drift import MODEL
from tests.support.fakes.detectors import MemoryPredictions
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics

DAY = timedelta(days=1)
START = datetime(2026, 6, 1, tzinfo=UTC)
WARMER_FROM = START + 30 * DAY
SWITCHED_AT = START + 60 * DAY + DAY / 2
"""Between the windows of day 60 and 61."""
ROWS = 300
FIRED = replace(
    MODEL,
    label=None,
    features=Features(numeric=("temperature",)),
    reference=Reference(days=20),
    fire_after=1,
    recover_after=2,
    accuracy_floor=None,
)


@dataclass(frozen=True)
class Warming(MemoryPredictions):
    """It is 15 degrees warmer from day 30 on; version 1 learnt from the days before, version 2 from some after."""

    def summary(self, model: Any, start: datetime, end: datetime) -> WindowSummary:
        learnt_from, since = (START, START) if end < SWITCHED_AT else (WARMER_FROM, SWITCHED_AT)
        span = {"reference_start": learnt_from, "reference_end": learnt_from + 20 * DAY}
        version = {"version": "1" if end < SWITCHED_AT else "2", "in_use_from": since, **span}
        return WindowSummary(version=version, rows=ROWS, newest=end - timedelta(seconds=1))

    def rows(
        self,
        model: Any,
        start: datetime,
        end: datetime,
        *,
        most: int,
        names: Iterable[str],
        seconds: bool = False,
    ) -> dict[str, NDArray[Any]]:
        values = np.random.default_rng(int(end.timestamp())).normal(15.0 * (start >= WARMER_FROM), 10.0, ROWS)
        columns = dict.fromkeys(names, values)
        spread = np.linspace(0.0, (end - start).total_seconds() - 1, ROWS)
        return columns | ({SECOND: start.timestamp() + spread} if seconds else {})


def test_an_incident_ends_by_windows_of_the_new_version_and_not_by_the_switch() -> None:
    store, bus, results = SqliteStore(":memory:"), RecordingBus(), RecordedResults()
    predictions = Warming(None)  # type: ignore[arg-type] # no marks are read
    outside = Outside(
        predictions=predictions,
        results=results,
        store=store,
        bus=bus,
        metrics=RecordingMetrics(),
        ledger=Ledger(store, lambda: SWITCHED_AT, NAME),
        profiles=Profiles(store, predictions),
    )

    def statuses(day: int) -> list[Status]:
        score_models(Tick(job=NAME, scheduled_at=START + day * DAY), [FIRED], outside)
        return [one.status for one in bus.events if isinstance(one, Finding) and one.kind == "drift"]

    assert statuses(60) == [Status.FIRING]
    assert statuses(61) == [Status.FIRING]  # the first window of version 2: one good window is not yet an end
    assert statuses(62) == [Status.FIRING, Status.RESOLVED]
    rows = [row for row in results.take()[SCORES].to_pylist() if row["feature"] == "temperature"]
    scored = {((row["window_end"] - START).days, row["version"], row["drifted"]) for row in rows}
    assert scored == {(60, "1", True), (61, "2", False), (62, "2", False)}
    learnt = {(one.data["version"], one.data["reference_start"]) for one in store.find(COLLECTION)}
    assert learnt == {("1", START), ("2", WARMER_FROM)}


PROMOTED = replace(FIRED, promotion=Promotion())


@dataclass(frozen=True)
class Scanned(Warming):
    """The same, which notes whose windows were learnt from."""

    learnt: list[datetime] = field(default_factory=list)

    def rows(self, model: Any, start: datetime, end: datetime, **given: Any) -> dict[str, NDArray[Any]]:
        if given.get("seconds"):
            self.learnt.append(start)
        return super().rows(model, start, end, **given)


@dataclass
class Versions:
    """The warehouse: version 2 is registered, and version 1 in use."""

    down: bool = False
    asked: int = 0

    def query(self, sql: str, **given: Any) -> list[Data]:
        assert (sql, given["models"]) == (NEWEST_VERSIONS, ["delay"])
        self.asked += 1
        if self.down:
            raise UnavailableError("BigQuery does not answer")
        span = {"reference_start": WARMER_FROM, "reference_end": WARMER_FROM + 20 * DAY}
        return [{"model": "delay", "version": "2", **span}]

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise NotImplementedError


class Deployment:
    """Drift_score over one store."""

    def __init__(self) -> None:
        self.store, self.results = SqliteStore(":memory:"), RecordedResults()
        self.predictions = Scanned(None)  # type: ignore[arg-type] # no marks are read

    def prepare(self, *models: Model, versions: Versions | None = None, profiles: Profiles | None = None) -> None:
        profiles = profiles or Profiles(self.store, self.predictions)
        prepare(models, START + 60 * DAY, versions or Versions(), profiles)

    def switched(self, model: Model = PROMOTED) -> list[Data]:
        """The scores of the first window of version 2, by a process that keeps nothing from before."""
        outside = Outside(
            predictions=self.predictions,
            results=self.results,
            store=self.store,
            bus=RecordingBus(),
            metrics=RecordingMetrics(),
            ledger=Ledger(self.store, lambda: SWITCHED_AT, NAME),
            profiles=Profiles(self.store, self.predictions),
        )
        score_models(Tick(job=NAME, scheduled_at=START + 61 * DAY), [model], outside)
        rows: list[Data] = self.results.take()[SCORES].to_pylist()
        return [{name: value for name, value in row.items() if name != "written_at"} for row in rows]


def test_the_reference_of_a_registered_version_is_read_at_the_switch_and_is_what_would_be_learnt_then() -> None:
    prepared, unprepared = Deployment(), Deployment()
    prepared.prepare(PROMOTED)
    prepared.prepare(PROMOTED)  # by another process, which reads what is stored
    assert prepared.predictions.learnt == [WARMER_FROM]
    assert prepared.switched() == unprepared.switched() != []
    assert (prepared.predictions.learnt, unprepared.predictions.learnt) == ([WARMER_FROM], [WARMER_FROM])
    [one], [other] = prepared.store.find(COLLECTION), unprepared.store.find(COLLECTION)
    assert (one.key, one.data) == (other.key, other.data)


def test_a_reference_that_was_prepared_for_other_settings_is_learnt_anew(caplog: pytest.LogCaptureFixture) -> None:
    deployment = Deployment()
    deployment.prepare(PROMOTED)
    changed = replace(PROMOTED, features=Features(numeric=("temperature", "distance")))
    with caplog.at_level("INFO"):
        assert {row["feature"] for row in deployment.switched(changed)} >= {"temperature", "distance"}
    assert deployment.predictions.learnt == [WARMER_FROM, WARMER_FROM]
    said = [record.message for record in caplog.records if "is learnt" in record.message]
    assert said == ["profile of delay is learnt: none is stored for this version, window and settings"]


def test_what_cannot_be_prepared_is_tried_once_and_hinders_nothing() -> None:
    deployment, versions = Deployment(), Versions(down=True)
    profiles = Profiles(deployment.store, deployment.predictions)
    deployment.prepare(FIRED, versions=versions)
    assert versions.asked == 0, "no version of it can wait for its promotion"
    deployment.prepare(PROMOTED, versions=versions, profiles=profiles)
    assert (versions.asked, deployment.predictions.learnt) == (1, [])
    few = replace(PROMOTED, minimum_rows=ROWS + 1)  # rows may still come: what is learnt of these is not stored
    for _ in range(2):
        deployment.prepare(few, profiles=profiles)
    assert (deployment.predictions.learnt, deployment.store.find(COLLECTION)) == ([WARMER_FROM], [])
