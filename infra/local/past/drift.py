"""The model of the past: every past window scored by drift_score itself, over the rows in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from core.events import Event, Finding, Tick
from core.settings import Settings
from functions.adapters import conditions
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score import reference
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import NAME, Outside, score_models
from infra.local.past.incidents import CHANGES, past_incidents
from infra.local.past.metrics import PastMetrics
from infra.local.past.predictions import RecordedPredictions
from infra.local.past.results import RecordedResults
from infra.local.past.track import Computed

WARM_UP = timedelta(days=14)
"""So far before a part it is scored as well, and not kept, so that conditions and incidents that began earlier are known."""
_CARRIED = (reference.COLLECTION, conditions.COLLECTION)
"""The collections of the store with which the live ticks go on."""


@dataclass(frozen=True, slots=True)
class _Findings:
    """A bus that keeps findings and publishes nothing."""

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
    _newest: Store | None = field(init=False, default=None)
    _findings: dict[tuple[str, datetime], Finding] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        # No training is asked for in the past: the request would be about rows that are history by now.
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
        self._newest = self._newest or store
        return self._computed(instants, metrics, results)

    def documents(self) -> dict[tuple[str, str], Data]:
        """What the live ticks go on with, by collection and key: profiles, and which conditions hold."""
        stores = (self._kept, self._newest or self._kept)
        return {
            (name, one.key): one.data for name, store in zip(_CARRIED, stores, strict=True) for one in store.find(name)
        }

    def _score(self, instants: Iterable[datetime], outside: Outside) -> None:
        for at in instants:
            score_models(Tick(job=NAME, scheduled_at=at), self.settings.models, outside)

    def _computed(self, instants: Sequence[datetime], metrics: PastMetrics, results: RecordedResults) -> Computed:
        start, end = instants[0], instants[-1] + timedelta(days=1)
        around = [one for (_, at), one in self._findings.items() if start - WARM_UP <= at < end + WARM_UP]
        incidents = past_incidents(around, self.settings, start=start, end=end)
        return Computed(
            points=[*metrics.take(), *incidents.points],
            tables=results.take() | {CHANGES: incidents.changes},
            documents=incidents.documents,
        )
