"""What ended an incident: an action, people, itself, or not known; whatever comes twice, late or out of order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.events import ActionDecision, Mode, Severity, Stage
from core.incidents.endings import EndedBy, ended_by
from core.incidents.lifecycle import Step, advance, record_action
from core.incidents.model import Change, GroupState, Incident, IncidentReason, State

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


OVER = Incident(
    id="i",
    target="service/shop",
    title="t",
    state=State.RESOLVED,
    severity=Severity.ERROR,
    category="availability",
    opened_at=NINE,
    resolved_at=at(20),
)


def decision(stage: Stage, reason: str, minutes: float, sequence: int = 1, **changed: object) -> ActionDecision:
    one = ActionDecision(
        request_id="r",
        sequence=sequence,
        incident_id="i",
        action="restart_service",
        target="service/shop",
        mode=Mode.ACT,
        stage=stage,
        reason=reason,
        at=at(minutes),
    )
    return replace(one, **changed)  # type: ignore[arg-type]  # any field


APPLIED = decision(Stage.APPLIED, "done", 15, 3)
HELPED = decision(Stage.VERIFIED, "recovered", 22, 4)


def recorded(incident: Incident, *decisions: ActionDecision) -> Incident:
    state = GroupState(name="g", incidents=(incident,))
    for one in decisions:
        state = record_action(state, one).state
    return state.incidents[0]


@pytest.mark.parametrize(
    ("incident", "by"),
    [
        (replace(OVER, resolved_at=None, state=State.OPEN), None),
        (OVER, EndedBy.ITSELF),
        (replace(OVER, expired=True), EndedBy.UNKNOWN),
        (replace(OVER, acknowledged_at=at(5)), EndedBy.PEOPLE),
        (replace(OVER, acknowledged_at=at(5), expired=True), EndedBy.UNKNOWN),
        (replace(OVER, acknowledged_at=at(25)), EndedBy.ITSELF),
        (replace(OVER, mitigated_at=at(5)), EndedBy.PEOPLE),
        (replace(OVER, closed_at=at(20)), EndedBy.PEOPLE),
        (replace(OVER, closed_at=at(20), expired=True), EndedBy.PEOPLE),
        (replace(OVER, acted_at=at(5)), EndedBy.UNKNOWN),
        (replace(OVER, acted_at=at(5), acknowledged_at=at(9)), EndedBy.PEOPLE),
        (replace(OVER, acted_at=at(5), healed_at=at(22), acknowledged_at=at(9)), EndedBy.ACTION),
        (replace(OVER, healed_at=at(22), closed_at=at(20)), EndedBy.PEOPLE),
    ],
)
def test_what_ended_an_incident(incident: Incident, by: EndedBy | None) -> None:
    assert ended_by(incident) is by


@pytest.mark.parametrize("order", list(permutations([APPLIED, HELPED, HELPED])))
def test_a_verified_action_heals_in_any_order_and_however_often_it_is_told(order: tuple[ActionDecision, ...]) -> None:
    incident = recorded(OVER, *order)
    assert (incident.acted_at, incident.healed_at) == (at(22), at(22))
    assert ended_by(incident) is EndedBy.ACTION


@pytest.mark.parametrize(
    ("decisions", "by"),
    [
        ((APPLIED,), EndedBy.UNKNOWN),
        ((APPLIED, decision(Stage.VERIFIED, "healthy", 22, 4)), EndedBy.UNKNOWN),
        ((APPLIED, decision(Stage.FAILED, "no_recovery", 22, 4)), EndedBy.UNKNOWN),
        ((decision(Stage.UNDONE, "worsened", 22, 4),), EndedBy.UNKNOWN),
        ((decision(Stage.FAILED, "outside_refused", 22, 4),), EndedBy.ITSELF),
        ((decision(Stage.REFUSED, "cooldown", 15),), EndedBy.ITSELF),
        ((decision(Stage.EXPIRED, "nobody_answered", 15),), EndedBy.ITSELF),
        ((replace(APPLIED, mode=Mode.DRY_RUN),), EndedBy.ITSELF),
        ((replace(APPLIED, action="collect_diagnostics"),), EndedBy.ITSELF),
        ((replace(APPLIED, action="sing"),), EndedBy.ITSELF),
    ],
)
def test_what_did_not_provably_help_does_not_heal(decisions: tuple[ActionDecision, ...], by: EndedBy) -> None:
    assert ended_by(recorded(OVER, *decisions)) is by


def test_what_a_person_resolved_was_not_healed() -> None:
    incident = recorded(replace(OVER, closed_at=at(20)), APPLIED, HELPED)
    assert (incident.healed_at, ended_by(incident)) == (None, EndedBy.PEOPLE)


def test_a_verdict_about_what_came_back_meanwhile_does_not_heal() -> None:
    again = replace(OVER, state=State.OPEN, resolved_at=None, reopened_at=at(21))
    incident = recorded(again, APPLIED, HELPED)
    over = replace(incident, state=State.RESOLVED, resolved_at=at(40))
    assert ended_by(over) is EndedBy.UNKNOWN


def test_a_verdict_about_what_only_expired_does_not_heal() -> None:
    incident = recorded(replace(OVER, expired=True), APPLIED, HELPED)
    assert (incident.healed_at, ended_by(incident)) == (None, EndedBy.UNKNOWN)


def test_a_verdict_from_before_the_recovery_does_not_heal() -> None:
    assert recorded(OVER, replace(HELPED, at=at(19))).healed_at is None


def test_what_was_healed_and_came_back_was_not_healed() -> None:
    healed = recorded(OVER, APPLIED, HELPED)
    step = Step(Change.REOPENED, IncidentReason.FIRED_AGAIN, at(25))
    again, _ = advance(healed, (step,), {"resolved_at": None})
    over, _ = advance(again, (Step(Change.RESOLVED, IncidentReason.ALL_RECOVERED, at(50)),), {"resolved_at": at(50)})
    assert (over.acted_at, over.healed_at) == (at(22), None)
    assert ended_by(over) is EndedBy.UNKNOWN


def test_a_verdict_about_what_was_merged_heals_what_it_was_merged_into() -> None:
    into = replace(OVER, id="j", opened_at=at(-5))
    state = GroupState(name="g", incidents=(replace(OVER, merged_into="j"), into))
    after = record_action(state, HELPED).state.incidents
    assert [incident.healed_at for incident in after] == [None, at(22)]
