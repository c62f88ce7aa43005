"""What time alone does: what a source does not repeat is over, and so is what nobody has heard of for long."""

from datetime import timedelta

from core.incidents.fold import expire
from core.incidents.model import IncidentReason, State
from core.incidents.policy import IncidentPolicy
from core.settings.response import Policy
from tests.support.fakes.played import RESOLVED, Played, at, found

SILENT = IncidentPolicy(timing=Policy(resolve_after=timedelta(days=14)))
DAY = 24 * 60


def test_what_its_source_does_not_repeat_is_over_when_it_said() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(5))).sweep(4.9)
    assert (played.incident.state, played.decisions[-1].reason) == (State.OPEN, IncidentReason.UNCHANGED)
    played.sweep(8)
    assert (played.incident.state, played.incident.resolved_at) == (State.RESOLVED, at(5))
    assert played.decisions[-1].reason is IncidentReason.NOT_REPEATED
    assert played.incident.timeline[-1].summary == "model/flight-delay:drift: not repeated"


def test_what_is_repeated_in_time_holds_on() -> None:
    played = Played(SILENT)
    for minute in range(30):
        played.find(found(0, holds_until=at(minute + 4)), now=at(minute)).sweep(minute + 0.5)
    assert (played.incident.state, len(played.incident.timeline)) == (State.OPEN, 1)


def test_when_the_source_comes_back_with_the_same_beginning_it_fires_again() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(4))).sweep(5)
    played.find(found(0, holds_until=at(24)), now=at(20))
    assert (played.incident.state, played.state.conditions[0].status.value) == (State.OPEN, "firing")
    assert played.sweep(25).incident.resolved_at == at(24)


def test_a_late_copy_of_what_the_source_said_before_it_fell_silent_changes_nothing() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(4)), now=at(0)).find(found(0, holds_until=at(6)), now=at(2))
    played.sweep(7)
    before = played.state
    played.find(found(0, holds_until=at(4)), found(0, holds_until=at(6)), now=at(2))
    assert played.state == before


def test_what_nothing_is_heard_of_is_over_after_the_time_that_the_settings_allow() -> None:
    played = Played(SILENT).find(found(0)).sweep(14 * DAY - 1)
    assert played.incident.state is State.OPEN
    played.sweep(14 * DAY)
    assert (played.incident.state, played.decisions[-1].reason) == (State.RESOLVED, IncidentReason.STALE)


def test_each_condition_is_over_by_itself_and_the_last_one_ends_the_incident() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(5)), found(1, kind="accuracy", holds_until=at(9)))
    decision = expire(played.state, at(20), policy=SILENT)
    reasons = [(change.reason, change.at) for change in decision.changes]
    assert reasons == [(IncidentReason.PARTLY_RECOVERED, at(5)), (IncidentReason.NOT_REPEATED, at(9))]
    assert decision.state.incidents[0].state is State.RESOLVED


def test_what_is_over_does_not_age() -> None:
    played = Played(SILENT).find(found(0), found(1, RESOLVED))
    decision = expire(played.state, at(900 * DAY), policy=SILENT)
    assert (decision.state, decision.changes, decision.reason) == (played.state, (), IncidentReason.UNCHANGED)
