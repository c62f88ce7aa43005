"""The commands `show` and `diff` of `aia models`: versions of a model, and how two of them differ."""

import json
from typing import Final

import click

from core.text import number, percent
from functions.cli import options
from functions.cli.api import Answer
from functions.cli.client import Client
from functions.cli.screen import print_table, table_of

_NONE: Final = "-"


@click.command()
@click.argument("name")
@options.as_json
@click.pass_obj
def show(url: str, name: str, *, as_json: bool) -> None:
    """Show the versions of model NAME: metrics, training data, who asked for them, aliases and registries."""
    found = Client(url).versions(name)
    if as_json:
        options.print_json(found)
        return
    if not found["versions"]:
        click.echo(f"{name}: no version is registered")
        return
    table = table_of("version", "registered", "reference", "metrics", "asked by", "aliases", "registry")
    for version in found["versions"]:
        table.add_row(*_cells(version, in_use=version["version"] == found["in_use"]))
    print_table(table)


@click.command()
@click.argument("name")
@click.argument("before")
@click.argument("after")
@options.as_json
@click.pass_obj
def diff(url: str, name: str, before: str, after: str, *, as_json: bool) -> None:
    """Show how versions BEFORE and AFTER of model NAME differ: parameters, metrics with their intervals, and windows."""
    found: Answer = Client(url).version_difference(name, before, after)
    if as_json:
        options.print_json(found)
        return
    table = table_of("", before, after, "difference")
    for what in ("parameters", "windows", "lineage"):
        for key, pair in found[what].items():
            table.add_row(key, _value(pair["before"]), _value(pair["after"]), "")
    for key, metric in found["metrics"].items():
        table.add_row(key, _metric(metric["before"]), _metric(metric["after"]), _change(metric))
    print_table(table)


def _cells(version: Answer, *, in_use: bool) -> list[str]:
    """A row of the table of versions; of a version whose row cannot be read, why."""
    if fault := version.get("fault"):
        return [version["version"], _day(version["created_at"]), fault, "", "", _aliases(version, in_use=in_use), ""]
    return [
        version["version"],
        _day(version["created_at"]),
        f"{_day(version['reference_start'])} to {_day(version['reference_end'])}",
        ", ".join(f"{name} {_metric(metric)}" for name, metric in version["metrics"].items()) or _NONE,
        version["requested_by"] or "not known",
        _aliases(version, in_use=in_use),
        version["registry_uri"] or _NONE,
    ]


def _aliases(version: Answer, *, in_use: bool) -> str:
    told = [f"{one['alias']} {percent(one['share'] / 100)}" for one in version["aliases"]]
    return ", ".join(["in use", *told] if in_use else told) or _NONE


def _metric(metric: Answer | None) -> str:
    if metric is None:
        return _NONE
    value = number(metric["value"])
    if metric["low"] is None:
        return value
    return f"{value} ({number(metric['low'])} to {number(metric['high'])})"


def _change(metric: Answer) -> str:
    """How a metric changed, and whether that is beyond chance as far as the intervals say."""
    if metric["change"] is None:
        return "not known"
    says = {True: "intervals overlap", False: "intervals do not overlap", None: "no intervals"}
    return f"{metric['change']:+.3g}, {says[metric['overlap']]}"


def _value(value: object) -> str:
    if value is None or value == "":
        return _NONE
    return value if isinstance(value, str) else json.dumps(value)


def _day(instant: str) -> str:
    return instant[:10]
