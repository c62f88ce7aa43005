"""The guard against flapping, against a plain account of what it promises."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import ConditionState, Hysteresis, count
from core.events import Status

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HYSTERESES = st.builds(Hysteresis, fire_after=st.integers(1, 5), recover_after=st.integers(1, 5))
HISTORIES = st.lists(st.booleans(), max_size=40)
ARRIVALS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def states(history: list[bool], hysteresis: Hysteresis) -> list[ConditionState]:
    """What is remembered after each of some verdicts, a minute apart; those that are true are bad."""
    found = [ConditionState()]
    for number, bad in enumerate(history):
        found.append(count(found[-1], bad=bad, at=minute(number), hysteresis=hysteresis))
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
    found = states([mark == "1" for mark in history], Hysteresis(fire_after=3, recover_after=2))[1:]
    assert "".join("F" if one.firing else "-" for one in found) == believed


@given(HISTORIES, HYSTERESES)
def test_the_status_changes_exactly_when_enough_in_a_row_contradict_it(
    history: list[bool], hysteresis: Hysteresis
) -> None:
    firing = False
    counted = 0  # verdicts since the last change
    for number, state in enumerate(states(history, hysteresis)[1:], 1):
        counted += 1
        needed = hysteresis.recover_after if firing else hysteresis.fire_after
        if counted >= needed and all(bad is not firing for bad in history[number - needed : number]):
            firing, counted = not firing, 0
        assert state.status is (Status.FIRING if firing else Status.RESOLVED)


@given(HISTORIES, HYSTERESES)
def test_it_is_known_since_when_and_how_close_the_next_change_is(history: list[bool], hysteresis: Hysteresis) -> None:
    for number, (before, after) in enumerate(pairwise(states(history, hysteresis))):
        changed = before.status is not after.status
        assert after.at == minute(number)
        assert after.since == (minute(number) if changed or number == 0 else before.since)
        assert 0 <= after.streak < (hysteresis.recover_after if after.firing else hysteresis.fire_after)
        assert not (changed and after.streak)


@given(ARRIVALS, HYSTERESES)
def test_what_comes_late_or_twice_changes_nothing(arrivals: list[tuple[int, bool]], hysteresis: Hysteresis) -> None:
    state = ConditionState()
    newest = -1
    for number, bad in arrivals:
        before = state
        state = count(state, bad=bad, at=minute(number), hysteresis=hysteresis)
        assert (state is before) is (number <= newest)
        newest = max(newest, number)


@given(HISTORIES, HYSTERESES, st.data())
def test_a_redelivery_at_any_time_changes_nothing(
    history: list[bool], hysteresis: Hysteresis, data: st.DataObject
) -> None:
    state = ConditionState()
    for number, bad in enumerate(history):
        state = count(state, bad=bad, at=minute(number), hysteresis=hysteresis)
        again = data.draw(st.integers(0, number))
        assert state is count(state, bad=history[again], at=minute(again), hysteresis=hysteresis)
    assert state == states(history, hysteresis)[-1]


@pytest.mark.parametrize("bad", [False, True])
def test_the_first_verdict_counts(*, bad: bool) -> None:
    state = count(ConditionState(), bad=bad, at=NOON, hysteresis=Hysteresis())
    assert state == ConditionState(status=Status.FIRING if bad else Status.RESOLVED, at=NOON, streak=0, since=NOON)


def test_a_correction_of_the_same_instant_counts_where_it_says_otherwise() -> None:
    def corrected(state: ConditionState, at: datetime, *, bad: bool) -> ConditionState:
        return count(state, bad=bad, at=at, hysteresis=Hysteresis(), corrects=True)

    firing = corrected(ConditionState(), minute(1), bad=True)
    assert corrected(firing, minute(1), bad=True) is firing
    assert corrected(firing, minute(0), bad=False) is firing
    assert corrected(firing, minute(1), bad=False).status is Status.RESOLVED
