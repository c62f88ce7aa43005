"""The history of the business: the rollups of bi_rollup, run for past ticks over tables in memory.

The marts of the whole past are built at once. A tick reads them up to its own instant, so that ticks can run in parts,
the newest first, with the same results as in order. Every forecast is made once, from what was known on its day: late
orders of the last days are missing, as they are for a live tick.

The past has no incidents and no escalations: satisfaction and attributed revenue leave them out.
"""

import functools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol, Self

import numpy as np
import pyarrow as pa

from core.business.checks import EstimateError, Floats
from core.business.forecast import Forecast
from core.events import Tick
from core.settings import Business, Settings
from core.settings import Orders as OrdersTable
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.bi_rollup import (
    actions,
    cohorts,
    costs,
    customers,
    daily_metrics,
    dimensions,
    forecasts,
    losses,
    model_roi,
    recommendations,
    reconciliation,
    revenue,
    roi,
    table_scans,
    totals,
    usual_revenue,
)
from functions.bi_rollup.local_days import by_local_day, local
from functions.bi_rollup.predictions import PredictionCount, PredictionCounter
from functions.bi_rollup.registry import ROLLUPS
from functions.bi_rollup.result import RollupResult, load, save
from functions.bi_rollup.rollup import NAME, Outside, RollupJob, roll_up
from functions.bi_rollup.spans import DAY, HOUR, ceiling, floor
from functions.services.rollups import COLLECTION
from infra.local.past.business_load import forecast_rows, mart_rows, metric_rows, return_rows, total_rows
from infra.local.past.business_rows import SaleRows, TextColumn
from infra.local.past.business_tables import Experience, MemoryTables, Models, no_experience, no_models
from infra.local.past.cost_tables import CostTables
from infra.local.past.estimates import Estimates
from infra.local.past.metrics import PastMetrics
from infra.local.past.order_rows import OrderRows, RateRows
from infra.local.prometheus import HistoryPoint
from infra.local.replay import billing, exchange_rates
from infra.local.replay.flights import CATEGORICAL, Array
from infra.local.replay.orders import Orders

ORDERS, FLIGHTS = "telemetry.orders", "telemetry.flight_predictions"
"""The tables whose rows are in memory."""
_ESTIMATES = Estimates()


class Predictions(Protocol):
    """The predictions of the model, as of `replay.History`."""

    def by_category(self, start: datetime, end: datetime, feature: str) -> tuple[Array, Array, tuple[str, ...]]:
        """The predictions of a span by a categorical feature: instants, codes and names."""
        ...


