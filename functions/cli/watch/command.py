"""`aia watch`: the command and its options."""

import sys
from datetime import datetime
from typing import Any

import click

from functions.cli import options
from functions.cli.api import HELP, RefusedError, UnansweredError, login

_NOT_SCORED = 1
_LONGEST = 500
_AGAIN = "the same command goes on where this one ended"


@click.command(
    epilog=f"Exit status: 0; 1 when a window was not scored; 2 when the file or an option is wrong, 3 when the API or Google Cloud does not answer, with one line. {HELP}"
)
@click.argument("source", metavar="FILE", required=False)
@click.option("--timestamp", metavar="COLUMN", help="Time of the prediction.  [default: the only column of times]")
@click.option("--score", metavar="COLUMN", help="Predicted score.")
@click.option("--label", metavar="COLUMN", help="True outcome, where the file has it.")
@click.option(
    "--id", "row_id", metavar="COLUMN", help="What identifies a row.  [default: an identifier, or the contents]"
)
@click.option("--name", metavar="NAME", help="Name of the model.  [default: that of the file]")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave this column out. Repeatable.")
@click.option(
    "--categorical", multiple=True, metavar="COLUMN", help="Treat the numbers of this column as categories. Repeatable."
)
@click.option(
    "--time-format", metavar="FORMAT", help="Format of times in text, as in '%d.%m.%Y %H:%M'.  [default: detected]"
)
@click.option(
    "--reference-until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Day (UTC) at whose start the reference ends.  [default: after the first third]",
)
@click.option("--follow", is_flag=True, help="The log keeps growing: load new rows as they arrive, and notify people.")
@click.option("--remove", metavar="NAME", help="Stop monitoring a model that this command made; delete its table.")
@click.option("--project", metavar="PROJECT", help="Refuse the API of a system in another project of Google Cloud.")
@click.option("--yes", is_flag=True, help="Do not ask before anything is created or deleted on Google Cloud.")
@click.option("--owner", metavar="NAME", help="Who or which team answers for the model.  [default: your login]")
@options.url
def watch(source: str | None, *, remove: str | None, **options: Any) -> None:  # noqa: ANN401 - as click gives them
    """Monitor the model whose predictions are in FILE, CSV or parquet, with the system that runs.

    FILE may also be a table of BigQuery, as in bq://project.dataset.table, of which nothing is copied.

    Infers the columns, creates and loads a table, has the past scored window by window and prints the address of the model's page. Run
    again on a file with more rows, it goes on: no row is loaded twice.
    """
    from core.errors import AiaError, UnavailableError  # noqa: PLC0415 - help needs none of it

    if (source is None) == (remove is None):
        raise RefusedError("FILE or --remove NAME must be given, one of the two")
    try:
        is_whole = _watch(source, **options) if source is not None else _remove(remove or "", **options)
    except UnavailableError as error:
        raise UnansweredError(f"{_told(source, error)}; {_AGAIN}") from error
    except AiaError as error:
        raise RefusedError(_told(source, error)) from error
    sys.exit(0 if is_whole else _NOT_SCORED)


def _watch(
    source: str,
    *,
    name: str | None,
    reference_until: datetime | None,
    follow: bool,
    yes: bool,
    project: str | None,
    owner: str | None,
    url: str,
    **columns: Any,  # noqa: ANN401 - as click gives them
) -> bool:
    """Whether every window was scored."""
    from functions.cli.watch import run as running  # noqa: PLC0415 - help needs none of it
    from functions.cli.watch.deployed import Deployed  # noqa: PLC0415 - as above
    from functions.cli.watch.log import Chosen  # noqa: PLC0415 - as above
    from functions.cli.watch.plan import Request  # noqa: PLC0415 - as above
    from functions.cli.watch.settings import name_of  # noqa: PLC0415 - as above

    system = Deployed.at(url, project)
    request = Request(
        source=source,
        chosen=Chosen(**columns),
        name=name or name_of(source),
        owner=_slug(owner or login()),
        until=reference_until.date() if reference_until else None,
        follow=follow,
    )
    missing = running.watch_once(request, system, asks=not (system.is_local or yes))
    if follow:
        running.follow(request, system)
    return not missing


def _remove(model: str, *, yes: bool, project: str | None, url: str, **_: object) -> bool:
    from functions.cli.watch import run as running  # noqa: PLC0415 - help needs none of it
    from functions.cli.watch.deployed import Deployed  # noqa: PLC0415 - as above

    system = Deployed.at(url, project)
    running.remove(model, system, asks=not (system.is_local or yes))
    return True


def _told(source: str | None, error: Exception) -> str:
    """One line a fault; what is about the file names it."""
    text = " ".join(str(error).split())[:_LONGEST]
    return text if source is None or text.startswith(("--", source)) else f"{source}: {text}"


def _slug(login: str) -> str:
    """A login as the name of a team."""
    found = "-".join("".join(one if one.isalnum() and one.isascii() else " " for one in login.lower()).split())
    return found if found[:1].isalpha() else f"team-{found}".rstrip("-")
