"""The version of a model that is in use, the number of labels available to train the next one, and what came of trainings."""

from datetime import datetime
from itertools import takewhile
from pathlib import Path

from core.retraining import Span
from core.retraining.outcome import RunOutcome, TrainingResult
from core.settings import Label, Model
from functions.adapters.ports import Data, Warehouse

_FOLDER = Path(__file__).parent
BILLED = (_FOLDER / "billed.sql").read_text().rstrip()
_COUNT_LABELS = (_FOLDER / "count_labels.sql").read_text().rstrip()
NEWEST_RESULTS = (_FOLDER / "newest_results.sql").read_text().rstrip()
RESULT_OF_RUN = (_FOLDER / "result_of_run.sql").read_text().rstrip()
VERSION_IN_USE = (_FOLDER / "version_in_use.sql").read_text().rstrip()


def count_labels(warehouse: Warehouse, model: Model, label: Label, span: Span, at: datetime) -> int:
    """How many of the predictions of a span have a label by an instant.

    Raises:
        QueryError: the warehouse refuses; the message names the table or column that is missing.
        UnavailableError: the warehouse does not answer.
    """
    parameters = {"model": model.name, "window_start": span.start, "window_end": span.end, "at": at}
    [row] = warehouse.query(count_labels_sql(model, label), **parameters)
    return int(row["n_labels"])


def count_labels_sql(model: Model, label: Label) -> str:
    """The statement, with the tables and columns of the settings; `model`, `window_start`, `window_end`, `at` are given."""
    return _COUNT_LABELS.format(
        table=_quoted(model.table),
        timestamp=_quoted(model.timestamp),
        id=_quoted(model.id),
        label=_quoted(label.column),
        label_table=_quoted(label.table),
    )


def version_in_use(warehouse: Warehouse, model: str, at: datetime) -> str:
    """The version of a model that is in use at an instant, or the empty text where none was ever.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    rows = warehouse.query(VERSION_IN_USE, model=model, at=at)
    return str(rows[0]["version"]) if rows else ""


def result_of_run(warehouse: Warehouse, run_id: str) -> TrainingResult | None:
    """What a training noted at its end, or None where it has not.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    rows = warehouse.query(RESULT_OF_RUN, run_id=run_id)
    if not rows:
        return None
    return result_from(rows[0])


def result_from(row: Data) -> TrainingResult:
    """A result in a row of `ops.training_results`."""
    return TrainingResult(
        outcome=row["outcome"], version=row["version"] or "", why=row["why"], finished_at=row["finished_at"]
    )


def fruitless(warehouse: Warehouse, model: str) -> int:
    """The number of newest trainings of a model in a row that were not better; at most ten are looked at.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    outcomes = [row["outcome"] for row in warehouse.query(NEWEST_RESULTS, model=model)]
    return len([*takewhile(lambda outcome: outcome == RunOutcome.NOT_BETTER, outcomes)])


def billed(warehouse: Warehouse, pipeline: str, since: datetime, until: datetime) -> tuple[float, datetime] | None:
    """Dollars that are billed for a pipeline, and the last day that is billed, or None where nothing is.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    [row] = warehouse.query(BILLED, pipeline=pipeline, since=since, until=until)
    return None if row["dollars"] is None else (float(row["dollars"]), row["newest"])


def _quoted(path: str) -> str:
    """A name of the settings, which check it, as a statement spells it: a column may be called `hour` or `order`."""
    return ".".join(f"`{part}`" for part in path.split("."))
