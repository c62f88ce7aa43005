"""The ports of drift_score over BigQuery; the statements are the `.sql` files beside it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Self

from core.drift import Counts, Profile, counts_by_segment, counts_from_rows
from core.drift.joint import ROWS
from core.errors import QueryError
from core.retraining import Span
from core.settings import Label, Model, Task
from functions.adapters.columns import Columns, read_columns
from functions.adapters.ports import Clock, Data, Warehouse
from functions.adapters.training import history
from functions.drift_score import statements
from functions.drift_score.schema import Changes, changes
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window, WindowSummary

SCORES, PERFORMANCE, QUALITY = "ops.drift_scores_raw", "ops.model_performance_raw", "ops.data_quality_raw"
GROUPS, DISTRIBUTIONS = "ops.model_group_performance_raw", "ops.window_distributions"


class BigQueryPredictions:
    """The port `Predictions` over BigQuery."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        """The version in use, how many rows a window has and its newest, by one statement."""
        parameters = {"model": model.name, "window_start": start, "window_end": end}
        [row] = self._warehouse.query(statements.window_summary(model), **parameters)
        used = row if row["version"] is not None else None
        return WindowSummary(version=used, rows=row["n_rows"], newest=row["newest"])

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
        """Columns of the predictions of a window, each once, and the labels that arrived by its end."""
        wanted = tuple(names)
        read = partial(self._rows, model, start, end, most=most, seconds=seconds)
        try:
            return read(wanted)
        except QueryError:
            found = changes(self._warehouse, model, wanted)
            if not found or model.score in found.names:
                raise
        return read([name for name in wanted if name not in found.absent], texts=found.retyped)

    def counts(self, window: Window, profile: Profile) -> Counts:
        """Count a window in the warehouse, by one statement."""
        rows, found = self._counted(window, profile)
        return counts_from_rows(profile, rows, absent=found.absent, retyped=found.retyped)

    def sample(self, window: Window, profile: Profile) -> Columns:
        """Some rows of a window, read from the table."""
        return self.rows(window.model, window.start, window.end, most=ROWS, names=profile.joint.names)

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """Count a window by the values of a column, by one statement; nothing where there is no such column."""
        try:
            rows, found = self._counted(window, profile, by)
        except QueryError:
            if by in changes(self._warehouse, window.model, (by,)).absent:
                return {}
            raise
        return counts_by_segment(profile, rows, absent=found.absent, retyped=found.retyped)

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:
        """How many of the predictions of a span have a label by an instant."""
        return history.count_labels(self._warehouse, model, label, span, at)

    def _rows(
        self,
        model: Model,
        start: datetime,
        end: datetime,
        names: Iterable[str],
        *,
        most: int,
        seconds: bool,
        texts: Collection[str] = (),
    ) -> Columns:
        numbers = {*model.features.numeric, *model.probabilities.values(), model.score} - {*texts}
        kinds: dict[str, type] = {name: float if name in numbers else str for name in names}
        sql = statements.window(model, kinds, seconds=seconds, texts=texts)
        kinds |= dict.fromkeys((SECOND,) * seconds, float)
        if model.label is not None:
            kinds[LABEL] = str if model.task is Task.MULTICLASS else float
        parameters = {"model": model.name, "window_start": start, "window_end": end, "most": most}
        return read_columns(self._warehouse, sql, kinds, **parameters)

    def _counted(self, window: Window, profile: Profile, by: str | None = None) -> tuple[list[Data], Changes]:
        """The counted rows, and which features could not be counted because their columns have changed."""
        count = partial(statements.counting, window.model, profile, window.start, window.end, by)
        try:
            made = count()
            return self._warehouse.query(made.sql, **made.parameters), Changes()
        except QueryError:
            found = changes(self._warehouse, window.model, profile.names)
            if not found or window.model.score in found.names:
                raise
        made = count(without=found.names)
        return self._warehouse.query(made.sql, **made.parameters), found


class BigQueryResults:
    """The port `Results` over BigQuery: one append a table, however many models, by streaming inserts.

    A table of results keeps what every delivery of a tick wrote, each row with the instant at which it was; the view of the
    same name without `_raw` has of each model and window what was written last. So nothing is deleted or merged: BigQuery
    runs few statements that change a table at once, and 1,500 load jobs of it a day.

    Safe to use from several threads; each shard takes a batch of its own.
    """

    def __init__(self, warehouse: Warehouse, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock
        tables = (SCORES, PERFORMANCE, GROUPS, QUALITY, DISTRIBUTIONS)
        self._rows: dict[str, list[Data]] = {table: [] for table in tables}

    def batch(self) -> Self:
        """Results of the same warehouse, in which nothing is gathered yet."""
        return type(self)(self._warehouse, self._clock)

    def write_scores(
        self, window: Window, rows: Sequence[Data], *, mode: str, n_reference: int, n_current: int
    ) -> None:
        """Gather all scores of a window."""
        self._gather(SCORES, window, rows, mode=mode, n_reference=n_reference, n_current=n_current)

    def write_performance(self, window: Window, rows: Sequence[Data], *, n_labels: int, n_current: int) -> None:
        """Gather all measures of a window."""
        self._gather(PERFORMANCE, window, rows, n_labels=n_labels, n_current=n_current)

    def write_groups(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the performance of all groups of a window."""
        self._gather(GROUPS, window, rows)

    def write_quality(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather all data-quality issues of a window."""
        self._gather(QUALITY, window, rows)

    def write_distributions(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the distributions of a window."""
        self._gather(DISTRIBUTIONS, window, rows)

    def append(self) -> None:
        """Append what was gathered, all with one instant; the rows of a model stay together."""
        now = self._clock()
        for table, rows in self._rows.items():
            for row in rows:
                row["written_at"] = now
            if rows:
                self._warehouse.append(table, rows, together="model")

    def _gather(self, table: str, window: Window, rows: Sequence[Data], **about: object) -> None:
        common = about | window.columns
        # One call, so that no other thread's rows come in between.
        self._rows[table].extend([row | common for row in rows])
