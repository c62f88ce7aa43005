"""What the queries of dashboards look at: metrics that somebody writes, by labels that they have; every check gives the faults."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from core.metrics import CATALOGUE, Kind
from infra import stage
from tests.support import promtool
from tests.support.alert_promql import KNOWN, grouped, matched, metrics, results, wrong_call
from tests.support.dashboards import Dashboards, Query, Tile

UNITS = {"1", "s", "10^2.%", "USD"}
"""What the page and Grafana know how to write."""
UNSEEN = {"aia_incident_changes_total"}
"""Metrics that are on no dashboard: the audit trail has it better."""
_MADE = re.compile(r'label_replace\(.*?, "(\w+)", "[^"]*", "[^"]*", "[^"]*"\)')
_NAMED = re.compile(r"\$\{([^}]*)\}")


def unasked(boards: Dashboards) -> list[str]:
    """Charts, scorecards and tables that ask nothing."""
    silent = (tile for tile in boards.tiles if tile.kind in {"xyChart", "scorecard", "timeSeriesTable"})
    return [
        tile.fault("must ask in PromQL") for tile in silent if not all(one.expr for one in tile.queries or [_NOTHING])
    ]


_NOTHING = Query(expr="", template="", unit="")


def unknown_metrics(boards: Dashboards) -> list[str]:
    """Queries of what nobody writes, by the catalogue and the list of Google's metrics."""
    return [
        tile.fault(f"looks at {name}, which nobody writes")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name not in KNOWN
    ]


@functools.cache
def written() -> set[str]:
    """The metrics of the catalogue that a function names, or core for it, as one must to write them."""
    folders = [path for path in (stage.ROOT / "core").iterdir() if path.name != "metrics"] + [stage.ROOT / "functions"]
    sources = "\n".join(path.read_text() for folder in folders for path in sorted(folder.rglob("*.py")))
    return {name for name in CATALOGUE if f'"{name}"' in sources}


def unwritten_metrics(boards: Dashboards) -> list[str]:
    """Queries of metrics that stand in the catalogue and that no function writes."""
    return [
        tile.fault(f"looks at {name}, which no function writes")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name in CATALOGUE and name not in written()
    ]


def unknown_labels(boards: Dashboards) -> list[str]:
    """Queries that choose or sum up by a label that the metric has not."""
    return [
        tile.fault(f"looks at {name} by {label}, which it has not; it has {', '.join(sorted(KNOWN[name][1]))}")
        for tile, query in boards.asked
        for name, label in dict.fromkeys((*matched(query.plain), *grouped(query.plain)))
        if name in KNOWN and label not in KNOWN[name][1] and label not in made(query.plain)
    ]


def made(expr: str) -> set[str]:
    """The labels that an expression adds.

    >>> made('label_replace(up, "over", "1d", "", "")')
    {'over'}
    """
    return set(_MADE.findall(expr))


def wrong_kinds(boards: Dashboards) -> list[str]:
    """Queries that take a gauge for a counter, or the other way round."""
    return [tile.fault(fault) for tile, query in boards.asked for fault in wrong_call(query.plain)]


def short_sighted(boards: Dashboards) -> list[str]:
    """Gauges of ours that are asked for without looking back: PromQL shows one for five minutes, and some come hourly."""
    return [
        tile.fault(f"{name} must be asked for with how far to look back, as last_over_time({name}[1h])")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name in CATALOGUE and CATALOGUE[name].kind is Kind.GAUGE and not _looks_back(query.plain, name)
    ]


def _looks_back(expr: str, name: str) -> bool:
    return len(re.findall(rf"\b{name}\b", expr)) == len(re.findall(rf"\b{name}(?:\{{[^}}]*\}})?\)?\[", expr))


def false_zeros(boards: Dashboards) -> list[str]:
    """Series of labels with a zero for nothing: it has none of the labels, so that it is always there beside them."""
    return [
        tile.fault("must end with `or on () vector(0)`, since what it sums up has labels")
        for tile, query in boards.asked
        if re.match(r"(?:round\()?\w+ by ", query.expr) and re.search(r"\bor vector\(0\)$", query.expr)
    ]


