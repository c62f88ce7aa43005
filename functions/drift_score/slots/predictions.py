"""The port `Predictions` where windows have been counted by slots: those are not read again."""

import logging
from collections.abc import Iterable, Mapping
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
from functions.drift_score.slots.samples import joint_sample
from functions.drift_score.slots.slot_counts import SlotCounts, profile_name
from functions.drift_score.slots.windows import WindowCells
from functions.drift_score.window import Window, WindowSummary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPredictions:
    """Predictions of a shard's models, or of one whose window has been counted.

    Attributes:
        rest: where everything else is read.
        slots: counts by slots.
        warehouse: says which columns have changed.
        at: the tick.
        window: the current window of one model that was counted by slots; None where there is none.
        version: the version of that model in use; None where it is not known.
    """

    rest: Predictions
    slots: SlotCounts
    warehouse: Warehouse
    at: datetime
    window: WindowCells | None = None
    version: Data | None = None

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        """The version in use, and what there is; of a window that was counted without a statement."""
        window = self._window(model)
        if window is None or end != self.at or not (self.version or model.reference.until):
            return self.rest.summary(model, start, end)
        return WindowSummary(version=self.version, rows=window.rows, newest=window.newest)

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
        model, found = window.model, self._window(window.model)
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
        found = self._window(window.model)
        if found is None or found.profile != profile_name(window.model, window.version, profile):
            return self.rest.sample(window, profile)
        return joint_sample(found.samples, profile)

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """The same by the values of a column, by a statement of its own."""
        return self.rest.counts_by(window, profile, by)

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:
        """How many of the predictions of a span have a label by an instant."""
        return self.rest.count_labels(model, label, span, at)

    def _window(self, model: Model) -> WindowCells | None:
        return self.window if self.window and self.window.model == model.name else None

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
