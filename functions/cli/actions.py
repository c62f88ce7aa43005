"""`aia actions`, `aia halt` and `aia resume`: automated actions, the answers of people, and the switches, by the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from core.events import Stage
from functions.cli import complete, options
from functions.cli.api import HELP, Answer, login
from functions.cli.client import Client
from functions.cli.screen import NOT_KNOWN, at, cell, console, table_of

if TYPE_CHECKING:
    from functions.services.api_schemas.incidents import Accepted

_EVERY: Final = "*"


@click.group(invoke_without_command=True, epilog=f"{options.STATUSES} {HELP}")
@options.url
@options.as_json
@click.pass_context
def actions(context: click.Context, *, url: str, as_json: bool) -> None:
    """List automated actions that wait, recent ones, and the switches; approve or reject one."""
    context.obj = url
    if context.invoked_subcommand:
        return
    found = Client(url).actions()
    if as_json:
        options.print_json(found)
    else:
        _print(found)
    if found["recent"] is None:
        context.exit(options.NOT_KNOWN_STATUS)


def _answer(verb: str, text: str, give: Callable[[Client, str, Any], "Accepted"]) -> click.Command:
    """The command of an answer."""

    def answer(url: str, identifier: str, *, note: str, as_json: bool) -> None:
        found = give(Client(url), identifier, {"by": login(), "note": note})
        if as_json:
            options.print_json(found)
        else:
            click.echo(f"{found['id']}: accepted; aia actions has the outcome")

    identifier = click.argument("identifier", metavar="ID", shell_complete=complete.waiting)
    for option in (options.as_json, options.note, identifier):
        answer = option(answer)
    return click.command(name=verb, help=text)(click.pass_obj(answer))


actions.add_command(_answer("approve", "Approve action ID, which awaits it: it is applied.", Client.approve_action))
actions.add_command(
    _answer("reject", "Reject action ID, which awaits approval: it is not applied.", Client.reject_action)
)


def _print(found: Answer) -> None:
    switches, out = found["automation"], console()
    halted = [_halt(one) for one in switches["halted"]]
    out.print(f"automation: {'enabled' if switches['enabled'] else 'disabled by the settings'}")
    for line in halted:
        out.print(cell(line, "bold red"))
    table = table_of("at", "stage", "action", "target", "what")
    for one in [*found["waiting"], *(found["recent"] or ())]:
        stage = f"{one['stage']}: {one['reason']}".replace("_", " ")
        texts = (at(one["at"]), stage, one["action"], one["target"], one["summary"] or "")
        table.add_row(*map(cell, texts))
    out.print(table if table.row_count else "no action waits")
    for one in found["waiting"]:
        if one["stage"] == Stage.AWAITING:
            out.print(cell(f"aia actions approve '{one['id']}'"), soft_wrap=True)
    if found["recent"] is None:
        out.print(f"recent actions: {NOT_KNOWN}, the history does not answer")


def _halt(one: Answer) -> str:
    subject, ends = ("every action", "--all") if one["action"] == _EVERY else (one["action"], one["action"])
    return f"halted: {subject}, by {one['by']} at {at(one['at'])}; aia resume {ends} ends it"


def _switch(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        options.as_json,
        options.why,
        click.option("--all", "every", is_flag=True, help="Every action, instead of one by its name."),
        click.argument("action", default="", shell_complete=complete.actions),
        options.url,
    ):
        command = option(command)
    return command


@click.command(epilog=f"{options.STATUSES} {HELP}")
@_switch
def halt(url: str, action: str, *, every: bool, note: str, as_json: bool) -> None:
    """Halt automated ACTION, or all of them: from now on none is applied."""
    _throw(url, Client.halt, _subject(action, every=every), note=note, as_json=as_json)


@click.command(epilog=f"{options.STATUSES} {HELP}")
@_switch
def resume(url: str, action: str, *, every: bool, note: str, as_json: bool) -> None:
    """Resume automated ACTION that was halted, or lift the halt of all; what was halted by name stays halted."""
    _throw(url, Client.resume, _subject(action, every=every), note=note, as_json=as_json)


def _subject(action: str, *, every: bool) -> str:
    if every == bool(action):
        raise click.UsageError("give the name of an action, or --all")
    return action or _EVERY


def _throw(url: str, switch: Callable[[Client, Any], "Accepted"], action: str, *, note: str, as_json: bool) -> None:
    found = switch(Client(url), {"by": login(), "note": note, "action": action})
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{found['id']}: accepted; aia actions has the switches")
