"""Forecasts of the revenue of 30 days: of each source and of all together, stored as made, and their accuracy when the days are over."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby

import numpy as np

from core.business.checks import Floats
from core.business.forecast import Forecast
from core.business.totals import ScoredTotal, TotalAccuracy, naive_total, total_accuracy
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue
from functions.bi_rollup.spans import DAY, HORIZON

TABLE = "ops.revenue_forecast_totals"
ALL = "all sources"
"""The source that stands for the sum of all."""
WINDOW = 90 * DAY
"""Totals that ended in it are scored."""
REACH = WINDOW + HORIZON
"""How long ago the oldest of these was forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalForecast:
    """A row of the table: the forecast of a total in dollars; see `core.business.totals`."""

    made_at: datetime
    source: str
    low: float
    middle: float
    high: float
    naive: float
    usual_error: float | None


FORECAST_TOTALS = Query("forecast_totals", TotalForecast)


def sum_of(series: Mapping[str, Sequence[float]]) -> list[float]:
    """The revenue of all sources together by day: a day before the first one of a source is 0, and NaN where one is unknown."""
    size = max(map(len, series.values()), default=0)
    rows = [np.concatenate([np.zeros(size - len(days)), days]) for days in series.values()]
    total: list[float] = np.sum(rows, axis=0).tolist() if rows else []
    return total


def rows(made: Mapping[str, Forecast], series: Mapping[str, Floats], at: datetime) -> Iterator[TotalForecast]:
    """The rows of the forecasts made at an instant; those without an interval have none.

    Args:
        made: the forecasts by source.
        series: what each is made from.
        at: the instant.
    """
    for source, forecast in made.items():
        total = forecast.total
        if total.low is not None and total.middle is not None and total.high is not None:
            naive = naive_total(series[source], HORIZON // DAY)
            yield TotalForecast(
                made_at=at,
                source=source,
                low=total.low,
                middle=total.middle,
                high=total.high,
                naive=naive.dollars,
                usual_error=naive.usual_error,
            )


def write(tables: Tables, forecasts: Sequence[TotalForecast], sources: Sequence[str]) -> None:
    """Write the totals of some instants, in place of those that these sources had then."""
    if forecasts:
        made = [row.made_at for row in forecasts]
        tables.write(
            "write_forecast_totals", since=min(made), until=max(made), sources=list(sources), totals=list(forecasts)
        )


def scores(
    tables: Tables, series: Mapping[str, Sequence[float]], listed: Sequence[str], due: datetime
) -> Iterator[MetricValue]:
    """The accuracy of the forecasts whose 30 days ended in the window.

    Args:
        tables: where they are stored.
        series: revenue by day, the last day is the one before `due`; with the sum of all sources.
        listed: the sources with a series of their own; empty for all.
        due: the instant.
    """
    names = [*listed, *series] if listed else []
    stored = tables.read(FORECAST_TOTALS, since=due - REACH, until=due - HORIZON, sources=names)
    for source, forecasts in groupby(stored, key=lambda row: row.source):
        if source in series:
            yield from _metrics(source, total_accuracy(list(_scored(forecasts, series[source], due))))


def _scored(forecasts: Iterable[TotalForecast], days: Sequence[float], due: datetime) -> Iterator[ScoredTotal]:
    names = {field.name for field in fields(ScoredTotal)} - {"actual"}
    for row in forecasts:
        first = len(days) - (due - row.made_at) // DAY
        actual = math.fsum(days[first : first + HORIZON // DAY]) if first >= 0 else math.nan
        yield ScoredTotal(actual=actual, **{name: getattr(row, name) for name in names})


def _metrics(source: str, found: TotalAccuracy) -> Iterator[MetricValue]:
    values = {
        ("aia_forecast_total_error_ratio", "forecast"): found.error_ratio,
        ("aia_forecast_total_error_ratio", "seasonal_naive"): found.naive_error_ratio,
        ("aia_forecast_total_scaled_error_ratio", "forecast"): found.scaled_error,
        ("aia_forecast_total_scaled_error_ratio", "seasonal_naive"): found.naive_scaled_error,
    }
    for (name, method), value in values.items():
        if value is not None:
            yield MetricValue(name, value, {"source": source, "method": method})
    if found.coverage_ratio is not None:
        yield MetricValue("aia_forecast_total_coverage_ratio", found.coverage_ratio, {"source": source})
        yield MetricValue("aia_forecast_totals", float(found.totals), {"source": source})
