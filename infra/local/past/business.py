"""The past of the business: bi_rollup's own parts, ticked for past instants over the rows in memory.

The marts of the whole past are made at once. A tick then reads them up to its own instant, so that ticks may be run in parts,
the newest first: each gives what it gives when all are run in order. Every forecast is made once, from what was known on its
day: orders of the last days may still have been on their way then, as they are for a tick of now.

Nobody was called about the past and no incident kept, so neither counts as good nor as bad: satisfaction and gains leave
incidents out.
"""

import functools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, Self

import numpy as np
import pyarrow as pa

from core.business.checks import EstimateError, Floats
from core.business.forecast import Forecast, forecast
from core.events import Tick
from core.settings import Business, Settings
from core.settings import Orders as OrdersTable
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.adapters.sqlite_store import SqliteStore
from functions.bi_rollup import customers, forecasts, revenue, worth
from functions.bi_rollup.figures import COLLECTION, Made, load, save
from functions.bi_rollup.parts import PARTS
from functions.bi_rollup.rollup import NAME, Outside, Part, roll_up
from functions.bi_rollup.spans import DAY, HORIZON, HOUR, ceiling, floor
from infra.local.past.business_load import figure_rows, forecast_rows, mart_rows
from infra.local.past.business_rows import OrderRows, SaleRows, Words
from infra.local.past.business_tables import MemoryTables, Models, People, no_models, no_people
from infra.local.past.metrics import PastMetrics
from infra.local.prometheus import HistoryPoint
from infra.local.replay.flights import CATEGORICAL, Array
from infra.local.replay.orders import Orders

ORDERS, FLIGHTS = "telemetry.orders", "telemetry.flight_predictions"
"""The tables whose rows are here."""


class Predictions(Protocol):
    """What is read of the history of the model: `replay.History`."""

    def by_category(self, start: datetime, end: datetime, feature: str) -> tuple[Array, Array, tuple[str, ...]]:
        """The predictions of a span by one categorical feature: when, codes and names."""
        ...


