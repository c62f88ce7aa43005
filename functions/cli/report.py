"""`aia report`: weekly reports, as the API of a running system makes them or keeps them."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from functions.cli import options
from functions.cli.api import HELP, ROOT, RefusedError, fetch, login, path
from functions.cli.client import Client
from functions.cli.screen import at

if TYPE_CHECKING:
    from functions.services.api_schemas.incidents import Reports

_LATEST: Final = "latest"


@click.command(epilog=f"{options.STATUSES} {HELP}")
@click.argument("name", required=False)
@click.option(
    "--week",
    default=_LATEST,
    show_default="the newest that is over",
    metavar="WEEK",
    help="A week of ISO 8601, as in 2026-W47.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report as one HTML file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the document of the report as JSON.")
@click.option("--text", "as_text", is_flag=True, help="Print the report as text; the default.")
@click.option("--send", is_flag=True, help="Send it to the channels of the settings that have not received it yet.")
@options.url
def report(
    name: str | None, *, week: str, page: Path | None, as_json: bool, as_text: bool, send: bool, url: str
) -> None:
    """Show the report NAME of a week, write it as a page, or send it; without NAME, list the reports.

    A report that was sent is shown as it was sent. Any other one is made from what is there now.
    """
    if name is None:
        _list(Client(url).reports(), as_json=as_json)
        return
    client = Client(url)
    if page is not None:
        _write(page, fetch(url, path("reports", name, week).removeprefix(ROOT)))
    if as_json:
        options.print_json(client.report_document(name, week))
    if as_text or not (page or as_json or send):
        click.echo(client.report_text(name, week), nl=False)
    if send:
        asked = client.send_report(name, week, {"by": login()})
        click.echo(f"{name}: asked for ({asked['id']}); `aia report` lists who got it")


def _list(found: "Reports", *, as_json: bool) -> None:
    if as_json:
        options.print_json(found)
        return
    for one in found["reports"]:
        click.echo(f"{one['name']}: {one['title']} ({', '.join(one['section_titles'])})")
    for kept in found["kept"]:
        sent = ", ".join(f"{channel} {answer['outcome']}" for channel, answer in kept["sent"].items()) or "not sent yet"
        click.echo(f"{kept['name']} {kept['week']}, made at {at(kept['made_at'])}: {sent}")


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise RefusedError(f"--html: {file} cannot be written: {error.strerror}") from error
    click.echo(f"{file}: {len(content):,} bytes", err=True)
