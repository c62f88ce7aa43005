"""`aia explain`: the chain of reasons of an incident, from the findings to the messages and actions, by the API."""

import click

from functions.cli import complete, options
from functions.cli.api import HELP, Answer
from functions.cli.client import Client
from functions.cli.screen import at, cell, console, fields


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.argument("identifier", metavar="ID", shell_complete=complete.incidents)
@options.as_json
@click.pass_context
def explain(context: click.Context, *, url: str, identifier: str, as_json: bool) -> None:
    """Explain incident ID: what was found, how it was classified and grouped, what it costs, who was notified, and what was done.

    Decisions are shown as they were recorded. Routes are evaluated with the settings and the incident as they are now.
    """
    found: Answer = Client(url).explanation(identifier)
    if as_json:
        options.print_json(found)
    else:
        for chapter in found["chapters"]:
            _print(chapter)
    if not found["complete"]:
        context.exit(options.NOT_KNOWN_STATUS)


def _print(chapter: Answer) -> None:
    out, table = console(), fields()
    out.print(cell(chapter["title"], "bold underline"))
    for link in chapter["links"]:
        table.add_row(at(link["at"]) if link["at"] else "", cell(link["text"]))
        if link["why"]:
            table.add_row("", cell(f"why: {link['why']}", "dim"))
    out.print(table)
