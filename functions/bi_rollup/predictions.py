"""Predictions by model and day, counted in the models' own tables: one statement a table."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.errors import QueryError
from core.settings import Model
from functions.adapters.ports import Warehouse
from functions.bi_rollup.spans import DAY

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionCount:
    """Predictions of a model on a day (UTC)."""

    model: str
    day: datetime
    predictions: int


PredictionCounter = Callable[[datetime, datetime], list[PredictionCount] | None]
"""The predictions of whole days, a row a model and day, also where there are none; None where they are not counted."""


def uncounted(since: datetime, until: datetime) -> None:
    """Predictions are not counted."""


@dataclass(frozen=True, slots=True)
class BigQueryPredictions:
    """Counts predictions.

    Attributes:
        warehouse: where the tables are.
        models: the models.
    """

    warehouse: Warehouse
    models: Callable[[], Mapping[str, Model]]

    def __call__(self, since: datetime, until: datetime) -> list[PredictionCount] | None:
        """The predictions of whole days; those of a table that is refused are not known."""
        tables: dict[tuple[str, str], list[str]] = defaultdict(list)
        for model in self.models().values():
            tables[model.table, model.timestamp].append(model.name)
        counts: list[PredictionCount] = []
        for (table, timestamp), names in tables.items():
            try:
                rows = self.warehouse.query(statement(table, timestamp), since=since, until=until, models=names)
            except QueryError as error:
                log.warning("%s: predictions are not counted: %s", table, error)
                continue
            counts += _with_zeros([PredictionCount(**row) for row in rows], names, until)
        return counts if tables else None


def _with_zeros(counts: list[PredictionCount], names: Iterable[str], until: datetime) -> Iterator[PredictionCount]:
    """The counts, and 0 where a model has no row on a day from the first one of the table on: before that its rows may have expired."""
    found = {(count.model, count.day): count for count in counts}
    first = min((count.day for count in counts), default=until)
    for name in names:
        for ago in range((until - first) // DAY, 0, -1):
            day = until - ago * DAY
            yield found.get((name, day)) or PredictionCount(model=name, day=day, predictions=0)


def statement(table: str, timestamp: str) -> str:
    """Counts rows by model and day, only the two columns are read; the settings check the names."""
    source = ".".join(f"`{part}`" for part in table.split("."))
    column = f"`{timestamp}`"
    day = f"TIMESTAMP_TRUNC({column}, DAY)"
    where = f"{column} >= @since AND {column} < @until AND model IN UNNEST(@models)"
    return f"SELECT model, {day} AS day, COUNT(*) AS predictions FROM {source} WHERE {where} GROUP BY model, day"  # noqa: S608 - see above
