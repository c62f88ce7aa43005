"""Costs of the newest complete day of services and models that are above their forecast."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.business.cost_anomalies import judge_day
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue
from functions.bi_rollup.spans import DAY

WATCHED = 20
"""Services, and models, that are forecast: the most expensive ones."""
_HISTORY = 120 * DAY
"""Enough for the season of a week and of a month; costs of a platform are seldom the same for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """Costs of a service or a model on a day."""

    dimension: str
    name: str
    day: datetime
    dollars: float


COST_SERIES = Query("cost_series", CostPoint)


def metrics(
    tables: Tables, services: Mapping[str, float], models: Mapping[str, float], until: datetime
) -> Iterator[MetricValue]:
    """Dollars over the expected costs of the day before `until`: 0 where it is no anomaly, no value where it is not known.

    Args:
        tables: where the mart is.
        services: recent costs by service.
        models: recent costs by label of a model.
        until: the end of the complete days.
    """
    names = {"services": _most_expensive(services), "models": _most_expensive(models)}
    points = tables.read(COST_SERIES, since=until - _HISTORY, until=until, **names)
    series: dict[tuple[str, str], dict[datetime, float]] = defaultdict(dict)
    for point in points:
        series[point.dimension, point.name][point.day] = point.dollars
    for (dimension, name), dollars in series.items():
        days = (until - min(dollars)) // DAY
        daily = np.array([dollars.get(until - ago * DAY, 0.0) for ago in range(days, 0, -1)])
        found = judge_day(daily, (until - DAY).date())
        if found is not None:
            labels = {"dimension": dimension, "item": name}
            yield MetricValue("aia_cost_anomaly_dollars", found.over, labels)
            yield MetricValue("aia_cost_expected_dollars", found.expected, labels)


def _most_expensive(dollars: Mapping[str, float]) -> list[str]:
    return sorted(dollars, key=lambda name: (-dollars[name], name))[:WATCHED]
