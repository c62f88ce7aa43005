"""`aia models`: which models are monitored, without a deployment, by the API."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from core.errors import SettingsError
from core.settings import parse_model
from functions.adapters.config import load_yaml
from functions.cli import options
from functions.cli.api import HELP, Answer, Json, RefusedError, login
from functions.cli.client import Client
from functions.cli.promotions import promote, retrain, rollback
from functions.cli.screen import at, print_table, table_of
from functions.cli.versions import diff, show


@click.group(epilog=f"{options.STATUSES} {HELP}")
@options.url
@click.pass_context
def models(context: click.Context, *, url: str) -> None:
    """Create, change and remove monitored models without a deployment, show their versions, promote one and roll back."""
    context.obj = url


@models.command(name="list")
@options.as_json
@click.pass_obj
def list_(url: str, *, as_json: bool) -> None:
    """List every model with where its settings are."""
    found: Sequence[Answer] = Client(url).models()
    if as_json:
        options.print_json(found)
        return
    table = table_of("model", "owner", "settings", "newest window", "verdict")
    for model in found:
        table.add_row(model["name"], model["owner"], model["source"], _end(model), _verdict(model))
    print_table(table)


def _end(model: Answer) -> str:
    return at(model["window_end"]) if model.get("window_end") else ""


def _verdict(model: Answer) -> str:
    """What the newest window of a model came to, as the page says it."""
    if not model.get("window_end"):
        return "not scored yet"
    if model.get("overdue"):
        return "overdue"
    if model.get("reason"):
        return "no verdict"
    return "drifted" if model["drifted"] else "no drift"


@models.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.as_json
@click.pass_obj
def apply(url: str, file: Path, *, as_json: bool) -> None:
    """Create or change the models of FILE.

    FILE is YAML or JSON: the settings of one model, a list of them, or a mapping with the key `models`, as in infra/monitoring.yaml. Nothing is
    changed unless all of them are valid.
    """
    given = list(_read(file))
    _check(file, given)
    done = []
    for settings in given:
        done.append(Client(url).put_model(settings["name"], settings, by=login()))
        if not as_json:
            click.echo(f"{settings['name']}: {done[-1]['change']}")
    if as_json:
        options.print_json(done)


@models.command()
@click.argument("name")
@options.as_json
@click.pass_obj
def remove(url: str, name: str, *, as_json: bool) -> None:
    """Stop monitoring model NAME; its history stays."""
    found = Client(url).remove_model(name, by=login())
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{name}: {found['change']}")


def _read(file: Path) -> Iterator[Json]:
    try:
        found = load_yaml(file)
    except SettingsError as error:
        raise RefusedError(str(error)) from error
    if isinstance(found, Mapping) and "models" in found:
        found = found["models"]
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(one, dict) for one in listed):
        raise RefusedError(f"{file}: must hold a model, or a list of models")
    try:
        # What YAML reads as a date is text in JSON, which the settings take as well.
        yield from json.loads(json.dumps(listed, default=str))
    except TypeError as error:
        raise RefusedError(f"{file}: every key must be a text: {error}") from error


def _check(file: Path, given: list[Json]) -> None:
    """Refuse the file with every fault of every model."""
    faults: list[str] = []
    names: list[str] = []
    for index, settings in enumerate(given):
        name = str(settings.get("name", f"[{index}]"))
        try:
            names.append(parse_model(settings).name)
        except SettingsError as error:
            faults += [f"{file}: {name}: {fault}" for fault in error.faults]
    faults += [f"{file}: {name}: must be there once" for name in sorted({one for one in names if names.count(one) > 1})]
    if faults:
        raise RefusedError("\n".join(faults))


models.add_command(show)
models.add_command(diff)
models.add_command(promote)
models.add_command(rollback)
models.add_command(retrain)
