"""Whether the audit log arrives: what is usual is learnt, and a longer silence is a finding."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from core.detection import Outcome
from core.security.trail import Trail, observation, with_entry
from core.settings import SecuritySettings

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
SETTINGS = SecuritySettings()


def after(instants: Iterable[datetime]) -> Trail:
    trail: Trail | None = None
    for at in instants:
        trail = with_entry(trail, at)
    assert trail is not None
    return trail


def hourly(days: int) -> list[datetime]:
    return [START + hours * HOUR for hours in range(24 * days)]


def outcome(trail: Trail | None, at: datetime) -> Outcome:
    return observation(trail, at, SETTINGS).verdict.outcome


def test_before_a_week_it_is_not_known() -> None:
    assert outcome(None, START) is Outcome.NOT_KNOWN
    trail = after(hourly(6))
    assert outcome(trail, trail.newest + 12 * HOUR) is Outcome.NOT_KNOWN


def test_a_silence_that_is_longer_than_learning_is_no_learning() -> None:
    assert outcome(after(hourly(1)), START + timedelta(days=9)) is Outcome.BAD


def test_a_silence_of_more_than_three_hours_is_a_finding_where_entries_come_hourly() -> None:
    trail = after(hourly(9))
    assert outcome(trail, trail.newest + 3 * HOUR) is Outcome.GOOD
    verdict = observation(trail, trail.newest + 4 * HOUR, SETTINGS).verdict
    assert (verdict.outcome, verdict.value, verdict.threshold) == (Outcome.BAD, 4 * 3600.0, 3 * 3600.0)


def test_a_weekend_is_usual_after_three_of_them_and_one_outage_is_not() -> None:
    workdays = [at for at in hourly(26) if at.weekday() < 5]
    trail = after(workdays)
    assert trail.newest.weekday() == 4
    assert outcome(trail, trail.newest + 50 * HOUR) is Outcome.GOOD
    outage = after([*hourly(10), *(START + timedelta(days=12) + hours * HOUR for hours in range(30))])
    assert outcome(outage, outage.newest + 4 * HOUR) is Outcome.BAD


def test_entries_of_one_minute_and_late_ones_change_nothing() -> None:
    trail = after(hourly(2))
    assert with_entry(trail, trail.newest + timedelta(seconds=59)) is trail
    assert with_entry(trail, START) is trail
