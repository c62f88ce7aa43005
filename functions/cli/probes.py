"""`aia probes`: what is up, and what is left of the error budgets, by the API."""

from collections.abc import Sequence
from typing import Final

import click

from core.text import number
from functions.cli import complete, options
from functions.cli.api import HELP, Answer, RefusedError
from functions.cli.client import Client
from functions.cli.screen import NOT_KNOWN, age, cell, console, print_table, table_of, word

_UP: Final = "resolved"


@click.command(epilog=f"{options.FAIL_STATUSES} {HELP}")
@options.url
@click.argument("name", required=False, shell_complete=complete.named(Client.probes))
@click.option("--fail", is_flag=True, help="Exit with 1 if one is down, else with 3 if that is not known of one.")
@options.as_json
@click.pass_context
def probes(context: click.Context, *, url: str, name: str | None, fail: bool, as_json: bool) -> None:
    """Show the probes, or the one that is called NAME, with their newest results."""
    found = [one for one in Client(url).probes() if name in (None, one["name"])]
    if name and not found:
        raise RefusedError(f"{name}: no probe is called so; aia probes lists them")
    if as_json:
        options.print_json(found)
    else:
        _print(found)
    if fail:
        context.exit(options.status({"down": False, "up": True}.get(_state(one)) for one in found))


def _state(probe: Answer) -> str:
    """What is known of a probe: what was found holds only as long as checks go on."""
    if probe["awaited"] or probe["overdue"] or not probe.get("checked_at"):
        return NOT_KNOWN
    return "up" if probe["status"] == _UP else "down"


def _print(found: Sequence[Answer]) -> None:
    if not found:
        console().print("no probe is in the settings")
        return
    table = table_of("probe", "state", "for", "latency", "this month", "budget left", "detail")
    for one in found:
        state = _state(one)
        texts = (
            age(one.get("since")) if state != NOT_KNOWN else "",
            _number(one.get("latency"), "seconds"),
            _number(one.get("month_availability"), "ratio"),
            _number(one.get("budget"), "ratio"),
            _detail(one, state),
        )
        table.add_row(cell(one["name"]), word(state), *map(cell, texts))
    print_table(table)


def _detail(probe: Answer, state: str) -> str:
    if state != NOT_KNOWN:
        return probe["detail"] or "as expected"
    return f"not checked for {age(probe['checked_at'])}" if probe.get("checked_at") else "not checked yet"


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else number(value, unit)
