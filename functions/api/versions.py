"""Versions of models: what they were trained on, how well they did, which one is in use, and how two of them differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from werkzeug.exceptions import BadRequest

from core.errors import UnreadableError
from core.versions import Version, diff
from functions.adapters.ports import Clock, Data, Warehouse
from functions.adapters.registries import aliases, record
from functions.adapters.training import history
from functions.api.parameters import is_within

_FOLDER = Path(__file__).parent
VERSIONS = (_FOLDER / "versions.sql").read_text().rstrip()


class Rows(NamedTuple):
    """What the warehouse has of the versions of a model, newest first."""

    versions: Sequence[Data]
    changes: Sequence[Data]


def read(warehouse: Warehouse, model: str) -> Rows:
    """The rows of the versions of a model, and of the changes of its aliases.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    return Rows(warehouse.query(VERSIONS, model=model), warehouse.query(aliases.CHANGES, model=model))


@dataclass(frozen=True, slots=True)
class Versions:
    """Reads versions.

    Attributes:
        warehouse: where they are.
        models: the names of the monitored models.
        clock: now, for the version in use.
    """

    warehouse: Warehouse
    models: Callable[[], Sequence[str]]
    clock: Clock

    def all(self, model: str, values: Mapping[str, Any]) -> Data:
        """The versions of a model, newest first, with their aliases, and the changes of the aliases.

        Args:
            model: its name.
            values: the parameters `RANGE`: when versions were made, and aliases changed.

        Raises:
            LookupError: there is no such model.
        """
        rows = self._rows(model)
        now = self.clock()
        holders = _holders(rows.changes)
        return {
            "model": model,
            "in_use": history.version_in_use(self.warehouse, model, now),
            "versions": [_shown(row, holders) for row in rows.versions if is_within(row["created_at"], values)],
            "changes": [row for row in rows.changes if is_within(row["changed_at"], values)],
        }

    def difference(self, model: str, before: str, after: str) -> Data:
        """How two versions of a model differ.

        Raises:
            BadRequest: the row of a version cannot be read.
            LookupError: there is no such model or version.
        """
        rows = {row["version"]: row for row in self._rows(model).versions}
        one, other = (_version(rows, model, name) for name in (before, after))
        return {"model": model, "before": before, "after": after} | asdict(diff(one, other))

    def _rows(self, model: str) -> Rows:
        rows = read(self.warehouse, model)
        if not rows.versions and model not in self.models():
            raise LookupError(f"model: no model is called {model[:80]!r}")
        return rows


def _version(rows: dict[str, Data], model: str, name: str) -> Version:
    if name not in rows:
        raise LookupError(f"version: {model} has no version {name[:80]!r}")
    try:
        return record.from_row(rows[name])
    except UnreadableError as error:
        raise BadRequest(str(error)) from error


def _holders(changes: Sequence[Data]) -> dict[str, list[Data]]:
    """The newest change of each alias, by the version that has it."""
    newest: dict[str, Data] = {}
    for change in changes:
        newest.setdefault(change["alias"], change)
    holders: dict[str, list[Data]] = {}
    for change in newest.values():
        holders.setdefault(change["version"] or "", []).append(change)
    return holders


def _shown(row: Data, holders: dict[str, list[Data]]) -> dict[str, Any]:
    """A version as it is shown; one whose row cannot be read with the reason."""
    try:
        told = asdict(record.from_row(row))
    except UnreadableError as error:
        told = {name: row[name] for name in ("model", "version", "created_at")} | {"fault": str(error)}
    return told | {"aliases": holders.get(row["version"], [])}
