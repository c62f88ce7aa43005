"""Which findings belong together: by target, by what needs what, and by time; which of them is the root."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Change, Finding, Severity, Status, Verb
from core.incidents.conditions import root_target
from core.incidents.model import IncidentReason, State
from core.incidents.policy import Graph, IncidentPolicy
from core.settings.response import Policy
from core.settings.types import Dependency
from tests.support.builders.budget import examples
from tests.support.fakes.played import FIRING, RESOLVED, Played, at, found


def policy_of(*pairs: tuple[str, str], **timing: timedelta) -> IncidentPolicy:
    graph = Graph([Dependency(target=one, needs=other) for one, other in pairs])
    return IncidentPolicy(graph=graph, timing=Policy(**timing))


CHAIN = policy_of(("stream", "model"), ("model", "table"))
SIBLINGS = policy_of(("a", "table"), ("b", "table"))
DIAMOND = policy_of(("a", "t"), ("a", "u"))
CIRCLE = policy_of(("m", "t"), ("t", "m"), ("n", "m"))


def of(target: str, minute: float, status: Status = FIRING, severity: Severity = Severity.ERROR) -> Finding:
    return found(minute, status, severity, target=target)


def partition(played: Played) -> object:
    whole = [one for one in played.state.incidents if not one.merged_into]
    return sorted((one.targets, one.target, one.severity, one.state, one.opened_at, one.resolved_at) for one in whole)


def test_what_needs_each_other_and_fires_at_the_same_time_is_one_incident_with_the_root_in_front() -> None:
    played = Played(CHAIN).find(of("stream", 0), of("model", 5), of("table", 10))
    (incident,) = played.state.incidents
    assert (incident.target, incident.targets) == ("table", ("model", "stream", "table"))
    reasons = [decision.reason for decision in played.decisions]
    assert reasons == [IncidentReason.FIRST_FIRING, IncidentReason.JOINED, IncidentReason.JOINED]


def test_what_needs_each_other_over_what_does_not_fire_is_one_incident_too() -> None:
    assert len(Played(CHAIN).find(of("stream", 0), of("table", 1)).state.incidents) == 1


def test_what_has_nothing_to_do_with_each_other_stays_apart() -> None:
    assert len(Played(SIBLINGS).find(of("a", 0), of("b", 0)).state.incidents) == 2


@pytest.mark.parametrize(("minute", "n"), [(25, 1), (26, 2)])
def test_what_fires_later_than_the_settings_allow_stays_apart(minute: int, n: int) -> None:
    played = Played(CHAIN).find(of("table", 0), of("table", 10, RESOLVED), of("model", minute))
    assert len(played.state.incidents) == n


def test_what_still_fires_is_joined_however_long_it_has_fired() -> None:
    assert len(Played(CHAIN).find(of("table", 0), of("model", 600)).state.incidents) == 1


def test_what_was_over_long_before_is_not_joined_by_what_comes_late() -> None:
    played = Played(CHAIN).find(of("model", 100)).find(of("table", 10, RESOLVED), now=at(100))
    played.find(of("table", 0), now=at(101))
    assert len(played.state.incidents) == 2


def test_incidents_that_turn_out_to_be_one_become_one() -> None:
    played = Played(SIBLINGS).find(of("a", 0), of("b", 1), of("table", 2))
    first, second = played.state.incidents
    assert (first.target, first.targets, first.state) == ("table", ("a", "b", "table"), State.OPEN)
    assert (second.state, second.merged_into) == (State.RESOLVED, first.id)
    assert second.timeline[-1].reason is IncidentReason.MERGED
    assert second.timeline[-1].summary.startswith(f"part of {first.id}")


def test_of_several_the_oldest_that_is_not_over_goes_on() -> None:
    played = Played(SIBLINGS).find(of("a", 0), of("a", 1, RESOLVED), of("b", 2), of("table", 3))
    assert [one.target for one in played.state.incidents if not one.merged_into] == ["table"]
    assert played.incident.id == played.state.incidents[1].id
    over = played.state.incidents[0]
    assert [entry.change for entry in over.timeline] == [Change.OPENED, Change.RESOLVED, Change.MERGED]


def test_what_is_over_soon_comes_back_as_the_same_incident_and_later_as_another() -> None:
    played = Played(CHAIN).find(of("model", 0), of("model", 5, RESOLVED), of("model", 30))
    assert (len(played.state.incidents), played.decisions[-1].reason) == (1, IncidentReason.FIRED_AGAIN)
    played.find(of("model", 31, RESOLVED), of("model", 62))
    assert played.incident.sequence == 1


def test_a_target_comes_back_within_its_own_window_however_far_others_may_join() -> None:
    policy = policy_of(("a", "b"), reopen_within=timedelta(minutes=5), join_within=timedelta(hours=5))
    played = Played(policy, delivers=False).find(of("a", 0), of("a", 1, RESOLVED), of("a", 10))
    assert len(played.state.incidents) == 2


def test_incidents_that_a_late_firing_bridges_become_one() -> None:
    played = Played(CHAIN, delivers=False).find(of("model", 0), of("model", 10, RESOLVED), of("model", 50))
    assert len(played.state.incidents) == 2
    played.find(of("model", 30), now=at(60))
    assert [one.merged_into != "" for one in played.state.incidents] == [True, False]


def test_a_resolved_incident_that_a_person_closed_is_opened_by_something_new_that_is_related() -> None:
    played = Played(CHAIN).find(of("table", 0)).say(Verb.RESOLVE, 5).find(of("model", 10))
    assert (len(played.state.incidents), played.incident.state) == (1, State.OPEN)


def test_what_an_incident_still_holds_is_not_lost_when_what_it_was_opened_for_falls_out_of_it() -> None:
    steps = [of("table", 12), of("stream", 90), of("table", 50, RESOLVED), of("table", 12, severity=Severity.INFO)]
    played = Played(CHAIN).find(*steps, now=at(100))
    assert (played.incident.state, played.incident.targets) == (State.OPEN, ("stream",))
    played.find(of("table", 70), now=at(101))
    assert (played.incident.targets, played.incident.opened_at) == (("stream", "table"), at(12))


def test_what_an_incident_was_opened_for_is_not_opened_again_where_that_is_part_of_another_by_now() -> None:
    together = [of("a", 0), of("b", 0), of("table", 1), of("table", 40), of("a", 5, RESOLVED), of("b", 5, RESOLVED)]
    played = Played(SIBLINGS).find(*together, of("table", 3, RESOLVED), now=at(41))
    assert (played.incident.targets, played.incident.opened_at) == (("table",), at(40))
    before = played.state.incidents
    played.find(of("b", 0, severity=Severity.INFO), now=at(42))
    assert played.state.incidents == before


def test_the_root_is_what_the_others_need() -> None:
    played = Played(DIAMOND).find(of("a", 0), of("u", 1), of("t", 2))
    assert played.incident.target == "t"
    assert root_target(played.state.conditions, Graph()) == "a"
    assert Played(CIRCLE).find(of("n", 0), of("t", 1), of("m", 2)).incident.target == "m"
    alone = Played(CHAIN).find(of("model", 0))
    assert root_target(alone.state.conditions, CHAIN.graph) == "model"


@st.composite
def cases(draw: st.DrawFn) -> tuple[IncidentPolicy, list[Finding], list[int]]:
    policy, targets = draw(
        st.sampled_from([(CHAIN, "stream model table"), (SIBLINGS, "a b table"), (DIAMOND, "a t u"), (CIRCLE, "m n t")])
    )
    finding = st.builds(
        of, st.sampled_from(targets.split()), st.integers(0, 14), st.sampled_from(Status), st.sampled_from(Severity)
    )
    kinds = st.sampled_from(["drift", "drift", "label"])
    findings = draw(
        st.lists(st.builds(lambda one, kind: replace(one, kind=kind), finding, kinds), min_size=1, max_size=6)
    )
    return policy, findings, draw(st.permutations(range(len(findings))))


@settings(max_examples=examples(400), deadline=None)
@given(cases())
def test_findings_of_related_targets_end_in_the_same_incidents_in_whatever_order_they_come(
    case: tuple[IncidentPolicy, list[Finding], list[int]],
) -> None:
    policy, findings, order = case
    later = at(20)
    straight = Played(policy).find(*findings, now=later)
    shuffled = Played(policy).find(*[findings[n] for n in order], now=later)
    assert partition(shuffled) == partition(straight)


def test_every_order_of_six_findings_of_three_targets_ends_in_the_same_incident() -> None:
    findings = [
        of("a", 0),
        of("a", 3, RESOLVED),
        of("b", 1),
        of("b", 4, RESOLVED),
        of("table", 2),
        of("table", 9, RESOLVED),
    ]
    ends = {repr(partition(Played(SIBLINGS).find(*order, now=at(20)))) for order in permutations(findings)}
    assert len(ends) == 1
