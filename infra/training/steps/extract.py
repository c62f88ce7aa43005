"""The labelled predictions to train on, and the later ones that nothing is trained on."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from functions.adapters.columns import read_columns
from functions.adapters.ports import Warehouse
from infra.training.steps.table import CHAMPION, ID, LABEL, SECOND, Table, taken

_STATEMENT = Path(__file__).with_name("extract.sql").read_text().rstrip()
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*){0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model's predictions and labels are; names as in the settings.

    Attributes:
        model: the model's name.
        table: of the predictions, with the columns `model` and `version`.
        timestamp: the column of the instant.
        id: the column by which labels are joined.
        score: the column of the score.
        label_table: of the labels, with the column `arrived_at`.
        label: the column of the label: a boolean, or 0 and 1.
        numeric: columns of numbers to train on.
        categorical: columns of texts to train on.
    """

    model: str
    table: str
    timestamp: str
    id: str
    score: str
    label_table: str
    label: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The columns to train on."""
        return (*self.numeric, *self.categorical)


def statement(source: Source) -> str:
    """The statement; parameters `model`, `model_version`, `window_start`, `window_end`.

    Raises:
        ValueError: a name is none that a table or a column can have, or there is no feature.
    """
    if not source.features:
        raise ValueError("numeric, categorical: must name at least one feature, got none")
    return _STATEMENT.format(
        table=quoted("table", source.table),
        timestamp=quoted("timestamp", source.timestamp),
        id=quoted("id", source.id),
        score=quoted("score", source.score),
        label_table=quoted("label_table", source.label_table),
        label=quoted("label", source.label),
        columns=", ".join(f"predictions.{quoted('feature', name)}" for name in source.features),
    )


def extract(
    warehouse: Warehouse, source: Source, *, version: str, start: datetime, end: datetime, holdout: timedelta
) -> tuple[Table, Table]:
    """The rows to train on, and those of the last part of the window, which are held out; both in the order of time.

    Args:
        warehouse: has the tables.
        source: which tables and columns.
        version: the champion.
        start: of the window.
        end: of the window, exclusive.
        holdout: the length of the last part.

    Raises:
        ValueError: the window has no part before the one that is held out, or a name is wrong.
        QueryError: the warehouse refuses the statement.
        UnavailableError: the warehouse does not answer.
    """
    split = split_at(start, end, holdout)
    kinds: dict[str, type] = dict.fromkeys(source.numeric, float) | dict.fromkeys(source.categorical, str)
    kinds |= {ID: str, SECOND: float, LABEL: float, CHAMPION: float}
    found = read_columns(
        warehouse,
        statement(source),
        kinds,
        model=source.model,
        model_version=version,
        window_start=start,
        window_end=end,
    )
    found = taken(found, np.lexsort((found[ID].astype(str), found[SECOND])))
    later = found[SECOND] >= split.timestamp()
    return taken(found, ~later), taken(found, later)


def split_at(start: datetime, end: datetime, holdout: timedelta) -> datetime:
    """The instant from which on rows are held out.

    Raises:
        ValueError: it is not within the window.
    """
    if not timedelta() < holdout < end - start:
        raise ValueError(f"holdout_days: must be more than 0 and less than the window of {end - start}, got {holdout}")
    return end - holdout


def quoted(key: str, name: str) -> str:
    """A name of a table or a column, as a statement spells it.

    Raises:
        ValueError: it is none that a table or a column can have.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{key}: must be a name of letters, digits and underscores, with dots between, got {name!r}")
    return ".".join(f"`{part}`" for part in name.split("."))
