"""What the past of the business leaves in the warehouse: columns as `infra/tables` defines them, for a load job."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from core.business.checks import Ints
from functions.bi_rollup.ports import FigureRow, ForecastRow
from infra.local.past.business_rows import OUTCOMES, micros
from infra.local.past.business_tables import MemoryTables
from infra.local.past.tables import schema


def mart_rows(tables: MemoryTables, until: datetime) -> dict[str, pa.Table]:
    """The marts that are made from orders, up to an instant; customers as they were written last."""
    hours, days, customers = tables.hours, tables.days, tables.customers
    rows, until_day = slice(0, int(np.searchsorted(hours.at, micros(until)))), np.searchsorted(days.at, micros(until))
    lived = slice(0, int(until_day))
    columns: dict[str, dict[str, Any]] = {
        "marts.revenue_hourly": {
            "source": _names(hours.orders.sources.names, hours.source[rows]),
            "hour": _instants(hours.at[rows]),
            "dollars": hours.dollars[rows],
            **{outcome: hours.counts[rows, place] for place, outcome in enumerate(OUTCOMES)},
        },
        "marts.customer_days": {
            "customer": _names(days.orders.customers.names, days.customer[lived]),
            "day": _instants(days.at[lived]),
            "taken": days.taken[lived],
            "dollars": days.dollars[lived],
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
    }
    return {name: pa.table(given, schema=schema(name)) for name, given in columns.items()}


def forecast_rows(forecasts: Iterable[ForecastRow]) -> pa.Table:
    """Forecasts, as `ops.revenue_forecasts` holds them."""
    return _columns("ops.revenue_forecasts", list(forecasts))


def figure_rows(figures: Mapping[tuple[datetime, str, str], FigureRow], since: datetime, until: datetime) -> pa.Table:
    """The figures of the days of a span, as `marts.figures` holds them."""
    kept = [key for key in sorted(figures) if since <= key[0] < until]
    return _columns("marts.figures", [figures[key] for key in kept], day=[day for day, *_ in kept])


def _columns(table: str, rows: Sequence[object], **given: list[Any]) -> pa.Table:
    """A table of the attributes of rows, but for the columns that are given."""
    columns = schema(table)
    values = {name: given.get(name) or [getattr(row, name) for row in rows] for name in columns.names}
    return pa.table(values, schema=columns)


def _names(names: tuple[str, ...], codes: Ints) -> pa.Array:
    return pa.array(np.array(names, dtype=object)[codes], pa.string())


def _instants(at: Ints) -> pa.Array:
    return pa.array(at, pa.int64()).cast(pa.timestamp("us", "UTC"))
