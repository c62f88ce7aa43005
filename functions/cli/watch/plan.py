"""What is asked of `aia watch`, and what the running system lacks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from core.onboarding import Schedule, schedule, schedule_of
from core.settings import parse_model
from functions.cli.api import Json
from functions.cli.watch import corrections, past, tables
from functions.cli.watch.deployed import Deployed
from functions.cli.watch.loading import missing
from functions.cli.watch.log import TIME, Chosen, Log
from functions.cli.watch.settings import SCHEME, continued, made_at, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        source: a file, CSV or parquet, or a table as in `bq://project.dataset.table`.
        chosen: the columns that the options name.
        name: of the model.
        owner: of the model.
        until: day at whose start the reference ends, or None.
        follow: whether the log goes on.
    """

    source: str
    chosen: Chosen
    name: str
    owner: str
    until: date | None
    follow: bool

    @property
    def is_view(self) -> bool:
        """Whether the rows are in BigQuery, and a view shows them."""
        return self.source.startswith(SCHEME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    Attributes:
        settings: of the model.
        schedule: its reference, and the windows that are to be scored.
        rows: to be loaded, in the columns of the model's table; None where a view shows them.
        corrected: to be loaded in place of those with their ids, whose values differ; None as well.
        makes: whether the table or view is made; else it is there.
    """

    settings: Json
    schedule: Schedule
    rows: pa.Table | None
    corrected: pa.Table | None
    makes: bool


def planned(request: Request, log: Log, system: Deployed, now: datetime) -> Plan:
    """Compare a log with what the system has of it, as an interrupted command left it or a whole one; nothing is changed.

    Raises:
        AiaError: the log cannot be monitored, or does not go on with the model of its name.
    """
    known = system.model(request.name)
    if known is not None:
        return _further(request, log, known, system, now)
    windows = schedule(log.hours, now=now, until=request.until)
    settings = settings_of(request.name, request.owner, log, windows, now=now, follow=request.follow)
    parse_model(settings)
    rows = None if request.is_view else tables.rows_of(settings, log)
    left = tables.left_behind(system.bigquery(), settings["table"], rows)
    settings |= {"table": left or settings["table"]}
    lacking, corrected = _lacking(system, settings["table"], rows)
    return Plan(settings=settings, schedule=windows, rows=lacking, corrected=corrected, makes=left is None)


def _further(request: Request, log: Log, known: Json, system: Deployed, now: datetime) -> Plan:
    settings = continued(known, log, now=now, follow=request.follow)
    since = past.newest(system.warehouse(), request.name, since=made_at(settings))
    given = None if request.is_view else tables.rows_of(settings, log)
    rows, corrected = _lacking(system, settings["table"], given)
    for changed in (rows, corrected):
        if changed is not None and changed.num_rows and since is not None:
            since = min(since, pc.min(changed[TIME]).as_py())
    windows = schedule_of(parse_model(settings), log.hours, now=now, since=since)
    return Plan(settings=settings, schedule=windows, rows=rows, corrected=corrected, makes=False)


def _lacking(system: Deployed, table: str, rows: pa.Table | None) -> tuple[pa.Table | None, pa.Table | None]:
    """The rows whose ids a table does not have, and those that it has with other values."""
    if rows is None:
        return None, None
    return missing(system.bigquery(), table, rows), corrections.corrected(system.bigquery(), table, rows)


def creates(plan: Plan, request: Request, project: str) -> Iterator[str]:
    """What a project gets, a line each."""
    table = f"{project}.{plan.settings['table']}"
    if plan.rows is None:
        yield f"{'creates' if plan.makes else 'replaces':<12}the view {table} of {request.source}: nothing is copied"
    else:
        parts = f", partitioned by {tables.partition_of(plan.rows).lower()}" if plan.makes else ""
        yield f"{'creates' if plan.makes else 'appends to':<12}the table {table}{parts}"
        yield f"{'loads':<12}{plan.rows.num_rows:,} rows of {len(plan.rows.column_names)} columns, by load jobs"
    if plan.corrected:
        yield f"{'replaces':<12}{plan.corrected.num_rows:,} of its rows, which the file has with other values"
    yield f"{'writes':<12}the model {plan.settings['name']} into {project}.ops.models"
    yield f"{'scores':<12}{len(plan.schedule.ends)} windows, by drift_score"
