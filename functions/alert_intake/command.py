"""`aia intake`: what the intake makes of a body, with the mappings of the settings."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from core.errors import SettingsError
from core.events import Finding, RegistryChange
from functions.adapters import config
from functions.adapters.events import encode
from functions.alert_intake.alert import Beat, LeftOut, Outcome, Refusal
from functions.alert_intake.body import plain
from functions.alert_intake.formats import of_replicas
from functions.alert_intake.intake import read
from functions.alert_intake.mapped import SECTIONS, formats
from functions.alert_intake.reading import UnreadableError
from functions.services.alert_replicas import Replicated


@click.group()
def intake() -> None:
    """Try what becomes of alerts of other systems."""


@intake.command(name="try")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("infra/monitoring.yaml"),
    show_default=True,
    help="Settings with the mappings.",
)
def try_(file: Path, settings: Path) -> None:
    """Print what is published of the body in FILE; exit with 1 where something of it is not understood."""
    try:
        given = config.load(settings, only=SECTIONS)
        body = plain(file.read_bytes(), None, "")
    except (SettingsError, UnreadableError) as error:
        raise click.ClickException(str(error)) from error
    known = (*formats(given.alert_senders), *of_replicas(given.alert_intake.replica_labels))
    content = read(body, datetime.now(UTC), known)
    outcomes = list(content.outcomes)
    click.echo(f"format: {content.sender}")
    for outcome in outcomes:
        click.echo(_shown(outcome))
    if any(isinstance(outcome, Refusal) for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _shown(outcome: Outcome) -> str:
    match outcome:
        case Finding() | RegistryChange():
            return json.dumps(json.loads(encode(outcome)), indent=2, ensure_ascii=False)
        case Replicated():
            return f"of the replica {outcome.replica}: {_shown(outcome.finding)}"
        case LeftOut():
            return f"left out: {outcome.finding.summary}"
        case Beat():
            return f"dead man's switch of {outcome.sender}"
        case Refusal():
            return f"not understood: {outcome.reason}"
    return f"ignored: {outcome.reason}"
