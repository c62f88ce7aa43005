"""The past of user experience: any hour of a repeating web log, by the code of telemetry_rollup."""

from datetime import datetime, timedelta

import msgspec
import pytest

from infra.local.past.experience import MemoryReports, Report, WeblogReports, experience_points
from infra.local.replay.weblog import FIRST, HOURS, Weblog
from tests.support.builders.past import by_series

HOUR, CYCLE = timedelta(hours=1), timedelta(hours=HOURS)
NOW = FIRST + 1000 * CYCLE + 30 * HOUR
LOG = Weblog.read()


def rows(since: datetime, until: datetime) -> list[Report]:
    return [msgspec.json.decode(one.data, type=Report) for one in LOG.messages(since, until)]


def test_an_hour_equals_the_summary_of_its_rows() -> None:
    reports = WeblogReports(LOG)
    for ago in (0, 1, 28, 29, 84, 200):  # 30 hours into a cycle, so that some reach into the cycle before
        at = NOW - ago * HOUR
        span = (at - 6 * HOUR, at - HOUR, at)
        found = reports.summaries(*span, 200)
        assert found == MemoryReports(rows(at - 7 * HOUR, at + HOUR)).summaries(*span, 200)
        assert found


def test_only_the_busiest_are_given() -> None:
    reports = WeblogReports(LOG)
    span = (NOW - 6 * HOUR, NOW - HOUR, NOW)
    assert reports.summaries(*span, 1) == reports.summaries(*span, 200)[:1]


def test_the_points_of_hours_are_those_of_ticks() -> None:
    points = by_series(experience_points(LOG, [NOW - ago * HOUR for ago in range(3, -1, -1)]))
    assert {name for name, *_ in points} == {
        "aia_experience_sessions",
        "aia_experience_session_seconds",
        "aia_experience_error_ratio",
    }
    assert {at for *_, at in points} <= {NOW - ago * HOUR for ago in range(4)}
    again = by_series(experience_points(LOG, [NOW - CYCLE]))
    assert {key[:2]: value for key, value in again.items()} == {
        key[:2]: value for key, value in points.items() if key[-1] == NOW
    }


def test_totals_of_days_are_counted_from_the_rows() -> None:
    reports = WeblogReports(LOG)
    for since, until in ((NOW - 3 * CYCLE, NOW), (NOW - 100 * HOUR, NOW - 7 * HOUR), (NOW - HOUR, NOW)):
        there = [one for one in rows(since, until + HOUR) if since < one.observed_at <= until]
        [found] = reports.totals(since, until)
        assert (found.requests, found.failures) == (len(there), sum(bool(one.failed) for one in there))
        assert (found.loads, found.load_seconds) == (0, None)


def test_no_hours_are_no_points() -> None:
    assert experience_points(LOG, []) == []


def test_without_reports_there_is_no_summary() -> None:
    assert MemoryReports([]).summaries(NOW - 6 * HOUR, NOW - HOUR, NOW, 200) == []


@pytest.mark.parametrize("ago", [0, 7])
def test_reports_of_other_times_do_not_count(ago: int) -> None:
    one = Report(event_id="e", observed_at=NOW - ago * HOUR, service="s", session_id="v", device="mobile", kind="view")
    assert MemoryReports([one]).summaries(NOW - 6 * HOUR, NOW - HOUR, NOW, 200) == []
