"""`aia tokens`: what programs act with over the API."""

import getpass
import json
import urllib.parse

import click

from core.access import Role
from functions.cli.api import HELP, LOCAL, Json, call, local

_URL = click.option("--url", envvar="AIA_API_URL", default=local, show_default=LOCAL, help="Address of the API.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
_BY = click.option(
    "--by", default=getpass.getuser, show_default="your login", help="Who asks for it, where nobody is signed in."
)
_ROLES = tuple(role.name.lower() for role in Role)


@click.group(epilog=HELP)
def tokens() -> None:
    """Create, list and revoke tokens of the API; they act in your name, with at most your role."""


@tokens.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), default="viewer", show_default=True, help="The most it may do.")
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How long it holds.")
@_BY
@_URL
@_JSON
def create(*, name: str, role: str, days: int, by: str, url: str, as_json: bool) -> None:
    """Create a token that is called NAME, and print it: nobody can read it again."""
    asked = {"name": name, "role": role, "days": days, "by": by}
    found = call(url.rstrip("/"), "POST", "/v1/tokens", asked)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(found["token"])
    click.echo(
        f"{_line(found)}. Give it to a program as AIA_API_TOKEN; revoke it with `aia tokens revoke {found['id']}`.",
        err=True,
    )


@tokens.command("list")
@_URL
@_JSON
def list_(*, url: str, as_json: bool) -> None:
    """List the tokens, the newest first."""
    found = call(url.rstrip("/"), "GET", "/v1/tokens")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for one in found:
        click.echo(_line(one))
    if not found:
        click.echo("no tokens")


@tokens.command("revoke")
@click.argument("identifier", metavar="ID")
@_BY
@_URL
def revoke(*, identifier: str, by: str, url: str) -> None:
    """Revoke the token with an ID; every instance refuses it within 15 seconds."""
    path = f"/v1/tokens/{urllib.parse.quote(identifier, safe='')}/revoke"
    click.echo(_line(call(url.rstrip("/"), "POST", path, {"by": by})))


def _line(one: Json) -> str:
    ended = f"revoked {one['revoked_at']}" if one["revoked_at"] else f"until {one['expires_at']}"
    used = f"last used {one['used_at']}" if one["used_at"] else "never used"
    return f"{one['id']}: {one['name']}, {one['role']}, of {one['owner']}, {ended}, {used}"
