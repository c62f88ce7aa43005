"""`aia dead-letters`: messages that a function could not handle, and sending one again."""

import json
from typing import TYPE_CHECKING

import click

from functions.cli import options
from functions.cli.api import HELP, RefusedError, login
from functions.cli.asking import pages
from functions.cli.client import Client
from functions.cli.screen import at, print_table, table_of

if TYPE_CHECKING:
    from functions.services.api_schemas.bodies import SentAgain


@click.group(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.pass_context
def dead_letters(context: click.Context, *, url: str) -> None:
    """List and show messages that could not be handled, and send one again to the topic that it came from."""
    context.obj = url


@dead_letters.command(name="list")
@options.as_json
@click.pass_obj
def list_(url: str, *, as_json: bool) -> None:
    """List those of the last 30 days, the newest first."""
    found = [one for page in pages(Client(url).dead_letters) for one in page["dead_letters"]]
    if as_json:
        options.print_json(found)
        return
    table = table_of("id", "parked", "function", "sent again", "reason")
    for one in found:
        sent = "yes" if one["sent_again"] else ""
        table.add_row(one["id"], at(one["received_at"]), one["function"], sent, one["reason"])
    if found:
        print_table(table)
    else:
        click.echo("no message was parked in the last 30 days")


@dead_letters.command()
@click.argument("identifier", metavar="ID")
@click.pass_obj
def show(url: str, identifier: str) -> None:
    """Print a dead letter with what it says, as JSON."""
    options.print_json(Client(url).dead_letter(identifier))


@dead_letters.command()
@click.argument("identifier", metavar="ID")
@click.option("--edit", is_flag=True, help="Edit its data in your editor first.")
@click.option("--why", required=True, help="The reason, for the audit trail.")
@options.as_json
@click.pass_obj
def resend(url: str, identifier: str, *, edit: bool, why: str, as_json: bool) -> None:
    """Send a dead letter again, once, to the topic that it came from."""
    body: SentAgain = {"by": login(), "note": why}
    if edit:
        body["data"] = _edited(Client(url).dead_letter(identifier)["data"])
    found = Client(url).send_again(identifier, body)
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{identifier}: accepted as {found['id']}")


def _edited(data: str | None) -> str:
    """What the person makes of it."""
    if not data:
        raise RefusedError("--edit: must not be given of a message of which nothing can be read")
    try:
        shown = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except ValueError:
        shown = data  # that it is no JSON may be what is wrong
    edited = click.edit(shown, extension=".json")
    if edited is None:
        raise RefusedError("nothing was changed, and nothing is sent")
    return edited
