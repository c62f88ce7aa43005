"""What the business of the past would have written as metrics, from the marts."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from functions.adapters.ports import Warehouse
from infra.local.prometheus import HistoryPoint

_DAY = timedelta(days=1)


def points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    """What each source earned each day and had been expected to earn, and every figure that was written down."""
    yield from _revenue(warehouse)
    yield from _expected(warehouse)
    yield from _figures(warehouse)


def _revenue(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    """Of every whole day, as a tick at its end has it; a day without an order earned nothing."""
    sql = """
        SELECT source, TIMESTAMP_TRUNC(hour, DAY) AS day, SUM(dollars) AS dollars
        FROM marts.revenue_hourly GROUP BY source, day ORDER BY source, day
    """
    rows = warehouse.query(sql)
    last = max((row["day"] for row in rows), default=None)
    for source, days in groupby(rows, key=lambda row: str(row["source"])):
        earned = {row["day"]: row["dollars"] for row in days}
        day = min(earned)
        while last is not None and day < last:  # the last day is not over
            value = earned.get(day, 0.0)
            yield HistoryPoint(name="aia_revenue_dollars", labels={"source": source}, at=day + _DAY, value=value)
            day += _DAY


def _expected(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = "SELECT source, day, COALESCE(mean, middle) AS mean FROM ops.revenue_forecasts WHERE made_at = day"
    for row in warehouse.query(sql):
        labels, at = {"source": row["source"]}, row["day"] + _DAY
        yield HistoryPoint(name="aia_revenue_expected_dollars", labels=labels, at=at, value=row["mean"])


def _figures(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = "SELECT DISTINCT measured_at, name, labels, value FROM marts.figures ORDER BY measured_at"
    for row in warehouse.query(sql):
        labels = json.loads(row["labels"])
        yield HistoryPoint(name=row["name"], labels=labels, at=row["measured_at"], value=row["value"])
