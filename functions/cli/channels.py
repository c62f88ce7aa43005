"""`aia channels`: which channels there are, and a test message through one of them, by the API."""

import time
from typing import Any, Final

import click

from core.text import clean
from functions.cli import options
from functions.cli.api import HELP, Answer, RefusedError, login
from functions.cli.client import Client
from functions.cli.screen import at

_PATIENCE_SECONDS: Final = 60.0
_EVERY_SECONDS: Final = 1.0
_NOT_DELIVERED: Final = 1


@click.group(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.pass_context
def channels(context: click.Context, *, url: str) -> None:
    """List the notification channels, and test one of them."""
    context.obj = url


@channels.command(name="list")
@options.as_json
@click.pass_obj
def list_(url: str, *, as_json: bool) -> None:
    """List every channel with its kind, whether it fails, and its newest test."""
    found = Client(url).channels()
    if as_json:
        options.print_json(found)
        return
    for one in found:
        state = "fails" if one["failing"] else "works as far as known"
        click.echo(f"{one['name']} ({one['kind']}): {state}; {_tested(one['test'])}")


@channels.command()
@click.argument("name")
@click.option("--wait", default=_PATIENCE_SECONDS, show_default=True, help="Seconds to wait for the answer.")
@options.as_json
@click.pass_context
def test(context: click.Context, name: str, *, wait: float, as_json: bool) -> None:
    """Send a real test message through channel NAME, and show what the channel answers.

    The exit status is 0 where it was delivered, 1 where it was not, and 2 or 3 where it could not be asked for.
    """
    found = deliver(context.obj, name, wait)
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{name}: {_told(found)}")
    if found["outcome"] != "delivered":
        context.exit(_NOT_DELIVERED)


def deliver(url: str, name: str, wait: float) -> Answer:
    """Send a test message through a channel, and wait for what it answers: its `outcome` and its `detail`.

    Raises:
        RefusedError: it cannot be asked for, or there is no answer in time.
    """
    asked = Client(url).test_channel(name, {"by": login()})["id"]
    return _awaited(url, name, asked, wait)


def _awaited(url: str, name: str, asked: str, wait: float) -> Answer:
    """The answer to the test message, when it is there."""
    end = time.monotonic() + wait
    while True:
        tests: list[Any] = [one["test"] for one in Client(url).channels() if one["name"] == name]
        if tests and tests[0] and tests[0]["id"] == asked:
            return dict(tests[0])
        if time.monotonic() >= end:
            raise RefusedError(
                f"{name}: no answer within {wait:g} s; the log of incident_router has the command {asked}"
            )
        time.sleep(_EVERY_SECONDS)


def _tested(test: Answer | None) -> str:
    return f"tested at {at(test['answered_at'])} by {test['by']}: {_told(test)}" if test else "never tested"


def _told(test: Answer) -> str:
    return f"{test['outcome']}: {clean(test['detail'])}" if test["detail"] else str(test["outcome"])
