"""Two actions on one resource exclude each other: the second waits for its turn, whatever target stands for the resource."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.actions.guards import GuardVerdict
from core.actions.lifecycle import PATIENCE, turned
from core.actions.plan import ActionReason, Health, Plan
from core.errors import ActionError
from core.events import ActionRequest, Stage, Tick, Verb
from core.settings.response import ActionName, Automation, Limits
from functions.action_runner.runner import NAME
from functions.services.actions import ACTIONS, read_run
from tests.support.builders.budget import boundaries
from tests.support.fakes.automation import (
    PLAN,
    REQUEST,
    START,
    Objecting,
    Setup,
    assert_told_in_full,
    commanded,
    last_decision,
    set_up,
)

PROBE = replace(REQUEST, target="probe/checkout")
SCALE = replace(REQUEST, action="scale_out", target="probe/checkout")
RISKY = replace(REQUEST, action="flush_cache", target="probe/checkout")
SAME = {"service/checkout": "checkout", "probe/checkout": "checkout"}
TURN = PATIENCE + Automation().verify_after + Automation().helps_within


@pytest.fixture
def setup() -> Setup:
    setup = set_up()
    setup.action.resources = SAME
    return setup


def test_a_restart_through_another_target_of_the_same_service_is_no_second_one(setup: Setup) -> None:
    setup.give(REQUEST, PROBE)
    assert setup.action.changed == [REQUEST.id]
    assert last_decision(setup, PROBE)[:2] == (Stage.REFUSED, ActionReason.COOLDOWN)


def test_another_action_begins_when_the_first_has_settled(setup: Setup) -> None:
    setup.give(REQUEST, SCALE)
    detail = f"begins when {REQUEST.id} has settled"
    assert last_decision(setup, SCALE) == (Stage.PLANNED, ActionReason.RESOURCE_BUSY, detail)
    setup.tick(minutes=1)
    assert setup.action.changed == [REQUEST.id]
    setup.tick(minutes=1)
    setup.tick(minutes=1)
    assert setup.case().stage is Stage.VERIFIED
    assert setup.action.changed == [REQUEST.id, SCALE.id]
    assert setup.stages(SCALE) == ["planned", "approved", "applied"]


def test_the_one_that_waits_is_planned_again(setup: Setup) -> None:
    setup.give(REQUEST, SCALE)
    setup.action.planning = replace(PLAN, summary="as it is by then")
    setup.tick(minutes=2)
    setup.tick(minutes=1)
    assert setup.case(SCALE).plan.summary == "as it is by then"
    assert setup.case(SCALE).stage is Stage.APPLIED


@pytest.mark.parametrize(
    ("planning", "reason"),
    [
        (Plan(summary="nothing to do by then"), ActionReason.NOTHING_TO_DO),
        (ActionError("gone"), ActionReason.NOT_POSSIBLE),
    ],
)
def test_the_one_that_waits_may_have_nothing_to_do_by_then(
    setup: Setup, planning: Plan | Exception, reason: ActionReason
) -> None:
    setup.give(REQUEST, SCALE)
    setup.action.planning = planning
    setup.tick(minutes=2)
    setup.tick(minutes=1)
    assert last_decision(setup, SCALE)[:2] == (Stage.REFUSED, reason)
    assert setup.action.changed == [REQUEST.id]


def test_what_is_undone_has_settled_then(setup: Setup) -> None:
    setup.give(REQUEST, SCALE)
    setup.action.health = Health.BAD
    setup.tick(minutes=2)
    assert setup.case().stage is Stage.UNDONE
    setup.action.health = Health.GOOD
    setup.tick(minutes=1)
    assert setup.case(SCALE).stage is Stage.APPLIED


def test_one_after_the_other_gets_its_turn_and_what_gets_none_in_time_is_refused(setup: Setup) -> None:
    setup.give(REQUEST, SCALE)
    waiting = setup.case(SCALE)
    busy = GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.RESOURCE_BUSY)
    early = turned(waiting, PLAN, busy, automation=Automation(), now=START + TURN - timedelta(microseconds=1))
    assert early is waiting
    late = turned(waiting, PLAN, busy, automation=Automation(), now=START + TURN)
    assert (late.stage, late.reason) == (Stage.REFUSED, ActionReason.RESOURCE_BUSY)
    assert late.pending[-1].detail == "no turn within 42 min"


def test_what_waits_is_stopped_by_a_halt_and_by_the_end_of_the_incident(setup: Setup) -> None:
    setup.give(REQUEST, SCALE, commanded(Verb.HALT, "scale_out"))
    setup.tick(minutes=1)
    assert last_decision(setup, SCALE)[:2] == (Stage.REFUSED, ActionReason.HALTED)
    other = set_up()
    other.action.resources = SAME
    other.give(REQUEST, SCALE)
    over = GuardVerdict(stage=Stage.REFUSED, reason=ActionReason.INCIDENT_OVER)
    other.runner = replace(other.runner, requests=Objecting(over))
    other.tick(minutes=1)
    assert last_decision(other, SCALE)[:2] == (Stage.REFUSED, ActionReason.INCIDENT_OVER)


def test_what_a_person_approved_waits_for_its_turn_and_keeps_its_plan(setup: Setup) -> None:
    setup.give(RISKY, REQUEST)
    setup.give(commanded(Verb.APPROVE, RISKY.id))
    assert last_decision(setup, RISKY)[:2] == (Stage.PLANNED, ActionReason.RESOURCE_BUSY)
    setup.action.planning = replace(PLAN, summary="what nobody approved")
    setup.tick(minutes=2)
    setup.tick(minutes=1)
    case = setup.case(RISKY)
    assert (case.stage, case.plan.summary) == (Stage.APPLIED, PLAN.summary)
    approvals = [one.by for one in setup.world.published if one.request_id == RISKY.id]
    assert approvals == ["", "", "anna", "anna", ""]
    assert_told_in_full(setup)


def test_reading_waits_for_nobody_and_nobody_for_it(setup: Setup) -> None:
    look = replace(REQUEST, action="collect_diagnostics")
    setup.give(look, REQUEST, replace(look, target="probe/checkout"))
    assert len(setup.action.changed) == 3


def test_a_place_whose_run_was_never_saved_holds_for_half_an_hour(setup: Setup) -> None:
    """The process died between the two writes, and the request never came again."""
    setup.give(REQUEST)
    document = setup.store.get(ACTIONS, REQUEST.id)
    assert document is not None
    setup.store.delete(document, ACTIONS)
    setup.give(SCALE)
    setup.tick(minutes=29)
    assert setup.case(SCALE).stage is Stage.PLANNED
    setup.tick(minutes=1)
    assert setup.case(SCALE).stage is Stage.APPLIED


@pytest.mark.parametrize("health", [Health.GOOD, Health.BAD])
def test_killed_at_any_boundary_never_two_at_once(health: Health) -> None:
    whole = story(set_up(), health)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.world.kill_at = boundary
        story(setup, health)
        setup.world.kill_at, setup.world.dead = 0, False
        assert setup.action.changed == whole.action.changed
        assert [case.stage for case in setup.cases()] == [case.stage for case in whole.cases()]
        assert_told_in_full(setup)


def story(setup: Setup, health: Health) -> Setup:
    setup.action.resources, setup.action.health = SAME, health

    def alone(setup: Setup = setup) -> None:
        runs = [read_run(one.data) for (name, _), one in setup.world.documents.items() if name == ACTIONS]
        assert len([run for run in runs if run.stage in (Stage.APPROVED, Stage.APPLIED)]) == 1

    setup.action.before_apply = alone
    events: tuple[ActionRequest, ...] = (REQUEST, SCALE)
    for event in events:
        setup.redeliver(event)
    for _ in range(20):
        setup.world.now += timedelta(minutes=1)
        setup.acknowledged(Tick(job=NAME, scheduled_at=setup.world.now))
    return setup


def test_the_budget_of_acts_is_not_spent_by_reading() -> None:
    limits = {ActionName.COLLECT_DIAGNOSTICS: Limits(cooldown=timedelta(0))}
    setup = set_up(automation=Automation(per_hour=1, limits=limits))
    setup.give(*[replace(REQUEST, action="collect_diagnostics", sequence=n) for n in range(5)], REQUEST)
    assert setup.case().stage is Stage.APPLIED
