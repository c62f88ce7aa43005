"""`aia silences`, `aia silence` and `aia unsilence`: who is not notified of what, and until when, by the API."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from functions.cli import complete, options
from functions.cli.api import HELP, Answer, RefusedError, login
from functions.cli.client import Client
from functions.cli.screen import at, cell, console, print_table, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MINUTE = timedelta(minutes=1)


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@options.as_json
def silences(url: str, *, as_json: bool) -> None:
    """List the active silences, the first to end first."""
    found: Sequence[Answer] = Client(url).silences()
    if as_json:
        options.print_json(found)
        return
    if not found:
        console().print("nothing is silenced")
        return
    table = table_of("pattern", "until", "by", "why")
    for one in found:
        why = "; ".join(filter(None, (one["note"], one["warning"])))
        table.add_row(cell(one["pattern"]), cell(at(one["until"])), cell(one["by"]), cell(why))
    print_table(table)


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.argument("pattern", metavar="TARGET", shell_complete=complete.targets)
@click.option("--for", "length", required=True, metavar="TIME", help="How long, as in 30m, 2h or 3d; 30 days at most.")
@click.option("--anyway", is_flag=True, help="Also if TARGET matches no known target.")
@options.why
@options.as_json
def silence(url: str, pattern: str, *, length: str, anyway: bool, note: str, as_json: bool) -> None:
    """Mute notifications of TARGET, which may be a pattern as in model/*, for a time. Incidents open and close as ever."""
    minutes = _minutes(length)
    found = Client(url).silence({"by": login(), "note": note, "pattern": pattern, "minutes": minutes, "anyway": anyway})
    if as_json:
        options.print_json(found)
        return
    click.echo(f"{found['id']}: accepted, for {length}; aia unsilence '{pattern}' ends it")
    if found.get("warning"):
        click.echo(f"warning: {pattern}: {found['warning']}", err=True)


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.argument("pattern", metavar="TARGET", shell_complete=complete.silences)
@options.note
@options.as_json
def unsilence(url: str, pattern: str, *, note: str, as_json: bool) -> None:
    """End the silences of TARGET, the pattern that `aia silences` lists."""
    found = Client(url).unsilence({"by": login(), "note": note, "pattern": pattern})
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{found['id']}: accepted; aia silences has what still holds")


def _minutes(length: str) -> int:
    from core.incidents.routing import LONGEST_SILENCE  # noqa: PLC0415 - help and other commands need no incidents

    found = options.length("--for", length)
    if not _MINUTE <= found <= LONGEST_SILENCE or found % _MINUTE:
        raise RefusedError(
            f"--for: must be whole minutes, as in 30m, 2h or 3d, from 1m to {LONGEST_SILENCE.days}d, got {length!r}"
        )
    return found // _MINUTE
