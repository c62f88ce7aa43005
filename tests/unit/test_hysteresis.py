"""The guard against flapping, against a plain account of what it promises."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Status
from core.hysteresis import Condition, observe

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
STREAKS = st.integers(1, 5)
HISTORIES = st.lists(st.booleans(), max_size=40)
ARRIVALS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def states(history: list[bool], fire_after: int, recover_after: int) -> list[Condition]:
    """What is remembered after each of some observations, a minute apart."""
    found = [Condition()]
    for number, holds in enumerate(history):
        found.append(
            observe(found[-1], holds=holds, at=minute(number), fire_after=fire_after, recover_after=recover_after)
        )
    return found


@pytest.mark.parametrize(
    ("history", "believed"),
    [
        ("", ""),
        ("11", "--"),
        ("111", "--F"),
        ("1101101110", "--------FF"),
        ("11100", "--FF-"),
        ("111010100", "--FFFFFF-"),
        ("111001", "--FF--"),
        ("11100111", "--FF---F"),
    ],
)
def test_three_in_a_row_fire_and_two_in_a_row_recover(history: str, believed: str) -> None:
    found = states([mark == "1" for mark in history], fire_after=3, recover_after=2)[1:]
    assert "".join("F" if one.status is Status.FIRING else "-" for one in found) == believed


@given(HISTORIES, STREAKS, STREAKS)
def test_the_status_changes_exactly_when_enough_in_a_row_contradict_it(
    history: list[bool], fire_after: int, recover_after: int
) -> None:
    firing = False
    counted = 0  # observations since the last change
    for number, condition in enumerate(states(history, fire_after, recover_after)[1:], 1):
        counted += 1
        needed = recover_after if firing else fire_after
        if counted >= needed and all(holds is not firing for holds in history[number - needed : number]):
            firing, counted = not firing, 0
        assert condition.status is (Status.FIRING if firing else Status.RESOLVED)


@given(HISTORIES, STREAKS, STREAKS)
def test_it_is_known_since_when_and_how_close_the_next_change_is(
    history: list[bool], fire_after: int, recover_after: int
) -> None:
    for number, (before, after) in enumerate(pairwise(states(history, fire_after, recover_after))):
        changed = before.status is not after.status
        assert after.at == minute(number)
        assert after.since == (minute(number) if changed or number == 0 else before.since)
        assert 0 <= after.streak < (recover_after if after.status is Status.FIRING else fire_after)
        assert not (changed and after.streak)


@given(ARRIVALS, STREAKS, STREAKS)
def test_what_comes_late_or_twice_changes_nothing(
    arrivals: list[tuple[int, bool]], fire_after: int, recover_after: int
) -> None:
    condition = Condition()
    newest = -1
    for number, holds in arrivals:
        before = condition
        condition = observe(
            condition, holds=holds, at=minute(number), fire_after=fire_after, recover_after=recover_after
        )
        assert (condition == before) is (number <= newest)
        newest = max(newest, number)


@given(HISTORIES, STREAKS, STREAKS, st.data())
def test_a_redelivery_at_any_time_changes_nothing(
    history: list[bool], fire_after: int, recover_after: int, data: st.DataObject
) -> None:
    condition = Condition()
    for number, holds in enumerate(history):
        condition = observe(
            condition, holds=holds, at=minute(number), fire_after=fire_after, recover_after=recover_after
        )
        again = data.draw(st.integers(0, number))
        assert condition == observe(
            condition, holds=history[again], at=minute(again), fire_after=fire_after, recover_after=recover_after
        )
    assert condition == states(history, fire_after, recover_after)[-1]


@given(st.booleans())
def test_the_first_observation_counts(holds: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    condition = observe(Condition(), holds=holds, at=NOON, fire_after=1, recover_after=1)
    assert condition == Condition(status=Status.FIRING if holds else Status.RESOLVED, at=NOON, streak=0, since=NOON)
