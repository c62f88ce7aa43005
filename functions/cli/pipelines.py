"""`aia pipelines`: pipelines with their newest runs; as they go on, with --follow; by the API."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.live import Live

from functions.cli import complete, options
from functions.cli.api import HELP, Answer, UnansweredError
from functions.cli.client import Client
from functions.cli.pipeline_text import changes, pipelines_table
from functions.cli.screen import cell, console, print_table

_EVERY_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.1
_BAD: Final = ("failures", "slow", "overdue")
Known = dict[str, Answer]


@click.command(epilog=f"{options.FAIL_STATUSES} {HELP}")
@options.url
@click.argument("name", required=False, shell_complete=complete.named(Client.pipelines))
@click.option(
    "--follow", is_flag=True, help="Keep running: update in place on a terminal, else print a line for each change."
)
@click.option(
    "--every",
    default=_EVERY_SECONDS,
    show_default=True,
    type=click.FloatRange(_LEAST_SECONDS),
    help="Seconds between two updates with --follow.",
)
@click.option("--until-idle", is_flag=True, help="With --follow, end when no run is active.")
@click.option("--fail", is_flag=True, help="Exit with 1 if one is bad, else with 3 if that is not known of one.")
@options.as_json
@click.pass_context
def pipelines(
    context: click.Context,
    *,
    url: str,
    name: str | None,
    follow: bool,
    every: float,
    until_idle: bool,
    fail: bool,
    as_json: bool,
) -> None:
    """Show the pipelines, or the one that is called NAME: health, newest run, and the stages that run."""
    if follow and as_json:
        raise click.UsageError("--json: must not be given with --follow")
    known = _all(url, name)
    if follow:
        known = _follow(url, name, known, every=every, until_idle=until_idle)
    elif as_json:
        options.print_json([*known.values()])
    else:
        print_table(pipelines_table(known.values()))
    if fail:
        context.exit(options.status(map(_verdict, known.values())))


def _all(url: str, name: str | None) -> Known:
    return {one["name"]: one for one in Client(url).pipelines(name=name)}


def _verdict(pipeline: Answer) -> bool | None:
    """Whether it is well; None where that is not known."""
    runs, reason = pipeline["runs"], pipeline["health"]["reason"]
    if reason in _BAD or (runs and runs[0]["status"] == "failed"):
        return False
    return True if pipeline["known"] else None


def _follow(url: str, name: str | None, known: Known, *, every: float, until_idle: bool) -> Known:
    """Show the pipelines as they go on, until the person ends it, or no run is active; gives what was known last."""
    try:
        with _shown(known) as show:
            for before, newest, fault in _steps(url, name, known, every=every, until_idle=until_idle):
                known = newest
                show(before, known, fault)
    except KeyboardInterrupt:
        pass  # how a person ends it
    return known


@contextmanager
def _shown(known: Known) -> Iterator[Callable[[Known, Known, str], None]]:
    """Shows what is known, and then each time what is known now: a table in place on a terminal, else lines."""
    out = console()
    if not out.is_terminal:
        _print_lines({}, known, "")
        yield _print_lines
        return
    with Live(pipelines_table(known.values()), console=out, auto_refresh=False) as live:

        def show(_before: Known, after: Known, fault: str) -> None:
            table = pipelines_table(after.values())
            table.caption = cell(fault) if fault else None
            live.update(table, refresh=True)

        yield show


def _print_lines(before: Known, after: Known, fault: str) -> None:
    for line in changes(before, after):
        click.echo(line)
    if fault:
        click.echo(fault, err=True)


def _steps(
    url: str, name: str | None, known: Known, *, every: float, until_idle: bool
) -> Iterator[tuple[Known, Known, str]]:
    """What was known before, what is known now, and why nothing newer is, each time that is looked."""
    while not (until_idle and not any(one["running"] for one in known.values())):
        time.sleep(every)
        before = known
        try:
            known, fault = before | _newer(url, name, before), ""
        except UnansweredError as error:
            fault = str(error)
        yield before, known, fault


def _newer(url: str, name: str | None, before: Known) -> Known:
    """The pipelines with an active run, and those whose run has ended since."""
    live = {one["name"]: one for one in Client(url).pipelines(running="true")}
    ended = [other for other, one in before.items() if one["running"] and other not in live]
    found = live | {other: Client(url).pipelines(name=other)[0] for other in ended}
    return {other: one for other, one in found.items() if name in (None, other)}
