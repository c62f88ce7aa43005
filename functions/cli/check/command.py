"""`aia check`: every fault of the settings at once, each with its line."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sized
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from core.errors import Fault, SettingsError, UnavailableError
from core.settings import Settings
from core.settings.reach import unheard
from core.text import counted
from functions.adapters.stores import require
from functions.cli import options
from functions.cli.api import HELP, RefusedError
from functions.cli.check.file import load, told
from functions.cli.client import Client

DEFAULT: Final = Path("infra/monitoring.yaml")


@click.command(epilog=f"Exit status: 0; 1 when something must be changed; 2 when the file cannot be read. {HELP}")
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT)
@click.option("--offline", is_flag=True, help="Look at the file only, not at tables and alert rules.")
@click.option("--store", is_flag=True, help="Also ask the store that AIA_STORE names; PostgreSQL's tables are made.")
@options.url
def check(file: Path, *, offline: bool, store: bool, url: str) -> None:
    """Check the settings in FILE, infra/monitoring.yaml by default, and say every fault with its line.

    Where a system runs, the tables and columns that the settings name are looked up in its BigQuery, and its alert rules without a metric
    are listed.
    """
    if store:
        _ask_store()
    if not file.is_file():
        raise RefusedError(f"{file}: must be a file that can be read")
    try:
        settings = load(file)
    except SettingsError as error:
        _say(told(file, error.faults))
        sys.exit(1)
    faults = [] if offline else list(_running(settings, url))
    _say(told(file, faults))
    _say(told(file, unheard(settings, datetime.now(UTC)), mark="warning: "))
    click.echo(f"{file}: {_several(settings.models, 'model')}, {_several(settings.probes, 'probe')}: {_count(faults)}")
    sys.exit(1 if faults else 0)


def _ask_store() -> None:
    """Say that the store answers; exit where it does not."""
    try:
        require(os.environ.get("AIA_STORE", ""), os.environ.get("GOOGLE_CLOUD_PROJECT", ""))
    except (UnavailableError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo("AIA_STORE: answers")


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _several(them: Sized, name: str) -> str:
    return counted(len(them), name)


def _count(faults: list[Fault]) -> str:
    return f"{len(faults)} to change" if faults else "nothing to change"


def _running(settings: Settings, url: str) -> Iterator[Fault]:
    """What the running system shows; a note where none answers."""
    try:
        answer = Client(url).deployment()
        absent = Client(url).rules()
    except RefusedError as error:
        click.echo(f"tables and alert rules are not looked at: {error.message}", err=True)
        return
    for rule in _absent(absent):
        click.echo(f"warning: alert rule {rule['name']} has no data: {', '.join(rule['metrics'])} is absent", err=True)
    from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415 - slow to import, and of use here only

    from functions.cli.check.tables import unknown  # noqa: PLC0415 - as above
    from functions.cli.watch.deployed import Deployed  # noqa: PLC0415 - as above

    system = Deployed.told(url, answer)
    try:
        yield from unknown(settings, system.bigquery())
    except GoogleAPICallError as error:
        click.echo(f"tables are not looked at: {error.message}", err=True)


def _absent(rules: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Rules whose metric was there before, of those without data."""
    return [one for one in (rules or {}).get("absent") or () if one["missed"]]
