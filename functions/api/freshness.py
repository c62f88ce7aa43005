"""Freshness of what the page shows: whether a measurement is overdue, or not due yet since the start of this instance.

Nothing is overdue before it was first due. An instance cannot know when a system was set up, and for it no settings are
older than itself: a measurement is first due at the next tick after its start, also if the whole system restarts.

The local system loads recorded history when it starts; its progress is the document `history` of the collection
`backfills`. Elsewhere, and where the document cannot be read, there is no progress to show.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import AiaError
from core.settings import cron
from functions.adapters.ports import Clock, Data, Store
from functions.api.cache import Cache

log = logging.getLogger(__name__)
COLLECTION, KEY = "backfills", "history"
_FRESH_SECONDS = 1.0
STALLED = timedelta(minutes=20)
"""A history without progress for this time counts as stalled."""
LATE = timedelta(minutes=5)
"""How late a probe may be: as long as HealthCheckSilent waits."""
MOMENT = timedelta(minutes=1)
"""How late the first measurement after a start may be if there is an older one."""
STARTING = timedelta(minutes=2)
"""How long after a start a dependency that has never answered counts as starting."""
_LONGEST_WAIT = timedelta(days=8)


class History(msgspec.Struct, frozen=True):
    """Progress of loading the history.

    Attributes:
        days: the number of loaded days, the newest first.
        of: the total number of days.
        since: the oldest loaded instant.
        updated_at: when the last part was loaded.
        done: whether everything is loaded.
    """

    days: int
    of: int
    since: datetime
    updated_at: datetime
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfills:
    """Reads the progress of the program that loads the history."""

    store: Store
    clock: Clock = field(default=lambda: datetime.now(UTC))
    _cache: Cache = field(default_factory=Cache)

    @property
    def loading(self) -> bool:
        """Whether a part of the history is still being loaded."""
        history = self._history()
        return history is not None and not history.done and self.clock() - history.updated_at < STALLED

    def all(self) -> Data:
        """The backfills by name; null if there is none."""
        return {KEY: self._history()}

    def _history(self) -> History | None:
        return self._cache((KEY,), self._progress, seconds=_FRESH_SECONDS)

    def _progress(self) -> History | None:
        try:
            document = self.store.get(COLLECTION, KEY)
            return msgspec.convert(document.data, History, builtin_types=(datetime,)) if document else None
        except (AiaError, msgspec.ValidationError) as error:
            log.warning("%s/%s: not known: %s", COLLECTION, KEY, error)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The start of this instance.

    Attributes:
        at: when it was.
        clock: now.
        loading: whether the history is still being loaded.
        answered: the endpoints whose source has answered since the start.
    """

    at: datetime
    clock: Clock
    loading: Callable[[], bool] = lambda: False
    answered: set[str] = field(default_factory=set)

    def is_starting(self, endpoint: str) -> bool:
        """Whether a source that does not answer may still be starting: it has never answered, and this instance is new."""
        return endpoint not in self.answered and (self.clock() - self.at < STARTING or self.loading())

    def standing(
        self, last: datetime | None, schedule: str | None, *, longest: timedelta, since: datetime | None = None
    ) -> Data:
        """Whether a measurement is overdue or awaited, and when it is due.

        Args:
            last: the last measurement, or None.
            schedule: the cron expression of its job, or None.
            longest: its maximum age.
            since: when what is measured was set up or changed; None where that was before the start.

        Returns:
            `overdue`: it should be newer. `awaited`: it is missing or too old, and the first one since the start, or since
            `since`, is not due yet; `due_at` is when that is.
        """
        now = self.clock()
        if last is not None and now - last <= longest:
            return {"overdue": False, "awaited": False, "due_at": None}
        first = following(schedule, max(self.at, since or self.at)) if schedule else None
        grace = LATE if last is None else MOMENT
        awaited = self.loading() or (first is not None and now <= first + grace)
        return {"overdue": not awaited, "awaited": awaited, "due_at": first}


def following(schedule: str, after: datetime) -> datetime | None:
    """The first instant of a cron expression after another one; None where it is more than some days away.

    >>> following("*/15 * * * *", datetime(2026, 1, 2, 12, 7, 30))
    datetime.datetime(2026, 1, 2, 12, 15)
    >>> following("0 9 * * 1", datetime(2026, 1, 2, 12))  # a Friday
    datetime.datetime(2026, 1, 5, 9, 0)
    """
    minutes, hours, days, months, weekdays = cron.fields(schedule)
    either = "*" not in (schedule.split()[2], schedule.split()[4])
    instant = after.replace(second=0, microsecond=0)
    while instant - after < _LONGEST_WAIT:
        instant += timedelta(minutes=1)
        by_date, by_day = instant.day in days, bool({instant.isoweekday(), instant.isoweekday() % 7} & weekdays)
        is_day = by_date or by_day if either else by_date and by_day
        if instant.minute in minutes and instant.hour in hours and instant.month in months and is_day:
            return instant
    return None
