"""`aia oncall`: who is on call now, and who stands in for whom, by the API."""

from typing import TYPE_CHECKING

import click

from functions.cli import options
from functions.cli.api import HELP
from functions.cli.client import Client
from functions.cli.screen import at

if TYPE_CHECKING:
    from functions.services.api_schemas.incidents import OnCall


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@options.as_json
def oncall(*, url: str, as_json: bool) -> None:
    """Show who is on call in every rotation, until when, and the overrides to come."""
    found = Client(url).on_call()
    if as_json:
        options.print_json(found)
        return
    for one in found:
        click.echo(_line(one))
        for override in one["overrides"]:
            click.echo(f"  override: {override['person']} from {at(override['from'])} until {at(override['until'])}")
    if not found:
        click.echo("no rotations in the settings")


def _line(one: "OnCall") -> str:
    instead = f" instead of {one['instead_of']}" if one["instead_of"] else ""
    until = f" until {at(one['until'])}, then {one['next']}" if one["until"] else ""
    return f"{one['name']}: {one['person']} ({', '.join(one['channels'])}){instead}{until}"
