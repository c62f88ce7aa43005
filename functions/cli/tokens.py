"""`aia tokens`: what programs act with over the API."""

from typing import TYPE_CHECKING

import click

from core.access import Role
from functions.cli import options
from functions.cli.api import HELP, login
from functions.cli.client import Client
from functions.cli.screen import at

if TYPE_CHECKING:
    from functions.services.api_schemas.tokens import Token


_ROLES = tuple(role.name.lower() for role in Role)


@click.group(epilog=f"{options.STATUSES} {HELP}")
def tokens() -> None:
    """Create, list and revoke tokens of the API; they act in your name, with at most your role."""


@tokens.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), default="viewer", show_default=True, help="The role of the token.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How long it lasts.")
@options.url
@options.as_json
def create(*, name: str, role: str, days: int, url: str, as_json: bool) -> None:
    """Create a token that is called NAME, and print it: nobody can read it again."""
    found = Client(url).create_token({"name": name, "role": role, "days": days, "by": login()})
    if as_json:
        options.print_json(found)
        return
    click.echo(found["token"])
    click.echo(
        f"{_line(found)}. Give it to a program as AIA_API_TOKEN; revoke it with `aia tokens revoke {found['id']}`.",
        err=True,
    )


@tokens.command("list")
@options.url
@options.as_json
def list_(*, url: str, as_json: bool) -> None:
    """List the tokens, the newest first."""
    found = Client(url).tokens()
    if as_json:
        options.print_json(found)
        return
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("no tokens")


@tokens.command("revoke")
@click.argument("identifier", metavar="ID")
@options.url
@options.as_json
def revoke(*, identifier: str, url: str, as_json: bool) -> None:
    """Revoke the token with an ID; every instance refuses it within 15 seconds."""
    found = Client(url).revoke_token(identifier, {"by": login()})
    if as_json:
        options.print_json(found)
    else:
        click.echo(_line(found))


def _line(one: "Token") -> str:
    ended = f"revoked at {at(one['revoked_at'])}" if one["revoked_at"] else f"until {at(one['expires_at'])}"
    used = f"last used at {at(one['used_at'])}" if one["used_at"] else "never used"
    return f"{one['id']}: {one['name']}, {one['role']}, of {one['owner']}, {ended}, {used}"
