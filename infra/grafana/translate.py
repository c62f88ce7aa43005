"""A dashboard of Cloud Monitoring as a Grafana dashboard, and the file that makes Grafana load them."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from functions.api.dashboards import load
from functions.api.layout import Dashboard, Filter, Tile
from functions.api.tile_request import ANY
from infra.grafana.grid import places
from infra.grafana.panels import SOURCE, panel
from infra.grafana.query import metric_of

TAG = "aia"
SHORTEST = "1m"
"""The refresh interval."""
SPAN = ("now-7d", "now")
"""The default time range."""


def write(folder: Path, runbooks: str) -> list[Path]:
    """Write every dashboard of dashboards/ into a folder, deterministically.

    Args:
        folder: made where it is missing.
        runbooks: the address of the folder of the runbooks, or empty.

    Raises:
        ValueError: something in a dashboard has no counterpart; the message names the dashboard.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, given in load().items():
        path = folder / f"{name}.json"
        path.write_text(_text(name, given, runbooks))
        written.append(path)
    return written


def _text(name: str, given: Dashboard, runbooks: str) -> str:
    try:
        made = translated(name, given, runbooks)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def translated(name: str, given: Dashboard, runbooks: str = "") -> dashboard.Dashboard:
    """A dashboard in Grafana's words.

    Args:
        name: of its file, which becomes the address of the page.
        given: as Cloud Monitoring has it.
        runbooks: the address of the folder of the runbooks, or empty.

    Raises:
        ValueError: something in it has no counterpart.
    """
    made = dashboard.Dashboard(given.display_name).uid(f"{TAG}-{name}").tags([TAG, name]).readonly()
    made = made.time(*SPAN).refresh(SHORTEST).timezone("utc").tooltip(DashboardCursorSync.CROSSHAIR)
    made = made.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for variable in given.dashboard_filters:
        made = made.with_variable(_variable(variable, given))
    mosaic = given.mosaic_layout
    for number, (tile, place) in enumerate(zip(mosaic.tiles, places(mosaic.tiles, mosaic.columns), strict=True), 1):
        made = _with(made, tile, place, number, runbooks)
    return made


def _with(made: dashboard.Dashboard, tile: Tile, place: GridPos, number: int, runbooks: str) -> dashboard.Dashboard:
    if header := tile.widget.section_header:
        title = f"{tile.widget.title}: {header.subtitle}" if header.subtitle else tile.widget.title
        return made.with_row(dashboard.Row(title).id(number).grid_pos(place))
    try:
        drawn = panel(tile.widget, runbooks)
    except ValueError as error:
        raise ValueError(f"{tile.widget.title}: {error}") from error
    return made.with_panel(drawn.id(number).grid_pos(place))


def _variable(variable: Filter, given: Dashboard) -> dashboard.QueryVariable:
    """A variable whose values are those that the label has; nothing chosen is everything."""
    name = variable.template_variable
    query = f"label_values({metric_of(name, _queries(given))}, {variable.label_key})"
    made = dashboard.QueryVariable(name).label(variable.label_key).datasource(SOURCE).query(query).definition(query)
    made = made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    made = made.multi(multi=True).include_all(include_all=True).all_value(ANY)
    chosen = variable.string_value if variable.string_value not in {"", ANY} else ""
    first = VariableOption(text=chosen or "All", value=chosen or "$__all", selected=True)
    return made.current(first)


def _queries(given: Dashboard) -> list[str]:
    asked = []
    for widget in (tile.widget for tile in given.mosaic_layout.tiles):
        if widget.scorecard:
            asked.append(widget.scorecard.time_series_query.prometheus_query)
        for many in (widget.xy_chart, widget.time_series_table):
            asked += [data_set.time_series_query.prometheus_query for data_set in many.data_sets] if many else []
    return asked
