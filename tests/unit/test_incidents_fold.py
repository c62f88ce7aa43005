"""How findings become incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Change, Command, Finding, IncidentChange, Severity, Status, Verb
from core.incidents.conditions import add_observation
from core.incidents.fold import fold
from core.incidents.impact import estimate_loss
from core.incidents.lifecycle import apply_command, make_incident_id, record_refusal
from core.incidents.model import (
    CONDITIONS_LIMIT,
    EVIDENCE_LIMIT,
    HISTORY_LIMIT,
    TIMELINE_LIMIT,
    Decision,
    GroupState,
    Incident,
    IncidentReason,
    Observation,
    State,
)
from core.incidents.policy import Graph, IncidentPolicy
from core.settings import Dependency, Policy
from core.settings.response import ImpactPolicy, Revenue
from tests.support.builders.budget import examples, orders

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=400)
TIMING = Policy()
POLICY = IncidentPolicy()
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


def found(minute: float, status: Status = FIRING, severity: Severity = Severity.WARNING, **fields: Any) -> Finding:
    finding = Finding(
        target="model/flight-delay",
        kind="drift",
        status=status,
        severity=severity,
        observed_at=START + timedelta(minutes=minute),
        source="drift_score",
        summary="departure_delay drifted",
    )
    return replace(finding, **fields)


def play(
    findings: Iterable[Finding], timing: Policy = TIMING
) -> tuple[GroupState, list[IncidentChange], list[Decision]]:
    state: GroupState | None = None
    decisions = []
    for finding in findings:
        decisions.append(fold(state, finding, now=NOW, policy=IncidentPolicy(timing=timing)))
        state = decisions[-1].state
    assert state is not None
    return state, [change for decision in decisions for change in decision.changes], decisions


def incident_of(state: GroupState) -> Incident:
    return state.incidents[-1]


def names(changes: Sequence[IncidentChange]) -> list[str]:
    return [change.change.value for change in changes]


def test_the_first_firing_opens_an_incident() -> None:
    state, changes, decisions = play([found(0, value=0.6, threshold=0.2, evidence={"psi": "0.6"})])
    incident = incident_of(state)
    assert (incident.state, incident.severity, incident.category) == (State.OPEN, Severity.WARNING, "drift")
    assert (incident.title, incident.opened_at) == ("departure_delay drifted", START)
    assert incident.id == make_incident_id("model/flight-delay", START) == changes[0].incident_id
    assert (changes[0].sequence, changes[0].state, changes[0].at) == (1, "open", START)
    assert decisions[0].reason is IncidentReason.FIRST_FIRING
    (condition,) = state.members(incident_of(state))
    assert (condition.value, condition.threshold, condition.evidence[0].name) == (0.6, 0.2, "psi")


def test_a_repeated_firing_updates_quietly() -> None:
    state, changes, decisions = play([found(0), found(15, summary="worse by a hair", value=0.7)])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is IncidentReason.UNCHANGED
    assert state.members(incident_of(state))[0].summary == "worse by a hair"
    incident = incident_of(state)
    assert len(incident.timeline) == 1


def test_the_same_finding_twice_changes_nothing_at_all() -> None:
    once, _, _ = play([found(0)])
    decision = fold(once, found(0), now=NOW, policy=POLICY)
    assert decision == Decision(state=once, changes=(), reason=IncidentReason.DUPLICATE)


def test_a_duplicate_of_an_older_finding_is_known() -> None:
    once, _, _ = play([found(0), found(5)])
    assert fold(once, found(0), now=NOW, policy=POLICY) == Decision(
        state=once, changes=(), reason=IncidentReason.DUPLICATE
    )


def test_a_worse_severity_escalates_once() -> None:
    steps = [
        found(0),
        found(1, severity=Severity.CRITICAL),
        found(2, severity=Severity.WARNING),
        found(3, severity=Severity.CRITICAL),
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
            found(0),
            found(1, kind="freshness"),
            found(2, RESOLVED),
            found(3, RESOLVED, kind="freshness", summary="fresh again"),
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
    state, changes, _ = play([found(0), found(1, kind="performance", severity=Severity.CRITICAL, summary="AUC 0.6")])
    assert names(changes) == ["opened", "escalated"]
    assert (incident_of(state).title, incident_of(state).category) == ("AUC 0.6", "model_quality")
    assert [condition.kind for condition in state.members(incident_of(state))] == ["performance", "drift"]


def test_a_resolved_finding_for_nothing_open_does_nothing_and_says_so() -> None:
    decision = fold(None, found(0, RESOLVED), now=NOW, policy=POLICY)
    assert (decision.changes, decision.reason, decision.state.incidents) == ((), IncidentReason.NOTHING_TO_RESOLVE, ())


def test_a_resolution_of_another_condition_leaves_an_open_incident_alone() -> None:
    state, changes, decisions = play([found(0), found(1, RESOLVED, kind="freshness")])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is IncidentReason.NOTHING_TO_RESOLVE
    assert incident_of(state).state is State.OPEN


def test_a_firing_soon_after_the_resolution_reopens() -> None:
    state, changes, _ = play([found(0), found(10, RESOLVED), found(40)])
    assert names(changes) == ["opened", "resolved", "reopened"]
    assert len({change.incident_id for change in changes}) == 1
    incident = incident_of(state)
    assert (incident.state, incident.resolved_at, incident.opened_at) == (State.OPEN, None, START)


def test_a_firing_long_after_the_resolution_opens_a_new_incident() -> None:
    state, changes, _ = play([found(0), found(10, RESOLVED), found(41)])
    assert names(changes) == ["opened", "resolved", "opened"]
    assert changes[2].incident_id == make_incident_id("model/flight-delay", START + timedelta(minutes=41))
    assert incident_of(state).sequence == 1
    assert incident_of(state).opened_at == START + timedelta(minutes=41)


def test_an_older_finding_never_overwrites_the_newest_of_its_condition() -> None:
    newest, _, _ = play([found(5, severity=Severity.ERROR, summary="new")])
    decision = fold(newest, found(1, RESOLVED, summary="old"), now=NOW, policy=POLICY)
    assert (decision.changes, decision.reason) == ((), IncidentReason.LATE)
    condition = decision.state.members(incident_of(decision.state))[0]
    assert (condition.status, condition.severity, condition.summary) == (FIRING, Severity.ERROR, "new")


def test_a_late_firing_that_was_never_seen_is_recorded_as_over() -> None:
    state, changes, decisions = play([found(5, RESOLVED), found(0)])
    assert names(changes) == ["opened", "resolved"]
    assert [change.state for change in changes] == ["open", "resolved"]
    assert [change.at for change in changes] == [START, START + timedelta(minutes=5)]
    assert decisions[1].reason is IncidentReason.ALREADY_RESOLVED
    assert incident_of(state).resolved_at == START + timedelta(minutes=5)


def test_a_late_firing_after_a_resolved_incident_is_recorded_in_it() -> None:
    _, changes, _ = play([found(0), found(5, RESOLVED), found(15, RESOLVED), found(10)])
    assert names(changes) == ["opened", "resolved", "reopened", "resolved"]


def test_a_late_firing_inside_a_known_episode_changes_nothing_people_see() -> None:
    state, changes, decisions = play([found(0), found(15, RESOLVED), found(10, severity=Severity.CRITICAL)])
    assert names(changes) == ["opened", "resolved"]
    assert decisions[2].reason is IncidentReason.LATE
    assert incident_of(state).severity is Severity.CRITICAL


def test_going_on_firing_is_written_down_once_a_day() -> None:
    _, changes, _ = play(found(60 * hour) for hour in range(73))
    assert [(change.change, change.reason) for change in changes[1:]] == [
        (Change.UPDATED, IncidentReason.STILL_FIRING)
    ] * 3


def test_a_clock_that_runs_ahead_does_not_hide_later_findings() -> None:
    ahead = replace(found(0), observed_at=START + timedelta(days=30))
    first = fold(None, ahead, now=START, policy=POLICY)
    again = fold(first.state, ahead, now=START + timedelta(seconds=5), policy=POLICY)
    assert again == Decision(state=first.state, changes=(), reason=IncidentReason.DUPLICATE)
    later = fold(first.state, found(10, RESOLVED), now=START + timedelta(minutes=10), policy=POLICY)
    assert names(later.changes) == ["resolved"]


def test_of_two_findings_of_the_same_instant_the_worse_one_stays() -> None:
    pair = (found(0, RESOLVED), found(0, severity=Severity.ERROR))
    for order in permutations(pair):
        state, _, _ = play(order)
        assert (incident_of(state).state, incident_of(state).severity) == (State.OPEN, Severity.ERROR)


def test_hostile_text_is_made_harmless_and_short() -> None:
    evidence = {f"name\n{n}": "x" * 9_999 for n in range(50)}
    state, changes, _ = play([found(0, summary="a\x1b[31m\n\u202eb" + "c" * 9_999, evidence=evidence)])
    assert changes[0].title.isprintable()
    assert len(changes[0].title) <= 300
    kept = state.members(incident_of(state))[0].evidence
    assert len(kept) == EVIDENCE_LIMIT
    assert all(len(piece.text) <= 200 and piece.name.isprintable() for piece in kept)


def test_an_empty_summary_still_gives_a_title() -> None:
    state, _, _ = play([found(0, summary=" \n")])
    assert incident_of(state).title == "model/flight-delay:drift"


def test_history_timeline_and_conditions_are_bounded() -> None:
    kinds = [found(n, kind=f"kind-{n}") for n in range(CONDITIONS_LIMIT + 20)]
    flaps = [found(300 + n, RESOLVED if n % 2 else FIRING, kind="kind-0") for n in range(300)]
    state, changes, _ = play([*kinds, *flaps])
    incident = incident_of(state)
    assert len(state.conditions) == CONDITIONS_LIMIT
    assert len(incident.timeline) == TIMELINE_LIMIT
    assert incident.timeline[0].sequence == 1
    assert incident.timeline[-1].sequence == incident.sequence == len(changes)
    assert max(len(condition.history) for condition in state.conditions) <= HISTORY_LIMIT


def test_the_beginning_of_a_long_firing_stays_known() -> None:
    state, _, _ = play(found(n) for n in range(100))
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
    state, _, _ = play([found(n, RESOLVED if n % 2 else FIRING) for n in range(181)])
    assert incident_of(state).opened_at == START


def test_sequences_have_no_gaps() -> None:
    _, changes, _ = play([found(n, RESOLVED if n % 3 == 2 else FIRING) for n in range(30)])
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))


def test_a_refused_notification_is_written_into_the_timeline() -> None:
    state, changes, _ = play([found(0)])
    decision = record_refusal(state, changes[0].incident_id, channel="inbox", detail="HTTP 404", at=START)
    assert names(decision.changes) == ["updated"]
    assert decision.reason is IncidentReason.NOTIFICATION_REFUSED
    entry = incident_of(decision.state).timeline[-1]
    assert (entry.summary, entry.sequence) == ("inbox refused the message: HTTP 404", 2)


def test_a_refusal_about_a_former_incident_changes_nothing() -> None:
    _, former, _ = play([found(0)])
    state, _, _ = play([found(500)])
    assert record_refusal(state, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).state == state
    empty = GroupState(name="model/flight-delay")
    assert record_refusal(empty, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).state == empty


def test_an_identifier_is_fit_for_an_address_whatever_the_target() -> None:
    ids = {make_incident_id(target, START) for target in ("model/Ä b", "model/a-b", "///", "", "x" * 500)}
    assert len(ids) == 5
    assert all(name.isascii() and name.replace("-", "").isalnum() and len(name) < 64 for name in ids)


minutes = st.integers(0, 120)
observations = st.builds(found, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.just("drift"))
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
        st.builds(found, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.sampled_from("abc")),
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


EARNING = IncidentPolicy(
    revenue={"model/flight-delay": Revenue(dollars_per_hour=1200.0)},
    impact=ImpactPolicy(at_risk={Severity.CRITICAL: 1.0, Severity.ERROR: 0.5, Severity.WARNING: 0.1}),
)


def earned(state: GroupState, *findings: Finding, policy: IncidentPolicy = EARNING) -> GroupState:
    for finding in findings:
        state = fold(state, finding, now=NOW, policy=policy).state
    return state


def cost(state: GroupState, minute: float = 10_000) -> float:
    """What all incidents have cost by then, those that are part of another within that one."""
    whole = (incident for incident in state.incidents if not incident.merged_into)
    return sum(estimate_loss(incident, START + timedelta(minutes=minute)).dollars for incident in whole)


EMPTY = GroupState(name="model/flight-delay")


def test_ten_critical_hours_and_a_minute_of_warning_cost_ten_critical_hours() -> None:
    state = earned(EMPTY, found(0, severity=Severity.CRITICAL), found(600), found(601, RESOLVED))
    assert cost(state) == pytest.approx(12_002)


def test_a_fault_that_flaps_costs_only_while_it_fires() -> None:
    half: Any = {"severity": Severity.ERROR}
    flaps = [found(0, **half), found(1, RESOLVED), found(25, **half), found(26, RESOLVED), found(50, **half)]
    state = earned(EMPTY, *flaps)
    assert len(state.incidents) == 1
    assert [cost(state, minute) for minute in (50, 51, 60)] == pytest.approx([20.0, 30.0, 120.0])
    assert cost(earned(state, found(51, RESOLVED))) == pytest.approx(30.0)


def test_what_is_mitigated_costs_no_more_until_it_comes_back() -> None:
    state = earned(EMPTY, found(0, severity=Severity.CRITICAL))
    said = Command(verb=Verb.MITIGATE, subject=state.incidents[0].id, by="ada", at=START + timedelta(minutes=10))
    state = earned(
        apply_command(state, said).state, found(20, kind="late"), found(30, RESOLVED), found(30, RESOLVED, kind="late")
    )
    assert cost(state) == pytest.approx(200.0)
    assert cost(earned(state, found(40)), 50) == pytest.approx(220.0)


def test_what_a_person_closed_while_it_fires_costs_no_more() -> None:
    state = earned(EMPTY, found(0, severity=Severity.CRITICAL))
    said = Command(verb=Verb.RESOLVE, subject=state.incidents[0].id, by="ada", at=START + timedelta(minutes=10))
    assert cost(earned(apply_command(state, said).state, found(20))) == pytest.approx(200.0)


def test_a_late_finding_takes_nothing_back_and_counts_nothing_twice() -> None:
    critical: Any = {"severity": Severity.CRITICAL}
    state = earned(
        EMPTY, found(0), found(60, **critical), found(30, RESOLVED), found(90, RESOLVED), found(20, **critical)
    )
    assert 0 <= cost(state) <= 1200 * 1.5
    late = earned(EMPTY, found(60, **critical), found(0, **critical), found(90, RESOLVED))
    assert cost(late) == pytest.approx(1800.0), "it is known to have fired since the earlier one"


def test_an_incident_holds_what_its_parts_have_cost() -> None:
    graph = Graph(
        [Dependency(target="model/a", needs="table/t"), Dependency(target="model/b", needs="table/t")],
    )
    revenue = {name: Revenue(dollars_per_hour=600.0) for name in ("model/a", "model/b")}
    policy = replace(EARNING, graph=graph, revenue=revenue)
    one, other = (found(minute, severity=Severity.CRITICAL, target=t) for minute, t in ((0, "model/a"), (2, "model/b")))
    before = earned(GroupState(name=graph.group("table/t")), one, other, policy=policy)
    assert len(before.incidents) == 2
    state = earned(before, found(4, severity=Severity.CRITICAL, target="table/t"), policy=policy)
    assert [bool(incident.merged_into) for incident in state.incidents].count(True) == 1
    assert cost(state, 4) == pytest.approx(60.0)
    assert cost(state, 10) == pytest.approx(180.0)


lives = st.lists(
    st.tuples(st.integers(0, 240), st.sampled_from("ab"), st.sampled_from(Status), st.sampled_from(Severity)),
    min_size=1,
    max_size=14,
    unique_by=lambda seen: seen[0],
).map(lambda seen: [found(minute, status, severity, kind=kind) for minute, kind, status, severity in seen])


def fired(findings: Iterable[Finding]) -> tuple[float, float]:
    """The hours in which something fired until minute 300, and what that cost: minute by minute, in order."""
    seen = {finding.observed_at: finding for finding in findings}
    firing: dict[str, Severity] = {}
    minutes, dollars = 0, 0.0
    for minute in range(300):
        finding = seen.get(START + timedelta(minutes=minute))
        if finding is not None and finding.status is FIRING:
            firing[finding.kind] = finding.severity
        elif finding is not None:
            firing.pop(finding.kind, None)
        minutes += bool(firing)
        dollars += 1200 / 60 * max((EARNING.impact.at_risk.get(one, 0.0) for one in firing.values()), default=0.0)
    return minutes / 60, dollars


@settings(max_examples=examples(200), deadline=None)
@given(findings=lives)
def test_in_order_the_loss_is_what_was_at_risk_minute_by_minute(findings: list[Finding]) -> None:
    ordered = sorted(findings, key=lambda finding: finding.observed_at)
    assert cost(earned(EMPTY, *ordered), 300) == pytest.approx(fired(ordered)[1])


@settings(max_examples=examples(200), deadline=None)
@given(findings=lives, times=st.integers(1, 2))
def test_in_any_order_the_loss_is_bounded_and_nothing_where_nothing_earns(findings: list[Finding], times: int) -> None:
    delivered = findings * times
    first = min(finding.observed_at for finding in findings)
    hours = (START + timedelta(minutes=300) - first) / timedelta(hours=1)
    assert 0 <= cost(earned(EMPTY, *delivered), 300) <= 1200 * hours * (1 + 1e-9)
    assert cost(earned(EMPTY, *delivered, policy=POLICY), 300) == 0


def test_an_acknowledgement_counts_from_when_it_came_back() -> None:
    state = earned(EMPTY, found(0), found(10, RESOLVED), found(15))
    assert (state.incidents[0].reopened_at, state.incidents[0].opened_at) == (START + timedelta(minutes=15), START)


def test_what_comes_back_after_its_incident_is_forgotten_costs_from_then_on() -> None:
    state = replace(earned(EMPTY, found(0), found(10, RESOLVED)), incidents=())
    state = earned(state, found(20, severity=Severity.CRITICAL))
    assert state.incidents[0].reopened_at == START + timedelta(minutes=20)
    assert cost(state, 30) == pytest.approx(200.0)
