"""Columns of a table that are not what the settings say: gone, or of another type. Read when BigQuery has refused a statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.generative.columns import ANY, NUMBERS, TEXT, VECTORS
from core.settings import Model
from functions.adapters.ports import Warehouse
from functions.drift_score import statements

_NUMBERS = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"})
_WORDS = {
    "STRING": "text",
    "BOOL": "booleans",
    "TIMESTAMP": "times",
    "DATETIME": "times",
    "DATE": "times",
    "TIME": "times",
}
_CATEGORIES = frozenset({*_NUMBERS, *_WORDS, "BYTES"})
_HELD = {
    NUMBERS: _NUMBERS,
    TEXT: frozenset({"STRING"}),
    VECTORS: frozenset({"ARRAY<FLOAT64>"}),
    ANY: _CATEGORIES,
}
"""The types of the sources of computed columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How columns differ from what the settings say; false when none does.

    Attributes:
        absent: those that the table does not have.
        retyped: what those of another type hold, as from `core.drift.columns.holds`.
    """

    absent: frozenset[str] = frozenset()
    retyped: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.absent or self.retyped)

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.absent | self.retyped.keys()


def changes(warehouse: Warehouse, model: Model, names: Iterable[str]) -> Changes:
    """Which of the named columns are gone from a model's table, or are of another type; none if there is no such table.

    Args:
        warehouse: where the table is.
        model: whose settings say what the columns hold.
        names: of the columns.

    Raises:
        QueryError: the dataset does not exist, or its schema may not be read.
        UnavailableError: the warehouse does not answer.
    """
    found = warehouse.query(statements.types(model.table), table=model.table.rpartition(".")[2])
    types = {row["column_name"]: row["data_type"].split("(")[0] for row in found}
    if not types:
        return Changes()
    wanted = _wanted(model, names)
    absent = {name for name, sources in wanted.items() if not types.keys() >= sources.keys()}
    other = {
        name: _WORDS.get(types[column], "other values")
        for name, sources in wanted.items()
        for column, allowed in sources.items()
        if name not in absent and types[column] not in allowed
    }
    # What is computed of a column of another type cannot be computed.
    absent |= other.keys() & statements.computed(model).keys()
    return Changes(absent=frozenset(absent), retyped={name: what for name, what in other.items() if name not in absent})


def _wanted(model: Model, names: Iterable[str]) -> dict[str, dict[str, frozenset[str]]]:
    """The columns that each name is read from, and which types each may have."""
    numbers, computed = {*model.features.numeric, model.score}, statements.computed(model)
    return {
        name: {column: _HELD[kind] for column, kind in computed[name].sources.items()}
        if name in computed
        else {name: _NUMBERS if name in numbers else _CATEGORIES}
        for name in names
    }
