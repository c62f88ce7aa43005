"""What `aia watch` does: infer, apply the settings, load the rows, have the past scored, and say where the page is."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.errors import AiaError
from core.onboarding import OnboardingError, schedule, schedule_of
from core.settings import parse_model
from functions.cli.api import Json, call
from functions.cli.watch import log, past, tables
from functions.cli.watch.deployed import Deployed
from functions.cli.watch.log import Chosen, Log
from functions.cli.watch.pending import Pending, pending
from functions.cli.watch.settings import PREFIX, SCHEME, continued, settings_of
from functions.cli.watch.told import told

_FOLLOW_SECONDS: Final = 10.0
_PAGE_SECONDS: Final = 20.0
_SKEW: Final = timedelta(seconds=5)


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


def watch_once(request: Request, system: Deployed, *, confirm: bool, again: bool = False) -> int:
    """Load the rows that are new and have their windows scored; how many windows were not.

    Args:
        request: what is asked for.
        system: that runs.
        confirm: whether to ask before anything is created.
        again: whether what the columns are was said before.

    Raises:
        AiaError: the file, an option, or the running system is at fault; the message says which.
    """
    now = datetime.now(UTC)
    rows = _read(request, system, now)
    known = system.model(request.name)
    is_view = request.source.startswith(SCHEME)
    if known is None:
        plan = schedule(rows.hours, now=now, until=request.until)
        settings = settings_of(request.name, request.owner, rows, plan, now=now, follow=request.follow)
        todo = pending(system, settings, rows, is_view=is_view, is_new=True)
    else:
        settings = continued(known, rows, now=now, follow=request.follow)
        todo = pending(system, settings, rows, is_view=is_view, is_new=False)
        plan = schedule_of(parse_model(known), rows.hours, now=now, since=todo.since)
    parse_model(settings)
    for line in () if again else told(rows, settings, plan):
        click.echo(line)
    if confirm:
        _confirm(settings, system, request.source, is_new=known is None)
    given = _give(request, system, settings, rows, todo)
    click.echo(f"{request.name}: {system.apply(settings)}, {given}")
    missing = _scored(system, settings, plan.ends)
    _say_page(system, request, rows, missing)
    return missing


def follow(request: Request, system: Deployed) -> None:
    """Go on with a file that grows, until Ctrl-C."""
    if request.source.startswith(SCHEME):
        return  # each tick reads the table
    file = Path(request.source)
    seen = file.stat().st_mtime
    click.echo(f"following {file}; Ctrl-C ends it, the model stays")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(_FOLLOW_SECONDS)
            if (changed := file.stat().st_mtime) != seen:
                seen = changed
                _watch_again(request, system)


def _watch_again(request: Request, system: Deployed) -> None:
    try:
        watch_once(request, system, confirm=False, again=True)
    except AiaError as error:  # as of a file that is being written
        click.echo(f"{request.source}: {error}", err=True)


def remove(name: str, system: Deployed) -> None:
    """Stop monitoring a model that `aia watch` made, and delete its table; its scores stay.

    Raises:
        OnboardingError: it is none of those.
    """
    settings = system.model(name)
    if settings is None or not settings["table"].startswith(PREFIX):
        raise OnboardingError(f"--remove: must be a model that `aia watch` made, got {name!r}")
    system.remove(name)
    tables.drop(system.bigquery(), settings["table"])
    click.echo(f"{name}: removed, with its table {settings['table']}; its scores stay")


def _confirm(settings: Json, system: Deployed, source: str, *, is_new: bool) -> None:
    """Say what a project gets, and ask."""
    table = f"{system.project}.{settings['table']}"
    if source.startswith(SCHEME):
        click.echo(f"creates or replaces the view {table} of {source}")
    else:
        click.echo(f"{'creates the table' if is_new else 'appends to the table'} {table}, by load jobs")
    click.echo("writes the model into ops.models, and has its past scored by drift_score")
    click.confirm(f"in project {system.project}?", abort=True)


def _read(request: Request, system: Deployed, now: datetime) -> Log:
    if not request.source.startswith(SCHEME):
        return log.read(Path(request.source), request.chosen, now)
    from functions.cli.watch import bigquery_table  # noqa: PLC0415 - a file needs none of it

    return bigquery_table.read(request.source, request.chosen, system.bigquery(), now)


def _give(request: Request, system: Deployed, settings: Json, rows: Log, todo: Pending) -> str:
    """Load the rows of a file, or create the view of a table; what that did, in words."""
    client = system.bigquery()
    if todo.rows is None:
        from functions.cli.watch import bigquery_table  # noqa: PLC0415 - as above

        bigquery_table.create_view(client, request.source, settings, rows)
        return f"a view of {request.source}"
    tables.create(client, settings["table"], todo.rows)
    with _bar("loading", todo.rows.num_rows) as advance:
        tables.load(client, settings["table"], todo.rows, advance)
    return f"{todo.rows.num_rows:,} rows added"


def _scored(system: Deployed, settings: Json, wanted: Sequence[datetime]) -> int:
    if not wanted:
        return 0
    since = datetime.now(UTC) - _SKEW
    with _bar("scoring", len(wanted)) as advance:
        return len(wanted) - past.score(
            system.bus(), system.warehouse(), settings["name"], wanted, since=since, scored=advance
        )


def _say_page(system: Deployed, request: Request, rows: Log, missing: int) -> None:
    if missing:
        click.echo(f"{missing} windows were not scored: the log of drift_score says why", err=True)
    summary = _summary(system, request.name)
    for kind in ("drift", "performance"):
        click.echo(f"{kind:<12}{summary[kind]['outcome'].replace('_', ' ')}: {summary[kind]['summary']}")
    if not request.follow:
        click.echo(f"no rows since {rows.hours.last:%Y-%m-%d %H:%M}: no incident without --follow")
    click.echo(f"page        {system.url}/models/{request.name}")


def _summary(system: Deployed, name: str) -> dict[str, Any]:
    """The verdicts, as soon as the page has them: it keeps what it read for some seconds."""
    deadline = time.monotonic() + _PAGE_SECONDS
    while True:
        found = call(system.url, "GET", f"/v1/models/{name}/overview")
        if found["window_end"] is not None or time.monotonic() > deadline:
            verdicts: dict[str, Any] = found["verdicts"]
            return verdicts
        time.sleep(1)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Any]:
    """A progress bar on standard error; gives a function that takes how much further it is."""
    columns = TextColumn(f"{what:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not total) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)
