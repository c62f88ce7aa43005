"""Widgets of Cloud Monitoring as panels of Grafana."""

from collections.abc import Sequence
from typing import TypeAlias

from grafana_foundation_sdk.builders import common, dashboard, gauge, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.dashboard import Threshold as Step
from grafana_foundation_sdk.models.text import TextMode

from functions.api.layout import Chart, Column, DataSet, Query, Scorecard, Table, Threshold, Widget
from infra.grafana.query import expression, legend, linked, unit

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The data source that the viewer chose."""
SHORTEST = "1m"
"""The least that a step is: nothing is written more often."""
_COLORS = {"YELLOW": "yellow", "RED": "red"}
_LAST = ["lastNotNull"]
Panel: TypeAlias = stat.Panel | gauge.Panel | timeseries.Panel | table.Panel | text.Panel


def panel(widget: Widget, runbooks: str) -> Panel:
    """The panel of a widget that is no heading.

    Raises:
        ValueError: it is of a kind that is not drawn, or has a unit that is not known.
    """
    if widget.scorecard:
        return _card(widget.title, widget.scorecard)
    if widget.xy_chart:
        return _chart(widget.title, widget.xy_chart)
    if widget.time_series_table:
        return _table(widget.title, widget.time_series_table)
    if widget.text:
        content = linked(widget.text.content, runbooks)
        return text.Panel().title(widget.title).mode(TextMode.MARKDOWN).content(content)
    raise ValueError("widget: must be a scorecard, xyChart, timeSeriesTable, text or sectionHeader, got another kind")


def _card(title: str, card: Scorecard) -> stat.Panel | gauge.Panel:
    reduced = common.ReduceDataOptions().calcs(_LAST)
    asked = _target(card.time_series_query, "A").legend_format(title).range()
    measured = unit(card.time_series_query.unit_override)
    if view := card.gauge_view:
        needle = gauge.Panel().title(title).datasource(SOURCE).interval(SHORTEST).unit(measured).with_target(asked)
        needle = needle.min(view.lower_bound).max(view.upper_bound).reduce_options(reduced)
        return needle.thresholds(_of_card(card.thresholds)).description(_description(card.thresholds))
    number = stat.Panel().title(title).datasource(SOURCE).interval(SHORTEST).unit(measured).with_target(asked)
    graph = BigValueGraphMode.NONE if card.spark_chart_view is None else BigValueGraphMode.AREA
    number = number.graph_mode(graph).color_mode(BigValueColorMode.VALUE).reduce_options(reduced)
    return number.thresholds(_of_card(card.thresholds)).description(_description(card.thresholds))


def _chart(title: str, chart: Chart) -> timeseries.Panel:
    drawn = timeseries.Panel().title(title).datasource(SOURCE).interval(SHORTEST)
    drawn = drawn.unit(_unit(chart.data_sets)).axis_label(chart.y_axis.label)
    for name, data_set in zip(_names(chart.data_sets), chart.data_sets, strict=True):
        drawn = drawn.with_target(
            _target(data_set.time_series_query, name).legend_format(legend(data_set.legend_template)).range()
        )
    if chart.y_axis.scale == "LOG10":
        drawn = drawn.scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10))
    drawn = drawn.legend(
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
    ).tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    return _limited(_plotted(drawn, chart.data_sets[0].plot_type), chart.thresholds)


def _plotted(drawn: timeseries.Panel, plot: str) -> timeseries.Panel:
    if plot == "LINE":
        return drawn.fill_opacity(0).span_nulls(span_nulls=False)
    stacked = drawn.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A")).fill_opacity(50)
    return stacked.draw_style(GraphDrawStyle.BARS) if plot == "STACKED_BAR" else stacked


def _limited(drawn: timeseries.Panel, thresholds: Sequence[Threshold]) -> timeseries.Panel:
    """With lines where the thresholds are; which side of them is bad, Cloud Monitoring's charts do not say either."""
    if not thresholds:
        return drawn
    steps = [Step(value=None, color="transparent")]
    steps += [Step(value=one.value, color="red") for one in sorted(thresholds, key=lambda threshold: threshold.value)]
    line = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return drawn.thresholds(_config(steps)).thresholds_style(line).description(_description(thresholds))


def _table(title: str, given: Table) -> table.Panel:
    """A table of the newest values: each series a row, its labels the columns before the value."""
    drawn = table.Panel().title(title).datasource(SOURCE).unit(_unit(given.data_sets))
    for name, data_set in zip(_names(given.data_sets), given.data_sets, strict=True):
        drawn = drawn.with_target(
            _target(data_set.time_series_query, name).legend_format(legend(data_set.table_template)).instant()
        )
    for change in _rows(given.column_settings):
        drawn = drawn.with_transformation(change)
    if given.metric_visualization == "BAR":
        bar = DynamicConfigValue(id_val="custom.cellOptions", value={"type": "gauge", "mode": "basic"})
        drawn = drawn.override_by_name("value", [bar])
    return drawn


def _rows(columns: Sequence[Column]) -> tuple[DataTransformerConfig, DataTransformerConfig]:
    """Each series as a row with a column for each label and `Last *` for the value; then those that are shown, in order."""
    shown = ["Last *" if column.column == "value" else column.column for column in columns if column.visible]
    hidden = ["Field", *(column.column for column in columns if not column.visible)]
    reduced = {"reducers": _LAST, "mode": "seriesToRows", "labelsToFields": True}
    ordered = {
        "excludeByName": dict.fromkeys(hidden, True),
        "renameByName": {"Last *": "value"},
        "indexByName": {name: index for index, name in enumerate(shown)},
    }
    return DataTransformerConfig(id_val="reduce", options=reduced), DataTransformerConfig(
        id_val="organize", options=ordered
    )


def _unit(sets: Sequence[DataSet]) -> str:
    """The unit of all that a panel shows."""
    names = {data_set.time_series_query.unit_override for data_set in sets}
    if len(names) != 1:
        raise ValueError(f"unitOverride: must be one for all data sets of a tile, got {', '.join(sorted(names))}")
    return unit(names.pop())


def _names(sets: Sequence[DataSet]) -> str:
    return "ABCDEFGHIJ"[: len(sets)]


def _target(query: Query, name: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(SOURCE).ref_id(name).expr(expression(query.prometheus_query))


def _of_card(thresholds: Sequence[Threshold]) -> dashboard.ThresholdsConfig:
    """Colour steps: Grafana's apply from their value up, so that a lower threshold colours the step before it."""
    below = sorted(
        (threshold for threshold in thresholds if threshold.direction == "BELOW"), key=lambda threshold: threshold.value
    )
    above = sorted(
        (threshold for threshold in thresholds if threshold.direction != "BELOW"), key=lambda threshold: threshold.value
    )
    colors = [*(_COLORS[one.color] for one in below), "green", *(_COLORS[one.color] for one in above)]
    values = [None, *(one.value for one in (*below, *above))]
    return _config([Step(value=value, color=color) for value, color in zip(values, colors, strict=True)])


def _config(steps: list[Step]) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _description(thresholds: Sequence[Threshold]) -> str:
    """The meaning of the thresholds."""
    return ", ".join(f"{threshold.value:g}: {threshold.label}" for threshold in thresholds)
