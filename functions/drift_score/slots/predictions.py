"""The port `Predictions` where windows have been counted by slots: those are not read again."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.drift import Counts, Profile
from core.drift.joint import JointSample
from core.drift.slots import counts_from_cells
from core.errors import QueryError, UnavailableError
from core.retraining import Span
from core.settings import Label, Model
from functions.adapters.columns import Columns
from functions.adapters.logs import fields
from functions.adapters.ports import Data, Warehouse
from functions.drift_score.ports import Predictions
from functions.drift_score.schema import Changes, changes
from functions.drift_score.slots.samples import SampledRows, joint_sample
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
        samples: reads some rows of the windows, by the names of their profiles; once a model is sampled, its rows are dropped.
    """

    rest: Predictions
    slots: SlotCounts
    warehouse: Warehouse
    at: datetime
    windows: Mapping[str, WindowCells]
    versions: Mapping[str, Data]
    samples: Callable[[], dict[str, list[SampledRows]]]

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
            names, gone = profile.order, changed.names
            features = [one for one in found.features if names[one.feature] not in gone] if gone else found.features
            return counts_from_cells(profile, features, absent=changed.absent, retyped=changed.retyped)
        counts = self.rest.counts(window, profile)
        self._register(window, profile)
        return counts

    def sample(self, window: Window, profile: Profile) -> Columns | JointSample:
        """Some rows of a window: of one that was counted, those of its slots."""
        found = self.windows.get(window.model.name)
        if found is None or found.profile != profile_name(window.model, window.version, profile):
            return self.rest.sample(window, profile)
        return joint_sample(self.samples().pop(found.profile, []), profile)

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
