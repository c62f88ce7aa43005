"""Usual revenue of the orders of targets: by hour of the week from the last weeks, for the hours around the present.

It is one document, which every decision about incidents knows. Days that may still miss late orders are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from core.business.checks import Floats
from core.business.losses import BookedHour, OrderHistory, is_known
from core.business.usual import WEEKS, UsualWeek
from core.incidents.measured import UsualHours, UsualRevenue
from core.settings import Settings
from functions.adapters.ports import Data
from functions.adapters.store import update
from functions.bi_rollup.local_days import local
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR, floor
from functions.services.incidents.documents import USUAL, USUAL_KEY

DAYS = 7 * WEEKS
BEFORE, AHEAD = 6, 54
"""Hours that the document has: a finding may be decided late, and the document may be as old as `impact.max_age` allows."""
NAME = "usual_revenue"
_WEEK = 7 * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedRow:
    """Booked net revenue and payments of a source in an hour, and how many of the payments have no exchange rate."""

    source: str
    hour: datetime
    dollars: float
    payments: int
    no_rate: int


USUAL_HOURS = Query("usual_hours", BookedRow)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Compute the usual revenue of every source that `business.revenue_of` names, and store it."""
    sources = sources_of(outside.settings)
    first, last = floor(due, HOUR) - BEFORE * HOUR, last_day(outside, due)
    booked = read_booked(outside, sources, due - outside.orders.late, first + (BEFORE + AHEAD) * HOUR)
    orders = {source: found for source in sources if (found := _hours(booked.history(source, last), first))}
    made = UsualRevenue(made_at=due, first=first, orders=orders)
    text = msgspec.json.encode(made).decode()

    def change(data: Data | None) -> Data | None:
        newer = data is not None and data.get("made_at") is not None and data["made_at"] > due
        return None if newer else {**(data or {}), "made_at": due, "usual": text}

    update(outside.store, USUAL, USUAL_KEY, change)
    return RollupResult(due=due, complete_until={NAME: due})


def is_measured(settings: Settings) -> bool:
    """Whether the settings name the orders of any target."""
    return bool(settings.business.revenue_of)


JOB = RollupJob(name=NAME, every=HOUR, max_age=3 * HOUR, enabled=is_measured, run=run)


def sources_of(settings: Settings) -> list[str]:
    """The sources whose orders are those of a target."""
    return sorted({source for orders in settings.business.revenue_of.values() for source in orders.sources})


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedHours:
    """The booked hours of some sources.

    Attributes:
        zone: the time zone of the business.
        shown: by hour of the period, what the clock shows, to the hour, as `local_days` writes it.
        booked: by source and hour; one without an order is missing.
    """

    zone: str
    shown: Mapping[datetime, datetime]
    booked: Mapping[str, Mapping[datetime, BookedHour]]

    def history(self, source: str, last: datetime) -> OrderHistory:
        """What is known of the orders of a source.

        Args:
            source: the source.
            last: the local day before which the weeks of the usual revenue end; the period begins before these weeks.
        """
        booked, first = self.booked.get(source, {}), last - DAYS * DAY
        dollars = self._weeks(booked, first, last, lambda hour: hour.dollars if is_known([hour]) else np.nan)
        payments = self._weeks(booked, first, last, lambda hour: hour.payments)
        known = ~np.isnan(payments)
        counts = np.where(known, payments, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
        return OrderHistory(
            usual=UsualWeek.of(dollars),
            payments=counts.tolist(),
            places={hour: (shown - first) // HOUR % _WEEK for hour, shown in self.shown.items()},
            booked=booked,
            newest=max((hour for hour, found in booked.items() if found.payments), default=None),
        )

    def _weeks(
        self,
        booked: Mapping[datetime, BookedHour],
        first: datetime,
        last: datetime,
        value: Callable[[BookedHour], float],
    ) -> Floats:
        """A value by hour of the local weeks: the mean of an hour that occurs twice, NaN for one that the clocks skip.

        Days up to that of the first order are unknown: the source may be new.
        """
        sums, counts = np.zeros(DAYS * 24), np.zeros(DAYS * 24)
        oldest = min((hour for hour, found in booked.items() if found.payments), default=None)
        opened = last if oldest is None else floor(self.shown[oldest], DAY)
        for hour, shown in self.shown.items():
            if first <= shown < last and (shown >= opened + DAY or opened < first):
                place = (shown - first) // HOUR
                counts[place] += 1
                sums[place] += value(booked[hour]) if hour in booked else 0.0
        values: Floats = np.where(counts > 0, sums / np.maximum(1, counts), np.nan).reshape(WEEKS, _WEEK)
        return values


def read_booked(outside: Outside, sources: Sequence[str], since: datetime, until: datetime) -> BookedHours:
    """The booked hours of some sources.

    Args:
        outside: the ports.
        sources: the sources.
        since: the instant whose hour is looked at first; the weeks of the usual revenue before it are added.
        until: the last instant of the period; hours after the present have no orders.
    """
    zone = outside.settings.business.time_zone
    first = floor(since, HOUR) - (DAYS + 2) * DAY
    hours = [first + number * HOUR for number in range((until - first) // HOUR + 1)]
    booked: dict[str, dict[datetime, BookedHour]] = {}
    for row in outside.tables.read(USUAL_HOURS, since=first, until=hours[-1] + HOUR, sources=list(sources)):
        hour = BookedHour(dollars=row.dollars, payments=row.payments, no_rate=row.no_rate)
        booked.setdefault(row.source, {})[row.hour] = hour
    return BookedHours(zone=zone, shown={hour: floor(local(hour, zone), HOUR) for hour in hours}, booked=booked)


def last_day(outside: Outside, before: datetime) -> datetime:
    """The local day before which no order may be late any more; as `local_days` writes it."""
    return floor(local(before - outside.orders.late, outside.settings.business.time_zone), DAY)


def _hours(history: OrderHistory, first: datetime) -> UsualHours | None:
    """The usual revenue of the hours from one on, in cents; None where it is not known."""
    if history.usual is None:
        return None
    found = [history.usual.sum([history.places[first + place * HOUR]]) for place in range(BEFORE + AHEAD)]
    return UsualHours(
        weeks=history.usual.weeks,
        dollars=tuple(round(one.dollars, 2) for one in found),
        low=tuple(round(one.low, 2) for one in found),
        high=tuple(round(one.high, 2) for one in found),
    )
