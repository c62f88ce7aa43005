"""Revenue forecasts by source, made daily from the days before, and their accuracy."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Protocol

import numpy as np

from core.business.accuracy import ScoredForecast, accuracy
from core.business.checks import Floats
from core.business.forecast import Forecast, forecast
from functions.bi_rollup import totals
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob, has_orders
from functions.bi_rollup.sources import listed_sources
from functions.bi_rollup.spans import DAY, HISTORY, HORIZON, HOUR

TABLE = "ops.revenue_forecasts"
LEVEL = 0.9
ACCURACY_WINDOW = 28 * DAY
"""The days over which forecasts are compared with actuals."""
_WEEK = 7 * DAY
_STEP = 4
"""Days that are forecast in one step: with a hundred sources at most 16 seconds."""
_BATCH = 20
"""Sources that one statement writes: its parameters must stay below 10 MB."""
_ACTIVE = 28
"""A source without revenue in so many days is not forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRevenue:
    """Revenue of a source on a day."""

    source: str
    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayForecast:
    """The forecast of a day of a source in dollars; see `core.business.forecast`."""

    source: str
    day: datetime
    low: float
    middle: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow(DayForecast):
    """A row of the table."""

    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredDay(DayForecast):
    """The newest forecast made before a day, with the actual revenue."""

    actual: float

    @property
    def scored(self) -> ScoredForecast:
        """Its point forecast and interval beside the actual revenue."""
        return ScoredForecast(actual=self.actual, low=self.low, middle=self.middle, high=self.high)


REVENUE_BY_DAY = Query("revenue_by_day", DailyRevenue)
SCORED_FORECASTS = Query("scored_forecasts", ScoredDay)


