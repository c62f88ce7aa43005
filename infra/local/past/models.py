"""States of models in the history, from the loaded track of the model: an input of satisfaction."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from functions.adapters.ports import Data, Warehouse
from functions.bi_rollup.satisfaction import ModelState
from infra.local.past.plan import Span, read_plan

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_WINDOWS = """
SELECT model, window_end, drifted, accuracy
FROM (
  SELECT model, window_end, LOGICAL_OR(drifted AND role = 'feature') AS drifted
  FROM ops.drift_scores
  WHERE window_end > @since AND window_end <= @until
  GROUP BY model, window_end
)
LEFT JOIN (
  SELECT model, window_end, ANY_VALUE(value) AS accuracy
  FROM ops.model_performance
  WHERE window_end > @since AND window_end <= @until AND measure = 'accuracy'
  GROUP BY model, window_end
)
USING (model, window_end)
ORDER BY window_end
"""


@dataclass(slots=True)
class LoadedModels:
    """The newest window of each model at past instants, read from the warehouse once for many instants.

    Attributes:
        folder: of the stack, whose plan says how far the track of the model is.
        warehouse: opens it.
        patience: seconds that rows are waited for; after that nothing is known of them.
    """

    folder: Path
    warehouse: Callable[[], Warehouse]
    patience: float = _PATIENCE_SECONDS
    _rows: list[Data] = field(default_factory=list)
    _read: tuple[datetime, datetime] | None = None

    def __call__(self, since: datetime, until: datetime) -> list[ModelState]:
        """The newest window of each model that ended after an instant and up to another.

        Raises:
            QueryError: the tables cannot be read.
            UnavailableError: the warehouse does not answer.
        """
        if self._read is None or since < self._read[0] or self._read[1] < until:
            self._fetch(since, until)
        newest: dict[str, ModelState] = {}
        for row in self._rows:
            if since < row["window_end"] <= until:
                before = newest.get(row["model"])
                accuracy = row["accuracy"] if row["accuracy"] is not None or before is None else before.accuracy
                newest[row["model"]] = ModelState(**row | {"accuracy": accuracy})
        return list(newest.values())

    def _fetch(self, since: datetime, until: datetime) -> None:
        """Read up to the end of the span, once the rows are there."""
        end = max([until, *(span.end for span in read_plan(self.folder).spans if span.start <= until)])
        if not self._await(since, until):
            log.warning("models: nothing was loaded from %s on after %g s", since.isoformat(), self.patience)
        self._rows = self.warehouse().query(_WINDOWS, since=since, until=end)
        self._read = since, end

    def _await(self, since: datetime, until: datetime) -> bool:
        deadline = time.monotonic() + self.patience
        while not all(_is_in(span, since) for span in read_plan(self.folder).spans if span.start < until):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _is_in(span: Span, since: datetime) -> bool:
    """Whether the rows of the model from an instant on are loaded, as far as the span has them."""
    loaded = min(span.loaded.get("model", span.end), span.reached_by("model"))
    return loaded <= max(since, span.start) or span.end <= since
