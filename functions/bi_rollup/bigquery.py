"""The tables of the business in BigQuery: the statements, run with their parameters."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.settings import Business, Orders
from functions.adapters.columns import read_columns
from functions.adapters.ports import Warehouse
from functions.bi_rollup import statements
from functions.bi_rollup.ports import (
    Answers,
    CompanySales,
    DayRevenue,
    ExpectedDay,
    FigureRow,
    ForecastRow,
    HourRevenue,
    Lives,
    ModelState,
    Payments,
    PeopleSaw,
    Spent,
    TrackedDay,
)

_LIVES = dict.fromkeys(("again", "first", "last", "previous", "dollars", "everybody"), float)


class BigQueryTables:
    """The port `BusinessTables` over the warehouse.

    Args:
        warehouse: where the tables are.
        business: the settings: where orders, the market and what was spent stand.
    """

    def __init__(self, warehouse: Warehouse, business: Business) -> None:
        self._warehouse = warehouse
        self._business = business

    def oldest_order(self, since: datetime, until: datetime) -> datetime | None:
        """The instant of the oldest order of a span."""
        [row] = self._warehouse.query(statements.oldest(self._orders), since=since, until=until)
        oldest: datetime | None = row["oldest"]
        return oldest

    def write_revenue_hours(self, since: datetime, until: datetime) -> None:
        """Write the mart of a span of whole hours."""
        self._of_orders("revenue_hourly", since=since, until=until)

    def payments(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[Payments]:
        """The orders of a span by source."""
        rows = self._of_orders("last_day", since=since, until=until, sources=list(sources))
        return [Payments(**row) for row in rows]

    def largest_sources(self, since: datetime, until: datetime, most: int) -> tuple[list[str], int]:
        """The sources that earned most in a span of the mart, and how many there are."""
        rows = self._warehouse.query(statements.SOURCES, since=since, until=until, most=most)
        return [row["source"] for row in rows], rows[0]["sources"] if rows else 0

    def revenue_by_hour(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[HourRevenue]:
        """A span of whole days of the mart by source and hour of the day."""
        rows = self._warehouse.query(statements.BY_HOUR, since=since, until=until, sources=list(sources))
        return [HourRevenue(**row) for row in rows]

    def revenue_by_day(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[DayRevenue]:
        """A span of whole days of the mart by source and day."""
        rows = self._warehouse.query(statements.BY_DAY, since=since, until=until, sources=list(sources))
        return [DayRevenue(**row) for row in rows]

    def write_forecasts(
        self, since: datetime, until: datetime, sources: Sequence[str], forecasts: Sequence[ForecastRow]
    ) -> None:
        """Write all forecasts of these sources made at the instants of a span."""
        rows = [asdict(one) for one in forecasts]
        self._warehouse.query(
            statements.WRITE_FORECASTS, since=since, until=until, sources=list(sources), forecasts=rows
        )

    def expected(self, since: datetime, until: datetime, days: Sequence[datetime]) -> list[ExpectedDay]:
        """What the newest forecasts of a span expect of two days."""
        first, second = days
        rows = self._warehouse.query(statements.EXPECTED, since=since, until=until, first=first, second=second)
        return [ExpectedDay(**row) for row in rows]

    def tracked(self, oldest: datetime, since: datetime, until: datetime, sources: Sequence[str]) -> list[TrackedDay]:
        """The days of a span with what had been forecast and what came."""
        span = {"oldest": oldest, "since": since, "until": until}
        rows = self._warehouse.query(statements.TRACKED, **span, sources=list(sources))
        return [TrackedDay(**row) for row in rows]

    def write_customer_days(self, since: datetime, until: datetime) -> None:
        """Write a span of whole days of customers."""
        self._of_orders("customer_days", since=since, until=until)

    def write_customers(self, until: datetime) -> None:
        """Write every customer anew."""
        self._warehouse.query(statements.CUSTOMERS, until=until)

    def lives(self, since: datetime, middle: datetime, until: datetime, most: int) -> Lives:
        """The lives of the customers that were written."""
        spans: dict[str, Any] = {"since": since, "middle": middle, "until": until, "most": most}
        found = read_columns(self._warehouse, statements.LIVES, _LIVES, **spans)
        everybody = found.pop("everybody")
        return Lives(everybody=int(everybody[0]) if everybody.size else 0, **found)

    def market(self, since: datetime, until: datetime) -> list[CompanySales]:
        """What each company sold in a span."""
        table = self._business.market
        if table is None:
            raise ValueError("business.market: must be given, got nothing")
        rows = self._warehouse.query(statements.market(table), since=since, until=until)
        return [CompanySales(**row) for row in rows]

    def spending(self, since: datetime, until: datetime) -> list[Spent]:
        """What was spent in a span."""
        spending = self._business.spending
        if spending is None:
            raise ValueError("business.spending: must be given, got nothing")
        rows = self._warehouse.query(statements.spending(spending), since=since, until=until)
        return [Spent(**row) for row in rows]

    def write_figures(self, day: datetime, figures: Sequence[FigureRow]) -> None:
        """Write figures of a day."""
        self._warehouse.query(statements.WRITE_FIGURES, day=day, figures=[asdict(one) for one in figures])

    def answers(self, since: datetime, until: datetime) -> Answers:
        """What was done about incidents."""
        [row] = self._warehouse.query(statements.ANSWERS, since=since, until=until)
        return Answers(**row)

    def models(self, since: datetime, until: datetime) -> list[ModelState]:
        """The newest window of each model."""
        return [ModelState(**row) for row in self._warehouse.query(statements.MODELS, since=since, until=until)]

    def people(self, since: datetime, until: datetime) -> PeopleSaw:
        """What people saw."""
        [row] = self._warehouse.query(statements.EXPERIENCE, since=since, until=until)
        return PeopleSaw(**row)

    def _of_orders(self, name: str, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as of `Warehouse.query`
        sql = statements.of_orders(name, self._orders)
        return self._warehouse.query(sql, **parameters, **statements.words(self._orders))

    @property
    def _orders(self) -> Orders:
        if self._business.orders is None:
            raise ValueError("business.orders: must be given, got nothing")
        return self._business.orders
