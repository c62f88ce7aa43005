"""The dashboards that are deployed to Cloud Monitoring, and the data of their tiles.

A viewer names a tile, never a query: the queries are in the dashboards.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from functions.adapters.ports import Clock, Data
from functions.adapters.prometheus import Prometheus, Series
from functions.api import alerts, layout
from functions.api.cache import Cache
from functions.api.layout import Dashboard, Tile
from functions.api.request import Request
from functions.api.tile_request import ANY, Span, fill, read_span, read_variables

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
"""Their folder in an archive and in the sources: at the root, beside `functions/`."""
ORDER = ("executive", "technical", "operations", "business", "models")
"""In which they are listed; any others come after them."""
MOST_SERIES = 50
"""Series per data set of a chart; a chart of more is unreadable."""
MOST_ROWS = 200
"""Rows of a data set of a table."""
_FRESH_SECONDS = 10.0
_ABOUT_AGE = re.compile(r"\babsent_over_time\(|\btime\(\) -")
"""Queries for the age of a metric, which mean nothing right after the system has started."""
_RAN = (
    'count(last_over_time(aia_heartbeat_timestamp_seconds{function=~"health_check|incident_sweep|action_runner"}[2m]))'
)
"""Whether the functions that run every minute ran at an instant."""
_EPOCH = datetime.fromtimestamp(0, UTC)


def load(folder: Path = FOLDER) -> dict[str, Dashboard]:
    """Every dashboard by the name of its file, in the order in which they are listed."""
    read = {path.stem: msgspec.json.decode(path.read_bytes(), type=Dashboard) for path in folder.glob("*.json")}
    return {name: read[name] for name in sorted(read, key=_rank)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    """Answers about dashboards.

    Attributes:
        all: every one by its name.
        prometheus: answers the queries.
        models: the choices of the variable `model`.
        clock: now.
        started: when this instance started.
    """

    all: dict[str, Dashboard]
    prometheus: Prometheus
    models: Callable[[], Iterable[str]]
    clock: Clock
    started: datetime = _EPOCH
    _cache: Cache = field(default_factory=Cache)

    def titles(self) -> list[Data]:
        """The names and titles of the dashboards."""
        return [{"name": name, "title": dashboard.display_name} for name, dashboard in self.all.items()]

    def layout(self, name: str) -> Data:
        """The layout of a dashboard; `LookupError` if there is none of that name."""
        dashboard = self._dashboard(name)
        return {
            "name": name,
            "title": dashboard.display_name,
            "columns": dashboard.mosaic_layout.columns,
            "variables": [
                {
                    "name": variable.template_variable,
                    "value": "" if variable.string_value == ANY else variable.string_value,
                    "choices": list(self.models()) if variable.label_key == "model" else [],
                }
                for variable in dashboard.dashboard_filters
                if variable.template_variable
            ],
            "tiles": layout.shown(dashboard, alerts.severities()),
        }

    def tile(self, name: str, index: int, request: Request) -> Data:
        """The data of one tile, of all its data sets.

        Raises:
            LookupError: there is no such dashboard or tile.
            BadRequest: the span or the value of a variable is wrong.
            QueryError: a query is refused.
            UnavailableError: Prometheus does not answer.
        """
        dashboard = self._dashboard(name)
        tiles = dashboard.mosaic_layout.tiles
        if not 0 <= index < len(tiles):
            raise LookupError(f"tile: must be 0 to {len(tiles) - 1} of {name}, got {index}")
        asked = read_span(request, int(self.clock().timestamp()))
        values = read_variables(request, dashboard.dashboard_filters)
        filters = dashboard.dashboard_filters
        charted, current = _asks(tiles[index])
        sets = [
            self._data(fill(query, filters, values, step=asked.step), asked, charted, current)
            for query in _queries(tiles[index])
        ]
        return {
            "start": asked.start,
            "end": asked.end,
            "step": asked.step,
            "sets": sets,
            "judged_from": self._judged_from(tiles[index]),
        }

    def _judged_from(self, tile: Tile) -> datetime | None:
        """The instant from which a card about an age may judge it: like its alert rules, after their `for`.

        None if it may now: long after the start, or if the system was running before this instance started.
        """
        card = tile.widget.scorecard
        if card is None or not _ABOUT_AGE.search(card.time_series_query.prometheus_query):
            return None
        rules = {name for threshold in card.thresholds for name in threshold.label.split(", ")}
        settled = self.started + max(
            (alerts.patience().get(name, timedelta(0)) for name in rules), default=timedelta(0)
        )
        return None if self.clock() >= settled or self._was_running() else settled

    def _was_running(self) -> bool:
        """Whether the system ran a moment before this instance started."""
        before = int(self.started.timestamp()) - 30
        return bool(self._cache(("ran",), lambda: self.prometheus.instant(_RAN, at=before), seconds=_FRESH_SECONDS * 6))

    def _dashboard(self, name: str) -> Dashboard:
        if name not in self.all:
            raise LookupError(f"dashboard: must be one of {', '.join(self.all)}, got {name[:80]!r}")
        return self.all[name]

    def _data(self, query: str, asked: Span, charted: bool, current: bool) -> Data:  # noqa: FBT001 - what is asked for
        series = self._range(query, asked) if charted else []
        now = self._instant(query, asked) if current else []
        return {
            "series": [{"labels": line.labels, "values": line.values} for line in _first(series, MOST_SERIES)],
            "now": [{"labels": row.labels, "value": row.values[0]} for row in _first(now, MOST_ROWS)],
            "left_out": max(0, len(series) - MOST_SERIES, len(now) - MOST_ROWS),
        }

    def _range(self, query: str, asked: Span) -> list[Series]:
        start, end, step = asked.start, asked.end, asked.step
        key = (query, start, end, step)
        ask = self.prometheus.range
        return self._cache(key, lambda: ask(query, start=start, end=end, step=step), seconds=_FRESH_SECONDS)

    def _instant(self, query: str, asked: Span) -> list[Series]:
        ask = self.prometheus.instant
        return self._cache((query, asked.end), lambda: ask(query, at=asked.end), seconds=_FRESH_SECONDS)


def _rank(name: str) -> tuple[int, str]:
    return ORDER.index(name) if name in ORDER else len(ORDER), name


def _queries(tile: Tile) -> list[str]:
    """The queries of a tile, one per data set."""
    return [data_set.time_series_query.prometheus_query for data_set in layout.queried_data_sets(tile.widget)]


def _asks(tile: Tile) -> tuple[bool, bool]:
    """Whether a tile shows values over time, and whether it shows the newest values, as Cloud Monitoring does."""
    card = tile.widget.scorecard
    return bool(tile.widget.xy_chart or (card and card.spark_chart_view is not None)), tile.widget.xy_chart is None


def _first(series: Sequence[Series], most: int) -> Sequence[Series]:
    """All of them, or those that are the largest at the end."""
    return series if len(series) <= most else sorted(series, key=_last, reverse=True)[:most]


def _last(series: Series) -> float:
    return next((value for value in reversed(series.values) if value is not None), float("-inf"))
