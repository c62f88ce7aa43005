"""The business: metrics by day, and forecasts."""

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from functions.services.api_schemas import Instant, Next


class Metric(TypedDict):
    """A metric of a day, as it was first computed on it."""

    day: Instant
    measured_at: Instant
    name: str
    labels: dict[str, str]
    value: float


class Metrics(TypedDict):
    """A page of metrics, the newest first."""

    metrics: list[Metric]
    next: Next


class Forecast(TypedDict):
    """A forecast as it was made, with its 90 % interval, where it has one."""

    metric: Literal["revenue", "daily_revenue", "lifetime_value", "costs", "capacity"]
    subject: Annotated[str, Meta(description="A source of revenue, a resource, `customers`, or an item of costs.")]
    unit: str
    made_at: Instant
    starts_at: Annotated[Instant | None, Meta(description="Where the forecast time begins; null where it was over.")]
    horizon_seconds: int
    low: float | None
    middle: float
    high: float | None
    naive: Annotated[float | None, Meta(description="What repeating the last week, or the newest value, gives.")]
    naive_usual_error: float | None


class Accuracy(TypedDict):
    """How right the forecasts of a subject were lately, beside the naive forecast; null where that is not tracked."""

    metric: str
    subject: str
    measured_at: Instant
    unit: Annotated[str, Meta(description="Of the errors: `ratio`, or `purchases` of a customer.")]
    error: float | None
    naive_error: float | None
    scaled_error: Annotated[float | None, Meta(description="MASE: 1 is the error of repeating the last week.")]
    coverage: Annotated[float | None, Meta(description="Share within the 90 % interval.")]
    n: Annotated[int | None, Meta(description="Forecasts that were compared.")]


class Forecasts(TypedDict):
    """A page of forecasts, the newest first, and the accuracy of what it has."""

    forecasts: list[Forecast]
    accuracy: list[Accuracy]
    next: Next
