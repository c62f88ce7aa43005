"""The tables of scores in memory: the port `Results` of drift_score over rows of tables, and what their views have.

`tests/contract/test_drift_ports.py` holds it and BigQuery to the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from functions.adapters.ports import Clock, Data
from functions.drift_score.bigquery import DISTRIBUTIONS, GROUPS, PERFORMANCE, QUALITY, SCORES
from functions.drift_score.window import Window
from tests.support.fakes.tables import Tables

KEYS: Mapping[str, tuple[str, ...]] = {
    SCORES: ("role", "feature", "test"),
    PERFORMANCE: ("measure",),
    GROUPS: ("segment", "segment_value", "measure"),
    QUALITY: ("issue",),
    DISTRIBUTIONS: (),
}
"""What tells the rows of a model's window apart, by table."""


@dataclass(frozen=True, slots=True)
class MemoryResults:
    """Keeps every row that is appended, with the instant at which it is."""

    tables: Tables
    clock: Clock
    _gathered: dict[str, list[Data]] = field(default_factory=lambda: {table: [] for table in KEYS})

    def batch(self) -> Self:
        """Results of the same tables, in which nothing is gathered yet."""
        return type(self)(self.tables, self.clock)

    def write_scores(
        self, window: Window, rows: Sequence[Data], *, mode: str, n_reference: int, n_current: int
    ) -> None:
        """Gather the scores of a window."""
        self._gather(SCORES, window, rows, mode=mode, n_reference=n_reference, n_current=n_current)

    def write_performance(self, window: Window, rows: Sequence[Data], *, n_labels: int, n_current: int) -> None:
        """Gather the measures of a window."""
        self._gather(PERFORMANCE, window, rows, n_labels=n_labels, n_current=n_current)

    def write_groups(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the performance of the groups of a window."""
        self._gather(GROUPS, window, rows)

    def write_quality(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the data quality issues of a window."""
        self._gather(QUALITY, window, rows)

    def write_distributions(self, window: Window, rows: Sequence[Data]) -> None:
        """Gather the distributions of a window."""
        self._gather(DISTRIBUTIONS, window, rows)

    def append(self) -> None:
        """Append what was gathered, table by table, all with one instant."""
        now = self.clock()
        for table, rows in self._gathered.items():
            if rows:
                self.tables.append(table, [row | {"written_at": now} for row in rows])

    def _gather(self, table: str, window: Window, rows: Sequence[Data], **about: object) -> None:
        self._gathered[table].extend(row | about | window.columns for row in rows)


def newest(tables: Tables, table: str) -> list[Data]:
    """What the view of a table of results has: of each model and window the rows that were written last, each once."""
    rows, written = tables[table].rows, {}
    for row in rows:
        key = (row["model"], row["window_end"])
        written[key] = max(row["written_at"], written.get(key, row["written_at"]))
    found = {
        (row["model"], row["window_end"], *(str(row.get(name)) for name in KEYS[table])): row
        for row in rows
        if row["written_at"] == written[row["model"], row["window_end"]]
    }
    columns = [name for name in tables[table].types if name != "written_at"]
    return [{name: row.get(name) for name in columns} for _, row in sorted(found.items())]
