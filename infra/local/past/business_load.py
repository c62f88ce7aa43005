"""Tables of the history of the business, as Arrow tables for load jobs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from core.business.checks import Ints
from functions.bi_rollup import daily_metrics, model_roi, totals
from functions.bi_rollup import forecasts as forecasting
from functions.bi_rollup.daily_metrics import DailyMetric
from functions.bi_rollup.forecasts import ForecastRow
from functions.bi_rollup.model_roi import ReturnRow
from functions.bi_rollup.totals import TotalForecast
from infra.local.past.business_rows import micros
from infra.local.past.business_tables import MemoryTables
from infra.local.past.order_rows import OUTCOMES
from infra.local.past.tables import schema


def mart_rows(tables: MemoryTables, until: datetime) -> dict[str, pa.Table]:
    """The marts of orders up to an instant; customers as they were written last."""
    hours, days, customers = tables.hours, tables.days, tables.customers
    rows, lived = (slice(0, int(np.searchsorted(mart.at, micros(until)))) for mart in (hours, days))
    columns: dict[str, dict[str, Any]] = {
        "marts.revenue_hourly": {
            "source": _names(hours.orders.sources.names, hours.source[rows]),
            "hour": _instants(hours.at[rows]),
            **{name: amount[rows] for name, amount in hours.money.items()},
            **{outcome: hours.counts[rows, index] for index, outcome in enumerate(OUTCOMES)},
        },
        "marts.customer_days": {
            "customer": _names(days.orders.customers.names, days.customer[lived]),
            "day": _instants(days.at[lived]),
            "taken": days.taken[lived],
            "dollars": days.dollars[lived],
            "order_day": _instants(days.order_day[lived]),
        },
        "marts.customers": {
            "customer": _names(days.orders.customers.names, customers.customer),
            "first_day": _instants(customers.first),
            "last_day": _instants(customers.last),
            "days": customers.days,
            "orders": customers.taken,
            "dollars": customers.dollars,
            "first_dollars": customers.first_dollars,
        },
        "marts.customer_cohorts": {
            name: [getattr(row, name) for row in tables.cohorts.rows] for name in schema("marts.customer_cohorts").names
        },
    }
    tables_of_columns = {name: pa.table(given, schema=schema(name)) for name, given in columns.items()}
    return {**tables_of_columns, **_rows_of_days(tables, until)}


def _rows_of_days(tables: MemoryTables, until: datetime) -> dict[str, pa.Table]:
    """The marts by dimension and by experiment arm up to an instant."""
    dimensions = [(*key, *row) for key, row in sorted(tables.dimensions.rows.items()) if key[0] < micros(until)]
    arms = [(*key, dollars) for key, dollars in sorted(tables.arms.rows.items()) if key[0] < micros(until)]
    found: dict[str, list[tuple[Any, ...]]] = {
        "marts.revenue_by_dimension_daily": dimensions,
        "marts.customer_arm_days": arms,
    }
    return {name: _transposed(name, rows) for name, rows in found.items()}


def _transposed(name: str, rows: Sequence[Sequence[Any]]) -> pa.Table:
    """A table of rows, each with a value for every column in order."""
    columns = schema(name)
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [pa.array(list(column)).cast(kind) for column, kind in zip(values, columns.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=columns)


def forecast_rows(forecasts: Iterable[ForecastRow]) -> pa.Table:
    """Forecasts, as rows of their table."""
    return _columns(forecasting.TABLE, list(forecasts))


def total_rows(forecasts: Iterable[TotalForecast]) -> pa.Table:
    """Forecasts of totals, as rows of their table."""
    return _columns(totals.TABLE, list(forecasts))


def return_rows(returns: Mapping[datetime, Sequence[ReturnRow]], since: datetime, until: datetime) -> pa.Table:
    """Returns of models as of the days of a period, as rows of their table."""
    rows = [(day, row) for day, of_day in sorted(returns.items()) if since <= day < until for row in of_day]
    return _columns(model_roi.TABLE, [row for _, row in rows], day=[day for day, _ in rows])


def metric_rows(metrics: Mapping[tuple[datetime, str, str], DailyMetric], since: datetime, until: datetime) -> pa.Table:
    """Daily metrics of a period, as rows of their table."""
    keys = [key for key in sorted(metrics) if since <= key[0] < until]
    return _columns(daily_metrics.TABLE, [metrics[key] for key in keys], day=[day for day, *_ in keys])


def _columns(table: str, rows: Sequence[object], **given: list[Any]) -> pa.Table:
    """A table of the attributes of rows, and of the columns that are given."""
    columns = schema(table)
    values = {name: given.get(name) or [getattr(row, name) for row in rows] for name in columns.names}
    return pa.table(values, schema=columns)


def _names(names: tuple[str, ...], codes: Ints) -> pa.Array:
    return pa.array(np.array(names, dtype=object)[codes], pa.string())


def _instants(at: Ints) -> pa.Array:
    return pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC"))
