"""The commands `promote` and `rollback` of `aia models`: a person gives a version its traffic, or takes it back."""

import getpass
import json
import urllib.parse
from collections.abc import Callable
from typing import Any

import click

from functions.cli.api import Json, call


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--by", default=getpass.getuser, show_default="your login", help="Who does it, for the audit trail."
        ),
        click.option("--why", required=True, help="The reason, for the audit trail."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("name")
@click.argument("version", default="")
@_options
@click.pass_obj
def promote(url: str, name: str, version: str, *, why: str, by: str, as_json: bool) -> None:
    """Promote the challenger of model NAME, or VERSION, to its first or next share of the traffic."""
    _command(
        url, name, "promote", {"by": by, "note": why, **({"version": version} if version else {})}, as_json=as_json
    )


@click.command()
@click.argument("name")
@_options
@click.pass_obj
def rollback(url: str, name: str, *, why: str, by: str, as_json: bool) -> None:
    """Give all traffic of model NAME to the version that was in use before."""
    _command(url, name, "rollback", {"by": by, "note": why}, as_json=as_json)


def _command(url: str, name: str, verb: str, body: Json, *, as_json: bool) -> None:
    found = call(url, "POST", f"/api/models/{urllib.parse.quote(name, safe='')}/{verb}", body)
    click.echo(
        json.dumps(found, indent=2)
        if as_json
        else f"{name}: accepted as {found['id']}; aia models show {name} has the outcome"
    )
