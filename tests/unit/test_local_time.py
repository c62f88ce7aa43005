"""Local times over changes of clocks: the first of two, the change for those that are skipped, and never out of order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.local_time import instant_of, reached

at = datetime.fromisoformat
# Half an hour, a whole day that was left out, the southern summer, an offset in minutes, and none at all.
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "UTC"]
)
NEAR_CHANGES = st.sampled_from(
    [
        at("2026-03-29T01:00"),
        at("2026-10-25T01:00"),
        at("2026-03-08T07:00"),
        at("2026-11-01T06:00"),
        at("2026-04-04T15:00"),
        at("2026-10-03T15:30"),
        at("2011-12-30T10:00"),
    ]
)
LOCALS = st.builds(
    lambda near, minutes: near + timedelta(minutes=minutes), NEAR_CHANGES, st.integers(-60 * 48, 60 * 48)
)


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        (at("2026-01-05T09:00"), "UTC", at("2026-01-05T09:00")),
        (at("2026-01-05T09:00"), "Europe/Berlin", at("2026-01-05T08:00")),
        (at("2026-07-06T09:00"), "Europe/Berlin", at("2026-07-06T07:00")),
        (at("2026-03-29T01:59"), "Europe/Berlin", at("2026-03-29T00:59")),
        (at("2026-03-29T02:00"), "Europe/Berlin", at("2026-03-29T01:00")),
        (at("2026-03-29T02:59"), "Europe/Berlin", at("2026-03-29T01:00")),
        (at("2026-03-29T03:00"), "Europe/Berlin", at("2026-03-29T01:00")),
        (at("2026-10-25T02:00"), "Europe/Berlin", at("2026-10-25T00:00")),
        (at("2026-10-25T02:59"), "Europe/Berlin", at("2026-10-25T00:59")),
        (at("2026-10-25T03:00"), "Europe/Berlin", at("2026-10-25T02:00")),
        (at("2011-12-30T12:00"), "Pacific/Apia", at("2011-12-30T10:00")),
    ],
)
def test_a_local_time_is_one_instant(local: datetime, zone: str, expected: datetime) -> None:
    assert instant_of(local, zone) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at("2026-03-29T00:59"), at("2026-03-29T01:59")),
        (at("2026-03-29T01:00"), at("2026-03-29T03:00")),
        (at("2026-10-25T00:59"), at("2026-10-25T02:59")),
        (at("2026-10-25T01:00"), at("2026-10-25T02:59:59.999999")),
        (at("2026-10-25T01:59"), at("2026-10-25T02:59:59.999999")),
        (at("2026-10-25T02:00"), at("2026-10-25T03:00")),
    ],
)
def test_what_the_clocks_have_shown_is_reached_once(now: datetime, expected: datetime) -> None:
    assert reached(now.replace(tzinfo=UTC), "Europe/Berlin") == expected


@given(LOCALS, LOCALS, ZONES)
def test_a_local_time_is_reached_at_its_instant_and_not_before(local: datetime, now: datetime, zone: str) -> None:
    instant = now.replace(tzinfo=UTC)
    assert (instant_of(local, zone) <= instant) == (local <= reached(instant, zone))


@given(LOCALS, LOCALS, ZONES)
def test_a_later_local_time_is_never_an_earlier_instant(one: datetime, other: datetime, zone: str) -> None:
    earlier, later = sorted([one, other])
    assert instant_of(earlier, zone) <= instant_of(later, zone)
