"""A dashboard with every kind of tile, and a Prometheus that knows the answer to each of its queries."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from functions.adapters.prometheus import Series
from functions.api.layout import Dashboard

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
Values = Callable[[int], float | None]


def rising(slope: float) -> Values:
    """A value that grows through the hours of a day, and is never 0."""
    return lambda at: slope * (1 + at % 86_400 / 3600)


def query(promql: str, unit: str = "1") -> dict[str, Any]:
    return {"prometheusQuery": promql, "unitOverride": unit}


def chart(*sets: tuple[str, str, str], plot: str = "LINE", **more: Any) -> dict[str, Any]:
    """A chart of data sets, each its query, unit and legend."""
    data = [
        {"timeSeriesQuery": query(promql, unit), "plotType": plot, "legendTemplate": legend, "targetAxis": "Y1"}
        for promql, unit, legend in sets
    ]
    return {"xyChart": {"dataSets": data, **more}}


def card(promql: str, unit: str = "1", **more: Any) -> dict[str, Any]:
    return {"scorecard": {"timeSeriesQuery": query(promql, unit), **more}}


def figures(*promql: str) -> dict[str, Any]:
    """A table with a column for each figure of an action, in seconds."""
    shown = [{"column": "action", "visible": True}, {"column": "figure", "visible": True}]
    data = [{"timeSeriesQuery": query(one, "s"), "tableTemplate": "${action}: ${figure}"} for one in promql]
    return {"timeSeriesTable": {"dataSets": data, "metricVisualization": "NUMBER", "columnSettings": shown}}


def tile(x: int, y: int, size: str, title: str, widget: dict[str, Any]) -> dict[str, Any]:
    width, height = map(int, size.split("x"))
    return {"xPos": x, "yPos": y, "width": width, "height": height, "widget": {"title": title, **widget}}


RED = {"value": 0.9, "color": "RED", "direction": "BELOW", "label": "AccuracyBelowFloor"}
YELLOW = {"value": 0.95, "color": "YELLOW", "direction": "BELOW"}
SPARK = {"sparkChartType": "SPARK_LINE"}
TEXT = f"""**Read** the [runbook](docs/runbooks/models.md#drift), [the web](https://example.com/a) or
[nothing](javascript:alert(1)).

{HOSTILE} and <b>bold</b>

- one `code`
- two
"""
TILES = [
    tile(0, 3, "24x12", "Latency (s)", chart(("latency", "s", "${probe}"), yAxis={"label": "seconds"})),
    tile(0, 0, "48x3", "How it goes", {"sectionHeader": {"subtitle": "every kind of tile"}}),
    tile(
        24,
        3,
        "24x12",
        "Revenue ($)",
        chart(("revenue", "USD", "${source}"), plot="STACKED_AREA", thresholds=[{"value": 30, "label": "floor"}]),
    ),
    tile(0, 15, "24x12", "Runs", chart(("runs", "1", "${outcome}"), plot="STACKED_BAR")),
    tile(24, 15, "12x8", "Accuracy (%)", card("accuracy{${model}}", "10^2.%", thresholds=[RED, YELLOW])),
    tile(36, 15, "12x8", "Satisfaction (%)", card("satisfaction", "10^2.%", gaugeView={"upperBound": 1})),
    tile(24, 23, "12x4", "Open incidents", card("open", "1", sparkChartView=SPARK, thresholds=[YELLOW | {"value": 0}])),
    tile(
        0,
        27,
        "24x8",
        "By company (%)",
        {
            "timeSeriesTable": {
                "dataSets": [{"timeSeriesQuery": query("sort_desc(share)", "10^2.%"), "tableTemplate": "${company}"}],
                "metricVisualization": "BAR",
                "columnSettings": [{"column": "company", "visible": True}, {"column": "job"}],
            }
        },
    ),
    tile(24, 27, "24x8", "What to do", {"text": {"content": TEXT, "format": "MARKDOWN"}}),
    tile(0, 35, "16x8", "Nothing there", chart(("nothing", "1", ""))),
    tile(16, 35, "16x8", "A pie", {"pieChart": {"dataSets": []}}),
    tile(32, 35, "16x8", "Rate", chart(("rate(x[${__interval}])", "1", "${__nothing}"))),
]
"""The second tile is the first that is read."""


def dashboard(**more: Any) -> Dashboard:
    """The sample, as it is read from a file."""
    model = {"labelKey": "model", "templateVariable": "model", "filterType": "METRIC_LABEL"}
    document = {
        "displayName": "AIA: sample",
        "mosaicLayout": {"columns": 48, "tiles": TILES},
        "dashboardFilters": [model],
    }
    return msgspec.convert(document | more, Dashboard)


@dataclass
class Charts:
    """Answers queries by the word they begin with; each series by its labels, its value by the instant."""

    answers: Mapping[str, list[tuple[dict[str, str], Values]]]
    asked: list[tuple[str, int, int, int]] = field(default_factory=list)
    fault: Exception | None = None
    delay: threading.Event | None = None

    def instant(self, query: str, *, at: int) -> list[Series]:
        return self._answer(query, at, at, 1)

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        return self._answer(query, start, end, step)

    def _answer(self, query: str, start: int, end: int, step: int) -> list[Series]:
        self.asked.append((query, start, end, step))
        if self.delay:
            assert self.delay.wait(20)
        if self.fault:
            raise self.fault
        series = next((found for word, found in self.answers.items() if query.startswith(word)), [])
        instants = range(start, end + 1, step)
        return [Series(labels=labels, values=tuple(map(values, instants))) for labels, values in series]


def charts() -> Charts:
    """What the sample's queries give."""
    return Charts(
        {
            "latency": [({"probe": "web"}, rising(0.1)), ({"probe": HOSTILE}, rising(0.2))],
            "revenue": [({"source": "shop"}, rising(2)), ({"source": "partners"}, rising(1))],
            "runs": [({"outcome": "done"}, lambda _: 3.0), ({"outcome": "failed"}, lambda _: 1.0)],
            "accuracy": [({"model": "churn"}, lambda _: 0.81)],
            "satisfaction": [({}, lambda _: 0.625)],
            "open": [({}, lambda at: float(at // 3600 % 3))],
            "sort_desc(share)": [
                ({"company": "ours", "job": "bi"}, lambda _: 0.5),
                ({"company": "Acme", "job": "bi"}, lambda _: 0.25),
            ],
            "rate": [({}, lambda _: 1.5)],
            "recovery": [
                ({"action": "scale_out", "figure": "to recovery"}, lambda _: 180.0),
                ({"action": "restart_service", "figure": "to recovery"}, lambda _: None),
            ],
            "apart": [({"action": "restart_service", "figure": "saved"}, lambda _: -90.0)],
        }
    )
