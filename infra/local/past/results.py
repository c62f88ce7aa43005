"""The tables of scores in memory: the port `Results` of drift_score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import pyarrow as pa

from functions.adapters.ports import Data
from functions.drift_score.bigquery import DISTRIBUTIONS, GROUPS, PERFORMANCE, QUALITY, SCORES
from functions.drift_score.window import Window
from infra.local.past.tables import table_of


@dataclass(frozen=True, slots=True)
class RecordedResults:
    """Keeps the rows as drift_score appends them; each was written at its tick."""

    _rows: dict[str, list[Data]] = field(
        default_factory=lambda: {SCORES: [], PERFORMANCE: [], GROUPS: [], QUALITY: [], DISTRIBUTIONS: []}
    )

    def batch(self) -> Self:
        """These: there is no other shard."""
        return self

    def append(self) -> None:
        """Do nothing: what was gathered is kept until it is taken."""

    def write_scores(
        self, window: Window, rows: Sequence[Data], *, mode: str, n_reference: int, n_current: int
    ) -> None:
        """Keep the rows of a window's scores."""
        about = {"mode": mode, "n_reference": n_reference, "n_current": n_current}
        self._keep(SCORES, window, rows, about)

    def write_performance(self, window: Window, rows: Sequence[Data], *, n_labels: int, n_current: int) -> None:
        """Keep the rows of a window's measures."""
        self._keep(PERFORMANCE, window, rows, {"n_labels": n_labels, "n_current": n_current})

    def write_groups(self, window: Window, rows: Sequence[Data]) -> None:
        """Keep the rows of the performance of a window's groups."""
        self._keep(GROUPS, window, rows, {})

    def write_quality(self, window: Window, rows: Sequence[Data]) -> None:
        """Keep the rows of a window's data-quality issues."""
        self._keep(QUALITY, window, rows, {})

    def write_distributions(self, window: Window, rows: Sequence[Data]) -> None:
        """Keep the distributions of a window."""
        self._keep(DISTRIBUTIONS, window, rows, {})

    def take(self) -> dict[str, pa.Table]:
        """The rows recorded since the last call, by table."""
        tables = {name: table_of(name, rows) for name, rows in self._rows.items() if rows}
        for rows in self._rows.values():
            rows.clear()
        return tables

    def _keep(self, table: str, window: Window, rows: Sequence[Data], about: Data) -> None:
        shared = about | window.columns | {"written_at": window.end}
        self._rows[table] += [row | shared for row in rows]