@dataclass(slots=True, kw_only=True)
class PastBusiness:
    """The business of the past, computed as far as it is asked for.

    Attributes:
        settings: those of the deployment, without what is read from tables whose rows are not here.
        source: the tables, with what has been computed so far.
    """

    settings: Settings
    source: MemoryTables
    _parts: tuple[Part, ...]
    _forecaster: forecasts.Forecaster
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
        people: People = no_people,
    ) -> Self:
        """Read the rows until now, and make the marts up to the last midnight.

        Args:
            orders: of the shop.
            history: whose flights are the market.
            settings: of the deployment.
            now: no later row is seen.
            models: the newest window of each model, where that is known.
            people: what people saw, where that is known.
        """
        business = _known(settings.business)
        rows = orders.rows(min(orders.first, now), now)
        source = MemoryTables(
            OrderRows.read(rows, business.orders) if business.orders else _no_orders(rows),
            sales=_market(history, business, floor(orders.first, DAY), now),
            models=models,
            people=people,
        )
        begin, midnight = floor(orders.first, DAY), floor(now, DAY)
        if business.orders and begin < midnight:
            source.write_revenue_hours(begin, midnight)
            if business.orders.customer:
                source.write_customer_days(begin, midnight)
        forecaster = _remembering()
        return cls(
            settings=replace(settings, business=business),
            source=source,
            _parts=tuple(_parts(settings.business, forecaster)),
            _forecaster=forecaster,
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
            tables=self.source,
            incidents=lambda _since, _until: None,
            store=store,
            metrics=metrics,
            ledger=Ledger(store, lambda: instants[-1], NAME),
        )
        for at in instants:
            self._prepare(outside, at)
            roll_up(Tick(job=NAME, scheduled_at=at), outside, self._parts)
        if instants and (self._newest is None or instants[-1] > self._newest):
            self._newest = instants[-1]
            self._documents = {(COLLECTION, one.key): one.data for one in store.find(COLLECTION)}
        store.close()
        return metrics.take()

    def documents(self) -> dict[tuple[str, str], Data]:
        """What the newest tick so far leaves in the store, by collection and key."""
        return dict(self._documents)

    def marts(self) -> dict[str, pa.Table]:
        """The marts that are made from orders, as of the newest tick so far, by the names of their tables."""
        if self._newest is None or not self.settings.business.orders:
            return {}
        # The newest tick may not have been the last one to write them.
        self.source.write_customers(floor(self._newest, DAY))
        return mart_rows(self.source, ceiling(self._newest, HOUR))

    def tables(self, since: datetime, until: datetime) -> dict[str, pa.Table]:
        """What the ticks so far wrote of a span of days, by the names of the tables: forecasts and figures."""
        return {
            forecasts.TABLE: forecast_rows(self.source.forecasts(since, until)),
            "marts.figures": figure_rows(self.source.figures, since, until),
        }

    def _prepare(self, outside: Outside, at: datetime) -> None:
        """Make what a tick finds made: the marts, and a forecast on each day of the weeks before."""
        if not self.settings.business.orders:
            return
        day = floor(at, DAY)
        made = {
            revenue.NAME: Made(due=at - HOUR, rollups={revenue.MART.name: at - HOUR}),
            forecasts.NAME: Made(due=day - DAY),
            customers.NAME: Made(due=day - DAY, rollups={customers.DAYS.name: day - DAY, customers.MART: day - DAY}),
        }
        for name, one in made.items():
            kept = load(outside.store, name)
            if kept is None or kept.due < one.due:
                save(outside.store, name, one)
        begin = day - forecasts.TRACKED
        for ago in range((day - begin) // DAY, 0, -1):
            self._forecast(outside, day - ago * DAY)
        if self._rested(begin):
            for ago in range(HORIZON // DAY, 0, -1):
                self._forecast(outside, begin - ago * DAY)
        self._forecast_on.add(day)  # by the tick itself

    def _rested(self, day: datetime) -> bool:
        """Whether a source that had sold was not forecast on a day, so that an older forecast of it may count."""
        sold = {row.source for row in self.source.revenue_by_day(day - 2 * HORIZON, day, ())}
        return bool(sold - {row.source for row in self.source.forecasts(day, day + DAY)})

    def _forecast(self, outside: Outside, day: datetime) -> None:
        """Forecast as of a day, where that has not been done."""
        if day not in self._forecast_on:
            self._forecast_on.add(day)
            with suppress(EstimateError):  # a tick of that day would have said so and gone on
                forecasts.make(outside, day, Made(due=day - DAY), forecaster=self._forecaster)


def _known(business: Business) -> Business:
    """The settings of the business without the tables whose rows are not here."""
    market = business.market
    ours = market is not None and market.table == FLIGHTS and market.company in CATEGORICAL and market.amount is None
    return replace(
        business,
        orders=business.orders if business.orders and business.orders.table == ORDERS else None,
        market=market if ours else None,
        spending=None,
    )


def _parts(business: Business, forecaster: forecasts.Forecaster) -> list[Part]:
    """The parts of the job, with forecasts remembered; without what was spent there is no return on it."""
    make = functools.partial(forecasts.make, forecaster=forecaster)
    kept = [part for part in PARTS if part.name != worth.NAME or business.spending is None]
    return [replace(part, make=make) if part.name == forecasts.NAME else part for part in kept]


def _remembering() -> forecasts.Forecaster:
    """Forecasts each series once."""
    known: dict[tuple[bytes, int, float], Forecast] = {}

    def remembered(daily: Floats, *, horizon: int, level: float) -> Forecast:
        key = daily.tobytes(), horizon, level
        if key not in known:
            known[key] = forecast(daily, horizon=horizon, level=level)
        return known[key]

    return remembered


def _no_orders(rows: pa.Table) -> OrderRows:
    """The columns of orders that nobody asks for."""
    given = OrdersTable(table=ORDERS, timestamp="ordered_at", id="order_id", source="source", amount="amount_dollars")
    return OrderRows.read(rows.slice(0, 0), given)


def _market(history: Predictions, business: Business, since: datetime, now: datetime) -> SaleRows | None:
    """The flights of a span as sales, each with an id of its own."""
    table = business.market
    if table is None:
        return None
    times, codes, names = history.by_category(since - timedelta(days=table.days), now, table.company)
    order = np.argsort(times, kind="stable")
    return SaleRows(at=times[order] * 60_000_000, companies=Words(names=names, codes=codes[order]))
