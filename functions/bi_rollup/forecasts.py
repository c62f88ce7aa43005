"""What each source is expected to earn, made once a day from the days before it, and how right such forecasts were."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

import numpy as np

from core.business.accuracy import Tracked, accuracy
from core.business.checks import Floats
from core.business.forecast import Forecast, forecast
from functions.bi_rollup import sources
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.ports import BusinessTables, ForecastRow, TrackedDay
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HISTORY, HORIZON

NAME = "forecasts"
TABLE = "ops.revenue_forecasts"
LEVEL = 0.9
_COLUMNS = ("low", "middle", "high", "mean")
TRACKED = 28 * DAY
"""The days over which forecasts are held against what came."""
_WEEK = 7 * DAY
_STEP = 4
"""Days for which is forecast in one step: of a hundred sources, 16 seconds at most."""
_AT_ONCE = 20
"""Sources that are written by one statement: its parameters must stay below 10 MB."""
_ALIVE = 28
"""Days; a source that sold nothing in so many is not forecast."""


class Forecaster(Protocol):
    """How a series is forecast."""

    def __call__(self, daily: Floats, *, horizon: int, level: float) -> Forecast:
        """As `core.business.forecast.forecast`."""
        ...


def make(outside: Outside, due: datetime, before: Made | None, *, forecaster: Forecaster = forecast) -> Made:
    """Forecast every source from the whole days before, and hold forecasts of the past against what came of them.

    What was not forecast while nothing ran, or before there was anything that ran, is forecast now, each day from what had
    been earned before it and from nothing else: so it is known from the first day on how right forecasts are.

    Args:
        outside: what is read and written.
        due: the instant.
        before: what was made last.
        forecaster: forecasts a series.
    """
    tables = outside.tables
    named, _ = sources.named(tables, due - _ALIVE * DAY, due)
    series = daily(tables, due, named, outside.orders.late)
    instants = _missing(due, before)[:_STEP]
    made = {at: _forecasts(series, (due - at) // DAY, forecaster) for at in instants}
    for some in _some(sorted(series)):
        _write(tables, made, some, due)
    if instants[-1] < due:
        return Made(due=instants[-1], rollups={TABLE: instants[-1]})
    tracked = _tracked(tables, due, named)
    figures = (*_totals(made[due]), *_accuracy(tracked))
    return Made(due=due, figures=figures, rollups={TABLE: due}, facts=_facts(tracked, due))


def _missing(due: datetime, before: Made | None) -> list[datetime]:
    """The instants from four weeks ago that have no forecast yet, the one that is due the last of them."""
    days = TRACKED // DAY if before is None else min(TRACKED // DAY, max(0, (due - before.due) // DAY - 1))
    return [due - ago * DAY for ago in range(days, -1, -1)]


def _some(known: Sequence[str]) -> Iterator[Sequence[str]]:
    return (known[first : first + _AT_ONCE] for first in range(0, len(known), _AT_ONCE))


def _write(
    tables: BusinessTables, made: Mapping[datetime, Mapping[str, Forecast]], some: Sequence[str], due: datetime
) -> None:
    """Write the forecasts of some sources: of what is due all days, of those made after the fact a week."""
    rows = [
        row
        for at, known in made.items()
        for source in known.keys() & set(some)
        for row in _rows(source, known[source], at, HORIZON if at == due else _WEEK)
    ]
    if rows:
        tables.write_forecasts(min(made), max(made), some, rows)


def daily(tables: BusinessTables, due: datetime, named: Sequence[str], late: timedelta) -> dict[str, list[float]]:
    """What each source earned a day, from its first one on to the day before.

    A day without an order earned nothing, but for the last ones of no source at all, whose orders may still come: NaN.

    Args:
        tables: where the mart is.
        due: the day after the last.
        named: the sources that are not one of the rest; none where all are.
        late: how late orders may come.
    """
    rows = tables.revenue_by_day(due - HISTORY, due, named)
    open_from = max([due - late, *(row.day + DAY for row in rows)])
    found: dict[str, list[float]] = {}
    for source, days in groupby(rows, key=lambda row: row.source):
        earned = {row.day: row.dollars for row in days}
        first = min(earned)
        known = (first + n * DAY for n in range((due - first) // DAY))
        found[source] = [earned.get(day, math.nan if day >= open_from else 0.0) for day in known]
    return found


def _forecasts(series: Mapping[str, Sequence[float]], ago: int, forecaster: Forecaster) -> dict[str, Forecast]:
    """The forecast of each source as it was to be made some days ago, where there are bounds to it."""
    by_then = {source: days[: max(0, len(days) - ago)] for source, days in series.items()}
    alive = {source: days for source, days in by_then.items() if np.nan_to_num(days[-_ALIVE:]).any()}
    made = {source: forecaster(np.array(days), horizon=HORIZON // DAY, level=LEVEL) for source, days in alive.items()}
    return {source: one for source, one in made.items() if one.total.low is not None}


def _rows(source: str, made: Forecast, at: datetime, ahead: timedelta) -> Iterator[ForecastRow]:
    columns = {name: getattr(made, name).tolist() for name in _COLUMNS}
    for number in range(ahead // DAY):
        of_day = {name: values[number] for name, values in columns.items()}
        yield ForecastRow(made_at=at, source=source, day=at + number * DAY, **of_day)


def _totals(known: Mapping[str, Forecast]) -> Iterator[Figure]:
    for source, made in known.items():
        for bound, dollars in (("low", made.total.low), ("middle", made.total.middle), ("high", made.total.high)):
            if dollars is not None:
                yield Figure("aia_revenue_forecast_dollars", dollars, {"source": source, "bound": bound})


def _tracked(tables: BusinessTables, due: datetime, named: Sequence[str]) -> list[TrackedDay]:
    """Each of the days of four weeks with what the newest forecast made before it had expected of each source."""
    start = due - TRACKED
    return tables.tracked(start - HORIZON, start, due, named)


def _one(row: TrackedDay) -> Tracked:
    return Tracked(**{name: getattr(row, name) for name in ("actual", "low", "middle", "high")})


def _accuracy(tracked: Sequence[TrackedDay]) -> Iterator[Figure]:
    """How far the forecasts of each source were off; nothing where no day was forecast or nothing came."""
    for source, days in groupby(tracked, key=lambda row: row.source):
        found = accuracy([_one(row) for row in days])
        if found.error_ratio is not None:
            yield Figure("aia_forecast_error_ratio", found.error_ratio, {"source": source})
        if found.coverage_ratio is not None:
            yield Figure("aia_forecast_coverage_ratio", found.coverage_ratio, {"source": source})


def _facts(tracked: Sequence[TrackedDay], due: datetime) -> dict[str, float]:
    """The same of all sources together, and what the last week earned as a share of what was expected of it on average."""
    found = accuracy([_one(row) for row in tracked])
    week = [row for row in tracked if row.day >= due - _WEEK]
    expected = math.fsum(row.mean for row in week)
    facts = {
        "forecast_error_ratio": found.error_ratio,
        "forecast_coverage_ratio": found.coverage_ratio,
        "revenue_ratio": math.fsum(row.actual for row in week) / expected if expected > 0 else None,
    }
    return {name: value for name, value in facts.items() if value is not None}