OFTEN = {
    *("aia_incidents_open", "aia_incidents_impact_dollars_per_hour", "aia_probe_up", "aia_probe_latency_seconds"),
    *("aia_actions_waiting", "aia_notifications_waiting", "aia_pipeline_health_ratio"),
    "pubsub_googleapis_com:subscription_oldest_unacked_message_age",
    "pubsub_googleapis_com:subscription_num_undelivered_messages",
}
"""What goes up and down between the points of a chart over days, and must be seen there."""


def overlooked(boards: Dashboards) -> list[str]:
    """Charts over time that look only shortly back from each point, however far apart the points are."""
    return [
        tile.fault(f"{name} must be looked for all the way back to the point before, by [${{__interval}}]")
        for tile, query in boards.asked
        if tile.kind == "xyChart"
        for name in metrics(query.plain)
        if name in OFTEN
        and not re.search(rf"_over_time\({re.escape(name)}(?:\{{[^}}]*\}})?\[\$\{{__interval\}}\]", query.expr)
    ]


def slid(boards: Dashboards) -> list[str]:
    """Columns of what happened within other times than theirs: one event would stand in many of them, or in none."""
    return [
        tile.fault("a column must show what happened in its own time: [${__interval}]")
        for tile in boards.tiles
        for one in tile.widget.get("dataSets", [])
        if one.get("plotType") == "STACKED_BAR"
        if set(re.findall(r"\[([^\]]*)\]", one["timeSeriesQuery"].get("prometheusQuery", ""))) != {"${__interval}"}
    ]


def unknown_names(boards: Dashboards) -> list[str]:
    """Legends, rows and columns that name a label which no result has."""
    return [tile.fault(f"names {name}, which no result has") for tile in boards.tiles for name in _names(tile)]


def _names(tile: Tile) -> Iterator[str]:
    found = {label for query in tile.queries for label in results(query.plain) | made(query.plain)}
    for query in tile.queries:
        yield from set(_NAMED.findall(query.template)) - results(query.plain) - made(query.plain)
    columns = {one.get("column", "") for one in tile.widget.get("columnSettings", [])}
    yield from columns - found - {"value"}


def unknown_variables(boards: Dashboards) -> list[str]:
    """Variables that the dashboard does not declare, those that nothing uses, and those of labels that nothing has."""
    faults = []
    for file, document in boards.documents.items():
        declared = {one.get("templateVariable", "") for one in document.get("dashboardFilters", [])}
        used: set[str] = set()
        for tile in boards.of(file):
            named = {name for query in tile.queries for name in query.variables}
            faults += [tile.fault(f"uses the variable {name!r}, which is not declared") for name in named - declared]
            used |= named
        faults += [f"{file}: declares the variable {name!r}, which no tile uses" for name in declared - used]
    return faults


def unknown_units(boards: Dashboards) -> list[str]:
    """Units that are not written here, and dollars that are none."""
    faults = []
    for tile, query in boards.asked:
        if query.unit not in UNITS:
            faults.append(tile.fault(f"unitOverride must be one of {', '.join(sorted(UNITS))}, got {query.unit!r}"))
        ends = {name.rpartition("_")[2] for name in metrics(query.plain)}
        if query.unit == "USD" and ends - {"dollars", "hour"}:
            faults.append(tile.fault(f"is no number of dollars: {query.expr}"))
    return faults


def unparsed(boards: Dashboards, folder: Path) -> list[str]:
    """Queries that Prometheus does not take; a file of rules in the folder holds them for it."""
    faults = []
    for file in boards.documents:
        groups = [
            {"name": f"{tile.title}: {number}", "rules": [{"record": "a:b:c", "expr": query.plain}]}
            for tile in boards.of(file)
            for number, query in enumerate(tile.queries)
        ]
        path = folder / file
        path.write_text(yaml.safe_dump({"groups": groups}))
        faults += promtool.refused([path])
    return faults


CHECKS = (
    *(
        unasked,
        unknown_metrics,
        unwritten_metrics,
        unknown_labels,
        wrong_kinds,
        short_sighted,
        false_zeros,
        overlooked,
        slid,
    ),
    *(unknown_names, unknown_variables, unknown_units),
)
