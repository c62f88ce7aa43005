"""Checks of the queries of dashboards: metrics that are written, by labels that they have."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.metrics import CATALOGUE, MetricKind
from core.promql import metrics
from infra.lint import promtool
from infra.lint.dashboard_files import Dashboards, Query, Tile, fault
from infra.lint.fault import Fault
from infra.lint.promql import KNOWN, grouped, matched, results, wrong_call

UNITS = {"1", "s", "10^2.%", "USD"}
"""The units that the page and Grafana support."""
_MADE = re.compile(r'label_replace\(.*?, "(\w+)", "[^"]*", "[^"]*", "[^"]*"\)')
_NAMED = re.compile(r"\$\{([^}]*)\}")


def unasked(boards: Dashboards) -> list[Fault]:
    """Charts, scorecards and tables that ask nothing."""
    silent = (tile for tile in boards.tiles if tile.kind in {"xyChart", "scorecard", "timeSeriesTable"})
    return [
        tile.fault("must ask in PromQL")
        for tile in silent
        if not all(query.expr for query in tile.queries or [_NOTHING])
    ]


_NOTHING = Query(expr="", template="", unit="")


def unknown_metrics(boards: Dashboards) -> list[Fault]:
    """Queries of unknown metrics, by the catalogue and the list of Google's metrics."""
    return [
        tile.fault(f"looks at {name}, which nobody writes")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name not in KNOWN
    ]


def unwritten_metrics(boards: Dashboards) -> list[Fault]:
    """Queries of metrics that stand in the catalogue and that no function writes."""
    return [
        tile.fault(f"looks at {name}, which no function writes")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name in CATALOGUE and name not in boards.written
    ]


def unknown_labels(boards: Dashboards) -> list[Fault]:
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


def wrong_kinds(boards: Dashboards) -> list[Fault]:
    """Queries that take a gauge for a counter, or the other way round."""
    return [tile.fault(fault) for tile, query in boards.asked for fault in wrong_call(query.plain)]


def short_sighted(boards: Dashboards) -> list[Fault]:
    """Gauges of ours that are queried without a lookback: PromQL shows one for five minutes, and some are hourly."""
    return [
        tile.fault(f"{name} must be asked for with how far to look back, as last_over_time({name}[1h])")
        for tile, query in boards.asked
        for name in metrics(query.plain)
        if name in CATALOGUE and CATALOGUE[name].kind is MetricKind.GAUGE and not _looks_back(query.plain, name)
    ]


def _looks_back(expr: str, name: str) -> bool:
    return len(re.findall(rf"\b{name}\b", expr)) == len(re.findall(rf"\b{name}(?:\{{[^}}]*\}})?\)?\[", expr))


def false_zeros(boards: Dashboards) -> list[Fault]:
    """Labelled series with a zero as default: it has no labels, so that it is always shown beside them."""
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
"""Metrics that change between the points of a chart over days, and must be visible there."""


def overlooked(boards: Dashboards) -> list[Fault]:
    """Charts over time that look only shortly back from each point, however far apart the points are."""
    return [
        tile.fault(f"{name} must be looked for all the way back to the point before, by [${{__interval}}]")
        for tile, query in boards.asked
        if tile.kind == "xyChart"
        for name in metrics(query.plain)
        if name in OFTEN
        and not re.search(rf"_over_time\({re.escape(name)}(?:\{{[^}}]*\}})?\[\$\{{__interval\}}\]", query.expr)
    ]


def slid(boards: Dashboards) -> list[Fault]:
    """Columns of what happened within other times than theirs: one event would stand in many of them, or in none."""
    return [
        tile.fault("a column must show what happened in its own time: [${__interval}]")
        for tile in boards.tiles
        for data_set in tile.widget.get("dataSets", [])
        if data_set.get("plotType") == "STACKED_BAR"
        if set(re.findall(r"\[([^\]]*)\]", data_set["timeSeriesQuery"].get("prometheusQuery", ""))) != {"${__interval}"}
    ]


def unknown_names(boards: Dashboards) -> list[Fault]:
    """Legends, rows and columns that name a label which no result has."""
    return [tile.fault(f"names {name}, which no result has") for tile in boards.tiles for name in _names(tile)]


def _names(tile: Tile) -> Iterator[str]:
    labels = {label for query in tile.queries for label in results(query.plain) | made(query.plain)}
    for query in tile.queries:
        yield from set(_NAMED.findall(query.template)) - results(query.plain) - made(query.plain)
    columns = {setting.get("column", "") for setting in tile.widget.get("columnSettings", [])}
    yield from columns - labels - {"value"}


def unknown_variables(boards: Dashboards) -> list[Fault]:
    """Variables that the dashboard does not declare, those that nothing uses, and those of labels that nothing has."""
    faults = []
    for file, document in boards.documents.items():
        declared = {variable.get("templateVariable", "") for variable in document.get("dashboardFilters", [])}
        used: set[str] = set()
        for tile in boards.of(file):
            named = {name for query in tile.queries for name in query.variables}
            faults += [tile.fault(f"uses the variable {name!r}, which is not declared") for name in named - declared]
            used |= named
        faults += [fault(file, f"declares the variable {name!r}, which no tile uses") for name in declared - used]
    return faults


def unknown_units(boards: Dashboards) -> list[Fault]:
    """Units that are not written here, and dollars that are none."""
    faults = []
    for tile, query in boards.asked:
        if query.unit not in UNITS:
            faults.append(tile.fault(f"unitOverride must be one of {', '.join(sorted(UNITS))}, got {query.unit!r}"))
        ends = {name.rpartition("_")[2] for name in metrics(query.plain)}
        if query.unit == "USD" and ends - {"dollars", "hour", "task", "unknown"}:
            faults.append(tile.fault(f"is no number of dollars: {query.expr}"))
    return faults


def unparsed(boards: Dashboards) -> list[Fault]:
    """Queries that Prometheus does not take: it is given them as the rules of a file, one a line."""
    asked = list(boards.asked)
    groups = [
        {"name": str(number), "rules": [{"record": "a:b:c", "expr": query.plain}]}
        for number, (_, query) in enumerate(asked)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queries.yaml"
        path.write_text("\n".join(["groups:", *(f"- {json.dumps(group)}" for group in groups)]))
        return [asked[refusal.line - _FIRST][0].fault(refusal.what) for refusal in promtool.refused([path])]


_FIRST = 2
"""The line of the first query in the file that Prometheus is given."""

CHECKS = (
    unasked,
    unknown_metrics,
    unwritten_metrics,
    unknown_labels,
    wrong_kinds,
    short_sighted,
    false_zeros,
    overlooked,
    slid,
    unknown_names,
    unknown_variables,
    unknown_units,
)
