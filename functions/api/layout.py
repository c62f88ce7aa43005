"""How a dashboard looks: its tiles in reading order, each with all that the page needs to draw it but the data."""

import re
from collections.abc import Mapping

from core.events import Severity
from functions.adapters.ports import Data
from functions.api.widgets import Chart, Dashboard, DataSet, Scorecard, Table, Threshold, Tile, Widget

_PLOTS = {"STACKED_AREA": "area", "STACKED_BAR": "bar"}


_FOREIGN = re.compile(r"\b(?:\w+_googleapis_com|kubernetes_io):|\bpg_")
"""Metrics of Google and of exporters, by how their names begin."""
_COLORS = {"RED": Severity.ERROR, "YELLOW": Severity.WARNING}
"""How grave a threshold is that stands for no alert rule."""
_GRAVE = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO)


def shown(dashboard: Dashboard, severities: Mapping[str, Severity]) -> list[Data]:
    """The tiles, from left to right and from top to bottom; `index` is a tile's place in the file.

    Args:
        dashboard: as its file has it.
        severities: of the alert rules that thresholds stand for, by their names.
    """
    tiles = sorted(enumerate(dashboard.mosaic_layout.tiles), key=lambda one: (one[1].y_pos, one[1].x_pos))
    return [_place(index, tile) | _widget(tile.widget, severities) for index, tile in tiles]


def _place(index: int, tile: Tile) -> Data:
    place = {"x": tile.x_pos, "y": tile.y_pos, "width": tile.width, "height": tile.height}
    return {"index": index, "title": tile.widget.title, **place, "foreign": _is_foreign(tile.widget)}


def _is_foreign(widget: Widget) -> bool:
    """Whether a tile shows only what others measure: there may be nothing of it, which is no fault."""
    queries = [one.time_series_query.prometheus_query for one in asked(widget)]
    return bool(queries) and all(_FOREIGN.search(query) and "aia_" not in query for query in queries)


def asked(widget: Widget) -> tuple[DataSet, ...]:
    """What a widget asks, in order; nothing where it holds but words."""
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
        "sets": [_set(one) | {"plot": _PLOTS.get(one.plot_type, "line")} for one in chart.data_sets],
        "thresholds": [_threshold(one, severities) for one in chart.thresholds],
        "axes": {name: {"label": axis.label, "log": axis.scale == "LOG10"} for name, axis in axes.items()},
    }


def _scorecard(scorecard: Scorecard, severities: Mapping[str, Severity]) -> Data:
    gauge = scorecard.gauge_view
    query = scorecard.time_series_query
    return {
        "kind": "scorecard",
        "sets": [_set(DataSet(time_series_query=query))],
        "thresholds": [_threshold(one, severities) for one in scorecard.thresholds],
        "spark": scorecard.spark_chart_view is not None,
        "gauge": gauge and {"low": gauge.lower_bound, "high": gauge.upper_bound},
    }


def _table(table: Table) -> Data:
    return {
        "kind": "table",
        "sets": [_set(one) for one in table.data_sets],
        "hidden": [one.column for one in table.column_settings if not one.visible],
        "columns": [one.column for one in table.column_settings if one.visible],
        "bars": table.metric_visualization == "BAR",
    }


def _set(one: DataSet) -> Data:
    return {
        "query": one.time_series_query.prometheus_query,
        "unit": one.time_series_query.unit_override or "1",
        "legend": one.legend_template or one.table_template,
        "axis": one.target_axis,
    }


def _threshold(one: Threshold, severities: Mapping[str, Severity]) -> Data:
    return {
        "value": one.value,
        "label": one.label,
        "level": _level(one, severities) if one.color else "",
        "below": one.direction == "BELOW",
        "axis": one.target_axis,
    }


def _level(one: Threshold, severities: Mapping[str, Severity]) -> str:
    """The gravest of the rules that a threshold stands for, so that a card says what the alert says."""
    named = {severities[name] for name in one.label.split(", ") if name in severities}
    return str(next((severity for severity in _GRAVE if severity in named), _COLORS.get(one.color, "")))
