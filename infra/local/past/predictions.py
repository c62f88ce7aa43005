"""The prediction log in memory: the port `Predictions` of drift_score over the flights' arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift import Counts, Profile, count, count_segments
from core.retraining import Span
from core.settings import Label, Model
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window, WindowSummary, watched
from infra.local.replay.flights import Array
from infra.local.replay.history import VERSION, History

_DIGITS = 2
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class RecordedPredictions:
    """The log of the replayed model as of an instant: labels that arrive later are missing.

    Each flight is in it once, so nothing is deduplicated, and no window has more rows than requested.
    """

    history: History

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:  # noqa: ARG002 - there is one model
        """The version in use, how many rows a window has, and its newest."""
        chunks = list(self.history.scored(start, end))
        rows = int(sum(chunk.stop - chunk.start for _, chunk in chunks))
        newest = max((self.history.flights.scored_at[chunk.stop - 1] + shift for shift, chunk in chunks), default=None)
        return WindowSummary(
            version=self._version(end),
            rows=rows,
            newest=datetime.fromtimestamp(int(newest) * _MINUTE, end.tzinfo) if newest is not None else None,
        )

    def rows(
        self,
        model: Model,
        start: datetime,
        end: datetime,
        *,
        most: int,
        names: Iterable[str],
        seconds: bool = False,
    ) -> Columns:
        """Columns of the predictions of a window."""
        chunks = list(self.history.scored(start, end))
        columns: Columns = {
            name: _concatenated([self._column(model, name, rows) for _, rows in chunks]) for name in names
        }
        if seconds:
            columns[SECOND] = _concatenated([self._seconds(shift, rows) for shift, rows in chunks])
        if model.label is not None:
            columns[LABEL] = _concatenated([self._labels(shift, rows, end) for shift, rows in chunks])
        return {name: values[:most] for name, values in columns.items()}

    def counts(self, window: Window, profile: Profile) -> Counts:
        """How many rows of a window fall into each cell of the profile."""
        return count(profile, self._watched(window, ()))

    def sample(self, window: Window, profile: Profile) -> Columns:
        """The rows of a window: those that are compared together are chosen among them."""
        watched = self._watched(window, ())
        return {name: watched[name] for name in profile.joint.names}

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """The same, by the values of a column."""
        return count_segments(profile, self._watched(window, (by,)), by)

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:  # noqa: ARG002 - as above
        """How many of the predictions of a span have a label by an instant."""
        labels = (self._labels(shift, rows, at) for shift, rows in self.history.scored(span.start, span.end))
        return sum(int(np.count_nonzero(~np.isnan(label))) for label in labels)

    def _watched(self, window: Window, more: tuple[str, ...]) -> Columns:
        names = dict.fromkeys((*watched(window.model), *more))
        return self.rows(window.model, window.start, window.end, most=len(self.history.flights), names=names)

    def _version(self, at: datetime) -> Data | None:
        reference = self.history.reference
        if at < reference.end:
            return None
        span = {"reference_start": reference.start, "reference_end": reference.end}
        return {"version": VERSION, "in_use_from": reference.end, **span}

    def _column(self, model: Model, name: str, rows: slice) -> NDArray[Any]:
        flights = self.history.flights
        if name == model.score:
            return self.history.scores[rows]
        if name in flights.numeric:
            return np.round(flights.numeric[name][rows].astype(float), _DIGITS)
        column = flights.categorical[name]
        words = np.array(column.dictionary.to_pylist(), dtype=object)
        texts: NDArray[Any] = words[column.indices.to_numpy()[rows]]
        return texts

    def _seconds(self, shift: int, rows: slice) -> Array:
        return (self.history.flights.scored_at[rows] + shift) * float(_MINUTE)

    def _labels(self, shift: int, rows: slice, until: datetime) -> Array:
        """1 for late and 0 for on time; NaN where the label had not arrived."""
        arrived = self.history.reported_at[rows] + shift <= until.timestamp() // _MINUTE
        return np.where(arrived, self.history.flights.late[rows].astype(float), np.nan)


def _concatenated(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.array([])
