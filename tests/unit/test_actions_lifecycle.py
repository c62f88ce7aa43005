"""The life of a request: every path ends, every step is counted, and no step leads where none may."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actions import lifecycle
from core.actions.guards import GuardVerdict, traits
from core.actions.lifecycle import LONGEST, NEXT, PATIENCE, ActionRun
from core.actions.plan import ActionReason, Health, Plan, Step, Verification
from core.events import ActionDecision, ActionRequest, Command, Mode, Severity, Stage, Verb
from core.settings.response import ActionName, Automation

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
AUTOMATION = Automation()
PLAN = Plan(summary="a new revision", steps=(Step(what="revision", before="7", after="8"),), touched=1)
REQUEST = ActionRequest(
    incident_id="i",
    sequence=3,
    action="restart_service",
    target="service/a",
    requested_at=NOON,
    mode=Mode.ACT,
    playbook="p",
    reason="r",
    severity=Severity.WARNING,
)
PASSED = GuardVerdict(stage=Stage.APPROVED, reason=ActionReason.WITHIN_LIMITS)
ASKED = GuardVerdict(stage=Stage.AWAITING, reason=ActionReason.NEEDS_APPROVAL)
REFUSED = GuardVerdict(stage=Stage.REFUSED, reason=ActionReason.COOLDOWN, detail="until noon")
DRY = GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.DRY_RUN)
APPROVE = Command(verb=Verb.APPROVE, subject=REQUEST.id, by="anna", at=NOON)
REJECT = Command(verb=Verb.REJECT, subject=REQUEST.id, by="anna", at=NOON, note="not now")
ENDS = {Stage.REFUSED, Stage.REJECTED, Stage.EXPIRED, Stage.VERIFIED, Stage.UNDONE, Stage.FAILED}


def case(
    verdict: GuardVerdict = PASSED, request: ActionRequest = REQUEST, severity: Severity | None = None
) -> ActionRun:
    return lifecycle.planned(request, PLAN, verdict, automation=AUTOMATION, now=NOON, severity=severity)


def in_place(request: ActionRequest = REQUEST, severity: Severity | None = None) -> ActionRun:
    return lifecycle.applied(case(request=request, severity=severity), "operation 1", now=NOON)


def look(
    held: ActionRun, health: Health, *, severity: Severity | None = None, minute: float = 2, at: datetime | None = None
) -> ActionRun:
    verification = Verification(health=health, detail=f"it is {health}")
    now = at or NOON + timedelta(minutes=minute)
    return lifecycle.looked(held, verification, severity=severity, automation=AUTOMATION, now=now)


def told(held: ActionRun) -> list[tuple[Stage, ActionReason, str]]:
    return [(one.stage, one.reason, one.detail) for one in held.pending]  # type: ignore[misc]  # reasons are texts there


def test_what_may_pass_at_once_is_planned_and_approved() -> None:
    held = case(severity=Severity.ERROR)
    assert told(held) == [(Stage.PLANNED, ActionReason.ASKED, ""), (Stage.APPROVED, ActionReason.WITHIN_LIMITS, "")]
    assert (held.sequence, held.severity, held.waiting, held.over) == (2, Severity.ERROR, True, False)
    first = held.pending[0]
    assert (first.request_id, first.incident_id, first.sequence, first.at) == (REQUEST.id, "i", 1, NOON)
    assert (first.action, first.target, first.mode, first.plan) == (
        "restart_service",
        "service/a",
        Mode.ACT,
        PLAN.summary,
    )


def test_a_dry_run_ends_with_its_plan() -> None:
    held = case(DRY, replace(REQUEST, mode=Mode.DRY_RUN))
    assert told(held) == [(Stage.PLANNED, ActionReason.DRY_RUN, "")]
    assert held.over
    assert held.waiting
    assert not lifecycle.published(held, {held.pending[0].id}).waiting


def test_what_is_refused_says_why_with_and_without_a_plan() -> None:
    assert told(case(REFUSED))[1] == (Stage.REFUSED, ActionReason.COOLDOWN, "until noon")
    held = lifecycle.impossible(REQUEST, replace(REFUSED, reason=ActionReason.NOT_POSSIBLE, detail="x" * 900), now=NOON)
    assert told(held) == [(Stage.REFUSED, ActionReason.NOT_POSSIBLE, "x" * LONGEST)]
    assert held.over
    assert held.pending[0].plan == ""


def test_an_approval_is_waited_for_until_its_very_instant() -> None:
    held = case(ASKED)
    end = NOON + AUTOMATION.approval_expires
    assert held.answer_by == end
    assert lifecycle.objection(held, APPROVE, now=end - INSTANT) is None
    assert lifecycle.objection(held, APPROVE, now=end) is ActionReason.NOBODY_ANSWERED
    assert lifecycle.expired(held, now=end - INSTANT) is held
    assert told(lifecycle.expired(held, now=end))[-1] == (Stage.EXPIRED, ActionReason.NOBODY_ANSWERED, "")
    assert lifecycle.expired(case(), now=end) == case()


@pytest.mark.parametrize("by", ["", "  "])
def test_an_approval_without_a_name_is_not_heard(by: str) -> None:
    for command in (APPROVE, REJECT):
        assert lifecycle.objection(case(ASKED), replace(command, by=by), now=NOON) is ActionReason.NO_NAME


def test_what_is_decided_is_not_decided_again() -> None:
    for held in (case(), case(REFUSED), in_place()):
        for command in (APPROVE, REJECT):
            assert lifecycle.objection(held, command, now=NOON) is ActionReason.ALREADY_DECIDED


def test_a_person_approves_rejects_or_is_refused_by_the_guard_rails() -> None:
    passed = GuardVerdict(stage=Stage.APPROVED, reason=ActionReason.PERSON_APPROVED)
    held = lifecycle.answered(case(ASKED), APPROVE, passed, now=NOON, severity=Severity.ERROR)
    assert (held.stage, held.reason, held.pending[-1].by, held.severity) == (
        Stage.APPROVED,
        ActionReason.PERSON_APPROVED,
        "anna",
        Severity.ERROR,
    )
    late = lifecycle.answered(case(ASKED), APPROVE, REFUSED, now=NOON)
    assert told(late)[-1] == (Stage.REFUSED, ActionReason.COOLDOWN, "until noon")
    no = lifecycle.answered(case(ASKED), REJECT, passed, now=NOON)
    assert told(no)[-1] == (Stage.REJECTED, ActionReason.PERSON_REJECTED, "not now")
    assert no.over


def test_it_is_looked_at_when_it_is_time() -> None:
    held = in_place()
    due = NOON + AUTOMATION.verify_after
    assert not lifecycle.is_due(held, automation=AUTOMATION, now=due - INSTANT)
    assert lifecycle.is_due(held, automation=AUTOMATION, now=due)
    assert not lifecycle.is_due(case(), automation=AUTOMATION, now=due)
    assert not lifecycle.is_due(look(held, Health.BAD), automation=AUTOMATION, now=due + MINUTE)


def test_what_works_is_verified() -> None:
    assert told(look(in_place(), Health.GOOD))[-1] == (Stage.VERIFIED, ActionReason.HEALTHY, "it is good")


@pytest.mark.parametrize(
    ("health", "severity", "reason", "detail"),
    [
        (Health.BAD, None, ActionReason.UNHEALTHY, "it is bad"),
        (Health.BAD, Severity.CRITICAL, ActionReason.UNHEALTHY, "it is bad"),
        (Health.GOOD, Severity.ERROR, ActionReason.WORSENED, "warning before, error now"),
        (Health.PENDING, Severity.CRITICAL, ActionReason.WORSENED, "warning before, critical now"),
    ],
)
def test_what_works_not_or_made_it_worse_is_undone_or_failed(
    health: Health, severity: Severity | None, reason: ActionReason, detail: str
) -> None:
    marked = look(in_place(), health, severity=severity)
    assert marked.undoing == lifecycle.Undoing(reason=reason, detail=detail, since=NOON + 2 * MINUTE)
    assert (marked.stage, marked.sequence) == (Stage.APPLIED, 3)
    back = lifecycle.undone(marked, "back at 7", now=NOON + 3 * MINUTE)
    assert told(back)[-1] == (Stage.UNDONE, reason, f"{detail}; back at 7")
    assert told(lifecycle.undone(marked, "", now=NOON))[-1] == (Stage.UNDONE, reason, detail)
    lasting = look(in_place(replace(REQUEST, action="flush_cache")), health, severity=severity)
    assert told(lasting)[-1] == (Stage.FAILED, reason, f"{detail}; it cannot be undone")


def test_what_is_not_better_leaves_nothing_to_undo_and_is_told_as_no_failure() -> None:
    run = in_place(replace(REQUEST, action="retrain_model"))
    found = Verification(health=Health.BAD, detail="not better: log loss higher", bad=ActionReason.NOT_BETTER)
    ended = lifecycle.looked(run, found, severity=Severity.ERROR, automation=AUTOMATION, now=NOON + 2 * MINUTE)
    assert told(ended)[-1] == (Stage.FAILED, ActionReason.NOT_BETTER, "not better: log loss higher")


@pytest.mark.parametrize("now", [None, Severity.INFO, Severity.WARNING, Severity.ERROR])
def test_worse_is_worse_than_when_it_was_applied(now: Severity | None) -> None:
    assert look(in_place(severity=Severity.ERROR), Health.GOOD, severity=now).stage is Stage.VERIFIED


def test_what_cannot_make_it_worse_is_not_blamed() -> None:
    request = replace(REQUEST, action="collect_diagnostics")
    assert look(in_place(request), Health.GOOD, severity=Severity.CRITICAL).stage is Stage.VERIFIED


def test_what_never_settles_fails_at_its_very_instant() -> None:
    held, end = in_place(), NOON + AUTOMATION.verify_after + PATIENCE
    assert look(held, Health.PENDING, at=end - INSTANT) is held
    assert told(look(held, Health.PENDING, at=end))[-1] == (Stage.FAILED, ActionReason.NEVER_SETTLED, "it is pending")


def test_applying_and_undoing_are_tried_for_so_long() -> None:
    held, marked = case(), look(in_place(), Health.BAD)
    for one, since in ((held, NOON), (marked, NOON + 2 * MINUTE)):
        assert not lifecycle.is_late(one, since + PATIENCE - INSTANT)
        assert lifecycle.is_late(one, since + PATIENCE)


def test_no_decision_is_older_than_the_one_before() -> None:
    early = NOON - timedelta(hours=2)
    held = lifecycle.applied(case(), "", now=early)
    assert held.at == NOON
    marked = look(held, Health.BAD, at=early)
    assert marked.undoing is not None
    assert marked.undoing.since == NOON


def test_nothing_leads_where_it_may_not() -> None:
    with pytest.raises(ValueError, match=r"stage: after refused must come one of \[\], got applied"):
        lifecycle.applied(case(REFUSED), "", now=NOON)
    with pytest.raises(ValueError, match=r"stage: after awaiting_approval must come one of .*, got applied"):
        lifecycle.applied(case(ASKED), "", now=NOON)
    with pytest.raises(ValueError, match=r"undoing: i:3:restart_service:service/a must be about to be undone"):
        lifecycle.undone(in_place(), "", now=NOON)


def test_every_stage_is_an_end_or_leads_on() -> None:
    assert set(Stage) - set(NEXT) == ENDS
    reachable = {Stage.PLANNED} | set().union(*NEXT.values())
    assert reachable == set(Stage)


WORDS = st.sampled_from(
    ["approve", "refused approval", "reject", "expire", "apply", "fail", "good", "bad", "pending", "publish"]
)


@given(
    st.sampled_from([PASSED, ASKED, REFUSED, DRY]),
    st.sampled_from(ActionName),
    st.lists(st.tuples(WORDS, st.integers(-10, 30), st.none() | st.sampled_from(Severity)), max_size=30),
)
def test_every_path_ends_and_its_steps_are_counted_without_gaps(
    verdict: GuardVerdict, action: ActionName, steps: list[tuple[str, int, Severity | None]]
) -> None:
    mode = Mode.DRY_RUN if verdict is DRY else Mode.ACT
    held, now, kept = case(verdict, replace(REQUEST, action=action, mode=mode)), NOON, list[ActionDecision]()
    endless = [("pending", 11, None)] * 12  # as ticks go on for ever
    for word, minutes, severity in [*steps, *endless]:
        now += minutes * MINUTE
        after = driven(held, word, severity, now)
        assert held.pending == after.pending[: len(held.pending)] or word == "publish"
        if word == "publish":
            kept += held.pending
        assert held.at <= after.at
        held = after
    kept += held.pending
    assert held.over
    assert [one.sequence for one in kept] == list(range(1, held.sequence + 1))
    stages = [one.stage for one in kept]
    assert all(after in NEXT[before] for before, after in pairwise(stages))
    assert stages[-1] in ENDS or mode is Mode.DRY_RUN
    assert stages.count(Stage.APPLIED) <= 1
    assert (Stage.UNDONE in stages) <= traits(action, AUTOMATION).undo


def driven(held: ActionRun, word: str, severity: Severity | None, now: datetime) -> ActionRun:
    """The case after a word, or after what a tick does; as it is where the word does not apply."""
    if word == "publish":
        return lifecycle.published(held, {one.id for one in held.pending})
    if held.stage is Stage.AWAITING:
        return answer(held, word, now)
    if held.stage is Stage.APPROVED or (held.stage is Stage.APPLIED and held.undoing):
        return tried(held, word, now)
    if lifecycle.is_due(held, automation=AUTOMATION, now=now):
        return look(held, Health(word) if word in tuple(Health) else Health.PENDING, severity=severity, at=now)
    return held


def tried(held: ActionRun, word: str, now: datetime) -> ActionRun:
    """What came of applying or undoing it: the time was over, it was refused, done, or there was no answer."""
    if lifecycle.is_late(held, now) or word == "fail":
        return lifecycle.failed(held, ActionReason.OUTSIDE_REFUSED, "", now=now)
    if word == "apply":
        return lifecycle.undone(held, "back", now=now) if held.undoing else lifecycle.applied(held, "done", now=now)
    return held


def answer(held: ActionRun, word: str, now: datetime) -> ActionRun:
    command = {"approve": APPROVE, "refused approval": APPROVE, "reject": REJECT}.get(word)
    if command is None or lifecycle.objection(held, command, now=now):
        return lifecycle.expired(held, now=now)
    return lifecycle.answered(held, command, PASSED if word == "approve" else REFUSED, now=now)
