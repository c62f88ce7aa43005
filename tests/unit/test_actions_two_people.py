"""What takes two people whose identities are verified, and only one where nobody's is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.actions import lifecycle
from core.actions.guards import EVERY, Guards, GuardVerdict, switched
from core.actions.lifecycle import ActionRun
from core.actions.plan import ActionReason, Plan
from core.actions.two_people import WITHIN
from core.events import ActionRequest, Command, Mode, Severity, Stage, Verb
from core.settings.response import Automation

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
REQUEST = ActionRequest(
    incident_id="i",
    sequence=3,
    action="revoke_access",
    target="account/x",
    requested_at=NOON,
    mode=Mode.ACT,
    playbook="p",
    reason="r",
    severity=Severity.CRITICAL,
)
ASKED = GuardVerdict(stage=Stage.AWAITING, reason=ActionReason.NEEDS_APPROVAL)
PASSED = GuardVerdict(stage=Stage.APPROVED, reason=ActionReason.PERSON_APPROVED)


def said(verb: Verb, by: str, *, minute: int = 0, verified: bool = True, **more: str) -> Command:
    subject = more.pop("subject", EVERY if verb in {Verb.HALT, Verb.RESUME} else REQUEST.id)
    return Command(verb=verb, subject=subject, by=by, at=NOON + timedelta(minutes=minute), verified=verified, **more)


def awaiting(action: str = "revoke_access") -> ActionRun:
    asked = replace(REQUEST, action=action)
    return lifecycle.planned(asked, Plan(summary="x"), ASKED, automation=Automation(), now=NOON)


def answered(run: ActionRun, command: Command) -> ActionRun:
    assert lifecycle.objection(run, command, now=command.at) is None
    return lifecycle.answered(run, command, PASSED, now=command.at)


def test_access_is_revoked_when_a_second_person_has_approved_it_too() -> None:
    once = answered(awaiting(), said(Verb.APPROVE, "ada@example.com"))
    assert (once.stage, once.reason) == (Stage.AWAITING, ActionReason.NEEDS_SECOND_PERSON)
    assert once.answer_by == awaiting().answer_by
    assert (once.pending[-1].by, once.pending[-1].stage) == ("ada@example.com", Stage.AWAITING)
    for same in (said(Verb.APPROVE, " Ada@Example.com"), said(Verb.APPROVE, "grace", verified=False)):
        assert lifecycle.objection(once, same, now=NOON) is ActionReason.SAME_PERSON
    twice = answered(once, said(Verb.APPROVE, "grace@example.com"))
    assert (twice.stage, twice.pending[-1].by) == (Stage.APPROVED, "grace@example.com")


def test_one_person_rejects_also_after_another_has_approved() -> None:
    once = answered(awaiting(), said(Verb.APPROVE, "ada@example.com"))
    for by in ("ada@example.com", "grace@example.com"):
        assert answered(once, said(Verb.REJECT, by)).stage is Stage.REJECTED


def test_without_a_second_person_it_expires() -> None:
    once = answered(awaiting(), said(Verb.APPROVE, "ada@example.com"))
    assert once.answer_by is not None
    assert lifecycle.expired(once, now=once.answer_by).stage is Stage.EXPIRED


@pytest.mark.parametrize(("action", "verified"), [("revoke_access", False), ("restart_service", True)])
def test_one_person_approves_what_does_not_take_two_or_where_nobody_is_verified(action: str, *, verified: bool) -> None:
    run = awaiting(action)
    command = said(Verb.APPROVE, "ada", subject=run.request.id, verified=verified)
    assert answered(run, command).stage is Stage.APPROVED


def is_halted(guards: Guards, action: str = EVERY) -> bool:
    return any(one.halted for one in guards.switches if one.action == action)


HALTED = switched(Guards(), said(Verb.HALT, "ada@example.com"))
HALT_ID = HALTED.switches[0].halt_id


def resumed(guards: Guards, by: str, minute: int, *, verified: bool = True, lifts: str = HALT_ID) -> Guards:
    return switched(guards, said(Verb.RESUME, by, minute=minute, verified=verified, lifts=lifts))


def test_everything_is_resumed_by_two_people_within_an_hour() -> None:
    first = resumed(HALTED, "ada@example.com", 1)
    assert (is_halted(first), first.resuming and first.resuming.by) == (True, "ada@example.com")
    assert is_halted(resumed(first, "ADA@example.com", 2))
    second = resumed(first, "grace@example.com", 2)
    assert (is_halted(second), second.resuming) == (False, None)
    late = 2 + int(WITHIN / timedelta(minutes=1))
    again = resumed(first, "grace@example.com", late)
    assert (is_halted(again), again.resuming and again.resuming.by) == (True, "grace@example.com")


def test_one_person_resumes_one_action_or_where_nobody_is_verified() -> None:
    assert not is_halted(resumed(HALTED, "ada", 1, verified=False))
    one = switched(Guards(), said(Verb.HALT, "ada@example.com", subject="restart_service"))
    lifts = one.switches[0].halt_id
    told = said(Verb.RESUME, "ada@example.com", subject="restart_service", lifts=lifts)
    assert not is_halted(switched(one, told), "restart_service")


def test_a_newer_halt_takes_two_people_again() -> None:
    first = resumed(HALTED, "ada@example.com", 1)
    anew = switched(first, said(Verb.HALT, "bob@example.com", minute=2))
    assert anew.resuming is None
    assert is_halted(resumed(anew, "grace@example.com", 3, lifts=anew.switches[0].halt_id))


def test_delivered_twice_the_first_word_is_no_second_one() -> None:
    first = resumed(HALTED, "ada@example.com", 1)
    assert resumed(first, "ada@example.com", 1) == first
