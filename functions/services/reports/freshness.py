"""Up to when tables are complete, as their rollups have stored it."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from core.reports.queries import (
    DAILY_METRICS,
    FORECAST_DAYS,
    FORECAST_TOTAL,
    MODEL_RETURNS,
    REVENUE_DAYS,
    REVENUE_PARTS,
)
from core.settings import Settings
from functions.adapters.ports import Data, Store
from functions.services.rollups import COLLECTION

_TABLES_OF_ORDERS = (REVENUE_DAYS.table, FORECAST_DAYS.table, FORECAST_TOTAL.table, REVENUE_PARTS.table)
_WRITTEN_WITH = {FORECAST_TOTAL.table: FORECAST_DAYS.table}
"""Tables that are written by the rollup of another one, which says until when."""
_DAILY = "daily_metrics"


def complete_until(store: Store, settings: Settings) -> dict[str, datetime | None]:
    """Of each table that a rollup of these settings keeps, up to when it is complete; None where it is not written yet.

    Raises:
        UnavailableError: the store does not answer.
    """
    documents = {document.key: document.data for document in store.find(COLLECTION)}
    known = {table: at for data in documents.values() for table, at in data.get("complete_until", {}).items()}
    tables = (*(_TABLES_OF_ORDERS if settings.business.orders else ()), *_tables_of_returns(settings))
    found: dict[str, datetime | None] = {table: known.get(_WRITTEN_WITH.get(table, table)) for table in tables}
    return found | {DAILY_METRICS.table: max(_recorded(documents.get(_DAILY, {})), default=None)}


def _tables_of_returns(settings: Settings) -> tuple[str, ...]:
    """The table of returns, where a model has one by its orders: each of these has a row a day, known or not."""
    models = settings.business.roi.models.values()
    by_orders = any(model.control is not None or model.share is not None for model in models)
    return (MODEL_RETURNS.table,) if by_orders else ()


def _recorded(data: Data) -> Iterator[datetime]:
    """The day whose metrics are written, and that of the tick before: whatever is recorded later on a day is written once."""
    yield from data.get("recorded", {}).values()
    if "due" in data:
        yield datetime.combine(data["due"].date(), time(), UTC) - timedelta(days=1)
