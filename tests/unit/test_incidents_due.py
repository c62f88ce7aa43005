"""When a sweep is to look at a group again: at once while anything waits, else when time may change something."""

from dataclasses import replace
from datetime import timedelta

from core.incidents.due import LONGEST_REST, due_at
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
