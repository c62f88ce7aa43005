"""The track of the business: metrics, marts and forecasts by day, and user experience by hour."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from core.settings import Settings
from functions.bi_rollup import forecasts, totals
from infra.local.past.business import PastBusiness
from infra.local.past.business_tables import Models, no_models
from infra.local.past.estimates import Estimates
from infra.local.past.experience import WeblogReports, experience_points
from infra.local.past.plan import Part
from infra.local.past.track import Computed
from infra.local.replay import billing, exchange_rates
from infra.local.replay.history import History
from infra.local.replay.orders import Orders
from infra.local.replay.reference import ORDERED
from infra.local.replay.weblog import Weblog

_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class BusinessTrack:
    """The shop and its website.

    A day of the business takes fifty times as long as a day of the model, so the first part is short and the others are few.
    """

    orders: Orders
    weblog: Weblog
    history: History
    settings: Settings
    now: datetime
    models: Models = no_models
    estimates: Estimates = field(default_factory=Estimates)
    name: str = "business"
    first: timedelta = timedelta(days=15)
    size: timedelta = timedelta(days=92)
    _business: PastBusiness | None = None

    def compute(self, part: Part) -> Computed:
        """Run the ticks of a part; the newest part also has the orders, the marts and the documents for the live ticks."""
        if self._business is None:
            experience = WeblogReports(self.weblog).totals
            self._business = PastBusiness.build(
                self.orders,
                self.history,
                self.settings,
                self.now,
                models=self.models,
                experience=experience,
                estimates=self.estimates,
            )
        points = [*self._business.run(part.instants), *experience_points(self.weblog, _hours(part))]
        if part.index > 0:  # after a stop, the next live tick completes the marts
            return Computed(points=points, tables=self._read(part.start, part.end))
        tables = self._written(part) if part.instants else {}
        if not part.is_newest:
            return Computed(points=points, tables=tables)
        return Computed(
            points=points,
            tables={**self._read(self.orders.first, part.end), **tables, **self._business.marts()},
            documents=self._business.documents(),
        )

    def _read(self, start: datetime, end: datetime) -> dict[str, pa.Table]:
        """The orders of a span, the exchange rates of its days, and the billing export, where the settings name the generated one."""
        quoted = exchange_rates.rows(start - exchange_rates.BEFORE if start == self.orders.first else start, end)
        given = self.settings.business.billing
        billed = {billing.TABLE: billing.table(start, end)} if given and given.table == billing.TABLE else {}
        return {ORDERED: self.orders.rows(start, end), exchange_rates.NAME: quoted, **billed}

    def _written(self, part: Part) -> dict[str, pa.Table]:
        """The daily metrics of a part, and the forecasts that no newer part has made.

        The accuracy of a day needs forecasts of the months before, so a part also makes those.
        """
        if self._business is None:
            return {}
        start, end = part.instants[0], part.instants[-1] + timedelta(days=1)
        before = start - totals.REACH
        newer = end if part.is_newest else end - totals.REACH
        made = self._business.tables(before, newer)
        return {**self._business.tables(start, end), **{name: made[name] for name in (forecasts.TABLE, totals.TABLE)}}


def _hours(part: Part) -> Iterator[datetime]:
    """The whole hours of a part."""
    at = part.start.replace(minute=0, second=0, microsecond=0) + _HOUR
    while at < part.end:
        yield at
        at += _HOUR
