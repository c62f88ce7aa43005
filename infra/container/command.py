"""`aia serve`: functions as the container image runs them."""

import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from core.errors import SettingsError
from functions.adapters import config
from functions.alert_intake.mapped import SECTIONS
from functions.runtime.deadlines import ACKNOWLEDGEMENT, TIMEOUTS
from infra import stage
from infra.local import functions_host
from infra.local.functions_host import Limits, Place

ALL = "all"
REQUIRED = ("GOOGLE_CLOUD_PROJECT", "AIA_LOCATION", "AIA_STORE")
"""What the environment has for every function."""
HEALTH_PORT = 8079
PORT = 8080
DRAIN_SECONDS = 30
"""As long as Kubernetes waits where nothing else is said."""
_LEAST_SECONDS = 60


@click.command()
@click.argument("functions", nargs=-1, required=True, metavar="NAME[=PORT]...")
@click.option("--host", default="0.0.0.0", show_default=True, help="The address they listen on.")  # noqa: S104 - a container is reached through its interface
@click.option(
    "--port", type=int, default=PORT, envvar="PORT", show_default=True, help="Of the first; the others follow."
)
@click.option(
    "--health-port", type=int, default=HEALTH_PORT, show_default=True, help="Answers whether the process is alive."
)
@click.option(
    "--drain", type=int, default=DRAIN_SECONDS, show_default=True, help="Seconds that requests may go on after SIGTERM."
)
@click.option(
    "--archives",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="AIA_ARCHIVES",
    help="Where each is staged already; else they are staged in .aia/archives.",
)
def serve(
    *, functions: Sequence[str], host: str, port: int, health_port: int, drain: int, archives: Path | None
) -> None:
    """Serve one function, several, or `all`, in one process, each on a port of its own.

    What a function is, how many requests it answers at once and how long one may take is in infra/functions.yaml. Any path
    of --health-port answers 200. At SIGTERM nothing more is taken, and what is under way is finished.
    """
    deployment = stage.deployment()
    deployed = deployment["functions"]
    ports = chosen(functions, deployed, port)
    folder = archives or Path(".aia/archives")
    if not archives:
        stage.stage_all(ports, folder, locked=False)
    if fault := refused(ports, folder, os.environ):
        sys.exit(f"aia serve: {fault}")
    place = Place(host=host, health=health_port, drain=drain, limits={name: limits(deployed[name]) for name in ports})
    asgi = [name for name in ports if deployed[name].get("asgi")]
    print("serve:", *(f"{name} on {host}:{at}" for name, at in ports.items()), file=sys.stderr, flush=True)
    command = functions_host.command(folder, ports, asgi=asgi, place=place)
    os.execve(command[0], command, deadlines(ports, deployment) | os.environ)  # noqa: S606 - itself, by a fixed list of arguments, so that it gets the signals


def chosen(given: Sequence[str], deployed: Collection[str], first: int) -> dict[str, int]:
    """The ports by function: those that are given, and one after the other from the first on.

    Raises:
        click.BadParameter: a function that is not deployed, no number, or a port twice.

    >>> chosen(["retrain", "otlp=4318", "api"], ["api", "otlp", "retrain"], 8080)
    {'retrain': 8080, 'otlp': 4318, 'api': 8082}
    >>> chosen(["all"], ["api", "otlp"], 8080)
    {'api': 8080, 'otlp': 8081}
    """
    words = list(deployed) if list(given) == [ALL] else given
    ports: dict[str, int] = {}
    for index, word in enumerate(words):
        name, _, port = word.partition("=")
        if name not in deployed:
            raise click.BadParameter(f"NAME: must be {ALL} or one of {', '.join(deployed)}, got {name!r}")
        if port and not port.isdigit():
            raise click.BadParameter(f"{name}: PORT must be a number, got {port!r}")
        ports[name] = int(port or first + index)
    if len({*ports.values()}) < len(words):
        raise click.BadParameter(f"each NAME and each PORT must be given once, got {' '.join(words)}")
    return ports


def limits(function: Mapping[str, Any]) -> Limits:
    """Of a function, as `infra/terraform` sets them."""
    longest = max((trigger["ack_deadline_seconds"] for trigger in function["triggers"]), default=0)
    return Limits(threads=function.get("concurrency", functions_host.THREADS), seconds=max(_LEAST_SECONDS, longest))


def deadlines(functions: Collection[str], deployment: Mapping[str, Any]) -> dict[str, str]:
    """When functions give a request up by themselves, as their environment says it on Google Cloud.

    Args:
        functions: that one process serves, each with a timeout of its own.
        deployment: `infra/functions.yaml`.
    """
    seconds = {name: limits(deployment["functions"][name]).seconds for name in functions}
    return {ACKNOWLEDGEMENT: stage.acknowledgement_deadlines(functions), TIMEOUTS: json.dumps(seconds)}


def refused(functions: Collection[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Why functions cannot be served, before they are; empty where they can."""
    if missing := [name for name in REQUIRED if not environ.get(name)]:
        return f"{', '.join(missing)}: must be set in the environment"
    if absent := [name for name in functions if not (folder / name / "main.py").is_file()]:
        return f"--archives: {folder} has no {absent[0]}"
    file = Path(environ.get("AIA_SETTINGS") or folder / next(iter(functions)) / "monitoring.yaml")
    try:
        config.load(file, environ, only=SECTIONS if [*functions] == ["alert_intake"] else None)
    except SettingsError as error:
        return f"{file}: {error}"
    return ""
