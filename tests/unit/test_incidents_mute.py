"""When nobody is told: maintenance once and by a schedule, and silences; schedules agree with the scheduler's library."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from core.incidents.routing import Mute, Silence, target_mute
from core.settings.cron import fault
from core.settings.response import Maintenance

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)  # a Friday
HOUR = timedelta(hours=1)
SILENCE = Silence(pattern="model/*", by="ada", at=NINE, until=NINE + HOUR, note="retraining")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def scheduled(cron: str, now: datetime, duration: timedelta) -> Mute | None:
    return target_mute("t/t", now, [Maintenance(name="m", targets=("*",), schedule=cron, duration=duration)], [])


def field(low: int, high: int, *others: str) -> st.SearchStrategy[str]:
    one = st.integers(low, high).map(str)
    span = (
        st.tuples(st.integers(low, high), st.integers(low, high))
        .filter(lambda pair: pair[0] < pair[1])
        .map(lambda pair: f"{pair[0]}-{pair[1]}")
    )
    step = st.builds("{}/{}".format, st.just("*") | span, st.integers(1, 9))
    return st.just("*") | st.lists(one | span | step | st.sampled_from(["*", *others]), min_size=1, max_size=2).map(
        ",".join
    )


SCHEDULES = (
    st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12, "jan", "DEC"), field(0, 6, "sun", "SAT"))
    .map(" ".join)
    .filter(lambda cron: fault(cron) is None)
)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=6 * 365)).map(
    lambda after: datetime(2023, 1, 1, tzinfo=UTC) + after
)


@pytest.mark.parametrize(("minutes", "expected"), [(-1, False), (0, True), (59, True), (60, False)])
def test_maintenance_that_happens_once_begins_and_ends(minutes: int, expected: bool) -> None:  # noqa: FBT001 - what is expected
    once = Maintenance(name="move", targets=("table/*", "model/*"), start=NINE, duration=HOUR, reason="new disks")
    found = target_mute("model/m", NINE + timedelta(minutes=minutes), [once], [])
    assert found == (Mute(reason="maintenance move: new disks", until=NINE + HOUR) if expected else None)
    assert target_mute("probe/api", NINE, [once], []) is None


@pytest.mark.parametrize(
    ("cron", "now", "until"),
    [
        ("0 9 * * *", NINE, NINE + HOUR),
        ("0 9 * * *", NINE + timedelta(minutes=59, seconds=59), NINE + HOUR),
        ("0 9 * * *", NINE + HOUR, None),
        ("0 9 * * *", NINE - timedelta(microseconds=1), None),
        ("30 23 * * *", NINE.replace(hour=0, minute=29), NINE.replace(hour=0, minute=30)),
        ("* * * * *", NINE + timedelta(seconds=30), NINE + HOUR),
        ("0 9 * * fri", NINE, NINE + HOUR),
        ("0 9 * * sat", NINE, None),
        ("0 9 * * 0-4", NINE, None),
        ("0 9 2 * sat", NINE, NINE + HOUR),
        ("0 9 3 * fri", NINE, NINE + HOUR),
        ("0 9 3 * sat", NINE, None),
        ("0 9 3 * *", NINE, None),
        ("0 9 2 2 fri", NINE, None),
        ("0 9 */2 * 0-6", NINE, None),
    ],
)
def test_maintenance_by_a_schedule_lasts_from_each_instant(cron: str, now: datetime, until: datetime | None) -> None:
    found = scheduled(cron, now, HOUR)
    assert (found.until if found else None) == until


def test_sunday_has_two_numbers() -> None:
    sunday = datetime(2026, 1, 4, 9, tzinfo=UTC)
    assert scheduled("0 9 * * 7", sunday, HOUR) == scheduled("0 9 * * 0", sunday, HOUR) != None  # noqa: E711 - both are muted


def test_a_schedule_is_in_utc() -> None:
    assert scheduled("0 9 * * *", NINE.astimezone(timezone(timedelta(hours=-11))), HOUR) is not None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        # At 02:30 in Berlin, for an hour: 01:30 UTC in winter, 00:30 UTC in summer.
        (utc("2026-01-05T01:29"), None),
        (utc("2026-01-05T01:30"), utc("2026-01-05T02:30")),
        (utc("2026-07-06T00:30"), utc("2026-07-06T01:30")),
        (utc("2026-07-06T01:30"), None),
        # Skipped on 29 March: it begins as the clocks change.
        (utc("2026-03-29T00:59"), None),
        (utc("2026-03-29T01:00"), utc("2026-03-29T02:00")),
        (utc("2026-03-29T01:59"), utc("2026-03-29T02:00")),
        (utc("2026-03-29T02:00"), None),
        # Twice on 25 October: it begins the first time.
        (utc("2026-10-25T00:29"), None),
        (utc("2026-10-25T00:30"), utc("2026-10-25T01:30")),
        (utc("2026-10-25T01:29"), utc("2026-10-25T01:30")),
        (utc("2026-10-25T01:30"), None),
    ],
)
def test_a_schedule_follows_the_clock_of_its_time_zone(now: datetime, until: datetime | None) -> None:
    nightly = Maintenance(name="m", targets=("*",), schedule="30 2 * * *", duration=HOUR, time_zone="Europe/Berlin")
    found = target_mute("t/t", now, [nightly], [])
    assert (found.until if found else None) == until


def test_the_day_of_a_schedule_is_the_local_one() -> None:
    saturdays = Maintenance(name="m", targets=("*",), schedule="0 5 * * sat", duration=HOUR, time_zone="Asia/Tokyo")
    friday_evening = datetime(2026, 1, 2, 20, tzinfo=UTC)
    assert target_mute("t/t", friday_evening, [saturdays], []) is not None
    assert target_mute("t/t", friday_evening + timedelta(days=1), [saturdays], []) is None


def test_maintenance_may_last_for_days_and_years() -> None:
    assert scheduled("0 0 29 2 *", NINE, timedelta(days=365)) is None
    found = scheduled("0 0 29 2 *", NINE, timedelta(days=4 * 366))
    assert found is not None
    assert found.until == datetime(2024, 2, 29, tzinfo=UTC) + timedelta(days=4 * 366)
    assert scheduled("0 0 29 2 *", datetime(2104, 2, 28, tzinfo=UTC), timedelta(days=9 * 366)) is not None


@given(SCHEDULES, INSTANTS, st.timedeltas(timedelta(minutes=1), timedelta(days=40)))
def test_schedules_mean_what_they_mean_to_the_scheduler(cron: str, now: datetime, duration: timedelta) -> None:
    # croniter looks for instants before `now`, and floors to its second: a microsecond later is the same second
    newest: datetime = croniter(cron, now.replace(microsecond=0) + timedelta(seconds=1), ret_type=datetime).get_prev()
    found = scheduled(cron, now, duration)
    assert (found.until if found else None) == (newest + duration if now - newest < duration else None)


@pytest.mark.parametrize(("minutes", "expected"), [(-1, False), (0, True), (59, True), (60, False)])
def test_a_silence_lasts_as_long_as_was_said(minutes: int, expected: bool) -> None:  # noqa: FBT001 - what is expected
    found = target_mute("model/m", NINE + timedelta(minutes=minutes), [], [SILENCE])
    assert found == (Mute(reason="silenced by ada: retraining", until=NINE + HOUR) if expected else None)


def test_a_silence_is_about_its_targets() -> None:
    assert target_mute("table/t", NINE, [], [SILENCE]) is None


def test_the_reason_that_lasts_longest_is_told() -> None:
    longer = Silence(pattern="*", by="bob\n", at=NINE, until=NINE + 2 * HOUR)
    once = Maintenance(name="move", targets=("*",), start=NINE, duration=HOUR)
    assert target_mute("model/m", NINE, [once], [SILENCE, longer]) == Mute(
        reason="silenced by bob", until=NINE + 2 * HOUR
    )
    assert target_mute("model/m", NINE, [once], [SILENCE]) == Mute(reason="maintenance move", until=NINE + HOUR)


def test_nothing_mutes_where_nothing_is_said() -> None:
    assert target_mute("model/m", NINE, [], []) is None
