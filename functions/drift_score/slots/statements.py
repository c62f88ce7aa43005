"""The statements that count, sum and read slots: fixed text, but for the tables and columns that the settings name."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core.drift.categories import hash_sql
from core.drift.joint import code_sql
from core.generative.literal import texts
from core.settings import Model
from functions.drift_score.statements import computed

_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}
REGISTERED, VERSIONS, READ_COUNTED = _TEXTS["registered"], _TEXTS["versions"], _TEXTS["read_counted"]


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The rows that several models may share.

    Attributes:
        table: of predictions.
        timestamp: its column of times.
        id: its column that identifies a prediction.
    """

    table: str
    timestamp: str
    id: str

    @classmethod
    def of(cls, model: Model) -> "Source":
        """Where a model's predictions are."""
        return cls(model.table, model.timestamp, model.id)


def count_slots(source: Source, models: Iterable[Model], *, without: Collection[str] = ()) -> str:
    """The statement that counts the rows of a table for some of its models; columns among `without` are not counted."""
    numbers: set[str] = set()
    categories: set[str] = set()
    models = tuple(models)
    for model in models:
        numbers.update((*model.features.numeric, model.score))
        categories.update(model.features.categorical)
    names = sorted((numbers | categories) - {*without})
    parts = [_part(name, is_number=name in numbers, is_category=name in categories) for name in names]
    listed = ",\n      ".join(parts)
    return _TEXTS["count_slots"].format(
        table=_quoted(source.table),
        timestamp=_quoted(source.timestamp),
        id=_quoted(source.id),
        computed="".join(
            f",\n      {sql} AS {_quoted(name)}" for name, sql in _computed(models).items() if name in names
        ),
        parts=listed,
        code=code_sql("IFNULL(category, 'missing')"),
        group=hash_sql("category"),
    )


def _computed(models: Iterable[Model]) -> dict[str, str]:
    """The expressions of computed columns; where models of one table compute a column differently, each by its model."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for model in models:
        for name, one in computed(model).items():
            found[name][one.sql].append(model.name)
    return {name: _by_model(variants) for name, variants in found.items()}


def _by_model(variants: Mapping[str, Sequence[str]]) -> str:
    if len(variants) == 1:
        return next(iter(variants))
    cases = (f"WHEN model IN ({texts(names)}) THEN {sql}" for sql, names in variants.items())
    return f"CASE {' '.join(cases)} END"


def move_windows(lengths: Sequence[timedelta]) -> str:
    """The statement that moves windows of some lengths on from the sums before.

    The parameters are those of the text, and of each length the ends of the slots that leave: `left_0` and so on are the
    last one before, `leaving_0` the last one that leaves.
    """
    return _sum(
        "counts.slot_end > @before_end AND counts.slot_end <= @window_end",
        "counts.slot_end > @late_start AND counts.slot_end <= @late_end",
        "counts.slot_end > @day_start AND counts.slot_end <= @day_end",
        *(f"counts.slot_end > @left_{k} AND counts.slot_end <= @leaving_{k}" for k in range(len(lengths))),
    )


def sum_windows() -> str:
    """The statement that sums windows from all their slots; parameter `earliest` is the start of the longest."""
    whole = "counts.slot_end > @earliest AND counts.slot_end <= @window_end AND counts.slot_end > windows.window_start"
    return _sum(whole)


def _sum(*spans: str) -> str:
    return _TEXTS["sum_windows"].format(touched="\n      OR ".join(f"({span})" for span in spans))


def _part(name: str, *, is_number: bool, is_category: bool) -> str:
    column = f"slotted.{_quoted(name)}"
    number = f"CAST({column} AS FLOAT64)" if is_number else "NULL"
    whole = f"SAFE_CAST({column} AS INT64)" if is_number else "NULL"
    category = f"CAST({column} AS STRING)" if is_category else "NULL"
    return f"('{name}', {number}, {whole}, {category})"


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
