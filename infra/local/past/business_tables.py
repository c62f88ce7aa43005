"""The tables of the business in memory: the port `Tables` over rows, by the rules of the statements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import numpy as np

from core.business.checks import Bools, Floats, Ints
from core.errors import QueryError
from functions.bi_rollup.daily_metrics import DailyMetric
from functions.bi_rollup.forecasts import DailyRevenue, DayForecast, ForecastRow, ScoredDay
from functions.bi_rollup.market import CompanySales, SalesExtent
from functions.bi_rollup.marts import OldestOrder
from functions.bi_rollup.model_roi import ReturnRow
from functions.bi_rollup.queries import Query, Row
from functions.bi_rollup.revenue import ExpectedRevenue, HourlyRevenue, PaymentCounts
from functions.bi_rollup.roi import SpendByKind
from functions.bi_rollup.satisfaction import ExperienceTotals, ModelState
from functions.bi_rollup.sources import LargestSource
from functions.bi_rollup.statements import REST
from functions.bi_rollup.totals import TotalForecast
from functions.bi_rollup.usual_revenue import BookedRow
from infra.local.past.business_marts import DAY, HOUR, CustomerMart, DayMart, HourMart
from infra.local.past.business_rows import SaleRows, SpendingRows, instant, micros, sums
from infra.local.past.cohort_mart import CohortMart
from infra.local.past.cost_tables import CostTables
from infra.local.past.dimension_marts import ArmMart, DimensionMart
from infra.local.past.order_rows import IS_TEST, NO_RATE, OUTCOMES, OrderRows


class Models(Protocol):
    """Reads the newest window of each model."""

    def __call__(self, since: datetime, until: datetime) -> list[ModelState]:
        """The newest windows that ended after an instant and up to another."""
        ...


class Experience(Protocol):
    """Reads browser reports."""

    def __call__(self, since: datetime, until: datetime) -> list[ExperienceTotals]:
        """The totals after an instant and up to another: one row, or none where there are no reports."""
        ...


def no_models(since: datetime, until: datetime) -> list[ModelState]:  # noqa: ARG001 - the signature of `Models`
    """No models."""
    return []


def no_experience(since: datetime, until: datetime) -> list[ExperienceTotals]:  # noqa: ARG001 - that of `Experience`
    """No browser reports."""
    return []


class MemoryTables:
    """The port over rows that do not change.

    What is not given is empty. Responses to incidents and answers to surveys are not stored here: `response_counts` and
    `answer_counts` have no row.

    Args:
        orders: all orders.
        sales: all sales of the market.
        spending: all amounts of spend.
        models: states of models.
        experience: browser reports.
        costs: of the billing export.

    Attributes:
        hours: `marts.revenue_hourly`.
        days: `marts.customer_days`.
        customers: `marts.customers`.
        cohorts: `marts.customer_cohorts`.
        dimensions: `marts.revenue_by_dimension_daily`.
        arms: `marts.customer_arm_days`.
        returns: `marts.model_roi`, by day.
        daily_metrics: `marts.daily_metrics`, by day, metric and labels.
    """

    def __init__(
        self,
        orders: OrderRows,
        *,
        sales: SaleRows | None = None,
        spending: SpendingRows | None = None,
        models: Models = no_models,
        experience: Experience = no_experience,
        costs: CostTables | None = None,
    ) -> None:
        self._orders = orders
        self._sales = sales
        self._spending = spending
        self._forecasts: dict[datetime, dict[tuple[str, datetime], ForecastRow]] = {}
        self._totals: dict[tuple[str, datetime], TotalForecast] = {}
        self.hours = HourMart(orders)
        self.days = DayMart(orders)
        self.customers = CustomerMart(self.days)
        self.cohorts = CohortMart(self.customers)
        self.dimensions = DimensionMart(orders, orders.dimensions)
        self.arms = ArmMart(orders)
        self.returns: dict[datetime, list[ReturnRow]] = {}
        self.daily_metrics: dict[tuple[datetime, str, str], DailyMetric] = {}
        self._statements: dict[str, Callable[..., Any]] = {
            **self._of_orders(),
            **(costs.statements if costs else {}),
            "experience_totals": experience,
            "model_states": models,
        }

    def _of_orders(self) -> dict[str, Callable[..., Any]]:
        """What answers or carries out each statement, by its name."""
        return {
            "answer_counts": lambda **_: [],
            "arm_totals": self.arms.totals,
            "cohort_months": self.cohorts.since,
            "company_sales": self._company_sales,
            "customer_history": self.customers.history,
            "customer_holdout": self.customers.holdout,
            "expected_revenue": self._expected_revenue,
            "forecast_totals": self._forecast_totals,
            "largest_sources": self._largest_sources,
            "model_revenue": self.dimensions.by_model,
            "oldest_order": self._oldest_order,
            "payment_counts": self._payment_counts,
            "response_counts": lambda **_: [],
            "revenue_by_day": self._revenue_by_day,
            "revenue_by_dimension": self.dimensions.revenue,
            "revenue_by_hour": self._revenue_by_hour,
            "sales_extent": self._sales_extent,
            "scored_forecasts": self._scored_forecasts,
            "spend_by_kind": self._spend_by_kind,
            "usual_hours": self._usual_hours,
            "write_customer_arm_days": self.arms.write,
            "write_customer_cohorts": self.cohorts.write,
            "write_customer_days": self.days.write,
            "write_customers": self.customers.write,
            "write_daily_metrics": self._write_daily_metrics,
            "write_model_roi": self._write_model_roi,
            "write_forecast_totals": self._write_forecast_totals,
            "write_forecasts": self._write_forecasts,
            "write_revenue_by_dimension": self.dimensions.write,
            "write_revenue_hours": self.hours.write,
        }

    def read(self, query: Query[Row], **parameters: Any) -> list[Row]:  # noqa: ANN401 - as of `Tables`
        """The rows of a query; `QueryError` for one that is not known here."""
        rows: list[Row] = self._run(query.name, parameters)
        return rows

    def read_columns(self, query: Query[Row], **parameters: Any) -> Row:  # noqa: ANN401 - as of `Tables`
        """All rows of a query in one object of arrays; `QueryError` for one that is not known here."""
        columns: Row = self._run(query.name, parameters)
        return columns

    def write(self, name: str, **parameters: Any) -> None:  # noqa: ANN401 - as of `Tables`
        """Run a statement that writes a table; `QueryError` for one that is not known here."""
        self._run(name, parameters)

    def forecasts(self, since: datetime, until: datetime) -> list[ForecastRow]:
        """All forecasts made in a period, in order."""
        made = sorted(at for at in self._forecasts if since <= at < until)
        return list(chain.from_iterable(self._forecasts[at].values() for at in made))

    def totals(self, since: datetime, until: datetime) -> list[TotalForecast]:
        """All forecasts of totals made in a period, in order."""
        return [row for _, row in sorted(self._totals.items()) if since <= row.made_at < until]

    def _run(self, name: str, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - what the statement returns
        if name not in self._statements:
            raise QueryError(f"{name}.sql: is not computed for the past")
        return self._statements[name](**parameters)

    def _oldest_order(self, since: datetime, until: datetime) -> list[OldestOrder]:
        rows = self._orders.span(since, until)
        return [OldestOrder(oldest=instant(self._orders.at[rows.start]) if rows.start < rows.stop else None)]

    def _payment_counts(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[PaymentCounts]:
        names, place = self.hours.listed(sources)
        counted = self._orders.counted(since, until)
        listed = place[self._orders.sources.codes[counted]]
        return [self._payments(names[source], counted[listed == source]) for source in np.unique(listed).tolist()]

    def _payments(self, source: str, rows: Ints) -> PaymentCounts:
        outcome = self._orders.booked_as[rows]
        counts = np.bincount(outcome, minlength=len(OUTCOMES)).tolist()
        return PaymentCounts(
            source=source,
            dollars=float(self._orders.dollars[rows].sum()),
            missing_id=int((self._orders.ids.codes[rows] < 0).sum()),
            newest=_newest(self._orders.at[rows], outcome != IS_TEST),
            **dict(zip(OUTCOMES, counts, strict=True)),
        )

    def _largest_sources(self, since: datetime, until: datetime, most: int) -> list[LargestSource]:
        names, rows = self._orders.sources.names, self.hours.span(since, until)
        codes, dollars = _sums(self.hours.source[rows], np.abs(self.hours.dollars[rows]))
        largest = sorted(
            (-revenue, names[code]) for code, revenue in zip(codes.tolist(), dollars.tolist(), strict=True)
        )
        return [LargestSource(source=name, total=codes.size) for _, name in largest[:most]]

    def _revenue_by_hour(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[HourlyRevenue]:
        rows, shown = self.hours.days(since, until)
        at, ordered = self.hours.at[rows], self.hours.counts[rows, :IS_TEST].sum(axis=1) > 0
        return [
            HourlyRevenue(source=source, of_day=hour, dollars=dollars, newest=_newest(at[group], ordered[group]))
            for source, hour, dollars, group in self._revenue(rows, sources, shown // HOUR % 24)
        ]

    def _revenue_by_day(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[DailyRevenue]:
        rows, shown = self.hours.days(since, until)
        return [
            DailyRevenue(source=source, day=instant(day * DAY), dollars=dollars)
            for source, day, dollars, _ in self._revenue(rows, sources, shown // DAY)
        ]

    def _usual_hours(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[BookedRow]:
        mart, names = self.hours, self._orders.sources.names
        span = mart.span(since, until)
        payments = mart.counts[span, :IS_TEST].sum(axis=1)
        columns = (mart.source[span], mart.at[span], mart.dollars[span], payments, mart.counts[span, NO_RATE])
        return [
            BookedRow(source=names[source], hour=instant(at), dollars=dollars, payments=payments, no_rate=no_rate)
            for source, at, dollars, payments, no_rate in zip(*(column.tolist() for column in columns), strict=True)
            if names[source] in sources
        ]

    def _revenue(self, rows: Ints, sources: Sequence[str], by: Ints) -> Iterator[tuple[str, int, float, Ints]]:
        """Revenue of rows by listed source and another key below `_KEYS`, in order, with the places of the rows behind each."""
        names, place = self.hours.listed(sources)
        key = place[self.hours.source[rows]] * _KEYS + by
        order = np.argsort(key, kind="stable")
        keys, begin = np.unique(key[order], return_index=True)
        _, dollars = _sums(key, self.hours.dollars[rows])
        groups = np.split(order, begin[1:])
        for code, revenue, group in zip(keys.tolist(), dollars.tolist(), groups, strict=False):
            yield names[code // _KEYS], code % _KEYS, revenue, group

    def _write_forecasts(
        self, since: datetime, until: datetime, sources: Sequence[str], forecasts: Sequence[ForecastRow]
    ) -> None:
        for made_at, rows in self._forecasts.items():
            if since <= made_at <= until:
                self._forecasts[made_at] = {key: row for key, row in rows.items() if key[0] not in sources}
        for row in forecasts:
            self._forecasts.setdefault(row.made_at, {})[row.source, row.day] = row

    def _write_forecast_totals(
        self, since: datetime, until: datetime, sources: Sequence[str], totals: Sequence[TotalForecast]
    ) -> None:
        replaced = {key for key in self._totals if key[0] in sources and since <= key[1] <= until}
        self._totals = {key: row for key, row in self._totals.items() if key not in replaced}
        self._totals |= {(row.source, row.made_at): row for row in totals}

    def _forecast_totals(self, since: datetime, until: datetime, sources: Sequence[str]) -> list[TotalForecast]:
        made = (row for _, row in sorted(self._totals.items()) if since <= row.made_at <= until)
        return [row for row in made if not sources or row.source in sources]

    def _expected_revenue(
        self, since: datetime, until: datetime, first: datetime, second: datetime
    ) -> list[ExpectedRevenue]:
        newest: dict[tuple[str, datetime], ForecastRow] = {}
        for at in self._newest_first(since, until):
            for key, row in self._forecasts[at].items():
                if row.day in {first, second}:
                    newest.setdefault(key, row)
        return [ExpectedRevenue(source=row.source, day=row.day, mean=row.mean) for row in newest.values()]

    def _scored_forecasts(
        self, oldest: datetime, since: datetime, until: datetime, sources: Sequence[str]
    ) -> list[ScoredDay]:
        listed = {*sources, REST}
        newest: dict[tuple[str, datetime], ForecastRow] = {}
        for at in self._newest_first(oldest, until):
            for key, row in self._forecasts[at].items():
                if max(at, since) <= row.day < until and at < until and (not sources or row.source in listed):
                    newest.setdefault(key, row)
        revenue = {(row.source, row.day): row.dollars for row in self._revenue_by_day(since, until, sources)}
        return [_scored(newest[key], revenue.get(key, 0.0)) for key in sorted(newest)]

    def _newest_first(self, since: datetime, until: datetime) -> list[datetime]:
        return sorted((at for at in self._forecasts if since <= at <= until), reverse=True)

    def _company_sales(self, since: datetime, until: datetime) -> list[CompanySales]:
        if self._sales is None:
            return []
        rows = self._sales.counted(since, until)
        size = len(self._sales.companies.names)
        companies = self._sales.companies.codes[rows]
        amount = np.ones(rows.size) if self._sales.amount is None else self._sales.amount[rows]
        valid = np.isfinite(amount)
        nameless = np.zeros(rows.size) if self._sales.ids is None else self._sales.ids[rows] < 0
        columns = (
            sums(companies[valid], amount[valid], size).tolist(),
            *(np.bincount(companies[which], minlength=size).tolist() for which in (valid, ~valid, nameless > 0)),
        )
        companies_sold = [
            CompanySales(company=name, sales=sales if some else None, missing_amount=missing, missing_id=without_id)
            for name, sales, some, missing, without_id in zip(self._sales.companies.names, *columns, strict=True)
            if some or missing
        ]
        return sorted(companies_sold, key=lambda row: (row.sales is None, -(row.sales or 0.0), row.company))

    def _sales_extent(self, since: datetime, until: datetime) -> list[SalesExtent]:
        at = self._sales.sold(since, until) if self._sales is not None else np.empty(0, dtype=np.int64)
        if not at.size:
            return [SalesExtent(oldest=None, newest=None)]
        return [SalesExtent(oldest=instant(at[0]), newest=instant(at[-1]))]

    def _spend_by_kind(self, since: datetime, until: datetime) -> list[SpendByKind]:
        if self._spending is None:
            return []
        rows = self._spending.span(since, until)
        kinds, amount = self._spending.kinds, self._spending.amount[rows]
        spend = []
        for kind in np.unique(kinds.codes[rows]).tolist():
            given = amount[kinds.codes[rows] == kind]
            valid = given[np.isfinite(given)]
            dollars = float(valid.sum()) if valid.size else None
            spend.append(SpendByKind(kind=kinds.names[kind], dollars=dollars, missing_amount=given.size - valid.size))
        return sorted(spend, key=lambda row: row.kind)

    def _write_model_roi(self, day: datetime, returns: Iterable[ReturnRow]) -> None:
        self.returns[day] = list(returns)

    def _write_daily_metrics(self, day: datetime, metrics: Iterable[DailyMetric]) -> None:
        self.daily_metrics.update({(day, row.name, row.labels): row for row in metrics})


_KEYS = micros(instant(0).replace(year=9999)) // DAY  # more than any day's number, and than any hour's


def _sums(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """The sum of the values of each key, by key."""
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, sums(place, values, distinct.size)


def _newest(at: Ints, which: Bools) -> datetime | None:
    return instant(at[which].max()) if which.any() else None


def _scored(forecast: ForecastRow, actual: float) -> ScoredDay:
    columns = {name: getattr(forecast, name) for name in _OF_DAY}
    return ScoredDay(**columns, actual=actual)


_OF_DAY = tuple(column.name for column in fields(DayForecast))
