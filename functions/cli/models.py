"""`aia models`: which models are monitored, without a deployment, by the API."""

import getpass
import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Column, Table

from core.errors import SettingsError
from core.settings import parse_model
from functions.adapters.config import load_yaml

_LOCAL_PORT: Final = "8080"
_TIMEOUT_SECONDS: Final = 60.0
_PIPED_WIDTH: Final = 140
_Json = dict[str, Any]


class _RefusedError(click.ClickException):
    """What cannot be done: one line a fault on stderr."""

    exit_code = 2


def _local() -> str:
    """The API of `aia local`, which takes its port from the same variable."""
    return f"http://127.0.0.1:{os.environ.get('AIA_PORT') or _LOCAL_PORT}"


@click.group(
    epilog="The API is that of `aia local` (port AIA_PORT), unless --url or AIA_API_URL names another. Behind IAM or IAP, AIA_API_TOKEN is "
    "the identity token: AIA_API_TOKEN=$(gcloud auth print-identity-token)."
)
@click.option(
    "--url",
    envvar="AIA_API_URL",
    default=_local,
    show_default=f"http://127.0.0.1:{_LOCAL_PORT}",
    help="Address of the API.",
)
@click.pass_context
def models(context: click.Context, *, url: str) -> None:
    """Create, change and remove monitored models without a deployment."""
    context.obj = url.rstrip("/")


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.pass_obj
def list_(url: str, *, as_json: bool) -> None:
    """List every model with where its settings are."""
    found = _call(url, "GET", "/api/models")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    table = Table(
        *(Column(name, overflow="fold") for name in ("model", "owner", "settings", "newest window", "verdict"))
    )
    for model in found:
        table.add_row(model["name"], model["owner"], model["source"], model.get("window_end") or "", _verdict(model))
    Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH).print(table)


def _verdict(model: _Json) -> str:
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
@click.option("--by", default=getpass.getuser, show_default="your login", help="Who changes them, for the audit trail.")
@click.pass_obj
def apply(url: str, file: Path, *, by: str) -> None:
    """Create or change the models of FILE.

    FILE is YAML or JSON: the settings of one model, a list of them, or a mapping with the key `models`, as in monitoring.yaml. Nothing is
    changed unless all of them are valid.
    """
    given = list(_read(file))
    _check(file, given)
    for settings in given:
        path = f"/api/models/{urllib.parse.quote(settings['name'])}?{urllib.parse.urlencode({'by': by})}"
        click.echo(f"{settings['name']}: {_call(url, 'PUT', path, settings)['change']}")


@models.command()
@click.argument("name")
@click.option("--by", default=getpass.getuser, show_default="your login", help="Who removes it, for the audit trail.")
@click.pass_obj
def remove(url: str, name: str, *, by: str) -> None:
    """Stop monitoring model NAME; its history stays."""
    path = f"/api/models/{urllib.parse.quote(name)}?{urllib.parse.urlencode({'by': by})}"
    click.echo(f"{name}: {_call(url, 'DELETE', path)['change']}")


def _read(file: Path) -> Iterator[_Json]:
    try:
        found = load_yaml(file)
    except SettingsError as error:
        raise _RefusedError(str(error)) from error
    if isinstance(found, Mapping) and "models" in found:
        found = found["models"]
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(one, dict) for one in listed):
        raise _RefusedError(f"{file}: must hold a model, or a list of models")
    try:
        # What YAML reads as a date is text in JSON, which the settings take as well.
        yield from json.loads(json.dumps(listed, default=str))
    except TypeError as error:
        raise _RefusedError(f"{file}: every key must be a text: {error}") from error


def _check(file: Path, given: list[_Json]) -> None:
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
        raise _RefusedError("\n".join(faults))


def _call(url: str, method: str, path: str, body: _Json | None = None) -> Any:  # noqa: ANN401 - any JSON value
    if not url.startswith(("http://", "https://")):
        raise _RefusedError(f"--url: must begin with http:// or https://, got {url!r}")
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("AIA_API_TOKEN"):
        if not (token.isascii() and token.isprintable()):  # what refuses it would show it
            raise _RefusedError("AIA_API_TOKEN: must be one line of ASCII characters")
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - checked above
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise _RefusedError(_told(error)) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _RefusedError(f"{url}: does not answer as an API: {getattr(error, 'reason', error)}") from error


def _told(error: urllib.error.HTTPError) -> str:
    """What the API says is wrong."""
    try:
        return str(json.load(error)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.url}: HTTP {error.code}"
