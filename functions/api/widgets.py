"""Cloud Monitoring's dashboards, as far as the page draws them: `google.monitoring.dashboard.v1`, in JSON.

What is not named here is ignored. A widget of another kind has none of the fields below, and the page says that it cannot
draw it.
"""

from typing import Any

import msgspec


class Query(msgspec.Struct, frozen=True, rename="camel"):
    """What is asked, and in which unit the answer is."""

    prometheus_query: str = ""
    unit_override: str = ""


class Threshold(msgspec.Struct, frozen=True, rename="camel"):
    """A value that means something."""

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
    """What a tile holds: one of these."""

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
    """A variable: the label that it chooses by, and what is chosen at first."""

    label_key: str
    template_variable: str = ""
    string_value: str = ""


class Dashboard(msgspec.Struct, frozen=True, rename="camel"):
    """One dashboard."""

    display_name: str
    mosaic_layout: Mosaic
    dashboard_filters: tuple[Filter, ...] = ()