class Forecaster(Protocol):
    """Forecasts a series."""

    def __call__(self, daily: Floats, *, horizon: int, level: float, today: date) -> Forecast:
        """As `core.business.forecast.forecast`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewForecasts:
    """What was forecast in a step.

    Attributes:
        listed: the sources with a series of their own; empty for all.
        series: revenue by day of each source, and of all together.
        forecasts: by instant and source.
    """

    listed: list[str]
    series: Mapping[str, Sequence[float]]
    forecasts: Mapping[datetime, Mapping[str, Forecast]]


def run(
    outside: Outside, due: datetime, previous: RollupResult | None, *, forecaster: Forecaster = forecast
) -> RollupResult:
    """Forecast every source from the whole days before, and compare past forecasts with actuals.

    Days without a forecast, from before the first run or from an outage, are forecast after the fact, each from the revenue before
    it only. The accuracy is therefore known from the first day on.

    Args:
        outside: the ports.
        due: the instant.
        previous: the newest result.
        forecaster: forecasts a series.
    """
    made = write_missing(outside, due, previous, forecaster=forecaster)
    newest = max(made.forecasts)
    if newest < due:
        return RollupResult(due=newest, complete_until={TABLE: newest})
    tables, start = outside.tables, due - ACCURACY_WINDOW
    scored = tables.read(SCORED_FORECASTS, oldest=start - HORIZON, since=start, until=due, sources=made.listed)
    accuracies = (*_accuracy(scored), *totals.scores(tables, made.series, made.listed, due))
    return RollupResult(
        due=due,
        metrics=(*_totals(made.forecasts[due]), *accuracies),
        complete_until={TABLE: due},
        indicators=_indicators(scored, due),
    )


def write_missing(
    outside: Outside, due: datetime, previous: RollupResult | None, *, forecaster: Forecaster = forecast
) -> NewForecasts:
    """Make and write the forecasts of the first days without one; as `run`, which also compares past ones with actuals."""
    tables = outside.tables
    listed, _ = listed_sources(tables, due - _ACTIVE * DAY, due)
    series = daily_revenue(tables, due, listed, outside.orders.late)
    with_sum = {**series, totals.ALL: totals.sum_of(series)} if series else {}
    made = {at: _forecasts(with_sum, due, at, forecaster) for at in _missing(due, previous)[:_STEP]}
    for sources in _batches(sorted(series)):
        _write(tables, made, sources, due)
    rows = [row for at, of_source in made.items() for row in totals.rows(of_source, _until(with_sum, due, at), at)]
    totals.write(tables, rows, list(with_sum))
    return NewForecasts(listed=listed, series=with_sum, forecasts=made)


JOB = RollupJob(name="forecasts", every=DAY, max_age=DAY + HOUR, enabled=has_orders, run=run)


def _missing(due: datetime, previous: RollupResult | None) -> list[datetime]:
    """The instants of the last four weeks without a forecast; the last one is due now."""
    days = ACCURACY_WINDOW // DAY
    if previous is not None:
        days = min(days, max(0, (due - previous.due) // DAY - 1))
    return [due - ago * DAY for ago in range(days, -1, -1)]


def _batches(sources: Sequence[str]) -> Iterator[Sequence[str]]:
    return (sources[first : first + _BATCH] for first in range(0, len(sources), _BATCH))


def _write(
    tables: Tables, forecasts: Mapping[datetime, Mapping[str, Forecast]], sources: Sequence[str], due: datetime
) -> None:
    """Write the forecasts of some sources: the whole horizon of the newest, a week of those made after the fact."""
    rows = [
        row
        for at, by_source in forecasts.items()
        for source in by_source.keys() & set(sources)
        for row in _rows(source, by_source[source], at, HORIZON if at == due else _WEEK)
    ]
    if rows:
        instants = {"since": min(forecasts), "until": max(forecasts)}
        tables.write("write_forecasts", **instants, sources=list(sources), forecasts=rows)


def daily_revenue(tables: Tables, due: datetime, listed: list[str], late: timedelta) -> dict[str, list[float]]:
    """Daily revenue of each source, from its first day to the day before.

    A day without an order is 0. The last days without an order of any source are NaN while their orders may still arrive.

    Args:
        tables: where the mart is.
        due: the day after the last one.
        listed: the sources with a series of their own; empty for all.
        late: how late orders may arrive.
    """
    rows = tables.read(REVENUE_BY_DAY, since=due - HISTORY, until=due, sources=listed)
    open_from = max([due - late, *(row.day + DAY for row in rows)])
    series: dict[str, list[float]] = {}
    for source, days in groupby(rows, key=lambda row: row.source):
        dollars = {row.day: row.dollars for row in days}
        first = min(dollars)
        every_day = (first + n * DAY for n in range((due - first) // DAY))
        series[source] = [dollars.get(day, math.nan if day >= open_from else 0.0) for day in every_day]
    return series


def _until(series: Mapping[str, Sequence[float]], due: datetime, at: datetime) -> dict[str, Floats]:
    """The days of each source before an instant, where it has any revenue in its last weeks."""
    ago = (due - at) // DAY
    until_then = {source: np.array(days[: max(0, len(days) - ago)]) for source, days in series.items()}
    return {source: days for source, days in until_then.items() if np.nan_to_num(days[-_ACTIVE:]).any()}


def _forecasts(
    series: Mapping[str, Sequence[float]], due: datetime, at: datetime, forecaster: Forecaster
) -> dict[str, Forecast]:
    """The forecast of each active source as of an instant, where it has an interval."""
    made = {
        source: forecaster(days, horizon=HORIZON // DAY, level=LEVEL, today=at.date())
        for source, days in _until(series, due, at).items()
    }
    return {source: result for source, result in made.items() if result.total.low is not None}


def _rows(source: str, result: Forecast, at: datetime, ahead: timedelta) -> Iterator[ForecastRow]:
    columns = {name: getattr(result, name).tolist() for name in ("low", "middle", "high", "mean")}
    for number in range(ahead // DAY):
        of_day = {name: values[number] for name, values in columns.items()}
        yield ForecastRow(made_at=at, source=source, day=at + number * DAY, **of_day)


def _totals(forecasts: Mapping[str, Forecast]) -> Iterator[MetricValue]:
    for source, result in forecasts.items():
        for bound in ("low", "middle", "high"):
            dollars = getattr(result.total, bound)
            if dollars is not None and source == totals.ALL:
                yield MetricValue("aia_revenue_forecast_total_dollars", dollars, {"bound": bound})
            elif dollars is not None:
                yield MetricValue("aia_revenue_forecast_dollars", dollars, {"source": source, "bound": bound})


def _accuracy(days: Sequence[ScoredDay]) -> Iterator[MetricValue]:
    """Error and coverage of each source, where they are defined."""
    for source, of_source in groupby(days, key=lambda day: day.source):
        result = accuracy([day.scored for day in of_source])
        if result.error_ratio is not None:
            yield MetricValue("aia_forecast_error_ratio", result.error_ratio, {"source": source})
        if result.coverage_ratio is not None:
            yield MetricValue("aia_forecast_coverage_ratio", result.coverage_ratio, {"source": source})


def _indicators(days: Sequence[ScoredDay], due: datetime) -> dict[str, float]:
    """Error and coverage of all sources together, and revenue of the last week as a share of the forecast."""
    result = accuracy([day.scored for day in days])
    week = [day for day in days if day.day >= due - _WEEK]
    expected = math.fsum(day.mean for day in week)
    indicators = {
        "forecast_error_ratio": result.error_ratio,
        "forecast_coverage_ratio": result.coverage_ratio,
        "revenue_ratio": math.fsum(day.actual for day in week) / expected if expected > 0 else None,
    }
    return {name: value for name, value in indicators.items() if value is not None}
