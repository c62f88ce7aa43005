"""`aia coverage`: what of a platform is watched, alerted, drawn and seen now, area by area, by the API."""

import sys
from collections.abc import Sequence
from typing import Final

import click

from functions.cli import options
from functions.cli.api import HELP, Answer
from functions.cli.client import Client

_SEEN: Final = {"not seen": False, "not known": None}
_TO_SET_UP = ("not set up", "replayed")
_TESTED = ("needs GCP", "not set up")


@click.command(epilog=f"{options.FAIL_STATUSES} {HELP}")
@options.url
@click.option("--area", help="Show the signals of one area.")
@options.as_json
@click.option(
    "--fail", is_flag=True, help="Exit with 1 if an area is not reporting, else with 3 if that is not known of one."
)
def coverage(*, url: str, area: str | None, as_json: bool, fail: bool) -> None:
    """Show what is monitored, alerted, charted and reporting.

    "seen here" is a fresh sample of a program; "replayed", samples of data that are a replay on this machine, or of its history; "needs GCP",
    metrics that only Google Cloud writes, held against their documentation by the test that is named; "not set up", what nobody here has set
    up, tested there: --area says how.
    """
    found = Client(url).coverage()
    areas = [one for one in found["areas"] if area in (None, one["name"])]
    if not areas:
        names = ", ".join(one["name"] for one in found["areas"])
        raise click.UsageError(f"--area: must be one of {names}, got {area!r}")
    if as_json:
        options.print_json({"at": found["at"], "areas": areas})
    elif area:
        click.echo("\n".join([*map(_signal, areas[0]["signals"]), *_how(areas[0])]))
    else:
        click.echo("\n".join(_table(areas)))
    if fail:
        sys.exit(options.status(_SEEN.get(one["sight"], True) for one in areas))


def _table(areas: Sequence[Answer]) -> list[str]:
    rows = [("area", "owner", "signals", "seen", "replayed", "rules", "panels", "")]
    rows += [
        (
            one["name"],
            one["owner"],
            str(len(one["signals"])),
            "not known" if one["seen"] is None else str(one["seen"]),
            str(one["replayed"]),
            str(len(one["rules"])),
            str(len(one["panels"])),
            one["sight"] + (f" ({one['contract']})" if one["sight"] in _TESTED else ""),
        )
        for one in areas
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _signal(one: Answer) -> str:
    replayed = f", {one['replayed']} replayed" if one["replayed"] else ""
    series = "not known" if one["series"] is None else f"{one['series']} series{replayed}"
    by = f" by {', '.join(one['written_by'])}" if one["written_by"] else ""
    rules = ", ".join(one["rules"]) or "no rule"
    return f"{one['selector']}: {series}{by}; {rules}; {', '.join(one['panels']) or 'no panel'}"


def _how(area: Answer) -> list[str]:
    """How an area is set up of which nothing is seen."""
    if area["set_up"] is None or area["sight"] not in _TO_SET_UP:
        return []
    how = area["set_up"]
    lines = [f"{how['how']} Guide: docs/{how['guide']}"]
    return ["", *lines, *(["", how["settings"].rstrip()] if how["settings"] else [])]
