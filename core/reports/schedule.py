"""When a report is due, of which week it is, and until when it waits for data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.local_time import instant_of, reached
from core.reports.queries import Query
from core.reports.weeks import Week, last_week
from core.settings.people import DAYS
from core.settings.reports import ReportSchedule
from core.text import instant

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReport:
    """A report that is due.

    Attributes:
        schedule: of the settings.
        week: that it is about: the newest that was over then.
        at: since when it is due.
    """

    schedule: ReportSchedule
    week: Week
    at: datetime

    def may_wait(self, now: datetime) -> bool:
        """Whether it may still wait for data."""
        return now < self.at + self.schedule.wait


def due(schedule: ReportSchedule, now: datetime, zone: str) -> DueReport:
    """The newest report of a schedule that is due; one that was not sent before the next one is due is not sent any more.

    Args:
        schedule: of the settings.
        now: an instant.
        zone: the time zone whose weeks are reported.
    """
    local = reached(now, schedule.time_zone)
    back = (local.weekday() - DAYS.index(schedule.day)) % len(DAYS)
    at = datetime.combine(local.date() - back * _DAY, schedule.at)
    if at > local:
        at -= len(DAYS) * _DAY
    since = instant_of(at, schedule.time_zone)
    return DueReport(schedule=schedule, week=last_week(since, zone), at=since)


def late_tables(queries: tuple[Query, ...], week: Week, complete: Mapping[str, datetime | None]) -> tuple[str, ...]:  # type: ignore[type-arg]  # of any row
    """The tables of queries that are not complete for a week, one line each.

    Args:
        queries: of the report.
        week: of the report.
        complete: of each table that a rollup keeps, up to when it is complete; None where it has not been written yet.
    """
    tables = dict.fromkeys(query.table for query in queries if query.table in complete)
    return tuple(
        _line(table, complete[table], week.until) for table in tables if not _reaches(complete[table], week.until)
    )


def _reaches(until: datetime | None, end: datetime) -> bool:
    return until is not None and until >= end


def _line(table: str, until: datetime | None, end: datetime) -> str:
    known = f"complete until {instant(until)}" if until else "not written yet"
    return f"{table} is {known}; the week ends {instant(end)}"
