"""The warehouse of backups in memory: tables, snapshots and clones of them; any statement may be the last.

It takes the statements of `functions/services/backups` and no others; `tests/contract/test_backups.py` runs them on the emulator.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import QueryError
from functions.adapters.ports import Data
from functions.services.backups import documents, manifests
from tests.support.crash.breaking import Breaking


@dataclass
class MemoryTables:
    """Tables by their names, as in `ops.findings`; those called `backups.*__*` are snapshots and clones."""

    world: Breaking
    tables: dict[str, list[Data]] = field(default_factory=lambda: {documents.TABLE: [], manifests.TABLE: []})
    snapshots: set[str] = field(default_factory=set)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.world.boundary()
        code = re.sub(r"(?m)^--.*$", "", sql)
        rows = self._answer(" ".join(code.split()), parameters)
        self.world.boundary()
        return rows

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        yield from self.query(sql, **parameters)

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        self.world.boundary()
        self.tables[table] += rows
        self.world.boundary()

    def contents(self) -> dict[str, Counter[str]]:
        """The rows of the tables that are backed up, as multisets."""
        live = {name: rows for name, rows in self.tables.items() if not name.startswith("backups.")}
        return {name: Counter(map(repr, rows)) for name, rows in live.items()}

    def _answer(self, sql: str, parameters: Data) -> list[Data]:
        for pattern, act in self._statements:
            if found := re.match(pattern, sql):
                return act(self, *found.groups(), parameters)
        raise AssertionError(f"no statement of backups: {sql}")

    def _listed(self, dataset: str, _: Data) -> list[Data]:
        return [
            {
                "table_name": name.partition(".")[2],
                "table_type": "SNAPSHOT" if name in self.snapshots else "BASE TABLE",
            }
            for name in self.tables
            if name.startswith(f"{dataset}.")
        ]

    def _snapshot(self, name: str, table: str, _: Data) -> list[Data]:
        if name in self.tables:
            raise QueryError(f"Already Exists: {name}")
        self.tables[name] = list(self._rows(table))
        self.snapshots.add(name)
        return []

    def _clone(self, name: str, table: str, _: Data) -> list[Data]:
        self.tables[name] = list(self._rows(table))
        return []

    def _compared(self, one: str, other: str, _: Data) -> list[Data]:
        a, b = (Counter(map(repr, self._rows(name))) for name in (one, other))
        return [{"n_different": sum(a[line] != b[line] for line in a | b), "n_rows": b.total()}]

    def _counted(self, table: str, _: Data) -> list[Data]:
        return [{"n": len(self._rows(table))}]

    def _dropped(self, table: str, _: Data) -> list[Data]:
        self.tables.pop(table, None)
        self.snapshots.discard(table)
        return []

    def _deleted(self, table: str, parameters: Data) -> list[Data]:
        self.tables[table] = [row for row in self._rows(table) if row["backup_at"] >= parameters["before"]]
        return []

    def _manifests(self, _: Data) -> list[Data]:
        newest = {row["id"]: row for row in self.tables[manifests.TABLE]}
        return sorted(newest.values(), key=lambda row: row["backup_at"], reverse=True)

    def _exported(self, parameters: Data) -> list[Data]:
        return [
            row for row in self.tables[documents.TABLE] if all(row[name] == value for name, value in parameters.items())
        ]

    def _exports(self, parameters: Data) -> list[Data]:
        return [{"n": len({row["export"] for row in self._exported(parameters)})}]

    def _collections(self, parameters: Data) -> list[Data]:
        return [{"collection": name} for name in sorted({row["collection"] for row in self._exported(parameters)})]

    def _read(self, parameters: Data) -> list[Data]:
        return sorted(self._exported(parameters), key=lambda row: row["key"])

    def _rows(self, table: str) -> list[Data]:
        if table not in self.tables:
            raise QueryError(f"Not found: Table {table}")
        return self.tables[table]

    _statements: tuple[tuple[str, Callable[..., list[Data]]], ...] = (
        (r"SELECT table_name, table_type FROM (\w+)\.INFORMATION_SCHEMA\.TABLES$", _listed),
        (r"CREATE SNAPSHOT TABLE (\S+) CLONE (\S+)$", _snapshot),
        (r"CREATE OR REPLACE TABLE (\S+) CLONE (\S+)$", _clone),
        (r"WITH a AS \(.* FROM (\S+) AS t .* FROM (\S+) AS t .*FULL OUTER JOIN", _compared),
        (r"SELECT COUNT\(\*\) AS n FROM (\S+)$", _counted),
        (r"DROP (?:SNAPSHOT )?TABLE (?:IF EXISTS )?(\S+)$", _dropped),
        (r"DELETE FROM (\S+) WHERE backup_at < @before$", _deleted),
        (r"SELECT status, detail, manifest", _manifests),
        (r"SELECT COUNT\(DISTINCT export\)", _exports),
        (r"SELECT DISTINCT collection", _collections),
        (r"SELECT collection, key", _read),
    )
