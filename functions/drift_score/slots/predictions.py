"""The port `Predictions` where windows have been counted by slots: those are not read again."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift import Counts, Profile
from core.drift.columns import array
from core.drift.slots import counts_from_cells
from core.errors import QueryError, UnavailableError
from core.retraining import Span
from core.settings import Label, Model
from functions.adapters.columns import Columns
from functions.adapters.logs import fields
from functions.adapters.ports import Data, Warehouse
from functions.drift_score.ports import Predictions
from functions.drift_score.schema import Changes, changes
from functions.drift_score.slots.slot_counts import SlotCounts, WindowCells, profile_name
from functions.drift_score.window import Window, WindowSummary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPredictions:
    """Predictions of a shard.

    Attributes:
        rest: where everything else is read.
        slots: counts by slots.
        warehouse: says which columns have changed.
        at: the tick.
        windows: the current windows that were counted by slots, by the names of the models.
        versions: the versions in use, of those models.
        samples: reads some rows of the windows, by the names of their profiles.
    """

    rest: Predictions
    slots: SlotCounts
    warehouse: Warehouse
    at: datetime
    windows: Mapping[str, WindowCells]
    versions: Mapping[str, Data]
    samples: Callable[[], Mapping[str, Sequence[str]]]

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        """The version in use, and what there is; of a window that was counted without a statement."""
        window = self.windows.get(model.name)
        if window is None or end != self.at:
            return self.rest.summary(model, start, end)
        return WindowSummary(version=self.versions.get(model.name), rows=window.rows, newest=window.newest)

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
        """Columns of predictions, read from the table."""
        return self.rest.rows(model, start, end, most=most, names=names, seconds=seconds)

    def counts(self, window: Window, profile: Profile) -> Counts:
        """The counts of a window: from its slots, or by a statement of its own, after which its model is counted by slots."""
        model, found = window.model, self.windows.get(window.model.name)
        if found and found.profile == profile_name(model, window.version, profile):
            changed = self._changed(model, profile, found)
            features = [one for one in found.features if profile.order[one.feature] not in changed.names]
            return counts_from_cells(profile, features, absent=changed.absent, retyped=changed.retyped)
        counts = self.rest.counts(window, profile)
        self._register(window, profile)
        return counts

    def sample(self, window: Window, profile: Profile) -> Columns:
        """Some rows of a window: of one that was counted, those of its slots."""
        found = self.windows.get(window.model.name)
        if found is None or found.profile != profile_name(window.model, window.version, profile):
            return self.rest.sample(window, profile)
        rows = json.loads(f"[{','.join(self.samples().get(found.profile, ()))}]")
        numbers = {*window.model.features.numeric, window.model.score}
        names = [name for name in profile.joint.names if any(name in row for row in rows)]
        return {name: _column(name, [row.get(name) for row in rows], is_number=name in numbers) for name in names}

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """The same by the values of a column, by a statement of its own."""
        return self.rest.counts_by(window, profile, by)

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:
        """How many of the predictions of a span have a label by an instant."""
        return self.rest.count_labels(model, label, span, at)

    def _register(self, window: Window, profile: Profile) -> None:
        """Have the model counted by slots; where that fails, its next window is counted by a statement again."""
        try:
            self.slots.register(window.model, window.version, profile, window.end)
        except (QueryError, UnavailableError) as error:
            name = window.model.name
            log.warning("not counted by slots yet: %s: %s", name, error, extra=fields(model=name))

    def _changed(self, model: Model, profile: Profile, window: WindowCells) -> Changes:
        """Which columns are gone or of another type: looked up where a feature has fewer rows than others.

        A slot holds every row once for each feature, a missing value too, unless its column could not be counted.
        """
        rows = window.rows
        if rows and window.counted.count(rows) < len(profile.order):
            return changes(self.warehouse, model, profile.names)
        return Changes()


def _column(name: str, values: list[Any], *, is_number: bool) -> NDArray[Any]:
    if is_number and not any(isinstance(value, str) for value in values):
        return np.array(values, dtype=np.float64)
    return array(name, [_value(value, is_number=is_number) for value in values])


def _value(value: Any, *, is_number: bool) -> Any:  # noqa: ANN401 - a JSON value
    """As the column has it: JSON spells NaN, infinities and large whole numbers as text, and BigQuery categories as they are."""
    if value is None:
        return None
    if is_number:
        return (
            int(value)
            if isinstance(value, str) and value.lstrip("-").isdigit()
            else float(value)
            if isinstance(value, str)
            else value
        )
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
