"""After a promotion, windows are scored against the reference of the new version; only they end what the old one's began."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.detection import Status
from core.events import Finding, Tick
from core.settings import Features, Reference
from functions.adapters.ledger import Ledger
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score.bigquery import SCORES
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
