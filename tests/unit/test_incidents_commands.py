"""What people, channels and automated responses do to an incident."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Command, Finding, Mode, Severity, Stage, Verb
from core.incidents.commands import apply_command
from core.incidents.lifecycle import merged_into, record_refusal
from core.incidents.model import GroupState, IncidentReason, State
from core.incidents.policy import Graph, IncidentPolicy
from core.settings.types import Dependency
from tests.support.fakes.played import FIRING, MODEL, RESOLVED, START, Played, at, found

SILENT = IncidentPolicy()
PAIR = IncidentPolicy(graph=Graph([Dependency(target=one, needs="table/t") for one in ("a", "b")]))


def open_one() -> Played:
    return Played(SILENT).find(found(0))


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        (Verb.ACKNOWLEDGE, State.ACKNOWLEDGED),
        (Verb.MITIGATE, State.MITIGATED),
        (Verb.RESOLVE, State.RESOLVED),
        (Verb.CANCEL, State.RESOLVED),
    ],
)
def test_a_person_moves_an_incident_on_and_it_says_who_when_and_why(verb: Verb, state: State) -> None:
    played = open_one().say(verb, 5, words="I know\nthat one")
    incident = played.incident
    entry = incident.timeline[-1]
    assert (incident.state, entry.reason, entry.summary) == (state, IncidentReason.COMMAND, "Ada: I know that one")
    assert (entry.at, entry.finding_id) == (at(5), f"{verb}:{incident.id}:2026-01-02T09:05:00Z")
    taken = (incident.acknowledged_at, incident.acknowledged_by)
    assert taken == ((at(5), "Ada") if verb is Verb.ACKNOWLEDGE else (None, ""))
    assert incident.mitigated_at == (at(5) if verb is Verb.MITIGATE else None)
    assert incident.closed_at == (at(5) if state is State.RESOLVED else None)
    assert incident.cancelled is (verb is Verb.CANCEL)


@pytest.mark.parametrize("verb", [Verb.RESOLVE, Verb.CANCEL])
@pytest.mark.parametrize("newer", [found(10, kind="accuracy"), found(10, severity=Severity.CRITICAL)])
def test_whoever_ends_an_incident_ends_what_fired_by_then_in_whatever_order_both_arrive(
    verb: Verb, newer: Finding
) -> None:
    in_time, late = open_one().say(verb, 5).find(newer), open_one().find(newer).say(verb, 5)
    for played in (in_time, late):
        assert (played.incident.state, played.incident.closed_at, played.incident.cancelled) == (
            State.OPEN,
            None,
            False,
        )
    assert late.decisions[-1].reason is IncidentReason.LATE
    assert open_one().find(newer).say(verb, 10).incident.state is State.RESOLVED


@pytest.mark.parametrize("newer", [found(10), found(10, severity=Severity.INFO), found(10, RESOLVED, kind="accuracy")])
def test_what_is_no_news_does_not_keep_a_late_command_from_ending_the_incident(newer: Finding) -> None:
    assert open_one().find(newer).say(Verb.RESOLVE, 5).incident.state is State.RESOLVED


def test_a_command_from_before_a_reopening_is_late_when_the_timeline_has_forgotten_that() -> None:
    played = open_one().find(found(20, RESOLVED), found(30))
    (incident,) = played.state.incidents
    forgetful = replace(incident, timeline=(incident.timeline[0], incident.timeline[-1]))
    said = Command(verb=Verb.RESOLVE, subject=incident.id, by="Ada", at=at(15))
    for one in (incident, forgetful):
        decision = apply_command(replace(played.state, incidents=(one,)), said)
        assert (decision.reason, decision.changes) == (IncidentReason.LATE, ())


def test_of_incidents_that_were_merged_into_each_other_the_lowest_id_is_acknowledged() -> None:
    """Until the service has broken the circle, each is a part of the other."""
    state = open_one().state
    (incident,) = state.incidents
    circle = tuple(replace(incident, id=one, merged_into=other) for one, other in [("b", "c"), ("c", "b"), ("a", "c")])
    for each in circle:
        assert merged_into(replace(state, incidents=circle), each).id == "b"


def test_nobody_goes_back_in_the_life_of_an_incident() -> None:
    for first, then in [
        (Verb.MITIGATE, Verb.ACKNOWLEDGE),
        (Verb.RESOLVE, Verb.ACKNOWLEDGE),
        (Verb.CANCEL, Verb.RESOLVE),
        (Verb.MITIGATE, Verb.MITIGATE),
    ]:
        played = open_one().say(first, 1)
        before = played.state
        played.say(then, 2)
        assert played.decisions[-1].reason is IncidentReason.UNCHANGED
        assert played.state == before


def test_what_is_no_matter_of_incidents_changes_nothing() -> None:
    played = open_one().say(Verb.HALT, 1)
    assert (played.decisions[-1].changes, played.decisions[-1].reason) == ((), IncidentReason.UNCHANGED)
    played.say(Verb.ACKNOWLEDGE, 1, about="nobody-knows")
    assert played.decisions[-1].reason is IncidentReason.NO_SUCH_INCIDENT


def test_whoever_does_not_say_a_name_is_somebody() -> None:
    played = open_one()
    said = Command(verb=Verb.ACKNOWLEDGE, subject=played.incident.id, by="\n", at=at(1))
    assert apply_command(played.state, said).state.incidents[0].acknowledged_by == "somebody"


def test_an_acknowledgement_counts_though_the_clock_of_the_detector_runs_ahead() -> None:
    played = Played(SILENT).find(found(4), now=at(0)).say(Verb.ACKNOWLEDGE, 1)
    assert played.incident.state is State.ACKNOWLEDGED


def test_an_acknowledgement_that_is_delivered_again_after_it_came_back_is_not_another_one() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 60)
    ident = played.incident.id
    played.find(found(5, RESOLVED), now=at(61)).sweep(70).find(found(10), now=at(71))
    assert played.incident.state is State.OPEN
    played.say(Verb.ACKNOWLEDGE, 60, about=ident)
    assert (played.decisions[-1].reason, played.incident.state) == (IncidentReason.DUPLICATE, State.OPEN)
    assert played.say(Verb.ACKNOWLEDGE, 72).incident.state is State.ACKNOWLEDGED


def test_what_was_said_before_it_came_back_is_about_what_was_over() -> None:
    played = open_one().find(found(5, RESOLVED), found(10))
    for verb in (Verb.ACKNOWLEDGE, Verb.MITIGATE, Verb.RESOLVE):
        played.say(verb, 4)
        assert (played.decisions[-1].reason, played.incident.state) == (IncidentReason.LATE, State.OPEN)
    assert played.say(Verb.ACKNOWLEDGE, 11).incident.state is State.ACKNOWLEDGED


@settings(deadline=None)
@given(
    late=st.lists(
        st.builds(found, st.integers(0, 9), st.sampled_from([FIRING, RESOLVED]), st.sampled_from(Severity)), max_size=6
    )
)
def test_an_acknowledgement_survives_whatever_was_seen_before_it_and_comes_late(late: list[Finding]) -> None:
    played = Played(SILENT).find(found(0), found(9.5)).say(Verb.ACKNOWLEDGE, 10)
    played.find(*late)
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Ada")


def test_an_acknowledgement_survives_a_recovery_and_a_relapse_that_were_before_it() -> None:
    played = Played(SILENT).find(found(0)).say(Verb.ACKNOWLEDGE, 5).find(found(2, RESOLVED))
    assert played.incident.state is State.RESOLVED
    assert played.find(found(3)).incident.state is State.ACKNOWLEDGED
    assert played.find(found(6, RESOLVED), found(7)).incident.state is State.OPEN


def test_a_mitigation_survives_a_relapse_that_was_before_it() -> None:
    played = Played(SILENT).find(found(0)).say(Verb.MITIGATE, 5).find(found(2, RESOLVED), found(3))
    assert (played.incident.state, played.incident.mitigated_at) == (State.MITIGATED, at(5))


def test_an_acknowledgement_does_not_survive_that_people_were_told_it_is_over() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 5).find(found(2, RESOLVED), now=at(6))
    played.sweep(7).find(found(3), now=at(8))
    assert played.incident.state is State.OPEN


def test_whoever_acknowledges_a_part_takes_care_of_the_whole() -> None:
    played = Played(PAIR).find(found(0, target="a"), found(0, target="b"))
    part = played.incident.id
    played.find(found(1, target="table/t"))
    assert played.incident.id != part
    played.say(Verb.RESOLVE, 2, about=part)
    assert played.decisions[-1].reason is IncidentReason.UNCHANGED
    played.say(Verb.ACKNOWLEDGE, 2, about=part)
    assert (played.incident.state, played.incident.target) == (State.ACKNOWLEDGED, "table/t")


def test_what_was_decided_about_an_action_stands_in_the_timeline_once() -> None:
    plan = "restart revision 7"
    played = open_one().act(1, stage=Stage.REFUSED, reason="too_many", plan=plan, detail="2 of 2", by="Bo\nb")
    assert played.incident.timeline[-1].summary == (
        f"restart_service on {MODEL} refused by Bo b: too many: restart revision 7: 2 of 2"
    )
    played.act(1, stage=Stage.REFUSED)
    assert (played.decisions[-1].reason, len(played.incident.timeline)) == (IncidentReason.DUPLICATE, 2)
    dry = open_one().act(1, stage=Stage.PLANNED, mode=Mode.DRY_RUN)
    assert dry.incident.timeline[-1].summary == f"restart_service on {MODEL} planned (dry run)"
    assert dry.incident.state is State.OPEN


@pytest.mark.parametrize("fields", [{}, {"mode": Mode.DRY_RUN}, {"stage": Stage.APPLIED}, {"action": "retrain_model"}])
def test_no_action_changes_the_state(fields: dict[str, Any]) -> None:
    played = open_one().act(1, **fields)
    assert (played.incident.state, len(played.incident.timeline)) == (State.OPEN, 2)
    assert played.decisions[-1].reason is IncidentReason.ACTION


def test_what_healed_before_it_came_back_or_after_it_was_over_mitigates_nothing() -> None:
    played = open_one().find(found(5, RESOLVED)).act(6)
    assert played.incident.state is State.RESOLVED
    played.find(found(10)).act(4)
    assert (played.incident.state, played.decisions[-1].reason) == (State.OPEN, IncidentReason.ACTION)


def test_a_part_that_healed_stands_in_the_timeline_of_the_whole_and_does_not_mitigate_it() -> None:
    played = Played(PAIR).find(found(0, target="a"), found(0, target="b"))
    part = played.incident.id
    played.find(found(1, target="table/t")).act(2, incident_id=part)
    assert (played.incident.state, played.incident.timeline[-1].reason) == (State.OPEN, IncidentReason.ACTION)


def test_what_is_forgotten_cannot_be_noted_or_refused() -> None:
    empty = GroupState(name=MODEL)
    decision = record_refusal(empty, "gone", channel="inbox", detail="HTTP 404", at=START)
    assert (decision.state, decision.reason) == (empty, IncidentReason.NO_SUCH_INCIDENT)
    played = open_one().act(1, incident_id="gone")
    assert played.decisions[-1].reason is IncidentReason.NO_SUCH_INCIDENT


def test_a_refused_message_is_one_clean_line_of_the_timeline() -> None:
    state = open_one().state
    decision = record_refusal(state, state.incidents[0].id, channel="in\nbox", detail="HTTP\n404", at=at(1))
    assert decision.changes[0].summary == "in box refused the message: HTTP 404"
    assert decision.reason is IncidentReason.NOTIFICATION_REFUSED


def test_other_incidents_of_the_group_stay_as_they_are() -> None:
    played = Played(PAIR).find(found(0, target="a"), found(0, target="b"))
    before = played.state.incidents[0]
    played.say(Verb.ACKNOWLEDGE, 1)
    assert played.state.incidents[0] is before
