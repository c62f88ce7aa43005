"""What each source is expected to earn, made once a day from the days before it, and how right such forecasts were."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice

import numpy as np

from core.business.accuracy import Tracked, accuracy
from core.business.forecast import Forecast, forecast
from functions.adapters.ports import Data, Warehouse
from functions.bi_rollup import statements
from functions.bi_rollup.figures import Figure, Made
from functions.bi_rollup.rollup import Outside
from functions.bi_rollup.spans import DAY, HISTORY, HORIZON

NAME = "forecasts"
TABLE = "ops.revenue_forecasts"
LEVEL = 0.9
_TRACKED = 28 * DAY
_WEEK = 7 * DAY
_AT_ONCE = 20
"""Sources that are written by one statement: its parameters must stay below 10 MB."""
_ALIVE = 28
"""Days; a source that sold nothing in so many is not forecast."""


def make(outside: Outside, due: datetime, before: Made | None) -> Made:
    """Forecast every source from the whole days before, and hold forecasts of the past against what came of them.

    What was not forecast while nothing ran, or before there was anything that ran, is forecast now, each day from what had
    been earned before it and from nothing else: so it is known from the first day on how right forecasts are.
    """
    series = daily(outside.warehouse, due)
    made = {at: _forecasts(series, (due - at) // DAY) for at in _missing(due, before)}
    for sources in _some(sorted(series)):
        _write(outside.warehouse, made, sources)
    tracked = _tracked(outside.warehouse, due)
    figures = (*_totals(made[due]), *_accuracy(tracked))
    return Made(due=due, figures=figures, rollups={TABLE: due}, facts=_facts(tracked, due))


def _missing(due: datetime, before: Made | None) -> list[datetime]:
    """The instants from four weeks ago that have no forecast yet, the one that is due the last of them."""
    days = _TRACKED // DAY if before is None else min(_TRACKED // DAY, max(0, (due - before.due) // DAY - 1))
    return [due - ago * DAY for ago in range(days, -1, -1)]


def _some(sources: Sequence[str]) -> Iterator[Sequence[str]]:
    return (sources[first : first + _AT_ONCE] for first in range(0, len(sources), _AT_ONCE))


def _write(warehouse: Warehouse, made: Mapping[datetime, Mapping[str, Forecast]], sources: Sequence[str]) -> None:
    """Write the forecasts of some sources: of the newest instant all days, of those made after the fact a week."""
    newest = max(made)
    rows = [
        row
        for at, known in made.items()
        for source in known.keys() & set(sources)
        for row in _rows(source, known[source], at, HORIZON if at == newest else _WEEK)
    ]
    if rows:
        warehouse.query(
            statements.WRITE_FORECASTS, since=min(made), until=newest, sources=list(sources), forecasts=rows
        )


def daily(warehouse: Warehouse, due: datetime) -> dict[str, list[float]]:
    """What each source earned a day, from its first one on to the day before; a day without an order earned nothing."""
    rows = warehouse.query(statements.BY_DAY, since=due - HISTORY, until=due)
    found: dict[str, list[float]] = {}
    for source, days in groupby(rows, key=lambda row: str(row["source"])):
        earned = {row["day"]: float(row["dollars"]) for row in days}
        first = min(earned)
        found[source] = [earned.get(first + n * DAY, 0.0) for n in range((due - first) // DAY)]
    return found


def _forecasts(series: Mapping[str, Sequence[float]], ago: int) -> dict[str, Forecast]:
    """The forecast of each source as it was to be made some days ago, where there are bounds to it."""
    by_then = {source: days[: max(0, len(days) - ago)] for source, days in series.items()}
    alive = {source: days for source, days in by_then.items() if any(days[-_ALIVE:])}
    made = {source: forecast(np.array(days), horizon=HORIZON // DAY, level=LEVEL) for source, days in alive.items()}
    return {source: one for source, one in made.items() if one.total.low is not None}


def _rows(source: str, made: Forecast, at: datetime, ahead: timedelta) -> Iterator[Data]:
    days = zip(made.low.tolist(), made.middle.tolist(), made.high.tolist(), strict=True)
    for number, (low, middle, high) in enumerate(islice(days, ahead // DAY)):
        yield {"made_at": at, "source": source, "day": at + number * DAY, "low": low, "middle": middle, "high": high}


def _totals(known: Mapping[str, Forecast]) -> Iterator[Figure]:
    for source, made in known.items():
        for bound, dollars in (("low", made.total.low), ("middle", made.total.middle), ("high", made.total.high)):
            if dollars is not None:
                yield Figure("aia_revenue_forecast_dollars", dollars, {"source": source, "bound": bound})


def _tracked(warehouse: Warehouse, due: datetime) -> dict[str, list[tuple[datetime, Tracked]]]:
    """Each of the days of four weeks with what the newest forecast made before it had expected of each source."""
    start = due - _TRACKED
    rows = warehouse.query(statements.TRACKED, oldest=start - HORIZON, since=start, until=due)
    found: dict[str, list[tuple[datetime, Tracked]]] = {}
    for row in rows:
        one = Tracked(**{name: row[name] for name in ("actual", "low", "middle", "high")})
        found.setdefault(row["source"], []).append((row["day"], one))
    return found


def _accuracy(tracked: Mapping[str, Sequence[tuple[datetime, Tracked]]]) -> Iterator[Figure]:
    """How far the forecasts of each source were off; nothing where no day was forecast or nothing came."""
    for source, days in tracked.items():
        found = accuracy([one for _, one in days])
        if found.error_ratio is not None:
            yield Figure("aia_forecast_error_ratio", found.error_ratio, {"source": source})
        if found.coverage_ratio is not None:
            yield Figure("aia_forecast_coverage_ratio", found.coverage_ratio, {"source": source})


def _facts(tracked: Mapping[str, Sequence[tuple[datetime, Tracked]]], due: datetime) -> dict[str, float]:
    """The same of all sources together, and what the last week earned as a share of what was expected of it."""
    everything = [pair for days in tracked.values() for pair in days]
    found = accuracy([one for _, one in everything])
    week = [one for day, one in everything if day >= due - _WEEK]
    expected = math.fsum(one.middle for one in week)
    facts = {
        "forecast_error_ratio": found.error_ratio,
        "forecast_coverage_ratio": found.coverage_ratio,
        "revenue_ratio": math.fsum(one.actual for one in week) / expected if expected > 0 else None,
    }
    return {name: value for name, value in facts.items() if value is not None}
