"""A table of BigQuery as a log: nothing is copied, a view gives its columns the names that a model needs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from google.cloud import bigquery

from core.onboarding import Hours, OnboardingError
from functions.adapters.ports import Warehouse
from functions.cli.drift.text import show
from functions.cli.watch.loading import PATIENT, run
from functions.cli.watch.log import ARRIVED, MODEL, ROW, TIME, Chosen, Log, inferred
from functions.cli.watch.settings import DATASET, LABEL, SCHEME, sources

_SAMPLE: Final = 50_000
"""Rows by which columns are inferred: the first ones of the table, which cost nothing to read."""
_TIMES: Final = ("TIMESTAMP", "DATETIME", "DATE")
_HOURS: Final = """
SELECT DIV(UNIX_SECONDS(TIMESTAMP(`{timestamp}`)), 3600) AS hour_, COUNT(*) AS n_, MIN(TIMESTAMP(`{timestamp}`)) AS first_, MAX(TIMESTAMP(`{timestamp}`)) AS last_
FROM {table} WHERE TIMESTAMP(`{timestamp}`) <= @now GROUP BY hour_ ORDER BY hour_
"""


def read(address: str, chosen: Chosen, client: bigquery.Client, warehouse: Warehouse, now: datetime) -> Log:
    """Read a sample of a table, and how many rows it has by the hour.

    Args:
        address: as in `bq://project.dataset.table`, or `bq://dataset.table` of the deployment's project.
        chosen: the columns that the options name.
        client: of the project.
        warehouse: of the project, which refuses a statement that would read too much.
        now: later rows are not counted.

    Raises:
        OnboardingError: it has no rows, is in another location, or a column is not what it must be.
        GoogleAPICallError: there is no such table, or it may not be read.
    """
    table = client.get_table(_name(address, client), retry=PATIENT)
    here = client.get_dataset(f"{client.project}.{DATASET}", retry=PATIENT).location
    if table.location not in {None, here}:
        raise OnboardingError(f"{address}: must be in {here}, as the dataset {DATASET} is, is in {table.location}")
    sample = client.list_rows(table, max_results=_SAMPLE, retry=PATIENT).to_arrow(create_bqstorage_client=False)
    if not sample.num_rows:
        raise OnboardingError(f"{address}: must have rows, has none")
    log = inferred(sample, chosen, now, [])
    kinds = {field.name: field.field_type for field in table.schema}
    if kinds[log.timestamp] not in _TIMES:
        allowed = f"must be of type {', '.join(_TIMES)} in BigQuery"
        raise OnboardingError(f"--timestamp: {show(log.timestamp)!r} {allowed}, is {kinds[log.timestamp]}")
    statement = _HOURS.format(timestamp=log.timestamp, table=_quoted(_name(address, client)))
    return replace(log, hours=_hours(warehouse.query(statement, now=now)))


def create_view(client: bigquery.Client, address: str, settings: Mapping[str, Any], log: Log) -> None:
    """Create the view of a model's predictions, or replace it."""
    row = f"CAST(`{log.row_id}` AS STRING)" if log.row_id else "TO_HEX(MD5(TO_JSON_STRING(source)))"
    time = f"TIMESTAMP(`{log.timestamp}`)"
    columns = [f"'{settings['name']}' AS {MODEL}", f"{row} AS {ROW}", f"{time} AS {TIME}"]
    columns += [f"`{name}` AS `{column}`" for column, name in sources(settings, log).items()]
    if log.label is not None:
        columns += [f"{_label(log)} AS {LABEL}", f"{time} AS {ARRIVED}"]
    text = f"SELECT {', '.join(columns)} FROM {_quoted(_name(address, client))} AS source"  # noqa: S608 - names of a table that is there
    run(client, f"CREATE OR REPLACE VIEW {_quoted(settings['table'])} AS {text}")


def _label(log: Log) -> str:
    if log.label_role is None or log.label_role.positive is None:
        return f"`{log.label}`"
    word = log.label_role.positive.replace("\\", "\\\\").replace("'", "\\'")
    return f"CAST(`{log.label}` AS STRING) = '{word}'"


def _hours(found: Sequence[Mapping[str, Any]]) -> Hours:
    rows = [row for row in found if row["hour_"] is not None]
    hours, counts = (np.array([row[name] for row in rows], dtype=np.int64) for name in ("hour_", "n_"))
    return Hours(hours=hours, rows=counts, first=rows[0]["first_"], last=rows[-1]["last_"])


def _name(address: str, client: bigquery.Client) -> str:
    name = address.removeprefix(SCHEME)
    parts = name.split(".")
    if len(parts) not in {2, 3} or not all(parts) or "`" in name:
        raise OnboardingError(f"{address}: must be bq://project.dataset.table or bq://dataset.table")
    return name if len(parts) == 3 else f"{client.project}.{name}"  # noqa: PLR2004 - project, dataset and table


def _quoted(name: str) -> str:
    return ".".join(f"`{part}`" for part in name.split("."))
