"""What fires again and again: told as flapping once, and its end once; the state is true all the while."""

from collections import Counter

import pytest

from core.events import Change, Severity, Verb
from core.incidents.due import due_at
from core.incidents.model import IncidentReason, State
from tests.support.fakes.played import RESOLVED, Played, at, found

DAY = 24 * 60


def day_of_flaps(played: Played, minutes: float, until: float = DAY) -> None:
    """On and off again by turns, for as long as this each, with a sweep a minute."""
    for start in range(0, int(until), int(2 * minutes)):
        played.find(found(start)).sweep(*range(start + 1, start + int(minutes)))
        played.find(found(start + minutes, RESOLVED)).sweep(*range(start + int(minutes) + 1, start + int(2 * minutes)))


def by_channel(played: Played) -> Counter[str]:
    return Counter(message.channel for message in played.messages)


@pytest.mark.parametrize("minutes", [2, 10, 25])
def test_what_flaps_for_a_day_is_told_as_that_once_and_its_end_once(minutes: int) -> None:
    played = Played()
    day_of_flaps(played, minutes)
    assert IncidentReason.STARTED_FLAPPING in played.why
    assert "Flapping: model/flight-delay, severity error, fired " in "".join(one.text for one in played.messages)
    before = len(played.notifications)
    played.sweep(*range(DAY + 1, DAY + 120))
    assert len(played.notifications) == before + 1
    assert (played.told[-1], played.incident.state) == ("resolved", State.RESOLVED)
    assert f"fired {-(-DAY // (2 * minutes))} times, and it stays off" in played.messages[-1].text
    assert max(by_channel(played).values()) <= 6
    assert played.told.count("resolved") <= 3


def test_the_state_is_true_while_it_flaps() -> None:
    played = Played()
    day_of_flaps(played, 10, until=200)
    assert (played.incident.state, played.incident.notified.flapping) == (State.RESOLVED, True)
    played.find(found(200))
    assert (played.incident.state, played.incident.notified.flapping) == (State.OPEN, True)


def test_what_flapped_and_stays_on_pages_from_the_first_tier_on() -> None:
    played = Played()
    day_of_flaps(played, 10, until=400)
    played.find(found(400))
    played.sweep(*range(401, 430))
    assert not [one for one in played.notifications if one.reason is IncidentReason.STOPPED_FLAPPING]
    played.sweep(*range(430, 437))
    stopped, escalated = played.notifications[-2:]
    assert (stopped.change, stopped.reason, stopped.channels) == (
        Change.REOPENED,
        IncidentReason.STOPPED_FLAPPING,
        ("inbox",),
    )
    assert (escalated.reason, escalated.channels) == (IncidentReason.NOT_ACKNOWLEDGED, ("pager",))
    text = next(one.text for one in played.messages if one.text.startswith("No longer flapping"))
    assert "it stays on since 2026-01-02 15:40 UTC; fired 21 times since 2026-01-02 09:00 UTC" in text


def test_a_worse_severity_is_told_at_once_while_it_flaps() -> None:
    played = Played()
    day_of_flaps(played, 10, until=200)
    played.find(found(200, severity=Severity.CRITICAL))
    assert (played.told[-1], played.incident.notified.flapping) == ("escalated", True)


def test_a_person_who_resolves_what_flaps_is_told_at_once() -> None:
    played = Played()
    day_of_flaps(played, 10, until=200)
    played.find(found(200)).say(Verb.RESOLVE, 201)
    assert (played.told[-1], played.incident.notified.flapping) == ("resolved", False)


def test_what_flaps_and_goes_silent_is_told_as_that() -> None:
    played = Played()
    day_of_flaps(played, 10, until=200)
    played.find(found(200, holds_until=at(205))).sweep(*range(201, 260))
    assert (played.told[played.told.index("expired") :], played.incident.expired) == (["expired", "updated"], True)
    assert played.why[-1] is IncidentReason.REMINDER


def test_the_sweep_looks_again_when_what_flapped_has_stayed_on_or_off() -> None:
    played = Played()
    day_of_flaps(played, 10, until=200)
    assert due_at(played.group, at(200), played.policy) == at(200), "off: the all-clear waits"
    played.find(found(200)).say(Verb.ACKNOWLEDGE, 201).sweep(216)
    assert due_at(played.group, at(216), played.policy) == at(230)
    played.sweep(230)
    assert played.why[-1] is IncidentReason.STOPPED_FLAPPING
