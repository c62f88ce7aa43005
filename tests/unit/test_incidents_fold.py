"""How findings become incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Change, Finding, IncidentChange, Severity, Status
from core.incidents.charter import Charter
from core.incidents.commands import refuse
from core.incidents.episode import remember
from core.incidents.fold import fold
from core.incidents.life import identifier
from core.incidents.model import (
    CONDITIONS_LIMIT,
    EVIDENCE_LIMIT,
    HISTORY_LIMIT,
    TIMELINE_LIMIT,
    Decision,
    Incident,
    Observation,
    Reason,
    State,
    Watch,
)
from core.settings import Policy

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=400)
POLICY = Policy()
CHARTER = Charter()
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


def play(findings: Iterable[Finding], policy: Policy = POLICY) -> tuple[Watch, list[IncidentChange], list[Decision]]:
    watch: Watch | None = None
    decisions = []
    for finding in findings:
        decisions.append(fold(watch, finding, now=NOW, charter=Charter(policy=policy)))
        watch = decisions[-1].watch
    assert watch is not None
    return watch, [change for decision in decisions for change in decision.changes], decisions


def incident_of(watch: Watch) -> Incident:
    return watch.incidents[-1]


def names(changes: Sequence[IncidentChange]) -> list[str]:
    return [change.change.value for change in changes]


def test_the_first_firing_opens_an_incident() -> None:
    watch, changes, decisions = play([found(0, value=0.6, threshold=0.2, evidence={"psi": "0.6"})])
    incident = incident_of(watch)
    assert (incident.state, incident.severity, incident.category) == (State.OPEN, Severity.WARNING, "drift")
    assert (incident.title, incident.opened_at) == ("departure_delay drifted", START)
    assert incident.id == identifier("model/flight-delay", START) == changes[0].incident_id
    assert (changes[0].sequence, changes[0].state, changes[0].at) == (1, "open", START)
    assert decisions[0].reason is Reason.FIRST_FIRING
    (condition,) = watch.members(incident_of(watch))
    assert (condition.value, condition.threshold, condition.evidence[0].name) == (0.6, 0.2, "psi")


def test_a_repeated_firing_updates_quietly() -> None:
    watch, changes, decisions = play([found(0), found(15, summary="worse by a hair", value=0.7)])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is Reason.UNCHANGED
    assert watch.members(incident_of(watch))[0].summary == "worse by a hair"
    incident = incident_of(watch)
    assert len(incident.timeline) == 1


def test_the_same_finding_twice_changes_nothing_at_all() -> None:
    once, _, _ = play([found(0)])
    decision = fold(once, found(0), now=NOW, charter=CHARTER)
    assert decision == Decision(watch=once, changes=(), reason=Reason.DUPLICATE)


def test_a_duplicate_of_an_older_finding_is_known() -> None:
    once, _, _ = play([found(0), found(5)])
    assert fold(once, found(0), now=NOW, charter=CHARTER) == Decision(watch=once, changes=(), reason=Reason.DUPLICATE)


def test_a_worse_severity_escalates_once() -> None:
    steps = [
        found(0),
        found(1, severity=Severity.CRITICAL),
        found(2, severity=Severity.WARNING),
        found(3, severity=Severity.CRITICAL),
    ]
    watch, changes, decisions = play(steps)
    assert names(changes) == ["opened", "escalated", "updated", "updated"]
    assert [decision.reason for decision in decisions[1:]] == [Reason.WORSENED, Reason.EASED, Reason.WORSENED]
    assert incident_of(watch).peak is Severity.CRITICAL


def test_an_incident_resolves_when_all_its_conditions_are_resolved() -> None:
    watch, changes, decisions = play(
        [
            found(0),
            found(1, kind="freshness"),
            found(2, RESOLVED),
            found(3, RESOLVED, kind="freshness", summary="fresh again"),
        ]
    )
    assert names(changes) == ["opened", "updated", "updated", "resolved"]
    reasons = [Reason.FIRST_FIRING, Reason.JOINED, Reason.PARTLY_RECOVERED, Reason.ALL_RECOVERED]
    assert [decision.reason for decision in decisions] == reasons
    incident = incident_of(watch)
    assert (incident.state, incident.resolved_at) == (State.RESOLVED, START + timedelta(minutes=3))
    assert changes[-1].summary == "fresh again"


def test_a_second_condition_that_is_worse_escalates_and_leads() -> None:
    watch, changes, _ = play([found(0), found(1, kind="performance", severity=Severity.CRITICAL, summary="AUC 0.6")])
    assert names(changes) == ["opened", "escalated"]
    assert (incident_of(watch).title, incident_of(watch).category) == ("AUC 0.6", "model_quality")
    assert [condition.kind for condition in watch.members(incident_of(watch))] == ["performance", "drift"]


def test_a_resolved_finding_for_nothing_open_does_nothing_and_says_so() -> None:
    decision = fold(None, found(0, RESOLVED), now=NOW, charter=CHARTER)
    assert (decision.changes, decision.reason, decision.watch.incidents) == ((), Reason.NOTHING_TO_RESOLVE, ())


def test_a_resolution_of_another_condition_leaves_an_open_incident_alone() -> None:
    watch, changes, decisions = play([found(0), found(1, RESOLVED, kind="freshness")])
    assert names(changes) == ["opened"]
    assert decisions[1].reason is Reason.NOTHING_TO_RESOLVE
    assert incident_of(watch).state is State.OPEN


def test_a_firing_soon_after_the_resolution_reopens() -> None:
    watch, changes, _ = play([found(0), found(10, RESOLVED), found(40)])
    assert names(changes) == ["opened", "resolved", "reopened"]
    assert len({change.incident_id for change in changes}) == 1
    incident = incident_of(watch)
    assert (incident.state, incident.resolved_at, incident.opened_at) == (State.OPEN, None, START)


def test_a_firing_long_after_the_resolution_opens_a_new_incident() -> None:
    watch, changes, _ = play([found(0), found(10, RESOLVED), found(41)])
    assert names(changes) == ["opened", "resolved", "opened"]
    assert changes[2].incident_id == identifier("model/flight-delay", START + timedelta(minutes=41))
    assert incident_of(watch).sequence == 1
    assert incident_of(watch).opened_at == START + timedelta(minutes=41)


def test_an_older_finding_never_overwrites_the_newest_of_its_condition() -> None:
    newest, _, _ = play([found(5, severity=Severity.ERROR, summary="new")])
    decision = fold(newest, found(1, RESOLVED, summary="old"), now=NOW, charter=CHARTER)
    assert (decision.changes, decision.reason) == ((), Reason.LATE)
    condition = decision.watch.members(incident_of(decision.watch))[0]
    assert (condition.status, condition.severity, condition.summary) == (FIRING, Severity.ERROR, "new")


def test_a_late_firing_that_was_never_seen_is_recorded_as_over() -> None:
    watch, changes, decisions = play([found(5, RESOLVED), found(0)])
    assert names(changes) == ["opened", "resolved"]
    assert [change.state for change in changes] == ["open", "resolved"]
    assert [change.at for change in changes] == [START, START + timedelta(minutes=5)]
    assert decisions[1].reason is Reason.ALREADY_OVER
    assert incident_of(watch).resolved_at == START + timedelta(minutes=5)


def test_a_late_firing_after_a_resolved_incident_is_recorded_in_it() -> None:
    _, changes, _ = play([found(0), found(5, RESOLVED), found(15, RESOLVED), found(10)])
    assert names(changes) == ["opened", "resolved", "reopened", "resolved"]


def test_a_late_firing_inside_a_known_episode_changes_nothing_people_see() -> None:
    watch, changes, decisions = play([found(0), found(15, RESOLVED), found(10, severity=Severity.CRITICAL)])
    assert names(changes) == ["opened", "resolved"]
    assert decisions[2].reason is Reason.LATE
    assert incident_of(watch).severity is Severity.CRITICAL


def test_going_on_firing_is_written_down_once_a_day() -> None:
    _, changes, _ = play(found(60 * hour) for hour in range(73))
    assert [(change.change, change.reason) for change in changes[1:]] == [(Change.UPDATED, Reason.STILL_FIRING)] * 3


def test_a_clock_that_runs_ahead_does_not_hide_later_findings() -> None:
    ahead = replace(found(0), observed_at=START + timedelta(days=30))
    first = fold(None, ahead, now=START, charter=CHARTER)
    again = fold(first.watch, ahead, now=START + timedelta(seconds=5), charter=CHARTER)
    assert again == Decision(watch=first.watch, changes=(), reason=Reason.DUPLICATE)
    later = fold(first.watch, found(10, RESOLVED), now=START + timedelta(minutes=10), charter=CHARTER)
    assert names(later.changes) == ["resolved"]


def test_of_two_findings_of_the_same_instant_the_worse_one_stays() -> None:
    pair = (found(0, RESOLVED), found(0, severity=Severity.ERROR))
    for order in permutations(pair):
        watch, _, _ = play(order)
        assert (incident_of(watch).state, incident_of(watch).severity) == (State.OPEN, Severity.ERROR)


def test_hostile_text_is_made_harmless_and_short() -> None:
    evidence = {f"name\n{n}": "x" * 9_999 for n in range(50)}
    watch, changes, _ = play([found(0, summary="a\x1b[31m\n\u202eb" + "c" * 9_999, evidence=evidence)])
    assert changes[0].title.isprintable()
    assert len(changes[0].title) <= 300
    kept = watch.members(incident_of(watch))[0].evidence
    assert len(kept) == EVIDENCE_LIMIT
    assert all(len(piece.text) <= 200 and piece.name.isprintable() for piece in kept)


def test_an_empty_summary_still_gives_a_title() -> None:
    watch, _, _ = play([found(0, summary=" \n")])
    assert incident_of(watch).title == "model/flight-delay:drift"


def test_history_timeline_and_conditions_are_bounded() -> None:
    kinds = [found(n, kind=f"kind-{n}") for n in range(CONDITIONS_LIMIT + 20)]
    flaps = [found(300 + n, RESOLVED if n % 2 else FIRING, kind="kind-0") for n in range(300)]
    watch, changes, _ = play([*kinds, *flaps])
    incident = incident_of(watch)
    assert len(watch.conditions) == CONDITIONS_LIMIT
    assert len(incident.timeline) == TIMELINE_LIMIT
    assert incident.timeline[0].sequence == 1
    assert incident.timeline[-1].sequence == incident.sequence == len(changes)
    assert max(len(condition.history) for condition in watch.conditions) <= HISTORY_LIMIT


def test_the_beginning_of_a_long_firing_stays_known() -> None:
    watch, _, _ = play(found(n) for n in range(100))
    assert incident_of(watch).opened_at == START


def test_a_history_without_repetition_loses_its_oldest() -> None:
    history: tuple[Observation, ...] = ()
    for n in range(HISTORY_LIMIT + 3):
        status = RESOLVED if n % 2 else FIRING
        seen = Observation(at=START + timedelta(minutes=n), status=status, severity=Severity.INFO)
        history = remember(history, seen)
    assert [observation.at for observation in history] == [
        START + timedelta(minutes=n) for n in range(3, HISTORY_LIMIT + 3)
    ]


def test_sequences_have_no_gaps() -> None:
    _, changes, _ = play([found(n, RESOLVED if n % 3 == 2 else FIRING) for n in range(30)])
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))


def test_a_refused_notification_is_written_into_the_timeline() -> None:
    watch, changes, _ = play([found(0)])
    decision = refuse(watch, changes[0].incident_id, channel="inbox", detail="HTTP 404", at=START)
    assert names(decision.changes) == ["updated"]
    assert decision.reason is Reason.NOTIFICATION_REFUSED
    entry = incident_of(decision.watch).timeline[-1]
    assert (entry.summary, entry.sequence) == ("inbox refused the message: HTTP 404", 2)


def test_a_refusal_about_a_former_incident_changes_nothing() -> None:
    _, former, _ = play([found(0)])
    watch, _, _ = play([found(500)])
    assert refuse(watch, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).watch == watch
    empty = Watch(group="model/flight-delay")
    assert refuse(empty, former[0].incident_id, channel="inbox", detail="HTTP 404", at=START).watch == empty


def test_an_identifier_is_fit_for_an_address_whatever_the_target() -> None:
    ids = {identifier(target, START) for target in ("model/Ä b", "model/a-b", "///", "", "x" * 500)}
    assert len(ids) == 5
    assert all(name.isascii() and name.replace("-", "").isalnum() and len(name) < 64 for name in ids)


minutes = st.integers(0, 120)
observations = st.builds(found, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.just("drift"))
policies = st.builds(Policy, reopen_within=st.integers(0, 60).map(lambda m: timedelta(minutes=m)))


def outcome(watch: Watch) -> object:
    facts = [(c.key, c.status, c.severity, c.observed_at, c.history) for c in watch.conditions]
    if not watch.incidents:
        return facts
    incident = incident_of(watch)
    life = (incident.state, incident.severity, incident.opened_at, incident.resolved_at)
    return (*life, incident.conditions, facts)


@settings(max_examples=150, deadline=None)
@given(findings=st.lists(observations, min_size=1, max_size=5), policy=policies)
def test_all_interleavings_of_the_findings_of_a_condition_end_in_the_same_state(
    findings: list[Finding], policy: Policy
) -> None:
    assert len({repr(outcome(play(order, policy)[0])) for order in permutations(findings)}) == 1


@settings(max_examples=20, deadline=None)
@given(findings=st.lists(observations, min_size=6, max_size=6), policy=policies)
def test_all_interleavings_of_six_findings_of_a_condition_end_in_the_same_state(
    findings: list[Finding], policy: Policy
) -> None:
    assert len({repr(outcome(play(order, policy)[0])) for order in permutations(findings)}) == 1


@settings(max_examples=150, deadline=None)
@given(
    findings=st.lists(
        st.builds(found, minutes, st.sampled_from(Status), st.sampled_from(Severity), kind=st.sampled_from("abc")),
        min_size=1,
        max_size=10,
    ),
    policy=policies,
    data=st.data(),
)
def test_findings_of_several_conditions_converge_with_duplicates_in_any_order(
    findings: list[Finding], policy: Policy, data: st.DataObject
) -> None:
    repeated = findings + data.draw(st.lists(st.sampled_from(findings), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    assert outcome(play(shuffled, policy)[0]) == outcome(play(findings, policy)[0])


@settings(max_examples=150, deadline=None)
@given(findings=st.lists(observations, min_size=1, max_size=12))
def test_every_life_is_a_life(findings: list[Finding]) -> None:
    watch, changes, _ = play(findings)
    assert bool(watch.incidents) == any(finding.status is FIRING for finding in findings)
    state = {"": State.RESOLVED}
    for change in changes:
        before = state.get(change.incident_id, State.RESOLVED)
        if change.change in (Change.OPENED, Change.REOPENED):
            assert before is State.RESOLVED
        else:
            assert before is not State.RESOLVED or change.reason == Reason.MERGED
        state[change.incident_id] = State(change.state)
    if watch.incidents:
        assert state[incident_of(watch).id] is incident_of(watch).state
