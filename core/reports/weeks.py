"""Weeks of ISO 8601 in the time zone of the business: from Monday to Sunday, by the local clock."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.errors import AiaError
from core.events import YEARS
from core.local_time import instant_of, reached

_NAME = re.compile(r"(?P<year>[0-9]{4})-W(?P<number>[0-9]{2})")
_DAY = timedelta(days=1)


class WeekError(AiaError):
    """A text names no week."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a time zone.

    Attributes:
        monday: its first day.
        zone: the name of an IANA time zone.
    """

    monday: date
    zone: str = "UTC"

    @property
    def name(self) -> str:
        """By ISO 8601: its year is that of its Thursday.

        >>> Week(date(2025, 12, 29)).name
        '2026-W01'
        """
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def since(self) -> datetime:
        """Its first instant, in UTC."""
        return instant_of(datetime.combine(self.monday, time()), self.zone)

    @property
    def until(self) -> datetime:
        """The first instant after it, in UTC: 167 to 169 hours later where the clocks change."""
        return instant_of(datetime.combine(self.end, time()), self.zone)

    @property
    def end(self) -> date:
        """The Monday after it."""
        return self.monday + 7 * _DAY

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.end - _DAY

    @property
    def day_since(self) -> datetime:
        """Its first local day as tables have it: the midnight of that date in UTC."""
        return datetime.combine(self.monday, time(), UTC)

    @property
    def day_until(self) -> datetime:
        """The first local day after it, likewise."""
        return self.day_since + 7 * _DAY

    @property
    def midnight(self) -> datetime:
        """The first midnight in UTC that is not before its end: the daily rollups that have all of it run then."""
        day = datetime.combine(self.until.date(), time(), UTC)
        return day if day == self.until else day + _DAY

    def before(self, weeks: int = 1) -> "Week":
        """The week that many weeks before."""
        return Week(self.monday - 7 * weeks * _DAY, self.zone)


def week_of(name: str, zone: str) -> Week:
    """The week of a name.

    Raises:
        WeekError: there is no such week.

    >>> week_of("2026-W53", "UTC").monday.isoformat()
    '2026-12-28'
    """
    found = _NAME.fullmatch(name)
    try:
        monday = date.fromisocalendar(int(found["year"]), int(found["number"]), 1) if found else None
    except ValueError:
        monday = None
    if monday is None or monday.year not in YEARS:
        raise WeekError(f"week: must be a week of ISO 8601, as in 2026-W47, got {name[:40]!r}")
    return Week(monday, zone)


def last_week(now: datetime, zone: str) -> Week:
    """The newest week that is over.

    >>> last_week(datetime(2026, 11, 23, 4, tzinfo=UTC), "America/New_York").name  # there it is Sunday evening
    '2026-W46'
    """
    today = reached(now, zone).date()
    return Week(today - timedelta(days=today.weekday() + 7), zone)
