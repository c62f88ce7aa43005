"""The history of the model: every past window scored by drift_score itself, over rows in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from core.events import Event, Finding, Tick
from core.settings import Settings
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score import reference
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import NAME, score_models
from functions.drift_score.watch import Outside
from functions.services import detection
from infra.local.past.incidents import CHANGES, past_incidents
from infra.local.past.metrics import PastMetrics
from infra.local.past.predictions import RecordedPredictions
from infra.local.past.results import RecordedResults
from infra.local.past.track import Computed
from infra.local.prometheus import HistoryPoint

WARM_UP = timedelta(days=14)
"""So far before a part it is scored as well, and not kept, so that conditions and incidents that began earlier are known."""


@dataclass(frozen=True, slots=True)
class _Findings:
    """A bus that records findings and publishes nothing."""

    kept: dict[tuple[str, datetime], Finding]

    def publish(self, topic: str, event: Event, **attributes: str) -> None:  # noqa: ARG002 - the port's signature
        if isinstance(event, Finding):
            self.kept[event.kind, event.observed_at] = event


@dataclass(slots=True)
class PastDrift:
    """Scores past windows, part by part, the newest part first.

    Attributes:
        settings: whose models are scored.
        predictions: the rows.
    """

    settings: Settings
    predictions: RecordedPredictions
    _profiles: Profiles = field(init=False)
    _kept: Store = field(init=False)
    _conditions: dict[str, Data] | None = field(init=False, default=None)
    _findings: dict[tuple[str, datetime], Finding] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # The history requests no retraining: the request would be about old rows.
        models = tuple(replace(model, retraining=None) for model in self.settings.models)
        self.settings = replace(self.settings, models=models)
        self._kept = SqliteStore(":memory:")
        self._profiles = Profiles(self._kept, self.predictions)

    def compute(self, instants: Sequence[datetime]) -> Computed:
        """Score the windows that end at some instants.

        Args:
            instants: a day apart, the oldest first.
        """
        store, results, metrics = SqliteStore(":memory:"), RecordedResults(), PastMetrics()
        outside = Outside(
            predictions=self.predictions,
            results=results,
            store=store,
            bus=_Findings(self._findings),
            metrics=metrics,
            ledger=Ledger(store, lambda: datetime.now(UTC), NAME),
            profiles=self._profiles,
        )
        first = self.predictions.history.reference.end
        before = [at for day in range(WARM_UP.days, 0, -1) if (at := instants[0] - timedelta(days=day)) > first]
        self._score(before, outside)
        metrics.take(), results.take()
        self._score(instants, outside)
        points, tables = metrics.take(), results.take()
        if self._conditions is None:
            self._conditions = {document.key: document.data for document in store.find(detection.COLLECTION)}
        self._score_after(instants[-1], outside)
        return self._computed(instants, points, tables)

    def documents(self) -> dict[tuple[str, str], Data]:
        """The documents from which live ticks continue, by collection and key: profiles, and firing conditions."""
        profiles = {document.key: document.data for document in self._kept.find(reference.COLLECTION)}
        carried = {reference.COLLECTION: profiles, detection.COLLECTION: self._conditions or {}}
        return {(name, key): data for name, documents in carried.items() for key, data in documents.items()}

    def _score_after(self, last: datetime, outside: Outside) -> None:
        """Score some days after a part where no newer part did, as when the program was killed: its incidents end there."""
        if any(at > last for _, at in self._findings):
            return
        after = (last + timedelta(days=day) for day in range(1, WARM_UP.days + 1))
        self._score([at for at in after if at <= self.predictions.history.now], outside)

    def _score(self, instants: Iterable[datetime], outside: Outside) -> None:
        for at in instants:
            score_models(Tick(job=NAME, scheduled_at=at), self.settings.models, outside)

    def _computed(
        self, instants: Sequence[datetime], points: Sequence[HistoryPoint], tables: Mapping[str, pa.Table]
    ) -> Computed:
        start, end = instants[0], instants[-1] + timedelta(days=1)
        around = [one for (_, at), one in self._findings.items() if start - WARM_UP <= at < end + WARM_UP]
        incidents = past_incidents(around, self.settings, start=start, end=end)
        return Computed(
            points=[*points, *incidents.points],
            tables={**tables, CHANGES: incidents.changes},
            documents=incidents.documents,
        )
