"""`aia dependencies`: what traces show of who calls whom, beside the dependencies of the settings."""

import json
from datetime import UTC, datetime, timedelta

import click

from functions.cli import options
from functions.cli.api import HELP
from functions.cli.client import Client


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.option(
    "--hours", type=click.IntRange(1, 72), default=24, show_default=True, help="How far back traces are read."
)
@click.option(
    "--minimum", type=click.IntRange(1), default=10, show_default=True, help="With fewer calls it is not listed."
)
@click.option("--all", "also_known", is_flag=True, help="Also list those in the settings.")
@options.as_json
def dependencies(url: str, *, hours: int, minimum: int, also_known: bool, as_json: bool) -> None:
    """List dependencies that traces show and the settings do not have, and what to write into them."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    found = Client(url).dependencies(since=since.isoformat())
    wanted = [one for one in found if one["calls"] >= minimum and (also_known or not one["in_settings"])]
    if as_json:
        options.print_json(wanted)
        return
    for one in wanted:
        told = "in your settings" if one["in_settings"] else "not in your settings"
        click.echo(f"seen {one['calls']:,} calls {one['from']} -> {one['to']}; {told}")
    if not wanted:
        click.echo(
            f"no {'' if also_known else 'further '}dependency with {minimum} calls or more in {hours} h of traces",
            err=True,
        )
    missing = [one for one in wanted if not one["in_settings"]]
    if missing:
        click.echo("\ndependencies:")
        for one in missing:
            click.echo(f"  - {{from: {json.dumps(one['from'])}, to: {json.dumps(one['to'])}}}")
