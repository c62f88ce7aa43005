"""When a sweep is to look at a group again: at once while anything waits, else when time may change something."""

from dataclasses import replace
from datetime import time, timedelta

from core.events import Severity, Verb
from core.incidents.due import LONGEST_REST, due_at, worst
from core.incidents.ladder import ActionLadder, LadderState
from core.incidents.model import HiddenCondition, State
from core.settings.people import Hours, Route, When
from core.settings.response import Policy
from tests.support.fakes.played import POLICY, RESOLVED, Played, at, found


def test_what_is_pending_or_deferred_is_due_at_once() -> None:
    waiting = Played(delivers=False).find(found(0))
    assert waiting.group.pending
    assert due_at(waiting.group, at(0), POLICY) == at(0)
    done = Played().find(found(0))
    assert due_at(done.group, at(0), POLICY) == at(5), "the first tier has five minutes"
    assert due_at(replace(done.group, deferred=True), at(0), POLICY) == at(0)


def test_what_was_due_before_is_due_now_and_never_earlier() -> None:
    fired = Played().find(found(0))
    assert due_at(fired.group, at(60), POLICY) == at(60)


def test_what_fires_is_looked_at_every_quarter_of_an_hour_in_any_case() -> None:
    quiet = replace(POLICY, people=replace(POLICY.people, routes=()))
    assert due_at(Played(quiet).find(found(0)).group, at(0), quiet) == at(0) + LONGEST_REST == at(15)


def test_a_condition_is_due_when_it_expires_and_what_is_over_is_not() -> None:
    soon = replace(POLICY, timing=Policy(resolve_after=timedelta(minutes=3)))
    fired = Played(soon).find(found(0))
    assert due_at(fired.group, at(0), soon) == at(3)
    over = fired.find(found(1, RESOLVED)).sweep(40)
    assert due_at(over.group, at(40), soon) is None


def test_what_a_route_may_take_by_its_hours_is_due_at_every_sweep_until_somebody_was_told() -> None:
    hours = Hours(since=time(17), until=time(18))
    late = replace(POLICY, people=replace(POLICY.people, routes=(Route(when=When(hours=hours), to=("technical",)),)))
    waits = Played(late).find(found(0))
    assert waits.told == []
    assert due_at(waits.group, at(1), late) == at(1)
    told = waits.sweep(8 * 60)
    assert told.told == ["opened"]
    assert due_at(told.group, at(8 * 60), late) == at(8 * 60 + 5)


def test_the_next_action_of_a_playbook_is_due_at_once() -> None:
    group = Played().find(found(0)).group
    [incident] = group.state.incidents
    ladder = ActionLadder(playbook="p", sequence=1, at=at(0), rung=1, state=LadderState.DUE)
    acting = replace(group, state=replace(group.state, incidents=(replace(incident, ladders=(ladder,)),)))
    assert ladder.goes_on
    assert due_at(acting, at(1), POLICY) == at(1)
    over = replace(incident, ladders=(ladder,), state=State.RESOLVED)
    assert due_at(replace(group, state=replace(group.state, incidents=(over,))), at(1), POLICY) == at(16)


def test_what_is_not_kept_in_detail_is_due_when_it_expires_as_well() -> None:
    group = Played().find(found(0), found(1, RESOLVED)).group
    one = HiddenCondition("#k", "#t", Severity.ERROR, at(2), holds_until=at(7))
    hiding = replace(group, state=replace(group.state, hidden=(one,)))
    assert due_at(hiding, at(3), POLICY) == at(7)


def test_what_a_person_resolved_while_it_fires_is_due_when_it_would_be_reopened() -> None:
    closed = Played().find(found(0)).say(Verb.RESOLVE, 1)
    assert due_at(closed.group, at(2), POLICY) == min(at(1) + POLICY.timing.reopen_resolved, at(2) + LONGEST_REST)
    assert due_at(closed.group, at(10), POLICY) == at(1) + POLICY.timing.reopen_resolved


def test_a_group_takes_its_turn_by_the_worst_that_is_open_or_waits_to_be_told() -> None:
    told = Played(delivers=False).find(found(0, severity=Severity.CRITICAL), found(1, RESOLVED, Severity.CRITICAL))
    over = replace(told.group, state=replace(told.state, incidents=()))
    assert worst(over) is Severity.CRITICAL
    assert worst(replace(over, pending=())) is Severity.INFO
