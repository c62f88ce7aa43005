"""The business: metrics by day, and forecasts of revenue."""

from typing import TypedDict

from functions.services.api_schemas import Instant


class Metric(TypedDict):
    """A metric of a day, as it was first computed on it."""

    day: Instant
    measured_at: Instant
    name: str
    labels: dict[str, str]
    value: float


class Forecast(TypedDict):
    """Revenue of the next 30 days in dollars, with its 90 % interval, beside the last week repeated."""

    made_at: Instant
    source: str
    low: float
    middle: float
    high: float
    naive: float
    usual_error: float | None
