"""What the command does: read, replay, compare, and print."""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console

from core.replay.compare import Comparison
from core.replay.inputs import span
from core.settings.people import Hours, People
from core.settings.values import duration
from functions.adapters.config import load_yaml
from functions.cli.replay.page import page
from functions.cli.replay.read import ReplayError, from_file, save
from functions.cli.replay.text import print_comparison
from functions.services.incidents.kept_decisions import Row, inputs
from functions.services.replay.read import days
from functions.services.replay.run import HOURS, Outcome, Proposal, try_out, working
from functions.services.replay.settings import read
from functions.services.replay.summary import result

_PIPED_WIDTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command."""

    settings: Path
    since: str
    warm_up: str
    source: Path | None
    save: Path | None
    project: str
    hours: str
    pages: frozenset[str]
    form: str


def run(options: Options) -> Comparison | None:
    """Replay and print the comparison; None where no finding of that time is kept.

    Raises:
        ReplayError: an option or what was kept is wrong.
        SettingsError: the settings are wrong.
        UnavailableError: BigQuery does not answer.
    """
    back, before, hours = _length("since", options.since), _length("warm-up", options.warm_up), _hours(options.hours)
    settings, pagers = read(load_yaml(options.settings))
    rows = _rows(options, back + before)
    found = inputs(rows)
    if options.save:
        save(rows, options.save)
    last = times[1] if options.source and (times := span(found)) else datetime.now(UTC)
    proposal = Proposal(
        name=str(options.settings),
        settings=settings,
        pagers=pagers | options.pages,
        hours=hours,
        since=last - back,
        warm_up=before,
    )
    outcome = try_out(found, proposal)
    if outcome is None:
        print("no decision of that time is kept", file=sys.stderr)
        return None
    _print(options.form, outcome, settings.people)
    return outcome.comparison if outcome.has_findings else None


def _hours(text: str) -> Hours:
    hours = working(text)
    if hours is None:
        raise ReplayError(f"--hours: must be as in {HOURS}, got {text!r}")
    return hours


def _length(name: str, text: str) -> timedelta:
    length = duration(text)
    if length is None or length < timedelta(0):
        raise ReplayError(f"--{name}: must be a time, as in 12h or 30d, got {text!r}")
    return length


def _rows(options: Options, back: timedelta) -> list[Row]:
    if options.source:
        return from_file(options.source)
    if not options.project:
        raise ReplayError("--project: must be given, or GOOGLE_CLOUD_PROJECT, where there is no --from")
    from functions.adapters.warehouse import open_warehouse  # noqa: PLC0415 - a file needs no client of Google

    now = datetime.now(UTC)
    return [row for day in days(open_warehouse(options.project), now - back, now) for row in day]


def _print(form: str, outcome: Outcome, people: People) -> None:
    header, comparison = outcome.header, outcome.comparison
    if form == "json":
        print(msgspec.json.format(msgspec.json.encode(result(header, comparison, people)), indent=2).decode())
    elif form == "html":
        print(page(header, comparison, people))
    else:
        piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
        print_comparison(header, comparison, people, Console(width=_PIPED_WIDTH if piped else None, highlight=False))
