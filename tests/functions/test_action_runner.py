"""What the action runner does with requests, commands and ticks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.actions.plan import ActionReason, Plan
from core.errors import ActionError, UnavailableError
from core.events import Mode, Stage, Verb
from core.settings.response import ActionName, Automation, Limits
from tests.support.fakes.automation import (
    INCIDENT,
    PLAN,
    REQUEST,
    RISKY,
    START,
    Setup,
    commanded,
    last_decision,
    set_up,
)

DOWN = UnavailableError("run.googleapis.com: does not answer")
NO = ActionError("service checkout: refused: somebody changed it")
LATER = {"minutes": 2}


@pytest.fixture
def setup() -> Setup:
    return set_up()


def test_an_action_is_applied_and_verified_and_every_step_is_told(setup: Setup) -> None:
    setup.give(REQUEST)
    assert setup.action.changed == [REQUEST.id]
    assert last_decision(setup) == (Stage.APPLIED, ActionReason.DONE, "operation 1")
    setup.tick(minutes=1, seconds=59)
    assert setup.case().stage is Stage.APPLIED
    setup.tick(seconds=1)
    assert setup.stages() == ["planned", "approved", "applied", "verified"]
    assert last_decision(setup) == (Stage.VERIFIED, ActionReason.HEALTHY, "it is good")
    first = setup.world.published[0]
    assert (first.incident_id, first.plan, first.at) == (INCIDENT, PLAN.summary, START)
    counts = setup.world.counts
    assert {key[2]: times for key, times in counts.items() if key[0] == "aia_actions_total"} == {
        "planned": 1,
        "approved": 1,
        "applied": 1,
        "verified": 1,
    }


def test_the_same_request_again_does_nothing_new(setup: Setup) -> None:
    for _ in range(3):
        setup.give(REQUEST)
    setup.tick(**LATER)
    setup.give(REQUEST)
    setup.tick(**LATER)
    assert setup.action.calls == [REQUEST.id]
    assert len(setup.world.published) == 4
    assert len(setup.guards().applications) == 1


def test_a_dry_run_tells_what_would_change_and_changes_nothing(setup: Setup) -> None:
    setup.give(replace(REQUEST, mode=Mode.DRY_RUN))
    assert setup.action.calls == []
    assert last_decision(setup) == (Stage.PLANNED, ActionReason.DRY_RUN, "")
    assert setup.world.published[0].plan == PLAN.summary
    assert setup.guards().applications == ()


@pytest.mark.parametrize("name", ["reboot_universe", "", "restart_service "])
def test_an_unknown_action_is_refused_and_told(setup: Setup, name: str) -> None:
    request = replace(REQUEST, action=name)
    setup.give(request)
    stage, reason, detail = last_decision(setup, request)
    assert (stage, reason) == (Stage.REFUSED, ActionReason.UNKNOWN_ACTION)
    assert detail.startswith("action: must be one of restart_service, scale_out")
    assert setup.world.counts["aia_actions_total", "unknown", "refused"] == 1


def test_what_the_action_says_cannot_be_done_is_refused_with_its_words(setup: Setup) -> None:
    setup.action.planning = ActionError("model/nothing: must be a target of the settings")
    setup.give(REQUEST)
    assert last_decision(setup) == (
        Stage.REFUSED,
        ActionReason.NOT_POSSIBLE,
        "model/nothing: must be a target of the settings",
    )
    assert setup.action.calls == []


def test_while_the_outside_does_not_answer_nothing_is_decided_and_it_comes_again(setup: Setup) -> None:
    setup.action.planning = DOWN
    with pytest.raises(UnavailableError, match="does not answer"):
        setup.give(REQUEST)
    assert setup.cases() == []
    setup.action.planning = PLAN
    setup.give(REQUEST)
    assert setup.case().stage is Stage.APPLIED


@pytest.mark.parametrize(("rung", "refused"), [("1 of 2", True), ("2 of 2", False), ("", False)])
def test_what_cannot_be_planned_for_ten_minutes_makes_way_for_the_next_of_its_playbook(
    setup: Setup,
    rung: str,
    refused: bool,  # noqa: FBT001 - a parameter
) -> None:
    setup.action.planning = DOWN
    request = replace(REQUEST, rung=rung)
    setup.world.now = REQUEST.requested_at + timedelta(minutes=10) - timedelta(microseconds=1)
    with pytest.raises(UnavailableError, match="does not answer"):
        setup.give(request)
    setup.world.now += timedelta(microseconds=1)
    if refused:
        setup.give(request)
        detail = f"{DOWN}; asked since 2026-01-02T09:00:00Z"
        assert last_decision(setup) == (Stage.REFUSED, ActionReason.NOT_POSSIBLE, detail)
    else:
        with pytest.raises(UnavailableError, match="does not answer"):
            setup.give(request)
        assert setup.cases() == []


def test_nothing_to_do_and_too_much_to_do_are_refused(setup: Setup) -> None:
    setup.action.planning = Plan(summary="checkout runs 8 instances already")
    setup.give(REQUEST)
    assert last_decision(setup) == (Stage.REFUSED, ActionReason.NOTHING_TO_DO, "checkout runs 8 instances already")
    wide = replace(REQUEST, sequence=2)
    setup.action.planning = replace(PLAN, touched=2)
    setup.give(wide)
    assert last_decision(setup, wide) == (Stage.REFUSED, ActionReason.BLAST_RADIUS, "would touch 2, at most 1")


def test_the_same_on_the_same_target_waits_for_its_cooldown(setup: Setup) -> None:
    again, after = replace(REQUEST, sequence=2), replace(REQUEST, sequence=3)
    setup.give(REQUEST)
    setup.tick(**LATER)
    setup.world.now += timedelta(minutes=13) - timedelta(microseconds=1)
    setup.give(again)
    assert last_decision(setup, again) == (Stage.REFUSED, ActionReason.COOLDOWN, "until 2026-01-02T09:15:00Z")
    setup.world.now += timedelta(microseconds=1)
    setup.give(after)
    assert setup.case(after).stage is Stage.APPLIED


def test_a_clock_that_jumps_back_gives_no_more_budget() -> None:
    setup = set_up(automation=Automation(per_hour=2))
    requests = [replace(REQUEST, sequence=n, target=f"service/{n}") for n in range(4)]
    setup.give(*requests[:2])
    setup.world.now -= timedelta(hours=3)
    setup.give(requests[2])
    assert last_decision(setup, requests[2])[1] is ActionReason.TOTAL_BUDGET
    setup.world.now = START + timedelta(hours=1)
    setup.give(requests[3])
    assert setup.case(requests[3]).stage is Stage.APPLIED


def test_the_settings_switch_everything_off() -> None:
    setup = set_up(automation=Automation(enabled=False))
    setup.action.planning = DOWN
    setup.give(REQUEST)
    assert last_decision(setup) == (Stage.REFUSED, ActionReason.DISABLED, "automation.enabled is false")


@pytest.mark.parametrize("subject", ["restart_service", "*"])
def test_a_halt_is_kept_told_and_lifted(setup: Setup, subject: str) -> None:
    setup.give(commanded(Verb.HALT, subject, note="we deploy"))
    setup.action.planning = DOWN
    setup.give(REQUEST)
    assert last_decision(setup)[:2] == (Stage.REFUSED, ActionReason.HALTED)
    assert (
        last_decision(setup)[2]
        == f"{subject.replace('*', 'all actions')} halted by anna at 2026-01-02T09:00:00Z: we deploy"
    )
    setup.give(commanded(Verb.RESUME, subject, at=START + timedelta(minutes=1)))
    setup.give(commanded(Verb.HALT, subject))
    setup.action.planning = PLAN
    again = replace(REQUEST, sequence=2)
    setup.give(again)
    assert setup.case(again).stage is Stage.APPLIED


def test_words_about_incidents_are_for_others(setup: Setup) -> None:
    for verb in set(Verb) - {Verb.HALT, Verb.RESUME, Verb.APPROVE, Verb.REJECT}:
        setup.give(commanded(verb, INCIDENT))
    assert setup.world.documents == {}


def test_a_person_approves_and_it_is_applied_once(setup: Setup) -> None:
    setup.give(RISKY)
    assert last_decision(setup, RISKY)[:2] == (Stage.AWAITING, ActionReason.NEEDS_APPROVAL)
    setup.tick(minutes=1)
    assert setup.world.gauges["aia_actions_waiting",] == 1
    assert setup.action.calls == []
    for _ in range(2):
        setup.give(commanded(Verb.APPROVE, RISKY.id))
    assert setup.action.calls == [RISKY.id]
    assert setup.stages(RISKY) == ["planned", "awaiting_approval", "approved", "applied"]
    assert [one.by for one in setup.world.published] == ["", "", "anna", ""]
    setup.tick(**LATER)
    assert setup.world.gauges["aia_actions_waiting",] == 0


def test_a_person_rejects_and_a_later_approval_is_too_late(setup: Setup) -> None:
    setup.give(RISKY, commanded(Verb.REJECT, RISKY.id, note="not now"), commanded(Verb.APPROVE, RISKY.id, by="bob"))
    assert last_decision(setup, RISKY) == (Stage.REJECTED, ActionReason.PERSON_REJECTED, "not now")
    assert setup.world.published[-1].by == "anna"
    assert setup.action.calls == []


@pytest.mark.parametrize("by_tick", [True, False])
def test_an_approval_is_waited_for_until_its_very_instant(setup: Setup, by_tick: bool) -> None:  # noqa: FBT001 - a case
    setup.give(RISKY)
    setup.tick(minutes=30, microseconds=-1)
    assert setup.case(RISKY).stage is Stage.AWAITING
    setup.world.now += timedelta(microseconds=1)
    if by_tick:
        setup.tick()
    setup.give(commanded(Verb.APPROVE, RISKY.id))
    assert last_decision(setup, RISKY) == (Stage.EXPIRED, ActionReason.NOBODY_ANSWERED, "")
    assert setup.action.calls == []


@pytest.mark.parametrize("by", ["", " \t"])
def test_an_approval_of_nobody_is_not_heard(setup: Setup, by: str) -> None:
    setup.give(RISKY, commanded(Verb.APPROVE, RISKY.id, by=by), commanded(Verb.REJECT, RISKY.id, by=by))
    assert setup.case(RISKY).stage is Stage.AWAITING


def test_an_approval_of_what_nobody_asked_for_does_nothing(setup: Setup) -> None:
    setup.give(commanded(Verb.APPROVE, "i:1:restart_service:service/nothing"))
    assert setup.world.documents == {}


def test_the_guard_rails_are_asked_again_when_a_person_approves(setup: Setup) -> None:
    second = replace(RISKY, sequence=2)
    setup.give(RISKY, second)
    setup.give(commanded(Verb.APPROVE, RISKY.id), commanded(Verb.APPROVE, second.id))
    assert setup.case(RISKY).stage is Stage.APPLIED
    assert last_decision(setup, second)[:2] == (Stage.REFUSED, ActionReason.COOLDOWN)
    assert setup.world.published[-1].by == "anna"


@pytest.mark.parametrize("subject", ["rollback_model", "*"])
def test_whatever_waits_is_refused_at_its_approval_while_halted(setup: Setup, subject: str) -> None:
    setup.give(RISKY, commanded(Verb.HALT, subject), commanded(Verb.APPROVE, RISKY.id))
    assert last_decision(setup, RISKY)[:2] == (Stage.REFUSED, ActionReason.HALTED)
    assert setup.action.calls == []
    assert setup.guards().applications == ()


def test_settings_may_ask_for_approval_or_do_without() -> None:
    limits = {ActionName.RESTART_SERVICE: Limits(approval=True), ActionName.ROLLBACK_MODEL: Limits(approval=False)}
    setup = set_up(automation=Automation(limits=limits))
    setup.give(REQUEST, RISKY)
    assert setup.case().stage is Stage.AWAITING
    assert setup.case(RISKY).stage is Stage.APPLIED
