"""Layout of a dashboard: Cloud Monitoring's format (`google.monitoring.dashboard.v1`, JSON), and its tiles as the page draws them.

Fields that are not declared here are ignored. A widget of another kind has none of the declared fields, and the page
says that it cannot draw it.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from core.events import Severity
from functions.adapters.ports import Data

_PLOTS = {"STACKED_AREA": "area", "STACKED_BAR": "bar"}
_FOREIGN = re.compile(r"\b(?:\w+_googleapis_com|kubernetes_io):|\bpg_")
"""Metrics of Google and of exporters, by the prefix of their names."""
_COLORS = {"RED": Severity.ERROR, "YELLOW": Severity.WARNING}
"""The severity of a threshold without an alert rule."""
_GRAVE = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


class Query(msgspec.Struct, frozen=True, rename="camel"):
    """A query, and the unit of its result."""

    prometheus_query: str = ""
    unit_override: str = ""


class Threshold(msgspec.Struct, frozen=True, rename="camel"):
    """A threshold."""

    value: float = 0.0
    label: str = ""
    color: str = ""
    direction: str = ""
    target_axis: str = "Y1"


class DataSet(msgspec.Struct, frozen=True, rename="camel"):
    """Series of a chart or a table."""

    time_series_query: Query
    plot_type: str = "LINE"
    legend_template: str = ""
    table_template: str = ""
    target_axis: str = "Y1"


class Axis(msgspec.Struct, frozen=True, rename="camel"):
    """The axis of values."""

    label: str = ""
    scale: str = "LINEAR"


class Chart(msgspec.Struct, frozen=True, rename="camel"):
    """Series over time."""

    data_sets: tuple[DataSet, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    y_axis: Axis = Axis()
    y2_axis: Axis = Axis()


class Gauge(msgspec.Struct, frozen=True, rename="camel"):
    """Where a value lies between two bounds."""

    lower_bound: float = 0.0
    upper_bound: float = 1.0


class Scorecard(msgspec.Struct, frozen=True, rename="camel"):
    """The newest value of one series."""

    time_series_query: Query
    spark_chart_view: dict[str, Any] | None = None
    gauge_view: Gauge | None = None
    thresholds: tuple[Threshold, ...] = ()


class Column(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a column of a table is shown."""

    column: str
    visible: bool = False


class Table(msgspec.Struct, frozen=True, rename="camel"):
    """The newest values of series, a row each."""

    data_sets: tuple[DataSet, ...] = ()
    column_settings: tuple[Column, ...] = ()
    metric_visualization: str = "NUMBER"


class Text(msgspec.Struct, frozen=True, rename="camel"):
    """Words, as Markdown."""

    content: str = ""


class SectionHeader(msgspec.Struct, frozen=True, rename="camel"):
    """A heading over what follows."""

    subtitle: str = ""
    divider_below: bool = False


class Widget(msgspec.Struct, frozen=True, rename="camel"):
    """The content of a tile: one of these."""

    title: str = ""
    xy_chart: Chart | None = None
    scorecard: Scorecard | None = None
    time_series_table: Table | None = None
    text: Text | None = None
    section_header: SectionHeader | None = None


class Tile(msgspec.Struct, frozen=True, rename="camel"):
    """A widget and its place."""

    widget: Widget
    x_pos: int = 0
    y_pos: int = 0
    width: int = 1
    height: int = 1


class Mosaic(msgspec.Struct, frozen=True, rename="camel"):
    """Tiles on columns."""

    tiles: tuple[Tile, ...] = ()
    columns: int = 48


class Filter(msgspec.Struct, frozen=True, rename="camel"):
    """A variable: its label, and its default value."""

    label_key: str
    template_variable: str = ""
    string_value: str = ""


class Dashboard(msgspec.Struct, frozen=True, rename="camel"):
    """One dashboard."""

    display_name: str
    mosaic_layout: Mosaic
    dashboard_filters: tuple[Filter, ...] = ()


