"""Weeks: their names, their instants over changes of clocks, and when a report about one is due."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.reports.queries import DAILY_METRICS, MODELS, REVENUE_DAYS
from core.reports.schedule import due, late_tables
from core.reports.weeks import Week, WeekError, last_week, week_of
from core.settings import ReportSchedule

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("monday", "name"),
    [
        (date(2025, 12, 29), "2026-W01"),  # its Thursday is the first of January
        (date(2026, 12, 28), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
        (date(2026, 11, 16), "2026-W47"),
    ],
)
def test_a_week_has_its_name_of_iso_8601(monday: date, name: str) -> None:
    assert Week(monday).name == name
    assert week_of(name, "UTC") == Week(monday)


@pytest.mark.parametrize(
    "name", ["2025-W53", "2026-W00", "2026-W54", "2026-47", "26-W47", "", "2026-W47 ", "0001-W01", "٢٠٢٦-W47"]
)
def test_what_is_no_week_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(WeekError, match=r"must be a week of ISO 8601, as in 2026-W47, got '"):
        week_of(name, "UTC")


@pytest.mark.parametrize(
    ("name", "zone", "hours"),
    [
        ("2026-W13", "Europe/Berlin", 167),  # the clocks were set forward on Sunday, 29 March
        ("2026-W43", "Europe/Berlin", 169),  # back on Sunday, 25 October
        ("2026-W47", "Europe/Berlin", 168),
        ("2026-W10", "America/Los_Angeles", 167),
    ],
)
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(name: str, zone: str, hours: int) -> None:
    week = week_of(name, zone)
    assert (week.until - week.since) / HOUR == hours
    assert week.day_until - week.day_since == timedelta(days=7)  # local days, by their dates


def test_the_week_begins_by_the_clock_of_the_business() -> None:
    assert week_of("2026-W13", "Europe/Berlin").since == datetime(2026, 3, 22, 23, tzinfo=UTC)
    assert week_of("2026-W13", "Europe/Berlin").until == datetime(2026, 3, 29, 22, tzinfo=UTC)  # summer time by then


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [("UTC", 23), ("Europe/Berlin", 23), ("America/Los_Angeles", 24)],
)
def test_daily_metrics_of_the_whole_week_are_those_of_the_first_midnight_after_it(zone: str, midnight: int) -> None:
    assert week_of("2026-W47", zone).midnight == datetime(2026, 11, midnight, tzinfo=UTC)


def test_the_last_week_is_over_where_the_business_is() -> None:
    sunday_evening = datetime(2026, 11, 23, 4, tzinfo=UTC)
    assert last_week(sunday_evening, "America/New_York").name == "2026-W46"
    assert last_week(sunday_evening, "UTC").name == "2026-W47"
    assert last_week(datetime(2026, 1, 1, tzinfo=UTC), "UTC").name == "2025-W52"


MONDAY = ReportSchedule(report="executive", to=("mail",), day="mon", at=time(8), time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "week", "since"),
    [
        (datetime(2026, 11, 23, 6, 59, tzinfo=UTC), "2026-W46", datetime(2026, 11, 16, 7, tzinfo=UTC)),
        (datetime(2026, 11, 23, 7, 0, tzinfo=UTC), "2026-W47", datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (datetime(2026, 11, 29, 23, 0, tzinfo=UTC), "2026-W47", datetime(2026, 11, 23, 7, tzinfo=UTC)),
        (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), "2026-W13", datetime(2026, 3, 30, 6, tzinfo=UTC)),  # summer time
        (datetime(2027, 1, 4, 8, 0, tzinfo=UTC), "2026-W53", datetime(2027, 1, 4, 7, tzinfo=UTC)),
    ],
)
def test_a_report_is_due_by_the_clock_of_its_schedule(now: datetime, week: str, since: datetime) -> None:
    found = due(MONDAY, now, "Europe/Berlin")
    assert (found.week.name, found.at) == (week, since)


def test_a_report_waits_as_long_as_it_may() -> None:
    found = due(MONDAY, datetime(2026, 11, 23, 8, tzinfo=UTC), "UTC")
    assert found.may_wait(found.at + 12 * HOUR - timedelta(seconds=1))
    assert not found.may_wait(found.at + 12 * HOUR)


def test_tables_that_are_not_complete_for_the_week_are_named() -> None:
    week = week_of("2026-W47", "UTC")
    queries = (REVENUE_DAYS, DAILY_METRICS, MODELS)
    complete = {REVENUE_DAYS.table: week.until - HOUR, DAILY_METRICS.table: None}
    assert late_tables(queries, week, complete) == (
        "marts.revenue_hourly is complete until 2026-11-22 23:00 UTC; the week ends 2026-11-23 00:00 UTC",
        "marts.daily_metrics is not written yet; the week ends 2026-11-23 00:00 UTC",
    )
    assert late_tables(queries, week, dict.fromkeys(complete, week.until)) == ()
