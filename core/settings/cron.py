"""Cron expressions of five fields, as Cloud Scheduler takes them: minute, hour, day of month, month, day of week."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(?P<first>\*|[a-z]{3}|[0-9]{1,2})(?:-(?P<last>[a-z]{3}|[0-9]{1,2}))?(?:/(?P<step>[0-9]{1,2}))?")

_RAREST = timedelta(days=8 * 366)
"""The longest time between two instants of a schedule: from one 29 February to the next, over a year like 2100."""
_DAY = timedelta(days=1)
_ALL_DAYS = 31
_ALL_WEEKDAYS = 7


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


def fault(expression: str) -> str | None:
    """What is wrong with a cron expression, or None.

    >>> fault("*/15 * * * *")
    >>> fault("0 25 * * *")
    'hour must be 0 to 23'
    >>> fault("0 0 31 2 *")
    'day of month must be one that its months have'
    """
    parts = expression.lower().split()
    if len(parts) != len(_FIELDS):
        return "must have five fields: minute, hour, day of month, month, day of week"
    chosen = [_chosen(part, field) for part, field in zip(parts, _FIELDS, strict=True)]
    for values, field in zip(chosen, _FIELDS, strict=True):
        if not values:
            return f"{field.name} must be {field.low} to {field.high}"
    never = parts[4] == "*" and min(chosen[2]) > max(_LONGEST[month] for month in chosen[3])
    return "day of month must be one that its months have" if never else None


def fields(expression: str) -> tuple[frozenset[int], ...]:
    """The minutes, hours, days of the month, months and days of the week (0 and 7 for Sunday) of a correct expression.

    >>> sorted(fields("*/30 4 1 jan *")[0])
    [0, 30]
    """
    return tuple(frozenset(_chosen(*pair)) for pair in zip(expression.lower().split(), _FIELDS, strict=True))


def _chosen(text: str, field: _Field) -> set[int]:
    """The values that a field chooses; none where it is wrong."""
    chosen: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        values = _range(found, field) if found else range(0)
        if not values:
            return set()
        chosen.update(values)
    return chosen


def _range(found: re.Match[str], field: _Field) -> range:
    first, last, step = found["first"], found["last"], int(found["step"] or 1)
    if step == 0 or (first == "*" and last) or (found["step"] and first != "*" and not last):
        return range(0)
    low = field.low if first == "*" else _number(first, field)
    high = field.high if first == "*" else _number(last or first, field)
    if last and low == high:  # what reads it elsewhere takes it for the whole range
        return range(0)
    return range(low, high + 1, step) if field.low <= low <= high <= field.high else range(0)


def _number(text: str, field: _Field) -> int:
    return int(text) if text.isdigit() else field.names.get(text, -1)


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


def starts_on(expression: str, day: date) -> int:
    """How often a schedule starts on a day.

    >>> starts_on("*/15 * * * *", date(2026, 1, 5)), starts_on("0 4 * * sun", date(2026, 1, 5))
    (96, 0)
    """
    schedule = _schedule(expression)
    return len(schedule.minutes) if schedule.on(day) else 0


@lru_cache(maxsize=256)
def last_start(expression: str, minute: datetime, within: timedelta) -> datetime | None:
    """The last time of a schedule up to this minute, both local and without a time zone, searched day by day.

    It is cached, because every decision within a minute asks for it.
    """
    schedule = _schedule(expression)
    minutes = schedule.minutes[: bisect_right(schedule.minutes, minute.hour * 60 + minute.minute)]
    for back in range(min(within, _RAREST).days + 2):
        day = minute.date() - back * _DAY
        if minutes and schedule.on(day):
            return datetime.combine(day, time(*divmod(minutes[-1], 60)))
        minutes = schedule.minutes
    return None
