"""Who is on call until when, and who comes then: what is shown is what notifications go by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.incidents.on_call import planned, shift
from core.incidents.routing import channels
from core.settings.people import Override, People, Person, Rotation

ADA, BOB, EVE = (Person(name=name, channels=(f"{name}-phone",)) for name in ("Ada", "Bob", "Eve"))
MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
WEEKLY = Rotation(name="ml", start=MONDAY, every=WEEK, people=(ADA, BOB))


def override(days: float, until: float, person: str = "Bob", *channels_: str) -> Override:
    return Override(start=MONDAY + days * DAY, until=MONDAY + until * DAY, person=person, channels=channels_)


def test_a_shift_ends_with_the_turn_and_the_next_person_follows() -> None:
    found = shift(WEEKLY, MONDAY + DAY)
    assert (found.person, found.until, found.following, found.instead_of) == (ADA, MONDAY + WEEK, BOB, None)
    assert shift(WEEKLY, MONDAY + WEEK).person is BOB
    assert shift(WEEKLY, MONDAY - DAY) == shift(WEEKLY, MONDAY)


def test_one_person_alone_is_on_call_for_ever() -> None:
    alone = shift(replace(WEEKLY, people=(ADA,)), MONDAY)
    assert (alone.person, alone.until, alone.following) == (ADA, None, None)


def test_who_has_two_turns_in_a_row_has_one_shift() -> None:
    assert shift(replace(WEEKLY, people=(ADA, ADA, BOB)), MONDAY).until == MONDAY + 2 * WEEK


def test_an_override_ends_a_shift_and_names_for_whom_somebody_stands_in() -> None:
    rotation = replace(WEEKLY, overrides=(override(2, 3, "Eve", "Eve-phone"),))
    assert (shift(rotation, MONDAY).until, shift(rotation, MONDAY).following) == (MONDAY + 2 * DAY, EVE)
    during = shift(rotation, MONDAY + 2.5 * DAY)
    assert (during.person.name, during.person.channels, during.instead_of) == ("Eve", ("Eve-phone",), ADA)
    assert (during.until, during.following) == (MONDAY + 3 * DAY, ADA)


def test_who_stands_in_for_nobody_else_is_just_on_call() -> None:
    rotation = replace(WEEKLY, overrides=(override(2, 3, "Ada"),))
    assert shift(rotation, MONDAY + 2.5 * DAY).instead_of is None
    assert shift(rotation, MONDAY).until == MONDAY + WEEK


def test_overrides_that_are_over_are_not_shown_and_the_others_by_their_start() -> None:
    past, late, now = override(-2, -1), override(9, 10), override(-1, 1)
    assert planned(replace(WEEKLY, overrides=(past, late, now)), MONDAY) == (now, late)


@pytest.mark.parametrize(("at", "until"), [(datetime(2026, 3, 24, tzinfo=UTC), datetime(2026, 3, 30, 7, tzinfo=UTC))])
def test_a_shift_ends_by_the_local_clock(at: datetime, until: datetime) -> None:
    berlin = replace(WEEKLY, start=datetime(2026, 3, 23, 8, tzinfo=UTC), time_zone="Europe/Berlin")
    assert shift(berlin, at).until == until


def test_a_shift_goes_on_through_an_override_by_the_same_person_to_the_turn_after_it() -> None:
    rotation = replace(WEEKLY, overrides=(override(12, 21, "Bob"),))
    assert shift(rotation, MONDAY + 7 * DAY).until == MONDAY + 28 * DAY


@given(
    st.lists(st.tuples(st.floats(-9, 30), st.floats(0.01, 9), st.sampled_from(["Ada", "Bob"])), max_size=4),
    st.floats(-9, 40),
)
def test_nobody_else_is_notified_until_the_shift_ends_and_somebody_else_then(
    spans: list[tuple[float, float, str]], days: float
) -> None:
    overrides = tuple(override(start, start + length, person) for start, length, person in spans)
    rotation = replace(WEEKLY, overrides=overrides)
    people, now = People(rotations={"ml": rotation}), MONDAY + days * DAY
    found = shift(rotation, now)
    assert found.until is not None
    assert now < found.until
    for part in range(8):
        at = now + (found.until - now) * part / 8
        assert channels(("ml",), people, at) == found.person.channels
    assert channels(("ml",), people, found.until) != found.person.channels
