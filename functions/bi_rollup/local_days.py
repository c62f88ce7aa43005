"""Days of the business in its time zone.

A local day is written as its date: the midnight of that date in UTC, whatever the clocks did. So days can be counted and weekdays
told without a time zone. Rollups by day run after midnight in UTC, for the local days that are over by then.
"""

from dataclasses import replace
from datetime import UTC, datetime

from core.local_time import instant_of, reached
from functions.bi_rollup.result import RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, floor


def local(at: datetime, zone: str) -> datetime:
    """What the clocks of a time zone show at an instant, written as UTC.

    >>> local(datetime(2026, 3, 9, 6, 30, tzinfo=UTC), "America/Los_Angeles").isoformat()
    '2026-03-08T23:30:00+00:00'
    """
    return reached(at, zone).replace(tzinfo=UTC)


def instant(shown: datetime, zone: str) -> datetime:
    """The instant at which the clocks of a time zone show what `local` writes."""
    return instant_of(shown.replace(tzinfo=None), zone)


def by_local_day(job: RollupJob) -> RollupJob:
    """A daily rollup whose `run` takes and returns local days, as one whose results are due at midnight in UTC.

    Its steps are two days or more: where the clocks change at midnight in UTC, two local days begin between two midnights.
    """

    def run(outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
        zone = outside.settings.business.time_zone
        today = _today(due, zone)
        result = job.run(outside, today, previous and _shifted(previous, _today(previous.due, zone)))
        return _shifted(result, due if result.due == today else _last_at(result.due, zone))

    return replace(job, run=run)


def _today(at: datetime, zone: str) -> datetime:
    return floor(local(at, zone), DAY)


def _last_at(day: datetime, zone: str) -> datetime:
    """The last midnight in UTC at which no later local day has begun."""
    return next(at for at in (day + DAY, day, day - DAY) if _today(at, zone) <= day)


def _shifted(result: RollupResult, due: datetime) -> RollupResult:
    """A result with another `due`, up to which its tables are complete."""
    return replace(result, due=due, complete_until=dict.fromkeys(result.complete_until, due))
