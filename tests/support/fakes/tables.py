"""Tables of a warehouse in memory, with the columns and types that `infra/tables` or a test gives them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from core.errors import QueryError
from functions.adapters.ports import Data
from infra.local.warehouse.definitions import FOLDER, read_definition

_HELD: Mapping[str, type | tuple[type, ...]] = {
    "STRING": str,
    "FLOAT64": (float, int),
    "INT64": int,
    "BOOL": bool,
    "TIMESTAMP": datetime,
    "ARRAY<FLOAT64>": list,
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        types: of the columns, by name.
        rows: a column that a row lacks is NULL.
    """

    types: Mapping[str, str]
    rows: list[Data] = field(default_factory=list)


@dataclass
class Tables:
    """Those that `infra/tables` defines, and those that were created."""

    _tables: dict[str, Table] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Table:
        """The table; `QueryError` where there is none."""
        if name not in self._tables:
            self._tables[name] = Table(_defined(name))
        return self._tables[name]

    def create(self, name: str, **types: str) -> None:
        """Create an empty table."""
        self._tables[name] = Table(types)

    def copy(
        self, source: str, name: str, *, without: Collection[str] = (), texts: Mapping[str, str] | None = None
    ) -> None:
        """Create a table, or replace it, with the rows of another one.

        Args:
            source: the other table.
            name: of the table.
            without: columns that it lacks.
            texts: columns that are text in it, and what each says in every row.
        """
        texts = texts or {}
        types = self[source].types | dict.fromkeys(texts, "STRING")
        kept = {column: kind for column, kind in types.items() if column not in without}
        rows = [{column: row.get(column) for column in kept} | texts for row in self[source].rows]
        self._tables[name] = Table(kept, rows)

    def append(self, name: str, rows: Iterable[Data]) -> None:
        """Append rows, all or none; an instant may be spelt as text.

        Raises:
            QueryError: there is no such table, or a row does not fit it.
        """
        table = self[name]
        table.rows.extend([{key: _held(table, name, key, value) for key, value in row.items()} for row in rows])


def _held(table: Table, name: str, column: str, value: Any) -> Any:
    kind = table.types.get(column)
    if kind is None:
        raise QueryError(f"no such field: {name}.{column}")
    if value is None:
        return None
    if kind == "TIMESTAMP" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if not isinstance(value, _HELD[kind]) or (isinstance(value, bool) and kind != "BOOL"):
        raise QueryError(f"{name}.{column}: must be {kind}, got {value!r}")
    return value


@cache
def _defined(name: str) -> Mapping[str, str]:
    try:
        columns = read_definition(FOLDER / f"{name}.json").schema
    except FileNotFoundError as error:
        raise QueryError(f"table not found: {name}") from error
    return {column["name"]: column["type"] for column in columns}
