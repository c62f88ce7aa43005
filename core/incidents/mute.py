"""Whether people want to hear of a target now: maintenance and silences."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from core.incidents.text import clean
from core.patterns import any_matches, matches
from core.settings.cron import fields
from core.settings.response import Maintenance

LONGEST_SILENCE = timedelta(days=30)
"""From when somebody asks for it until it ends."""
_RAREST = timedelta(days=8 * 366)
"""The longest time between two instants of a schedule: from one 29 February to the next, over a year like 2100."""
_DAY = timedelta(days=1)
_ALL_DAYS = 31
_ALL_WEEKDAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Somebody does not want people to be told of some targets for a time.

    Attributes:
        pattern: of the targets, as in `model/*`.
        by: who said so.
        at: since when, in UTC.
        until: the instant after the last.
        note: why, in one line.
    """

    pattern: str
    by: str
    at: datetime
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Nobody is told.

    Attributes:
        reason: why, in one line for people.
        until: when it may end; it goes on where something else mutes the target by then.
    """

    reason: str
    until: datetime


def muted(target: str, now: datetime, maintenance: Iterable[Maintenance], silences: Iterable[Silence]) -> Mute | None:
    """Why nobody is told of a target now, and until when; None when people are told.

    Of several reasons the one that lasts longest counts; of two that last as long, the one that is given first.

    Args:
        target: as in `model/flight-delay`.
        now: when, in UTC.
        maintenance: from the settings.
        silences: by people, also those that are over.

    >>> nightly = Maintenance(name="backup", targets=("table/*",), schedule="0 2 * * *", duration=timedelta(hours=1))
    >>> found = muted("table/t", datetime(2026, 1, 2, 2, 59, tzinfo=UTC), [nightly], [])
    >>> found.reason, found.until.hour
    ('maintenance backup', 3)
    >>> muted("table/t", datetime(2026, 1, 2, 3, tzinfo=UTC), [nightly], []) is None
    True
    """
    reasons = (*_maintained(target, now, maintenance), *_silenced(target, now, silences))
    return max(reasons, key=lambda mute: mute.until, default=None)


def _maintained(target: str, now: datetime, maintenance: Iterable[Maintenance]) -> Iterator[Mute]:
    for one in maintenance:
        if any_matches(one.targets, target) and (until := _end(one, now)):
            yield Mute(reason=_because(f"maintenance {one.name}", one.reason), until=until)


def _silenced(target: str, now: datetime, silences: Iterable[Silence]) -> Iterator[Mute]:
    for one in silences:
        if one.at <= now < one.until and matches(one.pattern, target):
            yield Mute(reason=_because(f"silenced by {one.by}", one.note), until=one.until)


def _because(who: str, why: str) -> str:
    return clean(f"{who}: {why}" if why else who)


def _end(maintenance: Maintenance, now: datetime) -> datetime | None:
    """When the window that it is now in ends; the newest one, where several overlap."""
    start = maintenance.start
    if start is None:
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        start = _latest(maintenance.schedule, minute, maintenance.duration)
    if start is None or not timedelta(0) <= now - start < maintenance.duration:
        return None
    return start + maintenance.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedule:
    """A cron expression: the minutes of the day, in order, and which days.

    Where both the day of the month and the day of the week are restricted, one of them is enough (`either`).
    """

    minutes: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def on(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.either else of_month and of_week)


@lru_cache(maxsize=256)
def _schedule(expression: str) -> _Schedule:
    texts = expression.lower().split()
    minutes, hours, days, months, weekdays = fields(expression)
    week = frozenset(day % 7 for day in weekdays)
    return _Schedule(
        minutes=tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=week,
        either=_restricts(texts[2], len(days) == _ALL_DAYS, texts[4])
        and _restricts(texts[4], len(week) == _ALL_WEEKDAYS, texts[2]),
    )


def _restricts(text: str, every: bool, other: str) -> bool:  # noqa: FBT001 - whether it names every day
    """Whether a field of days restricts them, as croniter sees it, by which the jobs are scheduled."""
    return "*" not in text.split(",") and not (every and "*" in other)


@lru_cache(maxsize=256)
def _latest(expression: str, minute: datetime, within: timedelta) -> datetime | None:
    """The newest instant of a schedule up to this minute in UTC, looked for day by day as far back as needed.

    It is remembered, because whatever happens in one minute asks the same.
    """
    schedule = _schedule(expression)
    minutes = schedule.minutes[: bisect_right(schedule.minutes, minute.hour * 60 + minute.minute)]
    for back in range(min(within, _RAREST).days + 2):
        day = minute.date() - back * _DAY
        if minutes and schedule.on(day):
            return datetime.combine(day, time(*divmod(minutes[-1], 60)), UTC)
        minutes = schedule.minutes
    return None
