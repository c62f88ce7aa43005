"""How findings become incidents."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Change, Finding, Severity, Status
from core.incidents.fold import fold
from core.incidents.history import add_observation
from core.incidents.lifecycle import make_incident_id, record_refusal
from core.incidents.model import (
    CONDITIONS_LIMIT,
    EVIDENCE_LIMIT,
    HISTORY_LIMIT,
    TIMELINE_LIMIT,
    Decision,
    GroupState,
    IncidentReason,
    Observation,
    State,
)
from core.incidents.policy import IncidentPolicy
from core.settings import Policy
from tests.support.builders.budget import examples, orders
from tests.support.builders.findings import NOW, START, finding_at, incident_of, names, play

POLICY = IncidentPolicy()
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


def test_the_first_firing_opens_an_incident() -> None:
    state, changes, decisions = play([finding_at(0, value=0.6, threshold=0.2, evidence={"psi": "0.6"})])
    incident = incident_of(state)
    assert (incident.state, incident.severity, incident.category) == (State.OPEN, Severity.WARNING, "drift")
    assert (incident.title, incident.opened_at) == ("departure_delay drifted", START)
    assert incident.id == make_incident_id("model/flight-delay", START) == changes[0].incident_id
    assert (changes[0].sequence, changes[0].state, changes[0].at) == (1, "open", START)
    assert decisions[0].reason is IncidentReason.FIRST_FIRING
    (condition,) = state.members(incident_of(state))
    assert (condition.value, condition.threshold, condition.evidence[0].name) == (0.6, 0.2, "psi")


def test_a_repeated_firing_updates_quietly() -> None:
    state, changes, decisions = play([finding_at(0), finding_at(15, summary="worse by a hair", value=0.7)])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is IncidentReason.UNCHANGED
    assert state.members(incident_of(state))[0].summary == "worse by a hair"
    incident = incident_of(state)
    assert len(incident.timeline) == 1


def test_the_same_finding_twice_changes_nothing_at_all() -> None:
    once, _, _ = play([finding_at(0)])
    decision = fold(once, finding_at(0), now=NOW, policy=POLICY)
    assert decision == Decision(state=once, changes=(), reason=IncidentReason.DUPLICATE)


def test_a_duplicate_of_an_older_finding_is_known() -> None:
    once, _, _ = play([finding_at(0), finding_at(5)])
    assert fold(once, finding_at(0), now=NOW, policy=POLICY) == Decision(
        state=once, changes=(), reason=IncidentReason.DUPLICATE
    )


def test_a_worse_severity_escalates_once() -> None:
    steps = [
        finding_at(0),
        finding_at(1, severity=Severity.CRITICAL),
        finding_at(2, severity=Severity.WARNING),
        finding_at(3, severity=Severity.CRITICAL),
    ]
    state, changes, decisions = play(steps)
    assert names(changes) == ["opened", "escalated", "updated", "updated"]
    assert [decision.reason for decision in decisions[1:]] == [
        IncidentReason.WORSENED,
        IncidentReason.EASED,
        IncidentReason.WORSENED,
    ]
    assert incident_of(state).peak is Severity.CRITICAL


def test_an_incident_resolves_when_all_its_conditions_are_resolved() -> None:
    state, changes, decisions = play(
        [
            finding_at(0),
            finding_at(1, kind="freshness"),
            finding_at(2, RESOLVED),
            finding_at(3, RESOLVED, kind="freshness", summary="fresh again"),
        ]
    )
    assert names(changes) == ["opened", "updated", "updated", "resolved"]
    reasons = [
        IncidentReason.FIRST_FIRING,
        IncidentReason.JOINED,
        IncidentReason.PARTLY_RECOVERED,
        IncidentReason.ALL_RECOVERED,
    ]
    assert [decision.reason for decision in decisions] == reasons
    incident = incident_of(state)
    assert (incident.state, incident.resolved_at) == (State.RESOLVED, START + timedelta(minutes=3))
    assert changes[-1].summary == "fresh again"


def test_a_second_condition_that_is_worse_escalates_and_leads() -> None:
    state, changes, _ = play(
        [finding_at(0), finding_at(1, kind="performance", severity=Severity.CRITICAL, summary="AUC 0.6")]
    )
    assert names(changes) == ["opened", "escalated"]
    assert (incident_of(state).title, incident_of(state).category) == ("AUC 0.6", "model_quality")
    assert [condition.kind for condition in state.members(incident_of(state))] == ["performance", "drift"]


def test_of_two_that_are_equally_severe_what_is_wrong_gives_the_title_and_not_what_only_changed() -> None:
    drift = finding_at(0, summary="2 of 3 features drifted", evidence={"psi": "0.6"})
    accuracy = finding_at(15, kind="accuracy", summary="28% of the answers are right")
    for findings in ([drift, accuracy], [replace(accuracy, observed_at=drift.observed_at), drift]):
        state, _, _ = play(findings)
        incident = incident_of(state)
        assert (incident.title, incident.category) == (accuracy.summary, "model_quality")
        assert {one.summary for one in state.members(incident)} == {drift.summary, accuracy.summary}


def test_a_resolved_finding_for_nothing_open_does_nothing_and_says_so() -> None:
    decision = fold(None, finding_at(0, RESOLVED), now=NOW, policy=POLICY)
    assert (decision.changes, decision.reason, decision.state.incidents) == ((), IncidentReason.NOTHING_TO_RESOLVE, ())


def test_a_resolution_of_another_condition_leaves_an_open_incident_alone() -> None:
    state, changes, decisions = play([finding_at(0), finding_at(1, RESOLVED, kind="freshness")])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is IncidentReason.NOTHING_TO_RESOLVE
    assert incident_of(state).state is State.OPEN


def test_a_firing_soon_after_the_resolution_reopens() -> None:
    state, changes, _ = play([finding_at(0), finding_at(10, RESOLVED), finding_at(40)])
    assert names(changes) == ["opened", "resolved", "reopened"]
    assert len({change.incident_id for change in changes}) == 1
    incident = incident_of(state)
    assert (incident.state, incident.resolved_at, incident.opened_at) == (State.OPEN, None, START)


def test_a_firing_long_after_the_resolution_opens_a_new_incident() -> None:
    state, changes, _ = play([finding_at(0), finding_at(10, RESOLVED), finding_at(41)])
    assert names(changes) == ["opened", "resolved", "opened"]
    assert changes[2].incident_id == make_incident_id("model/flight-delay", START + timedelta(minutes=41))
    assert incident_of(state).sequence == 1
    assert incident_of(state).opened_at == START + timedelta(minutes=41)


def test_an_older_finding_never_overwrites_the_newest_of_its_condition() -> None:
    newest, _, _ = play([finding_at(5, severity=Severity.ERROR, summary="new")])
    decision = fold(newest, finding_at(1, RESOLVED, summary="old"), now=NOW, policy=POLICY)
    assert (decision.changes, decision.reason) == ((), IncidentReason.LATE)
    condition = decision.state.members(incident_of(decision.state))[0]
    assert (condition.status, condition.severity, condition.summary) == (FIRING, Severity.ERROR, "new")


def test_a_late_firing_that_was_never_seen_is_recorded_as_over() -> None:
    state, changes, decisions = play([finding_at(5, RESOLVED), finding_at(0)])
    assert names(changes) == ["opened", "resolved"]
    assert [change.state for change in changes] == ["open", "resolved"]
    assert [change.at for change in changes] == [START, START + timedelta(minutes=5)]
    assert decisions[1].reason is IncidentReason.ALREADY_RESOLVED
    assert incident_of(state).resolved_at == START + timedelta(minutes=5)


def test_a_late_firing_after_a_resolved_incident_is_recorded_in_it() -> None:
    _, changes, _ = play([finding_at(0), finding_at(5, RESOLVED), finding_at(15, RESOLVED), finding_at(10)])
    assert names(changes) == ["opened", "resolved", "reopened", "resolved"]


def test_a_late_firing_inside_a_known_episode_changes_nothing_people_see() -> None:
    state, changes, decisions = play(
        [finding_at(0), finding_at(15, RESOLVED), finding_at(10, severity=Severity.CRITICAL)]
    )
    assert names(changes) == ["opened", "resolved"]
    assert decisions[2].reason is IncidentReason.LATE
    assert incident_of(state).severity is Severity.CRITICAL


def test_going_on_firing_is_written_down_once_a_day() -> None:
    _, changes, _ = play(finding_at(60 * hour) for hour in range(73))
    assert [(change.change, change.reason) for change in changes[1:]] == [
        (Change.UPDATED, IncidentReason.STILL_FIRING)
    ] * 3


def test_a_clock_that_runs_ahead_does_not_hide_later_findings() -> None:
    ahead = replace(finding_at(0), observed_at=START + timedelta(days=30))
    first = fold(None, ahead, now=START, policy=POLICY)
    again = fold(first.state, ahead, now=START + timedelta(seconds=5), policy=POLICY)
    assert again == Decision(state=first.state, changes=(), reason=IncidentReason.DUPLICATE)
    later = fold(first.state, finding_at(10, RESOLVED), now=START + timedelta(minutes=10), policy=POLICY)
    assert names(later.changes) == ["resolved"]


def test_what_fires_and_is_resolved_at_one_instant_is_over() -> None:
    pair = (finding_at(0, RESOLVED), finding_at(0, severity=Severity.ERROR))
    for order in permutations(pair):
        state, _, _ = play(order)
        assert (incident_of(state).state, incident_of(state).severity) == (State.RESOLVED, Severity.ERROR)


def test_of_two_firings_of_the_same_instant_the_worse_one_stays() -> None:
    pair = (finding_at(0, severity=Severity.WARNING), finding_at(0, severity=Severity.ERROR))
    for order in permutations(pair):
        state, _, _ = play(order)
        assert (incident_of(state).state, incident_of(state).severity) == (State.OPEN, Severity.ERROR)


def test_hostile_text_is_made_harmless_and_short() -> None:
    evidence = {f"name\n{n}": "x" * 9_999 for n in range(50)}
    state, changes, _ = play([finding_at(0, summary="a\x1b[31m\n\u202eb" + "c" * 9_999, evidence=evidence)])
    assert changes[0].title.isprintable()
    assert len(changes[0].title) <= 300
    kept = state.members(incident_of(state))[0].evidence
    assert len(kept) == EVIDENCE_LIMIT
    assert all(len(piece.text) <= 200 and piece.name.isprintable() for piece in kept)


def test_an_empty_summary_still_gives_a_title() -> None:
    state, _, _ = play([finding_at(0, summary=" \n")])
    assert incident_of(state).title == "model/flight-delay:drift"


def test_history_timeline_and_conditions_are_bounded() -> None:
    kinds = [finding_at(n, kind=f"kind-{n}") for n in range(CONDITIONS_LIMIT + 20)]
    flaps = [finding_at(300 + n, RESOLVED if n % 2 else FIRING, kind="kind-0") for n in range(300)]
    state, changes, _ = play([*kinds, *flaps])
    incident = incident_of(state)
    assert len(state.conditions) == CONDITIONS_LIMIT
    assert len(incident.timeline) == TIMELINE_LIMIT
    assert incident.timeline[0].sequence == 1
    assert incident.timeline[-1].sequence == incident.sequence == len(changes)
    assert max(len(condition.history) for condition in state.conditions) <= HISTORY_LIMIT


def test_the_beginning_of_a_long_firing_stays_known() -> None:
    state, _, _ = play(finding_at(n) for n in range(100))
    assert incident_of(state).opened_at == START


def test_a_history_without_repetition_loses_its_shortest_pause_and_keeps_its_beginning() -> None:
    history: tuple[Observation, ...] = ()
    for n in range(HISTORY_LIMIT + 2):
        status = RESOLVED if n % 2 else FIRING
        seen = Observation(at=START + timedelta(minutes=n + (n >= 4)), status=status, severity=Severity.INFO)
        history = add_observation(history, seen)
    minutes = [(observation.at - START) // timedelta(minutes=1) for observation in history]
    assert minutes == [0, 3, 5, *range(6, HISTORY_LIMIT + 3)]
    assert history[-1].status is RESOLVED


def test_a_history_that_never_fired_again_loses_its_oldest() -> None:
    history: tuple[Observation, ...] = ()
    for n in range(HISTORY_LIMIT + 3):
        seen = Observation(
            at=START + timedelta(minutes=n), status=FIRING, severity=(Severity.INFO, Severity.ERROR)[n % 2]
        )
        history = add_observation(history, seen)
    assert len(history) == HISTORY_LIMIT
    assert history[0].at == START + timedelta(minutes=3)


def test_what_flaps_for_hours_keeps_its_beginning() -> None:
    state, _, _ = play([finding_at(n, RESOLVED if n % 2 else FIRING) for n in range(181)])
    assert incident_of(state).opened_at == START


def test_sequences_have_no_gaps() -> None:
    _, changes, _ = play([finding_at(n, RESOLVED if n % 3 == 2 else FIRING) for n in range(30)])
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))


def test_a_refused_notification_is_written_into_the_timeline() -> None:
    state, changes, _ = play([finding_at(0)])
    decision = record_refusal(state, changes[0].incident_id, channel="inbox", detail="HTTP 404", at=START)
    assert names(decision.changes) == ["updated"]
    assert decision.reason is IncidentReason.NOTIFICATION_REFUSED
    entry = incident_of(decision.state).timeline[-1]
    assert (entry.summary, entry.sequence) == ("inbox refused the message: HTTP 404", 2)


def test_a_refusal_about_a_former_incident_changes_nothing() -> None:
    _, former, _ = play([finding_at(0)])
    state, _, _ = play([finding_at(500)])
    assert record_refusal(state, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).state == state
    empty = GroupState(name="model/flight-delay")
    assert record_refusal(empty, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).state == empty


def test_an_identifier_is_fit_for_an_address_whatever_the_target() -> None:
    ids = {make_incident_id(target, START) for target in ("model/Ä b", "model/a-b", "///", "", "x" * 500)}
    assert len(ids) == 5
    assert all(name.isascii() and name.replace("-", "").isalnum() and len(name) < 64 for name in ids)


minutes = st.integers(0, 120)
observations = st.builds(finding_at, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.just("drift"))
timings = st.builds(Policy, reopen_within=st.integers(0, 60).map(lambda m: timedelta(minutes=m)))


def outcome(state: GroupState) -> object:
    facts = [(c.key, c.status, c.severity, c.observed_at, c.history) for c in state.conditions]
    if not state.incidents:
        return facts
    incident = incident_of(state)
    life = (incident.state, incident.severity, incident.opened_at, incident.resolved_at)
    return (*life, incident.conditions, facts)


@settings(max_examples=examples(150), deadline=None)
@given(findings=st.lists(observations, min_size=1, max_size=5), timing=timings)
def test_all_interleavings_of_the_findings_of_a_condition_end_in_the_same_state(
    findings: list[Finding], timing: Policy
) -> None:
    assert len({repr(outcome(play(order, timing)[0])) for order in orders(findings)}) == 1


@pytest.mark.long
@settings(max_examples=20, deadline=None)
@given(findings=st.lists(observations, min_size=6, max_size=6), timing=timings)
def test_all_interleavings_of_six_findings_of_a_condition_end_in_the_same_state(
    findings: list[Finding], timing: Policy
) -> None:
    assert len({repr(outcome(play(order, timing)[0])) for order in orders(findings)}) == 1


@settings(max_examples=examples(150), deadline=None)
@given(
    findings=st.lists(
        st.builds(finding_at, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.sampled_from("abc")),
        min_size=1,
        max_size=10,
    ),
    timing=timings,
    data=st.data(),
)
def test_findings_of_several_conditions_converge_with_duplicates_in_any_order(
    findings: list[Finding], timing: Policy, data: st.DataObject
) -> None:
    repeated = findings + data.draw(st.lists(st.sampled_from(findings), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    assert outcome(play(shuffled, timing)[0]) == outcome(play(findings, timing)[0])


@settings(max_examples=examples(150), deadline=None)
@given(findings=st.lists(observations, min_size=1, max_size=12))
def test_every_life_is_a_life(findings: list[Finding]) -> None:
    state, changes, _ = play(findings)
    assert bool(state.incidents) == any(finding.status is FIRING for finding in findings)
    states = {"": State.RESOLVED}
    for change in changes:
        before = states.get(change.incident_id, State.RESOLVED)
        if change.change in (Change.OPENED, Change.REOPENED):
            assert before is State.RESOLVED
        else:
            assert before is not State.RESOLVED or change.reason == IncidentReason.MERGED
        states[change.incident_id] = State(change.state)
    if state.incidents:
        assert states[incident_of(state).id] is incident_of(state).state