def shown(dashboard: Dashboard, severities: Mapping[str, Severity]) -> list[Data]:
    """The tiles, from left to right and from top to bottom; `index` is a tile's place in the file.

    Args:
        dashboard: as its file has it.
        severities: of the alert rules behind thresholds, by name.
    """
    tiles = sorted(
        enumerate(dashboard.mosaic_layout.tiles), key=lambda numbered: (numbered[1].y_pos, numbered[1].x_pos)
    )
    return [_place(index, tile) | _widget(tile.widget, severities) for index, tile in tiles]


def _place(index: int, tile: Tile) -> Data:
    place = {"x": tile.x_pos, "y": tile.y_pos, "width": tile.width, "height": tile.height}
    return {"index": index, "title": tile.widget.title, **place, "foreign": _is_foreign(tile.widget)}


def _is_foreign(widget: Widget) -> bool:
    """Whether a tile shows only metrics of other systems, which may be absent without a fault."""
    queries = [data_set.time_series_query.prometheus_query for data_set in queried_data_sets(widget)]
    return bool(queries) and all(_FOREIGN.search(query) and "aia_" not in query for query in queries)


def queried_data_sets(widget: Widget) -> tuple[DataSet, ...]:
    """The data sets of a widget, in order; none for text."""
    if widget.xy_chart:
        return widget.xy_chart.data_sets
    if widget.scorecard:
        return (DataSet(time_series_query=widget.scorecard.time_series_query),)
    return widget.time_series_table.data_sets if widget.time_series_table else ()


def _widget(widget: Widget, severities: Mapping[str, Severity]) -> Data:
    if widget.xy_chart:
        return _chart(widget.xy_chart, severities)
    if widget.scorecard:
        return _scorecard(widget.scorecard, severities)
    if widget.time_series_table:
        return _table(widget.time_series_table)
    if widget.text:
        return {"kind": "text", "text": widget.text.content}
    if widget.section_header:
        return {"kind": "header", "text": widget.section_header.subtitle, "line": widget.section_header.divider_below}
    return {"kind": "unknown"}


def _chart(chart: Chart, severities: Mapping[str, Severity]) -> Data:
    axes = {"Y1": chart.y_axis, "Y2": chart.y2_axis}
    return {
        "kind": "chart",
        "sets": [
            _data_set(data_set) | {"plot": _PLOTS.get(data_set.plot_type, "line")} for data_set in chart.data_sets
        ],
        "thresholds": [_threshold(threshold, severities) for threshold in chart.thresholds],
        "axes": {name: {"label": axis.label, "log": axis.scale == "LOG10"} for name, axis in axes.items()},
    }


def _scorecard(scorecard: Scorecard, severities: Mapping[str, Severity]) -> Data:
    gauge = scorecard.gauge_view
    query = scorecard.time_series_query
    return {
        "kind": "scorecard",
        "sets": [_data_set(DataSet(time_series_query=query))],
        "thresholds": [_threshold(threshold, severities) for threshold in scorecard.thresholds],
        "spark": scorecard.spark_chart_view is not None,
        "gauge": gauge and {"low": gauge.lower_bound, "high": gauge.upper_bound},
    }


def _table(table: Table) -> Data:
    return {
        "kind": "table",
        "sets": [_data_set(data_set) for data_set in table.data_sets],
        "hidden": [setting.column for setting in table.column_settings if not setting.visible],
        "columns": [setting.column for setting in table.column_settings if setting.visible],
        "bars": table.metric_visualization == "BAR",
    }


def _data_set(data_set: DataSet) -> Data:
    return {
        "query": data_set.time_series_query.prometheus_query,
        "unit": data_set.time_series_query.unit_override or "1",
        "legend": data_set.legend_template or data_set.table_template,
        "axis": data_set.target_axis,
    }


def _threshold(threshold: Threshold, severities: Mapping[str, Severity]) -> Data:
    return {
        "value": threshold.value,
        "label": threshold.label,
        "level": _level(threshold, severities) if threshold.color else "",
        "below": threshold.direction == "BELOW",
        "axis": threshold.target_axis,
    }


def _level(threshold: Threshold, severities: Mapping[str, Severity]) -> str:
    """The worst severity of the alert rules of a threshold, so that a card agrees with the alert."""
    named = {severities[name] for name in threshold.label.split(", ") if name in severities}
    return str(next((severity for severity in _GRAVE if severity in named), _COLORS.get(threshold.color, "")))
