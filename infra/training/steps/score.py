"""The logged predictions that a version is to score, and its scores beside those that the champion gave."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.drift.columns import Floats
from functions.adapters.columns import read_columns
from functions.adapters.ports import Warehouse
from infra.training.steps.extract import quoted
from infra.training.steps.table import ID, Table

TABLE = "ops.shadow_predictions"
_STATEMENT = Path(__file__).with_name("score.sql").read_text().rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which predictions a version scores; names as in the settings.

    Attributes:
        model: the model's name.
        version: that scores.
        start: of the window.
        end: of the window, exclusive.
        table: of the predictions, with the column `model`.
        timestamp: the column of the instant.
        id: the column that identifies a prediction.
        numeric: columns of numbers that the version takes.
        categorical: columns of texts that it takes.
    """

    model: str
    version: str
    start: datetime
    end: datetime
    table: str
    timestamp: str
    id: str
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


def statement(target: Target) -> str:
    """The statement; parameters `model`, `model_version`, `window_start`, `window_end`.

    Raises:
        ValueError: a name is none that a table or a column can have.
    """
    features = (*target.numeric, *target.categorical)
    return _STATEMENT.format(
        table=quoted("table", target.table),
        timestamp=quoted("timestamp", target.timestamp),
        id=quoted("id", target.id),
        columns=", ".join(f"predictions.{quoted('feature', name)}" for name in features),
    )


def unscored(warehouse: Warehouse, target: Target) -> Table:
    """The features of the predictions that the version has not scored yet, with their ids.

    Raises:
        ValueError: a name is wrong.
        QueryError: the warehouse refuses the statement.
        UnavailableError: the warehouse does not answer.
    """
    kinds: dict[str, type] = {ID: str}
    kinds |= dict.fromkeys(target.numeric, float) | dict.fromkeys(target.categorical, str)
    return read_columns(
        warehouse,
        statement(target),
        kinds,
        model=target.model,
        model_version=target.version,
        window_start=target.start,
        window_end=target.end,
    )


def append(warehouse: Warehouse, target: Target, rows: Table, scores: Floats, now: datetime) -> None:
    """Append the scores; those that are there twice, as after a job that was killed, count once.

    Raises:
        QueryError: the warehouse refuses a row.
        UnavailableError: the warehouse does not answer.
    """
    common = {"model": target.model, "version": target.version, "scored_at": now}
    pairs = zip(rows[ID].tolist(), scores.tolist(), strict=True)
    warehouse.append(TABLE, [common | {"prediction_id": name, "score": score} for name, score in pairs])
