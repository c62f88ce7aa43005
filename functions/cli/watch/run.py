"""What `aia watch` does: infer, apply the settings, load the rows, have the past scored, and say where the page is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.errors import AiaError
from core.onboarding import OnboardingError
from core.text import counted
from functions.adapters.warehouse import translated
from functions.cli import options
from functions.cli.api import RefusedError, UnansweredError
from functions.cli.client import Client
from functions.cli.watch import corrections, log, past, tables
from functions.cli.watch.deployed import Deployed
from functions.cli.watch.log import Log
from functions.cli.watch.plan import Plan, Request, creates, planned
from functions.cli.watch.settings import PREFIX
from functions.cli.watch.told import told

if TYPE_CHECKING:
    from functions.services.api_schemas.models import Verdicts

_FOLLOW_SECONDS: Final = 10.0
_PAGE_SECONDS: Final = 20.0
_UNANSWERED: Final = "not known: the API does not answer; the page has it"
_SKEW: Final = timedelta(seconds=5)


@translated("what was asked")
def watch_once(request: Request, system: Deployed, *, asks: bool, again: bool = False) -> int:
    """Load the rows that are new and have their windows scored; how many windows were not.

    Args:
        request: what is asked for.
        system: that runs.
        asks: whether to ask before anything is created.
        again: whether what the columns are was said before.

    Raises:
        AiaError: the file, an option, or the running system is at fault; the message says which.
        RefusedError: somebody was asked, and said no.
    """
    now = datetime.now(UTC)
    rows = _read(request, system, now)
    system.require_right(request.name)
    plan = planned(request, rows, system, now)
    for line in () if again else told(rows, plan.settings, plan.schedule):
        click.echo(line)
    for line in () if again or system.is_local else creates(plan, request, system.project):
        click.echo(line)
    if asks:
        options.confirm(f"in project {system.project}?", "created")
    given = _give(request, system, plan, rows)
    click.echo(f"{request.name}: {system.apply(plan.settings)}, {given}")
    missing = _scored(system, plan)
    _say_page(system, request, rows, missing)
    return missing


def follow(request: Request, system: Deployed) -> None:
    """Go on with a file that grows, until Ctrl-C."""
    if request.is_view:
        return  # each tick reads the table
    file = Path(request.source)
    seen = file.stat().st_mtime
    click.echo(f"following {file}; Ctrl-C ends it, the model stays")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(_FOLLOW_SECONDS)
            seen = _read_again(file, seen, request, system)


def _read_again(file: Path, seen: float, request: Request, system: Deployed) -> float:
    """Load what a file has more than when it was changed last; of when it is loaded now."""
    try:
        if (changed := file.stat().st_mtime) != seen:
            watch_once(request, system, asks=False, again=True)
        return changed  # noqa: TRY300 - of the file that was loaded
    except (
        AiaError,
        RefusedError,
        OSError,
    ) as error:  # as of a file that is being written, or an API that starts again
        click.echo(f"{request.source}: {error}", err=True)
        return seen


@translated("what was asked")
def remove(name: str, system: Deployed, *, asks: bool) -> None:
    """Stop monitoring a model that `aia watch` made, and delete its table; its scores stay.

    Raises:
        OnboardingError: it is none of those.
        RefusedError: somebody was asked, and said no.
    """
    settings = system.model(name)
    if settings is None or not settings["table"].startswith(PREFIX):
        raise OnboardingError(f"--remove: must be a model that `aia watch` made, got {name!r}")
    if asks:
        click.echo(f"removes the model {name}, and deletes {system.project}.{settings['table']}")
        options.confirm(f"in project {system.project}?", "removed")
    system.remove(name)
    tables.drop(system.bigquery(), settings["table"])
    click.echo(f"{name}: removed, with its table {settings['table']}; its scores stay")


def _read(request: Request, system: Deployed, now: datetime) -> Log:
    if not request.is_view:
        return log.read(Path(request.source), request.chosen, now)
    from functions.cli.watch import bigquery_table  # noqa: PLC0415 - a file needs none of it

    return bigquery_table.read(request.source, request.chosen, system.bigquery(), system.warehouse(), now)


def _give(request: Request, system: Deployed, plan: Plan, rows: Log) -> str:
    """Load the rows of a file, or create the view of a table; what that did, in words."""
    client = system.bigquery()
    if plan.rows is None:
        from functions.cli.watch import bigquery_table  # noqa: PLC0415 - as above

        bigquery_table.create_view(client, request.source, plan.settings, rows)
        return f"a view of {request.source}"
    table = tables.create(client, plan.settings["table"], plan.rows)
    corrected = plan.rows.slice(0, 0) if plan.corrected is None else plan.corrected
    corrections.delete(client, plan.settings["table"], corrected)
    given = pa.concat_tables([plan.rows, corrected])
    with _bar("loading", given.num_rows) as advance:
        tables.load(client, table, given, advance)
    return f"{plan.rows.num_rows:,} rows added" + (f", {corrected.num_rows:,} corrected" if corrected else "")


def _scored(system: Deployed, plan: Plan) -> int:
    """How many of the windows were not."""
    wanted = plan.schedule.ends
    if not wanted:
        return 0
    since = datetime.now(UTC) - _SKEW
    with _bar("scoring", len(wanted)) as advance:
        return len(wanted) - past.score(
            system.bus(), system.warehouse(), plan.settings["name"], wanted, since=since, scored=advance
        )


def _say_page(system: Deployed, request: Request, rows: Log, missing: int) -> None:
    if missing:
        click.echo(f"not scored: {counted(missing, 'window')}; the log of drift_score says why", err=True)
    summary = _summary(system, request.name)
    for kind in ("drift", "performance"):
        said = f"{summary[kind]['outcome'].replace('_', ' ')}: {summary[kind]['summary']}" if summary else _UNANSWERED
        click.echo(f"{kind:<12}{said}")
    if not request.follow:
        click.echo(f"no rows since {rows.hours.last:%Y-%m-%d %H:%M}: no incident without --follow")
    click.echo(f"page        {system.url}/models/{request.name}")


def _summary(system: Deployed, name: str) -> "Verdicts | None":
    """The verdicts, as soon as the page has them: it keeps what it read for some seconds. None where it does not answer."""
    deadline, found = time.monotonic() + _PAGE_SECONDS, None
    while True:
        with suppress(
            UnansweredError
        ):  # the model is there and its windows are scored: only what is said of them waits
            found = Client(system.url).model_overview(name)
        if (found and found["window_end"] is not None) or time.monotonic() > deadline:
            return found and found["verdicts"]
        time.sleep(1)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Any]:
    """A progress bar on standard error; gives a function that takes how much further it is."""
    columns = TextColumn(f"{what:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not total) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)
