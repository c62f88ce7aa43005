"""The track of the business: its charts, marts and forecasts, day by day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.settings import Settings
from infra.local.past.business import PastBusiness
from infra.local.past.plan import Part
from infra.local.past.track import Computed
from infra.local.replay.history import History
from infra.local.replay.orders import Orders
from infra.local.replay.reference import ORDERED


@dataclass(slots=True)
class BusinessTrack:
    """The shop beside the model.

    A day of the business costs fifty times what a day of the model does, so its first part is short and the others are few.
    """

    orders: Orders
    history: History
    settings: Settings
    now: datetime
    name: str = "business"
    first: timedelta = timedelta(days=21)
    size: timedelta = timedelta(days=92)
    _business: PastBusiness | None = None

    def compute(self, part: Part) -> Computed:
        """Tick the days of a part; with the newest part of all come the orders, the marts, and what the live ticks go on with."""
        self._business = self._business or PastBusiness.build(self.orders, self.history, self.settings, self.now)
        points = self._business.run(part.instants)
        if part.index > 0 or not part.instants:
            # What a stop left out of the tables, the next live tick makes, as it would in the cloud.
            return Computed(points=points)
        tables = self._business.tables(part.instants[0], part.instants[-1] + timedelta(days=1))
        if part.end < self.now:
            return Computed(points=points, tables=tables)
        orders = {ORDERED: self.orders.rows(self.orders.first, part.end)}
        return Computed(
            points=points,
            tables={**orders, **tables, **self._business.marts()},
            documents=self._business.documents(),
        )
