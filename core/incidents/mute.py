"""Mutes: maintenance windows and silences, during which nobody is notified of a target."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from core.incidents.model import Incident
from core.patterns import any_matches, matches
from core.settings.cron import fields
from core.settings.response import Maintenance
from core.text import clean

LONGEST_SILENCE = timedelta(days=30)
"""From the command to its end."""
_RAREST = timedelta(days=8 * 366)
"""The longest time between two instants of a schedule: from one 29 February to the next, over a year like 2100."""
_DAY = timedelta(days=1)
_ALL_DAYS = 31
_ALL_WEEKDAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence that a person made: nobody is notified of some targets for a time.

    Attributes:
        pattern: of the targets, as in `model/*`.
        by: the person.
        at: the start, in UTC.
        until: the end, exclusive.
        note: the reason, in one line.
    """

    pattern: str
    by: str
    at: datetime
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A maintenance window or silence that is active.

    Attributes:
        reason: in one line for people.
        until: its end; the target stays muted where another mute is active by then.
    """

    reason: str
    until: datetime


def incident_mute(
    incident: Incident, now: datetime, maintenance: Sequence[Maintenance], silences: Sequence[Silence]
) -> Mute | None:
    """The mute of an incident that ends first, if all its targets are muted; else None."""
    if not maintenance and not silences:
        return None
    mutes = [target_mute(target, now, maintenance, silences) for target in incident.targets or (incident.target,)]
    active = [mute for mute in mutes if mute is not None]
    return min(active, key=lambda mute: mute.until) if len(active) == len(mutes) else None


def target_mute(
    target: str, now: datetime, maintenance: Iterable[Maintenance], silences: Iterable[Silence]
) -> Mute | None:
    """The mute of a target that lasts longest, or None when the target is not muted.

    Of two that last equally long, the first given counts.

    Args:
        target: as in `model/flight-delay`.
        now: the present, in UTC.
        maintenance: from the settings.
        silences: by people, ended ones included.

    >>> nightly = Maintenance(name="backup", targets=("table/*",), schedule="0 2 * * *", duration=timedelta(hours=1))
    >>> mute = target_mute("table/t", datetime(2026, 1, 2, 2, 59, tzinfo=UTC), [nightly], [])
    >>> mute.reason, mute.until.hour
    ('maintenance backup', 3)
    >>> target_mute("table/t", datetime(2026, 1, 2, 3, tzinfo=UTC), [nightly], []) is None
    True
    """
    mutes = (*_in_maintenance(target, now, maintenance), *_silenced(target, now, silences))
    return max(mutes, key=lambda mute: mute.until, default=None)


def _in_maintenance(target: str, now: datetime, maintenance: Iterable[Maintenance]) -> Iterator[Mute]:
    for one in maintenance:
        if any_matches(one.targets, target) and (until := _window_end(one, now)):
            yield Mute(reason=_reason(f"maintenance {one.name}", one.reason), until=until)


def _silenced(target: str, now: datetime, silences: Iterable[Silence]) -> Iterator[Mute]:
    for one in silences:
        if one.at <= now < one.until and matches(one.pattern, target):
            yield Mute(reason=_reason(f"silenced by {one.by}", one.note), until=one.until)


def _reason(who: str, why: str) -> str:
    return clean(f"{who}: {why}" if why else who)


def _window_end(maintenance: Maintenance, now: datetime) -> datetime | None:
    """The end of the current window, or None outside of one; of the newest, where several overlap."""
    start = maintenance.start
    if start is None:
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        start = _last_start(maintenance.schedule, minute, maintenance.duration)
    if start is None or not timedelta(0) <= now - start < maintenance.duration:
        return None
    return start + maintenance.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedule:
    """A cron expression: the minutes of the day, in order, and the days.

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
    """Whether a field of days restricts them, by the rules of croniter, which schedules the jobs."""
    return "*" not in text.split(",") and not (every and "*" in other)


@lru_cache(maxsize=256)
def _last_start(expression: str, minute: datetime, within: timedelta) -> datetime | None:
    """The last instant of a schedule up to this minute in UTC, searched day by day.

    It is cached, because every decision within a minute asks for it.
    """
    schedule = _schedule(expression)
    minutes = schedule.minutes[: bisect_right(schedule.minutes, minute.hour * 60 + minute.minute)]
    for back in range(min(within, _RAREST).days + 2):
        day = minute.date() - back * _DAY
        if minutes and schedule.on(day):
            return datetime.combine(day, time(*divmod(minutes[-1], 60)), UTC)
        minutes = schedule.minutes
    return None
