"""`aia costs`: recommendations that lower costs, by the API; and what the tables of the settings cost to read, by dry runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from core.errors import AiaError, SettingsError
from core.text import money
from functions.cli import options
from functions.cli.api import HELP, Answer, RefusedError, login
from functions.cli.client import Client
from functions.cli.screen import print_table, table_of

_PIPED_WIDTH: Final = 200
_UNPARTITIONED: Final = 1
_SECTIONS: Final = ("version", "jobs", "models", "partners", "business")
"""The sections that name tables, and the targets that these name: secrets of channels need not be set."""


@click.group(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.pass_context
def costs(context: click.Context, *, url: str) -> None:
    """List recommendations that lower costs, record decisions about them, and measure scans."""
    context.obj = url


@costs.command(name="list")
@options.as_json
@click.pass_obj
def list_(url: str, *, as_json: bool) -> None:
    """List every recommendation with its evidence, its state, and what it has saved since it was done."""
    found = Client(url).recommendations()
    if as_json:
        options.print_json(found)
        return
    _print(
        ("key", "$ a month", "confidence", "state", "saved since", "evidence"),
        [
            (
                one["key"],
                _dollars(one["dollars_per_month"]),
                one["confidence"],
                _state(one),
                _dollars(one["saved_dollars"]),
                one["evidence"],
            )
            for one in found
        ],
    )


@costs.command()
@click.argument("key")
@click.argument("state", type=click.Choice(["open", "done", "dismissed"]))
@click.option("--note", default="", help="Why, for the record.")
@options.as_json
@click.pass_obj
def decide(url: str, key: str, state: str, *, note: str, as_json: bool) -> None:
    """Record what was decided about recommendation KEY; from the day after it is done, its saving is measured."""
    found = Client(url).decide_recommendation({"key": key, "state": state, "note": note, "by": login()})
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{key}: {state}")


@costs.command()
@click.option(
    "--settings",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("infra/monitoring.yaml"),
    show_default=True,
    help="The settings whose tables are measured.",
)
@click.option(
    "--project", envvar="GOOGLE_CLOUD_PROJECT", required=True, help="The project that runs the queries of BigQuery."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.pass_context
def tables(context: click.Context, file: Path, project: str, *, as_json: bool) -> None:
    """Show what a statement reads of each table of the settings, what that costs a month, and what to do about it.

    Dry runs of BigQuery: nothing is read, nothing is paid. The exit status is 1 where a table is not partitioned.
    """
    found = _measured(file, project)
    if as_json:
        options.print_json(found)
    else:
        _print(("table", "partitioning", "bytes", "$ a month", "advice"), [_scan(one) for one in found])
    if any(one["partitioning"] == "unpartitioned" for one in found):
        context.exit(_UNPARTITIONED)


def _measured(file: Path, project: str) -> list[Answer]:
    from core.business.scans import scan_sources  # noqa: PLC0415 - the other commands need no settings
    from functions.adapters import config  # noqa: PLC0415 - as above
    from functions.adapters.warehouse import open_warehouse  # noqa: PLC0415 - as above
    from functions.services.table_scans import as_data, measure  # noqa: PLC0415 - as above

    found: list[Answer] = []
    try:
        settings = config.load(file, only=_SECTIONS)
        warehouse = open_warehouse(project, "cli")
    except (SettingsError, AiaError) as error:
        raise RefusedError(str(error)) from error
    for source in scan_sources(settings.business, settings.models):
        try:
            found.append(as_data(measure(source, warehouse.bytes_of, datetime.now(UTC))))
        except AiaError as error:
            lacking = {"bytes": None, "dollars_per_month": None, "advice": str(error)}
            found.append({"table": source.table, "partitioning": "not_known", **lacking})
    return found


def _scan(one: Answer) -> tuple[str, ...]:
    size = "not known" if one["bytes"] is None else f"{one['bytes']:,}"
    return one["table"], one["partitioning"], size, _dollars(one["dollars_per_month"]), one["advice"]


def _dollars(value: float | None) -> str:
    return "not known" if value is None else money(value)


def _state(one: Answer) -> str:
    return f"{one['state']} ({one['decided_by']})" if one["decided_by"] else str(one["state"])


def _print(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = table_of(*columns)
    for row in rows:
        table.add_row(*row)
    print_table(table, _PIPED_WIDTH)
