"""The tables of the business in memory: the port `BusinessTables` over rows that are there, by the rules of the statements."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import chain

import numpy as np

from core.business.checks import Floats, Ints
from functions.bi_rollup.ports import (
    REST,
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
from infra.local.past.business_marts import DAY, HOUR, CustomerMart, DayMart, HourMart
from infra.local.past.business_rows import OUTCOMES, OrderRows, SaleRows, SpendingRows, instant, micros, sums

Models = Callable[[datetime, datetime], list[ModelState]]
"""The newest window of each model that ended after an instant and up to another."""
People = Callable[[datetime, datetime], PeopleSaw]
"""What people saw after an instant and up to another."""


def no_models(_since: datetime, _until: datetime) -> list[ModelState]:
    """Nothing is known of models."""
    return []


def no_people(_since: datetime, _until: datetime) -> PeopleSaw:
    """Nobody saw anything."""
    return PeopleSaw(requests=0, failures=0, loads=0, load_seconds=None)


class MemoryTables:
    """The port over rows that do not change.

    What is not given is empty. Nobody keeps incidents here, so that it is not known who was called: `answers` is None.

    Args:
        orders: every order there is.
        sales: every sale of the market.
        spending: every amount that was spent.
        models: what is known of models.
        people: what people saw.

    Attributes:
        hours: `marts.revenue_hourly`.
        days: `marts.customer_days`.
        customers: `marts.customers`.
        figures: `marts.figures`, by day, metric and labels.
    """

    def __init__(
        self,
        orders: OrderRows,
        *,
        sales: SaleRows | None = None,
        spending: SpendingRows | None = None,
        models: Models = no_models,
        people: People = no_people,
    ) -> None:
        self._orders = orders
        self._sales = sales
        self._spending = spending
        self._forecasts: dict[datetime, dict[tuple[str, datetime], ForecastRow]] = {}
        self.hours = HourMart(orders)
        self.days = DayMart(orders)
        self.customers = CustomerMart(self.days)
        self.figures: dict[tuple[datetime, str, str], FigureRow] = {}
        self.models = models
        self.people = people

    def oldest_order(self, since: datetime, until: datetime) -> datetime | None:
        """The instant of the oldest order of a span."""
        rows = self._orders.span(since, until)
        return instant(self._orders.at[rows.start]) if rows.start < rows.stop else None

    def write_revenue_hours(self, since: datetime, until: datetime) -> None:
        """Write the mart of a span of whole hours."""
        self.hours.write(since, until)

    def payments(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[Payments]:
        """The orders of a span by source."""
        names, place = self.hours.shown(list(sources))
        counted = self._orders.counted(since, until)
        shown = place[self._orders.sources.codes[counted]]
        return [self._payments(names[source], counted[shown == source]) for source in np.unique(shown).tolist()]

    def _payments(self, source: str, rows: Ints) -> Payments:
        made = np.bincount(self._orders.outcome[rows], minlength=len(OUTCOMES)).tolist()
        return Payments(
            source=source,
            dollars=float(self._orders.dollars[rows].sum()),
            without_id=int((self._orders.ids.codes[rows] < 0).sum()),
            newest=instant(self._orders.at[rows].max()),
            **dict(zip(OUTCOMES, made, strict=True)),
        )

    def largest_sources(self, since: datetime, until: datetime, most: int) -> tuple[list[str], int]:
        """The sources that earned most in a span of the mart, and how many there are."""
        names, rows = self._orders.sources.names, self.hours.span(since, until)
        codes, place = np.unique(self.hours.source[rows], return_inverse=True)
        earned = sums(place, np.abs(self.hours.dollars[rows]), codes.size)
        found = sorted((-dollars, names[code]) for code, dollars in zip(codes.tolist(), earned.tolist(), strict=True))
        return [name for _, name in found[:most]], codes.size

    def revenue_by_hour(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[HourRevenue]:
        """A span of whole days of the mart by source and hour of the day."""
        rows = self.hours.span(since, until)
        at = self.hours.at[rows]
        found = []
        for source, of_day, dollars, group in self._earned(rows, at // HOUR % 24, sources):
            newest = instant(at[group].max())
            found.append(HourRevenue(source=source, of_day=of_day, dollars=dollars, newest=newest))
        return found

    def revenue_by_day(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[DayRevenue]:
        """A span of whole days of the mart by source and day."""
        names, place = self.hours.shown(list(sources))
        rows = self.hours.span(since, until)
        source, day = place[self.hours.source[rows]], self.hours.at[rows] // DAY
        keys, dollars = _sums(source * _DAYS + day, self.hours.dollars[rows])
        return [
            DayRevenue(source=names[key // _DAYS], day=instant(key % _DAYS * DAY), dollars=earned)
            for key, earned in zip(keys.tolist(), dollars.tolist(), strict=True)
        ]

    def _earned(self, rows: slice, by: Ints, sources: Sequence[str]) -> Iterable[tuple[str, int, float, Ints]]:
        """What each source earned by another key below 24, with the rows within the span that it is made of."""
        names, place = self.hours.shown(list(sources))
        key = place[self.hours.source[rows]] * 24 + by
        order = np.argsort(key, kind="stable")
        keys, begin = np.unique(key[order], return_index=True)
        dollars = self.hours.dollars[rows]
        for one, group in zip(keys.tolist(), np.split(order, begin[1:]), strict=False):
            yield names[one // 24], one % 24, float(dollars[group].sum()), group

    def write_forecasts(
        self, since: datetime, until: datetime, sources: Sequence[str], forecasts: Sequence[ForecastRow]
    ) -> None:
        """Write all forecasts of these sources made at the instants of a span."""
        for made_at, rows in self._forecasts.items():
            if since <= made_at <= until:
                self._forecasts[made_at] = {key: row for key, row in rows.items() if key[0] not in sources}
        for row in forecasts:
            self._forecasts.setdefault(row.made_at, {})[row.source, row.day] = row

    def forecasts(self, since: datetime, until: datetime) -> list[ForecastRow]:
        """All forecasts made within a span, in their order."""
        made = sorted(at for at in self._forecasts if since <= at < until)
        return list(chain.from_iterable(self._forecasts[at].values() for at in made))

    def expected(self, since: datetime, until: datetime, days: Sequence[datetime]) -> list[ExpectedDay]:
        """What the newest forecasts of a span expect of two days."""
        found: dict[tuple[str, datetime], ForecastRow] = {}
        for at in self._newest_first(since, until):
            for key, row in self._forecasts[at].items():
                if row.day in days:
                    found.setdefault(key, row)
        return [ExpectedDay(source=row.source, day=row.day, mean=row.mean) for row in found.values()]

    def tracked(self, oldest: datetime, since: datetime, until: datetime, sources: Sequence[str]) -> list[TrackedDay]:
        """The days of a span with what had been forecast and what came."""
        shown = {*sources, REST}
        found: dict[tuple[str, datetime], ForecastRow] = {}
        for at in self._newest_first(oldest, until):
            for key, row in self._forecasts[at].items():
                if max(at, since) <= row.day < until and at < until and (not sources or row.source in shown):
                    found.setdefault(key, row)
        earned = {(row.source, row.day): row.dollars for row in self.revenue_by_day(since, until, sources)}
        return [_tracked(found[key], earned.get(key, 0.0)) for key in sorted(found)]

    def _newest_first(self, since: datetime, until: datetime) -> list[datetime]:
        return sorted((at for at in self._forecasts if since <= at <= until), reverse=True)

    def write_customer_days(self, since: datetime, until: datetime) -> None:
        """Write a span of whole days of customers."""
        self.days.write(since, until)

    def write_customers(self, until: datetime) -> None:
        """Write every customer anew."""
        self.customers.write(until)

    def lives(self, since: datetime, middle: datetime, until: datetime, most: int) -> Lives:
        """The lives of the customers that were written."""
        return self.customers.lives(since, middle, until, most)

    def market(self, since: datetime, until: datetime) -> list[CompanySales]:
        """What each company sold in a span."""
        if self._sales is None:
            return []
        rows = self._sales.counted(since, until)
        size = len(self._sales.companies.names)
        companies = self._sales.companies.codes[rows]
        amount = np.ones(rows.size) if self._sales.amount is None else self._sales.amount[rows]
        known = np.isfinite(amount)
        nameless = np.zeros(rows.size) if self._sales.ids is None else self._sales.ids[rows] < 0
        columns = (
            sums(companies[known], amount[known], size).tolist(),
            *(np.bincount(companies[which], minlength=size).tolist() for which in (known, ~known, nameless > 0)),
        )
        found = [
            CompanySales(company=name, sales=sold if some else None, without_amount=none, without_id=free)
            for name, sold, some, none, free in zip(self._sales.companies.names, *columns, strict=True)
            if some or none
        ]
        return sorted(found, key=lambda one: (one.sales is None, -(one.sales or 0.0), one.company))

    def spending(self, since: datetime, until: datetime) -> list[Spent]:
        """What was spent in a span."""
        if self._spending is None:
            return []
        rows = self._spending.span(since, until)
        kinds, amount = self._spending.kinds, self._spending.amount[rows]
        found = []
        for kind in np.unique(kinds.codes[rows]).tolist():
            given = amount[kinds.codes[rows] == kind]
            known = given[np.isfinite(given)]
            dollars = float(known.sum()) if known.size else None
            found.append(Spent(kind=kinds.names[kind], dollars=dollars, without_amount=given.size - known.size))
        return sorted(found, key=lambda one: one.kind)

    def write_figures(self, day: datetime, figures: Sequence[FigureRow]) -> None:
        """Write figures of a day."""
        self.figures.update({(day, one.name, one.labels): one for one in figures})

    def answers(self, since: datetime, until: datetime) -> None:
        """Nobody keeps what was done about incidents."""


_DAYS = micros(instant(0).replace(year=9999)) // DAY  # more than any day's number


def _sums(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """The sum of the values of each key, by key."""
    found, place = np.unique(keys, return_inverse=True)
    return found, sums(place, values, found.size)


def _tracked(made: ForecastRow, actual: float) -> TrackedDay:
    return TrackedDay(
        source=made.source,
        day=made.day,
        low=made.low,
        middle=made.middle,
        high=made.high,
        mean=made.mean,
        actual=actual,
    )
