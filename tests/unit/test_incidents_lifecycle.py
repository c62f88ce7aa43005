"""The life of an incident: its steps, its states, its timeline."""

from dataclasses import replace

from core.events import Change, Severity
from core.incidents.acknowledgement import Acknowledgement
from core.incidents.lifecycle import TIMELINES_SIZE, Step, advance, new_incident, trim_timelines, with_values
from core.incidents.model import (
    ACKNOWLEDGEMENTS_LIMIT,
    TIMELINE_LEAST,
    TIMELINE_LIMIT,
    Incident,
    IncidentReason,
    State,
)
from core.incidents.notified import NotificationState
from tests.support.fakes.played import MODEL, START, at


def stepped(incident: Incident, change: Change, minute: int) -> Incident:
    return advance(incident, [Step(change, IncidentReason.COMMAND, at(minute))])[0]


def long(entries: int, text: str = "x", name: str = MODEL) -> Incident:
    steps = [Step(Change.UPDATED, IncidentReason.REMINDER, at(n), f"{n} {text}", text) for n in range(entries)]
    return advance(new_incident(name, START), steps)[0]


def test_each_step_is_an_entry_and_a_change_with_the_state_after_it() -> None:
    steps = [
        Step(Change.OPENED, IncidentReason.FIRST_FIRING, at(0), "it began", "f:1"),
        Step(Change.ACKNOWLEDGED, IncidentReason.COMMAND, at(1)),
        Step(Change.UPDATED, IncidentReason.NOTIFIED, at(2)),
        Step(Change.MITIGATED, IncidentReason.ACTION, at(3)),
        Step(Change.RESOLVED, IncidentReason.ALL_RECOVERED, at(4)),
        Step(Change.REOPENED, IncidentReason.FIRED_AGAIN, at(5)),
    ]
    incident, changes = advance(replace(new_incident(MODEL, START), severity=Severity.ERROR), steps)
    states = ["open", "acknowledged", "acknowledged", "mitigated", "resolved", "open"]
    assert [change.state for change in changes] == states
    assert [change.sequence for change in changes] == [entry.sequence for entry in incident.timeline]
    assert (incident.state, incident.sequence) == (State.OPEN, 6)
    assert (changes[0].summary, changes[0].finding_id, changes[0].severity) == ("it began", "f:1", Severity.ERROR)


def test_without_a_step_it_is_the_very_same_incident() -> None:
    incident = new_incident(MODEL, START)
    assert advance(incident, ()) == (incident, ())
    assert advance(incident, ())[0] is incident


def test_what_comes_back_has_been_seen_by_nobody_and_closed_by_nobody() -> None:
    seen = replace(
        new_incident(MODEL, START),
        state=State.RESOLVED,
        acknowledged_at=at(1),
        acknowledged_by="Ada",
        mitigated_at=at(2),
        closed_at=at(3),
        cancelled=True,
    )
    again = stepped(seen, Change.REOPENED, 10)
    assert (again.state, again.acknowledged_at, again.acknowledged_by) == (State.OPEN, None, "")
    assert (again.mitigated_at, again.closed_at, again.cancelled) == (None, None, False)
    assert (again.reopened_at, again.acknowledgements) == (at(10), ()), "nobody answers what was no incident"


def test_who_took_care_before_it_came_back_is_remembered_with_what_that_answered() -> None:
    incident = stepped(new_incident(MODEL, START), Change.OPENED, 0)
    assert incident.reopened_at is None
    for minute in range(10, 10 * ACKNOWLEDGEMENTS_LIMIT + 30, 10):
        cared = replace(incident, acknowledged_at=at(minute - 8))
        incident = stepped(stepped(cared, Change.RESOLVED, minute - 5), Change.REOPENED, minute)
        assert incident.acknowledgements[-1].acknowledged_at == at(minute - 8)
        assert incident.reopened_at == at(minute)
    assert len(incident.acknowledgements) == ACKNOWLEDGEMENTS_LIMIT
    assert incident.acknowledgements[0] == Acknowledgement(opened_at=at(20), acknowledged_at=at(22))


