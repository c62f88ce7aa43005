"""The statements: fixed text, but for the tables and columns that the settings name.

The settings check every such name; it is quoted here, so that a column may be called `hour` or `order`. Values are
parameters.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from core.drift import Profile, Statement, count_sql
from core.generative.columns import Computed, computed_columns
from core.settings import Label, Model

LABEL, SECOND = "label_", "second_"
"""The columns that a window has beside its own: the truth of a prediction, and its instant in seconds since 1970."""

_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}


def window_summary(model: Model) -> str:
    """The version in use, and what there is in a window; parameters `model`, `window_start` and `window_end`."""
    return _TEXTS["window_summary"].format(**_names(model))


def window(model: Model, columns: Iterable[str], *, seconds: bool = False, texts: Collection[str] = ()) -> str:
    """Columns of the predictions between two instants, and their labels where the model has any.

    The parameters are `model`, `window_start`, `window_end` and `most`. Columns among `texts` are read as JSON text, whatever
    their type.
    """
    wanted = tuple(columns)
    listed = [_read(name, as_text=name in texts) for name in wanted]
    if seconds:
        listed.append(f"UNIX_SECONDS(predictions.{_quoted(model.timestamp)}) AS {SECOND}")
    if model.label is None:
        names = _names(model) | {"table": _source(model, wanted)}
        return _TEXTS["window"].format(columns=", ".join(listed), **names)
    names = _names(model) | _label_names(model.label)
    return _TEXTS["labelled_window"].format(columns=", ".join(listed), label_alias=LABEL, **names)


def types(table: str) -> str:
    """The columns of a table and their types; parameter `table`, the last part of its name. BigQuery bills at most 10 MB."""
    dataset = table.rpartition(".")[0]
    schema = f"{_quoted(dataset)}.INFORMATION_SCHEMA.COLUMNS"
    return f"SELECT column_name, data_type FROM {schema} WHERE table_name = @table"  # noqa: S608 - the settings check the name


def counting(
    model: Model,
    profile: Profile,
    start: datetime,
    end: datetime,
    by: str | None = None,
    *,
    without: Collection[str] = (),
) -> Statement:
    """How many rows of a window fall into each cell of the profile, by the values of a column where one is given.

    Features among `without` are not counted.
    """
    made = count_sql(
        profile,
        table=model.table,
        timestamp=model.timestamp,
        start=start,
        end=end,
        row_id=model.id,
        by=by,
        without=without,
        computed={name: one.sql for name, one in computed(model).items()},
    )
    # The table may hold the predictions of other models as well.
    inside = f"{_quoted(model.timestamp)} < @window_end"
    sql = made.sql.replace(inside, f"{inside} AND model = @model", 1)
    return Statement(sql=sql, parameters=made.parameters | {"model": model.name})


def _read(name: str, *, as_text: bool) -> str:
    column = f"predictions.{_quoted(name)}"
    return f"TO_JSON_STRING({column}) AS {_quoted(name)}" if as_text else column


def computed(model: Model) -> Mapping[str, Computed]:
    """The columns of a model that its table does not have, but are computed of those that it has."""
    return computed_columns(model.generation) if model.generation else {}


def _source(model: Model, wanted: Collection[str]) -> str:
    """The table; where wanted columns are computed, its rows of the window with these.

    The window is named here as well: else a warehouse may compute the columns of every row before it looks at the time.
    """
    listed = [f"{one.sql} AS {_quoted(name)}" for name, one in computed(model).items() if name in wanted]
    if not listed:
        return _quoted(model.table)
    at = _quoted(model.timestamp)
    inside = f"{at} >= @window_start AND {at} < @window_end AND model = @model"
    return f"(SELECT *, {', '.join(listed)} FROM {_quoted(model.table)} WHERE {inside})"  # noqa: S608 - the settings check the names


def _names(model: Model) -> dict[str, str]:
    return {"table": _quoted(model.table), "timestamp": _quoted(model.timestamp), "id": _quoted(model.id)}


def _label_names(label: Label) -> dict[str, str]:
    return {"label": _quoted(label.column), "label_table": _quoted(label.table)}


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
