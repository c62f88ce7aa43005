"""The table `ops.models` in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import UnavailableError
from functions.adapters.ports import Data
from functions.services.models import TABLE


@dataclass
class ModelTable:
    """A warehouse that has no other table.

    Attributes:
        rows: every change.
        down: whether it does not answer.
        queries: how often it was read.
    """

    rows: list[Data] = field(default_factory=list)
    down: bool = False
    queries: int = 0

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        assert (TABLE in sql, parameters) == (True, {})
        self._answer()
        self.queries += 1
        newest: dict[str, Data] = {}
        for row in sorted(self.rows, key=lambda row: (row["changed_at"], row["id"])):
            newest[row["model"]] = row
        return [newest[name] for name in sorted(newest)]

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        assert table == TABLE
        self._answer()
        self.rows += rows

    def _answer(self) -> None:
        if self.down:
            raise UnavailableError("BigQuery does not answer")
