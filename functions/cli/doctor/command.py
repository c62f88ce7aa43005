"""The command: its options, the checks in their order, and the table."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from core.business.scans import scan_sources
from core.errors import SettingsError
from functions.adapters import config
from functions.cli import options
from functions.cli.api import RefusedError
from functions.cli.doctor import project as deployed
from functions.cli.doctor import statements, writes
from functions.cli.doctor.findings import Check, Finding, Verdict, brief, run, status
from functions.cli.doctor.google import AskError, Google, connect
from functions.cli.doctor.store import store
from functions.cli.screen import print_table, table_of

_SECTIONS: Final = ("version", "jobs", "models", "partners", "business")
_WIDTH: Final = 160


@click.command()
@click.option("--project", envvar="GOOGLE_CLOUD_PROJECT", required=True, help="The project to check.")
@click.option(
    "--infra",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("infra"),
    show_default=True,
    help="The folder of functions.yaml and monitoring.yaml.",
)
@click.option(
    "--write", is_flag=True, help="Also create and delete alert policies, and send a test through each channel."
)
@options.url
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for the answer of a channel.")
@click.option(
    "--endpoint",
    envvar="AIA_DOCTOR_ENDPOINT",
    default="",
    help="Send requests to this address instead of Google's, without credentials.",
)
@click.option("--all", "every", is_flag=True, help="A line for each finding, also for those that are alike.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.pass_context
def doctor(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - the options above
    """Check a deployment in PROJECT with Google: APIs, policies, grants, subscriptions, and what each statement costs.

    Nothing is changed without --write. The exit status is 1 where anything is bad, 2 where anything is not known, else 0.
    """
    try:
        checks = [*_local_checks(options["project"]), *_google_checks(options)]
        found = [one for name, check in checks for one in run(name, check)]
    except SettingsError as error:
        raise RefusedError(str(error)) from error
    if options["as_json"]:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _print(found, every=options["every"])
    context.exit(status(found))


def _local_checks(project: str) -> Iterator[tuple[str, Check]]:
    """What is asked without Google's credentials."""
    yield "store", partial(store, os.environ.get("AIA_STORE", ""), project)


def _google_checks(options: dict[str, Any]) -> Iterator[tuple[str, Check]]:
    """What Google is asked; without credentials the one line that nothing of it is known."""
    try:
        google = connect(options["project"], options["endpoint"])
    except AskError as error:
        yield "Google", partial(_refuse, error)
    else:
        yield from _checks(google, options)


def _refuse(error: AskError) -> Iterator[Finding]:
    raise error


def _checks(google: Google, options: dict[str, Any]) -> Iterator[tuple[str, Check]]:
    deployment: Any = config.load_yaml(options["infra"] / "functions.yaml")
    file = options["infra"] / "monitoring.yaml"
    settings = config.load(file, only=_SECTIONS)
    yield "API", partial(deployed.apis, google)
    yield "organisation policy", partial(deployed.policies, google)
    yield "grant", partial(deployed.grants, google, deployment)
    yield "subscription", partial(deployed.receivers, google, deployment)
    yield "statement", partial(statements.statements, google, settings.jobs)
    sources = list(scan_sources(settings.business, settings.models))
    yield "table", partial(statements.tables, google, sources, datetime.now(UTC))
    if options["write"]:
        yield "policy", partial(writes.lookbacks, google)
        yield "channel", partial(writes.channels, options["url"], options["wait"])


def _print(found: list[Finding], *, every: bool) -> None:
    """The table, what needs somebody first, and below it how many findings there are of each verdict."""
    table = table_of("check", "subject", "verdict", "detail")
    for one in found if every else brief(found):
        table.add_row(one.check, one.subject, one.verdict, one.detail)
    print_table(table, _WIDTH)
    counts = {verdict: sum(one.verdict is verdict for one in found) for verdict in Verdict}
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
