"""The tables and columns that settings name, looked up in BigQuery: nothing is read of their rows, and nothing is billed."""

from collections.abc import Iterator, Mapping

from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from core.errors import Fault
from core.settings import Label, Model, Settings
from core.settings.reader import perhaps


def unknown(settings: Settings, client: bigquery.Client) -> Iterator[Fault]:
    """Tables that are not there, and columns that they do not have.

    Raises:
        GoogleAPICallError: BigQuery does not answer.
    """
    known: dict[str, dict[str, str] | None] = {}
    for index, model in enumerate(settings.models):
        path = f"models[{index}]"
        wanted = [(f"{path}.table", model.table, _columns(path, model))]
        if model.label is not None:
            wanted.append((f"{path}.label.table", model.label.table, _label_columns(path, model, model.label)))
        for where, table, columns in wanted:
            yield from _faults(where, table, columns, _fields(client, table, known))


def _columns(path: str, model: Model) -> dict[str, str]:
    """The columns that a model's own table must have, by the path that names each."""
    named = {f"{path}.timestamp": model.timestamp, f"{path}.id": model.id, f"{path}.table": "model"}
    if model.generation is not None:
        return named
    named |= {f"{path}.score": model.score}
    for kind, names in (("numeric", model.features.numeric), ("categorical", model.features.categorical)):
        named |= {f"{path}.features.{kind}[{index}]": name for index, name in enumerate(names)}
    return named | {f"{path}.segments[{index}]": name for index, name in enumerate(model.segments)}


def _label_columns(path: str, model: Model, label: Label) -> dict[str, str]:
    return {f"{path}.label.column": label.column, f"{path}.id": model.id, f"{path}.label": "arrived_at"}


def _fields(client: bigquery.Client, table: str, known: dict[str, dict[str, str] | None]) -> Mapping[str, str] | None:
    """The columns of a table, by their names in small letters; None where it is not there."""
    if table not in known:
        name = table if table.count(".") > 1 else f"{client.project}.{table}"
        try:
            known[table] = {field.name.lower(): field.name for field in client.get_table(name).schema}
        except (NotFound, Forbidden):
            known[table] = None
    return known[table]


def _faults(where: str, table: str, columns: Mapping[str, str], fields: Mapping[str, str] | None) -> Iterator[Fault]:
    if fields is None:
        yield Fault(where, "must be a table that is there and may be read", table)
        return
    for path, name in columns.items():
        if name.lower() not in fields:
            yield Fault(path, f"must be a column of {table}{perhaps(name, fields.values())}", name)
