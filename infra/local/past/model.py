"""The track of the model: the rows of its log, its scores, and their incidents."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

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

    The first part has as many days as a retraining request looks back, and one window more.
    """

    history: History
    settings: Settings
    name: str = "model"
    first: timedelta = timedelta(days=67)
    size: timedelta = timedelta(days=120)
    _drift: PastDrift | None = None

    def compute(self, part: Part) -> Computed:
        """Score the windows of a part; the oldest part includes the training data of the model."""
        self._drift = self._drift or PastDrift(self.settings, RecordedPredictions(self.history))
        scored = self._drift.compute(part.instants) if part.instants else Computed()
        spans = self._spans(part)
        rows = {
            PREDICTIONS: _concatenated([self.history.prediction_rows(*span) for span in spans]),
            LABELS: _concatenated([self.history.label_rows(*span) for span in spans]),
        }
        if part.index == 0:
            rows[VERSIONS] = version_row(self.history.reference)
        documents = self._drift.documents() if part.index == 0 else {}
        return Computed(
            points=scored.points, tables={**rows, **scored.tables}, documents={**documents, **scored.documents}
        )

    def _spans(self, part: Part) -> list[tuple[datetime, datetime]]:
        """The span of a part's rows; the oldest part includes the training data."""
        reference = self.history.reference
        if not part.is_oldest:
            return [(part.start, part.end)]
        return [(reference.start, min(reference.end, part.start)), (part.start, part.end)]


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    """The rows of all tables; one without rows has no columns."""
    return pa.concat_tables([table for table in tables if len(table)] or tables[:1])
