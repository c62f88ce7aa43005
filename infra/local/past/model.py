"""The track of the model: the rows of its log, its scores, and the incidents that came of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.settings import Settings
from infra.local.past.drift import PastDrift
from infra.local.past.plan import Part
from infra.local.past.predictions import RecordedPredictions
from infra.local.past.track import Computed
from infra.local.replay.history import History
from infra.local.replay.reference import LABELS, PREDICTIONS, VERSIONS, version_row


@dataclass(slots=True)
class ModelTrack:
    """The replayed model.

    The first part holds as many days as the settings look back for when a training is asked for, and a window more.
    """

    history: History
    settings: Settings
    name: str = "model"
    first: timedelta = timedelta(days=67)
    size: timedelta = timedelta(days=120)
    _drift: PastDrift | None = None

    def compute(self, part: Part) -> Computed:
        """Score the windows of a part; with the oldest part comes what the model was trained on."""
        self._drift = self._drift or PastDrift(self.settings, RecordedPredictions(self.history))
        scored = self._drift.compute(part.instants) if part.instants else Computed()
        rows = {
            PREDICTIONS: self.history.prediction_rows(self._start(part), part.end),
            LABELS: self.history.label_rows(self._start(part), part.end),
        }
        if part.index == 0:
            rows[VERSIONS] = version_row(self.history.reference)
        documents = self._drift.documents() if part.index == 0 else {}
        return Computed(
            points=scored.points, tables={**rows, **scored.tables}, documents={**documents, **scored.documents}
        )

    def _start(self, part: Part) -> datetime:
        """Where the rows of a part begin: at what the model was trained on, where nothing lies between that and the part."""
        reference = self.history.reference
        return reference.start if part.start <= reference.end else part.start
