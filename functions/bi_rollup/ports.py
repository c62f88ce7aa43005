"""The ports of the job: what it asks of orders, marts, the market and the history, by what is meant and not by statement.

Every method raises `QueryError` when what it needs cannot be read, and `UnavailableError` when nothing answers. A span begins
at its first instant and ends before its second one, unless a method says otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.business.checks import Floats
from core.incidents.model import Incident

REST = "other"
"""The source that stands for all that are not named, where some are."""

IncidentReader = Callable[[datetime, datetime], list[Incident] | None]
"""The incidents that were open at some time within a span; None where nobody keeps any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """The orders of one source in a span: dollars with refunds taken off, and how many there are by what became of them."""

    source: str
    dollars: float
    taken: int
    refunded: int
    failed: int
    unknown: int
    without_id: int
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRevenue:
    """What one source earned in one hour of the day (0 to 23), over some days, and its newest hour with an order."""

    source: str
    of_day: int
    dollars: float
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRevenue:
    """What one source earned on one day."""

    source: str
    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDay:
    """What one day of one source is expected to bring, on average."""

    source: str
    day: datetime
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """What was forecast at one instant of one day of one source, in dollars; see `core.business.forecast`."""

    made_at: datetime
    source: str
    day: datetime
    low: float
    middle: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedDay:
    """What one day of one source brought, and what the newest forecast made before it had expected."""

    source: str
    day: datetime
    low: float
    middle: float
    high: float
    mean: float
    actual: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lives:
    """The lives of customers, in days before an instant; arrays of one value a customer, shape (n,).

    Attributes:
        again: days on which they ordered, but the first.
        first: since their first day.
        last: since their newest one.
        previous: since the newest one of the period before; NaN where there is none.
        dollars: what they paid after their first day.
        everybody: customers there are; more than n where these are a sample.
    """

    again: Floats
    first: Floats
    last: Floats
    previous: Floats
    dollars: Floats
    everybody: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySales:
    """What one company sold; None where not one amount is a number."""

    company: str
    sales: float | None
    without_amount: int
    without_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent on one kind of thing; None where not one amount is a number."""

    kind: str
    dollars: float | None
    without_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """A figure to write down; the labels as a JSON object, ordered by name."""

    measured_at: datetime
    name: str
    labels: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How often somebody was called, how many automated responses were applied, and how many of them failed."""

    called: int
    applied: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """The newest window of a model: when it ended, whether a feature had drifted, and how right the model was."""

    model: str
    window_end: datetime
    drifted: bool | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSaw:
    """What people saw of all services together; the 75th percentile of how long pages took to load, in seconds."""

    requests: int
    failures: int
    loads: int
    load_seconds: float | None


class OrderTables(Protocol):
    """Orders, each once, and the mart of what they brought by the hour."""

    def oldest_order(self, since: datetime, until: datetime) -> datetime | None:
        """The instant of the oldest order of a span."""
        ...

    def write_revenue_hours(self, since: datetime, until: datetime) -> None:
        """Write the mart of a span of whole hours from what the orders say by now, in place of what stood there."""
        ...

    def payments(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[Payments]:
        """The orders of a span by source; where sources are named, the others are one more, `REST`."""
        ...

    def largest_sources(self, since: datetime, until: datetime, most: int) -> tuple[list[str], int]:
        """The sources that earned most in a span of the mart, the largest first, and how many there are."""
        ...

    def revenue_by_hour(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[HourRevenue]:
        """A span of whole days of the mart by source and hour of the day; the others are `REST` where sources are named."""
        ...

    def revenue_by_day(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[DayRevenue]:
        """A span of whole days of the mart, ordered by source and day; the others are `REST` where sources are named."""
        ...


class ForecastTables(Protocol):
    """What was forecast, and what came of it."""

    def write_forecasts(
        self, since: datetime, until: datetime, sources: Sequence[str], forecasts: Sequence[ForecastRow]
    ) -> None:
        """Write all forecasts of these sources made from `since` to `until`, both included, in place of what stood there."""
        ...

    def expected(self, since: datetime, until: datetime, days: Sequence[datetime]) -> list[ExpectedDay]:
        """What the newest forecasts made from `since` to `until`, both included, expect of two days."""
        ...

    def tracked(self, oldest: datetime, since: datetime, until: datetime, sources: Sequence[str]) -> list[TrackedDay]:
        """The days of a span that were forecast from `oldest` on, ordered by source and day.

        Where sources are named, the others are one more, `REST`.
        """
        ...


class CustomerTables(Protocol):
    """Customers, by the days on which they ordered."""

    def write_customer_days(self, since: datetime, until: datetime) -> None:
        """Write a span of whole days from what the orders say by now, in place of what stood there."""
        ...

    def write_customers(self, until: datetime) -> None:
        """Write every customer anew, from their days before an instant."""
        ...

    def lives(self, since: datetime, middle: datetime, until: datetime, most: int) -> Lives:
        """The lives of the customers that were written, as of `until`; of more than `most` a sample, always the same.

        Args:
            since: where the period before begins.
            middle: where it ends.
            until: the instant.
            most: customers that are read.
        """
        ...


class BusinessTables(OrderTables, ForecastTables, CustomerTables, Protocol):
    """Everything that the job reads and writes."""

    def market(self, since: datetime, until: datetime) -> list[CompanySales]:
        """What each company sold in a span, the largest first."""
        ...

    def spending(self, since: datetime, until: datetime) -> list[Spent]:
        """What was spent in a span, by kind."""
        ...

    def write_figures(self, day: datetime, figures: Sequence[FigureRow]) -> None:
        """Write figures of a day, each in place of what was written of it before."""
        ...

    def answers(self, since: datetime, until: datetime) -> Answers | None:
        """What was done about incidents after `since` and up to `until`; None where nobody keeps that."""
        ...

    def models(self, since: datetime, until: datetime) -> list[ModelState]:
        """The newest window of each model that ended after `since` and up to `until`."""
        ...

    def people(self, since: datetime, until: datetime) -> PeopleSaw:
        """What people saw after `since` and up to `until`."""
        ...
