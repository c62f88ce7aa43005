"""What drift_score reads and writes, by meaning: BigQuery in production, memory where history is computed in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

from core.drift import Counts, Profile
from core.drift.joint import JointSample
from core.retraining import Span
from core.settings import Label, Model
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score.window import Window, WindowSummary


class Predictions(Protocol):
    """The prediction logs of models, with the labels that arrived, and their versions.

    Every method raises `UnavailableError` when the warehouse does not answer, and `QueryError` when it refuses.
    """

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        """The version in use at `end`, and what there is from `start` to just before `end`."""
        ...

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
        """Columns of the predictions from `start` to just before `end`, each prediction once, in no particular order.

        Args:
            model: whose predictions.
            start: of the window.
            end: of the window; labels that arrived later are missing.
            most: at most so many rows, always the same sample of more.
            names: the columns.
            seconds: whether the instant of each prediction is wanted as well, as column `SECOND`.

        Returns:
            The columns, and the label as column `LABEL` where the model has labels.
        """
        ...

    def counts(self, window: Window, profile: Profile) -> Counts:
        """How many rows of a window fall into each cell of the profile."""
        ...

    def sample(self, window: Window, profile: Profile) -> Columns | JointSample:
        """Some rows of a window, always the same: the columns of the features that the profile compares together."""
        ...

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """The same, by the values of one of the model's segment columns."""
        ...

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:
        """How many of the predictions of a span have a label by an instant."""
        ...


class Results(Protocol):
    """The tables of scores: rows are gathered model by model, and appended at once.

    What is appended last for a model and window takes the place of what an earlier delivery of the tick appended.
    """

    def batch(self) -> Self:
        """Results of the same tables, in which nothing is gathered yet: those of one shard."""
        ...

    def write_scores(
        self, window: Window, rows: Sequence[Data], *, mode: str, n_reference: int, n_current: int
    ) -> None:
        """Gather the rows of `effects.score_rows`."""
        ...

    def write_performance(self, window: Window, rows: Sequence[Data], *, n_labels: int, n_current: int) -> None:
        """Gather the rows of `performance.measure_rows`."""
        ...

    def write_groups(self, window: Window, rows: Sequence[Data]) -> None:
        """Write the rows of `groups.group_rows`."""
        ...

    def write_quality(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the rows of `quality.issue_rows`."""
        ...

    def write_distributions(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the row of `distributions.row`."""
        ...

    def append(self) -> None:
        """Append what was gathered, table by table.

        Raises:
            QueryError: the warehouse refuses the rows of a table.
            UnavailableError: it does not answer; some tables may have their rows.
        """
        ...