@dataclass(slots=True, kw_only=True)
class PastBusiness:
    """The past of the business, computed on demand.

    Attributes:
        settings: those of the deployment, without tables whose rows are not in memory.
        source: the tables, with what has been computed so far.
    """

    settings: Settings
    source: MemoryTables
    _jobs: tuple[RollupJob, ...]
    _forecaster: forecasts.Forecaster
    _predictions: PredictionCounter
    _forecast_on: set[datetime] = field(default_factory=set)
    _newest: datetime | None = None
    _documents: dict[tuple[str, str], Data] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        orders: Orders,
        history: Predictions,
        settings: Settings,
        now: datetime,
        *,
        models: Models = no_models,
        experience: Experience = no_experience,
        estimates: Estimates = _ESTIMATES,
    ) -> Self:
        """Read the rows until now, and build the marts up to the last midnight.

        Args:
            orders: of the shop.
            history: its flights are the market.
            settings: of the deployment.
            now: later rows are not read.
            models: states of models.
            experience: browser reports.
            estimates: by which it is estimated.
        """
        business = _in_memory(settings.business)
        begin, today = floor(orders.first, DAY), floor(local(now, business.time_zone), DAY)
        rows = orders.rows(min(orders.first, now), now)
        source = MemoryTables(
            OrderRows.read(rows, business, _rates(orders, business, now)) if business.orders else _no_orders(rows),
            sales=_market(history, business, begin, now),
            models=models,
            experience=experience,
            costs=CostTables(billing.rows(begin, now), business.billing) if business.billing else None,
        )
        _write_marts(source, business, begin, floor(now, DAY), today)
        made = replace(estimates, forecaster=_memoized(estimates.forecaster))
        return cls(
            settings=replace(settings, business=business),
            source=source,
            _jobs=tuple(_jobs(settings.business, made, today)),
            _forecaster=made.forecaster,
            _predictions=functools.partial(_counted, history, settings),
        )

    def run(self, instants: Sequence[datetime]) -> list[HistoryPoint]:
        """The points of ticks; nothing depends on which ticks were run before.

        Args:
            instants: of the ticks, ascending, whole hours; mostly midnights.

        Raises:
            ValueError: the instants are not ascending, or no whole hours.
        """
        for number, at in enumerate(instants):
            if at != floor(at, HOUR) or at <= max(instants[:number], default=at - HOUR):
                raise ValueError(f"instants: must be whole hours, each after the one before, got {at.isoformat()}")
        metrics, store = PastMetrics(), SqliteStore(":memory:")
        outside = Outside(
            settings=self.settings,
            models=lambda: {model.name: model for model in self.settings.models},
            tables=self.source,
            incidents=lambda _since, _until: None,
            store=store,
            metrics=metrics,
            ledger=Ledger(store, lambda: instants[-1], NAME),
            predictions=self._predictions,
        )
        for at in instants:
            self._prepare(outside, at)
            roll_up(Tick(job=NAME, scheduled_at=at), outside, self._jobs)
        if instants and (self._newest is None or instants[-1] > self._newest):
            self._newest = instants[-1]
            self._documents = {
                (COLLECTION, document.key): document.data
                for document in store.find(COLLECTION)
                if document.key != costs.JOB.name  # its mart is written by the first live tick
            }
        store.close()
        return metrics.take()

    def documents(self) -> dict[tuple[str, str], Data]:
        """The documents of the newest tick so far, by collection and key."""
        return dict(self._documents)

    def marts(self) -> dict[str, pa.Table]:
        """The marts of orders as of the newest tick so far, by table."""
        if self._newest is None or not self.settings.business.orders:
            return {}
        # The newest tick may not have written them last.
        midnight = floor(local(self._newest, self.settings.business.time_zone), DAY)
        self.source.customers.write(midnight)
        self.source.cohorts.write(midnight)
        return mart_rows(self.source, ceiling(self._newest, HOUR))

    def tables(self, since: datetime, until: datetime) -> dict[str, pa.Table]:
        """Forecasts, returns of models and daily metrics of a span of days that the ticks so far wrote, by table."""
        return {
            forecasts.TABLE: forecast_rows(self.source.forecasts(since, until)),
            totals.TABLE: total_rows(self.source.totals(since, until)),
            model_roi.TABLE: return_rows(self.source.returns, since, until),
            daily_metrics.TABLE: metric_rows(self.source.daily_metrics, since, until),
        }

    def _prepare(self, outside: Outside, at: datetime) -> None:
        """Provide what a tick builds on: the marts, and a forecast of each day whose accuracy it measures."""
        if self.settings.business.billing:
            seen = RollupResult(due=costs.JOB.due(at) - HOUR, complete_until={costs.MART: at - DAY})
            _save_newer(outside, costs.JOB.name, seen)
        if not self.settings.business.orders:
            return
        midnight, day = floor(at, DAY), floor(local(at, self.settings.business.time_zone), DAY)
        marts = (customers.DAYS_MART.table, customers.MART, cohorts.MART)
        split = (dimensions.MART.table, dimensions.ARMS_MART.table)
        results = {
            revenue.JOB.name: RollupResult(due=at - HOUR, complete_until={revenue.MART.table: at - HOUR}),
            forecasts.JOB.name: RollupResult(due=midnight - DAY),
            dimensions.JOB.name: RollupResult(due=midnight - DAY, complete_until=dict.fromkeys(split, midnight - DAY)),
            customers.JOB.name: RollupResult(due=midnight - DAY, complete_until=dict.fromkeys(marts, midnight - DAY)),
        }
        for name, result in results.items():
            _save_newer(outside, name, result)
        for ago in range(totals.REACH // DAY, 0, -1):
            self._forecast(outside, day - ago * DAY)
        self._forecast_on.add(day)  # by the tick itself

    def _forecast(self, outside: Outside, day: datetime) -> None:
        """Forecast as of a day, unless that has been done."""
        if day not in self._forecast_on:
            self._forecast_on.add(day)
            with suppress(EstimateError):  # a tick of that day would have logged it
                forecasts.write_missing(outside, day, RollupResult(due=day - DAY), forecaster=self._forecaster)


def _in_memory(business: Business) -> Business:
    """The settings of the business without the tables whose rows are not in memory."""
    market = business.market
    ours = market is not None and market.table == FLIGHTS and market.company in CATEGORICAL and market.amount is None
    return replace(
        business,
        orders=business.orders if business.orders and business.orders.table == ORDERS else None,
        rates=business.rates if business.rates and business.rates.table == exchange_rates.NAME else None,
        market=market if ours else None,
        spending=None,
        billing=business.billing if business.billing and business.billing.table == billing.TABLE else None,
    )


def _save_newer(outside: Outside, name: str, result: RollupResult) -> None:
    stored = load(outside.store, name)
    if stored is None or stored.due < result.due:
        save(outside.store, name, result)


def _counted(history: Predictions, settings: Settings, since: datetime, until: datetime) -> list[PredictionCount]:
    """The predictions of the flights by day."""
    names = [model.name for model in settings.models if model.table == FLIGHTS]
    if not names:
        return []
    times, *_ = history.by_category(since, until, "carrier")
    days, counts = np.unique(times // (24 * 60), return_counts=True)
    found = dict(zip(days.tolist(), counts.tolist(), strict=True))
    first = int(since.timestamp() // DAY.total_seconds())
    return [
        PredictionCount(model=name, day=since + n * DAY, predictions=found.get(first + n, 0))
        for name in names
        for n in range((until - since) // DAY)
    ]


def _write_marts(
    source: MemoryTables, business: Business, begin: datetime, midnight: datetime, today: datetime
) -> None:
    """Build the marts of orders up to the last midnight; those by local days up to today."""
    if not business.orders or begin >= midnight:
        return
    source.hours.write(begin, midnight)
    source.dimensions.write(begin - DAY, today)
    source.arms.write(begin - DAY, today)
    if business.orders.customer:
        source.days.write(begin - DAY, today)


def _jobs(business: Business, estimates: Estimates, today: datetime) -> list[RollupJob]:
    """The rollups, with a memoized forecaster. The interval and the error of lifetime value take too long for a year, and are those of today.

    Without actions (none were taken), reconciliation (no row is late), usual revenue and losses (the present ones are
    known by the first live tick), ROI where spend is not in memory, and what asks BigQuery itself: scans and recommendations.
    """
    run = functools.partial(forecasts.run, forecaster=estimates.forecaster)
    left_out = (
        actions.JOB,
        reconciliation.JOB,
        usual_revenue.JOB,
        losses.JOB,
        recommendations.JOB,
        table_scans.JOB,
    )
    missing = {job.name for job in left_out} | ({roi.JOB.name, model_roi.JOB.name} if business.spending else set())
    jobs = [job for job in ROLLUPS if job.name not in missing]

    def run_customers(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
        return customers.run(outside, due, previous, checked=due >= today, valuer=estimates.valuer)

    changed = {
        job.name: by_local_day(job)
        for job in (replace(forecasts.JOB, run=run), replace(customers.JOB, run=run_customers))
    }
    return [changed.get(job.name, job) for job in jobs]


def _memoized(forecaster: forecasts.Forecaster) -> forecasts.Forecaster:
    """Forecasts each series once."""
    results: dict[tuple[bytes, int, float, date], Forecast] = {}

    def memoized(daily: Floats, *, horizon: int, level: float, today: date) -> Forecast:
        key = daily.tobytes(), horizon, level, today
        if key not in results:
            results[key] = forecaster(daily, horizon=horizon, level=level, today=today)
        return results[key]

    return memoized


def _no_orders(rows: pa.Table) -> OrderRows:
    """No orders."""
    given = OrdersTable(table=ORDERS, timestamp="ordered_at", id="order_id", source="source", amount="amount_dollars")
    return OrderRows.read(rows.slice(0, 0), Business(orders=given))


def _rates(orders: Orders, business: Business, now: datetime) -> RateRows | None:
    """The rates until now, if the settings name them."""
    if business.rates is None:
        return None
    return RateRows.read(exchange_rates.rows(floor(orders.first, DAY) - exchange_rates.BEFORE, now), business.rates)


def _market(history: Predictions, business: Business, since: datetime, now: datetime) -> SaleRows | None:
    """The flights of a span as sales, each with an id of its own."""
    table = business.market
    if table is None:
        return None
    times, codes, names = history.by_category(since - timedelta(days=table.days), now, table.company)
    order = np.argsort(times, kind="stable")
    return SaleRows(at=times[order] * 60_000_000, companies=TextColumn(names=names, codes=codes[order]))
