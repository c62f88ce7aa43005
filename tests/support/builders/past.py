"""A past of the business for tests: the first weeks of a real shop, and a generated market."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.business.forecast import forecast
from core.settings import Business, Cost, Customers, MarketTable, Revenue, Settings
from infra.local.past.business import PastBusiness, _memoized
from infra.local.past.estimates import Estimates
from infra.local.prometheus import HistoryPoint
from infra.local.replay.orders import ORDERS as FILE
from infra.local.replay.orders import Orders
from tests.support.builders.business import DAY, ORDERS, TODAY
from tests.support.builders.drift import MODEL

SHOP = Orders.read(FILE, (TODAY + 300 * DAY).date())
"""The shop's first orders are some 70 days before `TODAY`."""
MARKET = MarketTable(
    table="telemetry.flight_predictions", timestamp="scored_at", id="prediction_id", company="carrier", ours="UA"
)
SETTINGS = Settings(
    jobs={},
    models=(MODEL,),
    revenue={MODEL.target: Revenue(dollars_per_hour=1000)},
    business=Business(
        orders=ORDERS, customers=Customers(period=21 * DAY), costs={"people": Cost(dollars_per_hour=50)}, market=MARKET
    ),
)
NO_MARKET = replace(SETTINGS, business=replace(SETTINGS.business, market=None))
Key = tuple[str, tuple[tuple[str, str], ...], datetime]


@dataclass(frozen=True)
class Departures:
    """One departure an hour, three of four by UA; the carrier of each tenth is not known."""

    def by_category(self, start: datetime, end: datetime, feature: str) -> tuple[Any, Any, tuple[str, ...]]:
        assert feature == "carrier"
        first, last = (-int(-at.timestamp() // 3600) for at in (start, end))
        hours = np.arange(first, last)
        return hours * 60, np.where(hours % 10 == 0, -1, (hours % 4 == 0).astype(int)), ("UA", "DL")


ONCE = Estimates(forecaster=_memoized(forecast))
"""Each series is forecast once for all tests of a process: the same numbers, whoever asks for them and in whichever order."""


def build(
    now: datetime = TODAY + timedelta(hours=5),
    settings: Settings = SETTINGS,
    *,
    estimates: Estimates = ONCE,
    **sources: Any,
) -> PastBusiness:
    return PastBusiness.build(SHOP, Departures(), settings, now, estimates=estimates, **sources)


def midnights(first: int, last: int = 0) -> list[datetime]:
    """From so many days before `TODAY` to so many before it."""
    return [TODAY - ago * DAY for ago in range(first, last - 1, -1)]


def by_series(points: list[HistoryPoint]) -> dict[Key, float]:
    """The value of each series at each instant; none may be there twice."""
    keys = [(point.name, tuple(sorted(point.labels.items())), point.at) for point in points]
    assert max(Counter(keys).values(), default=1) == 1
    return dict(zip(keys, (point.value for point in points), strict=True))
