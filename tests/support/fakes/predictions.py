"""The prediction logs of models in memory: the port `Predictions` of drift_score over rows of tables.

`tests/contract/test_drift_ports.py` holds it and BigQuery to the same answers. It knows no champions (a version is in use from its
registration on), computed columns of seeded requests alone, and no integers beyond 2^53.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift import Counts, Profile, count
from core.drift.joint import ROWS
from core.drift.segments import split
from core.errors import QueryError
from core.retraining import Span
from core.settings import Label, Model, Task
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score.schema import Changes, changes
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window, WindowSummary
from tests.support.fakes.computed import compute
from tests.support.fakes.tables import Table, Tables

_VERSION = ("version", "reference_start", "reference_end")


@dataclass(frozen=True, slots=True)
class MemoryPredictions:
    """The logs, labels and versions in tables."""

    tables: Tables

    def summary(self, model: Model, start: datetime, end: datetime) -> WindowSummary:
        """The version in use, how many rows a window has and its newest."""
        instants = [row[model.timestamp] for row in self._between(model, start, end)]
        return WindowSummary(
            version=self._version(model, end), rows=len(instants), newest=max(instants) if instants else None
        )

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
        """Columns of the predictions of a window, each once as it was logged first, and the labels that arrived by its end."""
        found = self._changes(model, names := tuple(names))
        rows = sorted(_once(model, self._between(model, start, end)), key=lambda row: _place(row[model.id]))[:most]
        columns = {
            name: _column(model, rows, name, as_text=name in found.retyped)
            for name in names
            if name not in found.absent
        }
        if seconds:
            columns[SECOND] = np.array([row[model.timestamp].timestamp() // 1 for row in rows], dtype=float)
        if model.label is not None:
            truths = self._truths(model.label, model.id, start, end)
            labels = [truths.get(row[model.id]) for row in rows]
            columns[LABEL] = np.array(labels, dtype=object if model.task is Task.MULTICLASS else float)
        return columns

    def counts(self, window: Window, profile: Profile) -> Counts:
        """How many rows of a window fall into each cell of the profile; categories that are new have no names."""
        columns, found = self._counted(window, profile)
        return _as_found(count(profile, columns), found)

    def sample(self, window: Window, profile: Profile) -> Columns:
        """Some rows of a window, as they are read."""
        return self.rows(window.model, window.start, window.end, most=ROWS, names=profile.joint.names)

    def counts_by(self, window: Window, profile: Profile, by: str) -> Mapping[str, Counts]:
        """The same, by the values of a column; nothing where there is no such column."""
        if by not in self.tables[window.model.table].types:
            return {}
        columns, found = self._counted(window, profile, by)
        parts = split(columns, by, None).items()
        return {
            segment: _as_found(count(profile, {name: column[places] for name, column in columns.items()}), found)
            for segment, places in parts
        }

    def count_labels(self, model: Model, label: Label, span: Span, at: datetime) -> int:
        """How many of the predictions of a span have a label by an instant."""
        truths = self._truths(label, model.id, span.start, at)
        return len({row[model.id] for row in self._between(model, span.start, span.end)} & truths.keys())

    def _between(self, model: Model, start: datetime, end: datetime) -> list[Data]:
        """The model's rows, repeated ones too, in the order of time."""
        rows = self.tables[model.table].rows
        inside = [row for row in rows if row["model"] == model.name and start <= row[model.timestamp] < end]
        return sorted(inside, key=lambda row: row[model.timestamp])  # type: ignore[no-any-return]

    def _truths(self, label: Label, key: str, start: datetime, until: datetime) -> dict[Any, Any]:
        """The label of each prediction that arrived last between two instants, by id."""
        rows = self.tables[label.table].rows
        arrived = [row for row in rows if start <= row["arrived_at"] <= until and row[label.column] is not None]
        return {row[key]: row[label.column] for row in sorted(arrived, key=lambda row: row["arrived_at"])}  # type: ignore[no-any-return]

    def _version(self, model: Model, at: datetime) -> Data | None:
        rows = self.tables["ops.model_versions"].rows
        known = [row for row in rows if row["model"] == model.name and row["created_at"] <= at]
        used = max(known, key=lambda row: (row["created_at"], row["version"]), default=None)
        return used and {"in_use_from": used["created_at"]} | {name: used[name] for name in _VERSION}

    def _changes(self, model: Model, names: Iterable[str]) -> Changes:
        """How the columns differ from what the settings say, where that keeps them from being read."""
        table = self.tables[model.table]
        if not model.generation and all(_is_readable(table, model, name) for name in names):
            return Changes()
        found = changes(_Schemas(table), model, names)
        if model.score in found.names:
            raise QueryError(f"{model.table}: column {model.score!r} is gone, or holds no numbers")
        return found

    def _counted(self, window: Window, profile: Profile, *more: str) -> tuple[Columns, Changes]:
        """The columns of a window that can be counted, each prediction once as it was logged first, and what cannot."""
        model = window.model
        found = self._changes(model, profile.names)
        rows = _once(model, self._between(model, window.start, window.end))
        names = [name for name in (*profile.names, *more) if name not in found.names]
        return {name: _column(model, rows, name) for name in names}, found


@dataclass(frozen=True, slots=True)
class _Schemas:
    """Says which columns a table has, as BigQuery's INFORMATION_SCHEMA does."""

    table: Table

    def query(self, _: str, **__: object) -> list[Data]:
        return [{"column_name": name, "data_type": kind} for name, kind in self.table.types.items()]

    def append(self, table: str, *_: object, **__: object) -> None:
        raise QueryError(f"{table}: nothing can be written here")


def _numbers(model: Model) -> set[str]:
    return {*model.features.numeric, *model.probabilities.values(), model.score}


def _is_readable(table: Table, model: Model, name: str) -> bool:
    kind = table.types.get(name)
    return kind is not None and (name not in _numbers(model) or kind in {"FLOAT64", "INT64"})


def _once(model: Model, rows: Iterable[Data]) -> list[Data]:
    """The rows, of those with the same id the first."""
    found: dict[Any, Data] = {}
    for row in rows:
        found.setdefault(row[model.id], row)
    return [*found.values()]


def _place(key: object) -> bytes:
    """Where a row is in a sample."""
    return hashlib.md5(str(key).encode(), usedforsecurity=False).digest()


def _column(model: Model, rows: list[Data], name: str, *, as_text: bool = False) -> NDArray[Any]:
    if as_text:
        return np.array([json.dumps(row.get(name), ensure_ascii=False) for row in rows], dtype=object)
    # No column of a log ends so: the settings refuse it.
    is_computed = model.generation and name.endswith("_")
    values = compute(name, rows) if is_computed else [row.get(name) for row in rows]
    return np.array(values, dtype=float if name in _numbers(model) else object)


def _as_found(counts: Counts, found: Changes) -> Counts:
    return replace(counts, new={}, absent=found.absent, retyped=found.retyped)
