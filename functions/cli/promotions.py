"""The commands `promote`, `rollback` and `retrain` of `aia models`: what a person asks of the versions of a model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from functions.cli import options
from functions.cli.api import Answer, login
from functions.cli.client import Client

if TYPE_CHECKING:
    from functions.services.api_schemas.bodies import Promoted


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        options.as_json,
        click.option("--why", required=True, help="The reason, for the audit trail."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("name")
@click.argument("version", default="")
@_options
@click.pass_obj
def promote(url: str, name: str, version: str, *, why: str, as_json: bool) -> None:
    """Promote the challenger of model NAME, or VERSION, to its first or next share of the traffic."""
    body: Promoted = {"by": login(), "note": why}
    if version:
        body["version"] = version
    _tell(name, Client(url).promote(name, body), _ACCEPTED, as_json=as_json)


@click.command()
@click.argument("name")
@_options
@click.pass_obj
def rollback(url: str, name: str, *, why: str, as_json: bool) -> None:
    """Give all traffic of model NAME to the version that was in use before."""
    _tell(name, Client(url).roll_back(name, {"by": login(), "note": why}), _ACCEPTED, as_json=as_json)


@click.command()
@click.argument("name")
@_options
@click.pass_obj
def retrain(url: str, name: str, *, why: str, as_json: bool) -> None:
    """Request that model NAME is trained again, on the newest labelled data."""
    _tell(name, Client(url).retrain(name, {"by": login(), "note": why}), _REQUESTED, as_json=as_json)


_ACCEPTED = "{name}: accepted as {id}; aia models show {name} has the outcome"
_REQUESTED = "{name}: requested as {request}, to replace version {model_version}"


def _tell(name: str, found: Answer, text: str, *, as_json: bool) -> None:
    if as_json:
        options.print_json(found)
    else:
        click.echo(text.format(**{"name": name, **found}))