def test_care_that_goes_on_is_one_answer() -> None:
    cared = replace(new_incident(MODEL, START), acknowledged_at=at(5))
    assert stepped(cared, Change.REOPENED, 5).acknowledgements == ()


def test_an_incident_of_an_episode_that_was_known_before_begins_with_what_opened_it() -> None:
    late = stepped(new_incident(MODEL, at(60)), Change.OPENED, 0)
    assert late.reopened_at == at(60)


def test_care_taken_after_the_instant_at_which_it_comes_back_goes_on_while_people_believe_that_it_fires() -> None:
    cared = replace(new_incident(MODEL, START), acknowledged_at=at(5), acknowledged_by="Ada", mitigated_at=at(6))
    again = stepped(cared, Change.REOPENED, 6)
    assert (again.state, again.mitigated_at, again.acknowledged_at) == (State.MITIGATED, at(6), None)
    again = stepped(cared, Change.REOPENED, 5)
    assert (again.state, again.acknowledged_by) == (State.MITIGATED, "Ada")
    told_over = replace(cared, notified=NotificationState(severity=Severity.ERROR))
    assert stepped(told_over, Change.REOPENED, 5).state is State.OPEN
    believed = replace(cared, notified=NotificationState(severity=Severity.ERROR, firing=True), mitigated_at=None)
    assert stepped(believed, Change.REOPENED, 5).state is State.ACKNOWLEDGED


def test_what_is_resolved_already_is_not_resolved_again() -> None:
    over = stepped(new_incident(MODEL, START), Change.RESOLVED, 1)
    after, changes = advance(over, [Step(Change.RESOLVED, IncidentReason.MERGED, at(2))])
    assert (changes[0].change, changes[0].reason, after.state) == (
        Change.UPDATED,
        IncidentReason.MERGED,
        State.RESOLVED,
    )


def test_a_summary_of_any_script_takes_a_bounded_number_of_bytes() -> None:
    _, changes = advance(
        new_incident(MODEL, START), [Step(Change.OPENED, IncidentReason.FIRST_FIRING, START, "\N{CAT FACE}" * 300)]
    )
    assert len(changes[0].summary.encode()) <= 300
    assert changes[0].summary.endswith("…")


def test_amended_is_replace() -> None:
    incident = new_incident(MODEL, START)
    assert with_values(incident, {"title": "t"}) == replace(incident, title="t")


def test_timelines_that_fit_stay_and_others_keep_their_first_and_their_newest() -> None:
    fits = (long(TIMELINE_LIMIT - 1), long(1))
    assert trim_timelines(fits) == fits
    kept, small = trim_timelines((long(TIMELINE_LIMIT), long(1)))
    assert len(kept.timeline) == TIMELINE_LIMIT // 2
    assert (kept.timeline[0].sequence, kept.timeline[-1].sequence) == (1, TIMELINE_LIMIT)
    assert len(small.timeline) == 1


def test_of_many_incidents_each_keeps_a_few_entries_as_long_as_their_texts_are_short() -> None:
    many = trim_timelines([long(30, name=str(n)) for n in range(40)])
    assert {len(one.timeline) for one in many} == {TIMELINE_LEAST}


def test_of_many_incidents_with_long_texts_each_keeps_fewer() -> None:
    many = trim_timelines([long(30, "y" * 600, str(n)) for n in range(40)])
    size = sum(len(entry.summary) + len(entry.finding_id) + 100 for one in many for entry in one.timeline)
    assert size <= TIMELINES_SIZE
    assert all(one.timeline[0].sequence == 1 and one.timeline[-1].sequence == 30 for one in many)
    huge = trim_timelines([long(30, "y" * 600, str(n)) for n in range(400)])
    assert {len(one.timeline) for one in huge} == {3}
