"""The guard rails: what objects first, to the instant, and whatever the clock does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actions import guards as module
from core.actions.guards import (
    EVERY,
    LIMIT,
    TRAITS,
    Application,
    Guards,
    GuardVerdict,
    Switch,
    permit,
    rivals,
    stopped,
    switched,
    taken,
    traits,
)
from core.actions.plan import ActionReason, Plan, Step
from core.events import ActionRequest, Command, Mode, Severity, Stage, Verb, stamp
from core.settings.response import ActionName, Automation, Limits

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR, MINUTE, INSTANT = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
STEP = Step(what="revision", before="7", after="8")
PLAN = Plan(summary="a new revision", steps=(STEP,), touched=1)
FREE = Limits(cooldown=timedelta(0), per_hour=10**6, approval=False, blast_radius=10**6)
ANY = st.sampled_from(ActionName)


def asked(
    number: int = 0, action: str = "restart_service", target: str = "service/a", mode: Mode = Mode.ACT
) -> ActionRequest:
    return ActionRequest(
        incident_id="i",
        sequence=number,
        action=action,
        target=target,
        requested_at=NOON,
        mode=mode,
        playbook="p",
        reason="r",
        severity=Severity.ERROR,
    )


def settings(per_hour: int = 10**6, **limits: Limits) -> Automation:
    return Automation(per_hour=per_hour, limits={name: limits.get(name, FREE) for name in ActionName})


def done(minute: float, number: int = 100, action: str = "restart_service", target: str = "service/a") -> Application:
    at = NOON + timedelta(minutes=minute)
    return Application(request_id=asked(number, action, target).id, action=ActionName(action), target=target, at=at)


def said(verb: Verb, subject: str, minute: float = 0, by: str = "anna", note: str = "", *, lifts: float = 0) -> Command:
    halt = f"halt:{subject}:{stamp(NOON + timedelta(minutes=lifts))}" if verb is Verb.RESUME else ""
    return Command(verb=verb, subject=subject, by=by, at=NOON + timedelta(minutes=minute), note=note, lifts=halt)


def verdict(request: ActionRequest | None = None, plan: Plan = PLAN, **options: object) -> GuardVerdict:
    given = {"guards": Guards(), "automation": settings(), "now": NOON} | options
    return permit(request or asked(), plan, **given)  # type: ignore[arg-type]  # options of several types


HALTED = switched(Guards(), said(Verb.HALT, EVERY))
SPENT = Guards(applications=tuple(done(-5, number) for number in (100, 101, 102)))
TIGHT = settings(per_hour=1, restart_service=Limits(cooldown=HOUR, per_hour=1, approval=True, blast_radius=0))


def test_the_guard_rails_object_in_their_order() -> None:
    """Everything objects at first; what objects is taken away, one after the other."""
    nothing, broken = Plan(summary="nothing to do"), replace(TIGHT, enabled=False)
    dry, wide = asked(mode=Mode.DRY_RUN), replace(PLAN, touched=2)
    roomy = settings(per_hour=1, restart_service=Limits(cooldown=HOUR, per_hour=1, approval=True, blast_radius=2))
    cool = settings(per_hour=1, restart_service=Limits(cooldown=MINUTE, per_hour=1, approval=True))
    often = settings(per_hour=1, restart_service=Limits(cooldown=MINUTE, per_hour=9, approval=True))
    every = settings(restart_service=Limits(cooldown=MINUTE, per_hour=9, approval=True))
    held = {"guards": replace(SPENT, switches=HALTED.switches)}
    spent = {"guards": SPENT}
    order = [
        verdict(dry, nothing, automation=broken, **held),
        verdict(dry, nothing, automation=TIGHT, **held),
        verdict(dry, nothing, automation=TIGHT, **spent),
        verdict(dry, wide, automation=TIGHT, **spent),
        verdict(asked(), wide, automation=TIGHT, **spent),
        verdict(asked(), wide, automation=roomy, **spent),
        verdict(asked(), PLAN, automation=cool, **spent),
        verdict(asked(), PLAN, automation=often, **spent),
        verdict(asked(), PLAN, automation=every, **spent),
        verdict(asked(), PLAN, automation=every, approved=True, **spent),
        verdict(asked(), PLAN, automation=settings(), **spent),
    ]
    assert [one.reason for one in order] == [
        ActionReason.DISABLED,
        ActionReason.HALTED,
        ActionReason.NOTHING_TO_DO,
        ActionReason.DRY_RUN,
        ActionReason.BLAST_RADIUS,
        ActionReason.COOLDOWN,
        ActionReason.ACTION_BUDGET,
        ActionReason.TOTAL_BUDGET,
        ActionReason.NEEDS_APPROVAL,
        ActionReason.PERSON_APPROVED,
        ActionReason.WITHIN_LIMITS,
    ]
    assert [one.stage for one in order if one.stage is not Stage.REFUSED] == [
        Stage.PLANNED,
        Stage.AWAITING,
        Stage.APPROVED,
        Stage.APPROVED,
    ]


def test_a_refusal_says_the_numbers_behind_it() -> None:
    assert verdict(plan=replace(PLAN, touched=3), automation=TIGHT).detail == "would touch 3, at most 0"
    assert verdict(plan=Plan(summary="it runs already")).detail == "it runs already"
    cool = settings(restart_service=Limits(cooldown=HOUR))
    assert verdict(guards=SPENT, automation=cool).detail == "until 2026-01-02T12:55:00Z"
    often = settings(restart_service=Limits(cooldown=MINUTE, per_hour=2))
    assert verdict(guards=SPENT, automation=often).detail == "3 restart_service within an hour, at most 2"
    every = settings(per_hour=3)
    assert verdict(guards=SPENT, automation=every).detail == "3 actions within an hour, at most 3"
    assert verdict(automation=Automation(enabled=False)).detail == "automation.enabled is false"
    halt = switched(Guards(), said(Verb.HALT, "restart_service", note="we deploy"))
    assert verdict(guards=halt).detail == "restart_service halted by anna at 2026-01-02T12:00:00Z: we deploy"
    anonymous = switched(Guards(), said(Verb.HALT, EVERY, by=""))
    assert verdict(guards=anonymous).detail == "all actions halted by somebody at 2026-01-02T12:00:00Z"


REQUESTS = st.builds(lambda action, mode: asked(action=action, mode=mode), ANY, st.sampled_from(Mode))


@given(REQUESTS, st.integers(0, 10**6), st.integers(-(10**6), 10**6), st.data())
def test_a_thrown_switch_always_wins(request: ActionRequest, touched: int, minute: int, data: st.DataObject) -> None:
    guards = switched(SPENT, said(Verb.HALT, data.draw(st.sampled_from([EVERY, request.action]))))
    plan, now, approved = replace(PLAN, touched=touched), NOON + minute * MINUTE, data.draw(st.booleans())
    for automation in (settings(), TIGHT, Automation()):
        found = permit(request, plan, guards=guards, automation=automation, now=now, approved=approved)
        assert (found.stage, found.reason) == (Stage.REFUSED, ActionReason.HALTED)
        assert found == stopped(request.action, guards=guards, automation=automation)
        off = replace(automation, enabled=False)
        assert permit(request, plan, guards=guards, automation=off, now=now).reason is ActionReason.DISABLED


def test_a_switch_of_one_action_leaves_the_others_alone() -> None:
    guards = switched(Guards(), said(Verb.HALT, "scale_out"))
    assert verdict(asked(action="scale_out"), guards=guards).reason is ActionReason.HALTED
    assert verdict(asked(), guards=guards).stage is Stage.APPROVED
    assert stopped("restart_service", guards=guards, automation=Automation()) is None


def test_resuming_all_leaves_halted_what_was_halted_by_name() -> None:
    guards = switched(HALTED, said(Verb.HALT, "scale_out"))
    guards = switched(guards, said(Verb.RESUME, EVERY, 1))
    assert verdict(asked(), guards=guards).stage is Stage.APPROVED
    assert verdict(asked(action="scale_out"), guards=guards).reason is ActionReason.HALTED


HALTS = [said(Verb.HALT, EVERY, minute) for minute in (0, 5)]
RESUMES = [said(Verb.RESUME, EVERY, minute, lifts=lifts) for minute, lifts in ((1, 0), (600_000, 0), (9, 7), (6, 5))]


@given(st.lists(st.sampled_from([*HALTS, *RESUMES[:3]]), max_size=12))
def test_no_resume_but_the_one_that_names_it_lifts_a_halt(words: list[Command]) -> None:
    """Whatever came before, how often it comes, and what instants say: one dated a year ahead too."""
    guards = Guards()
    for word in [*words, HALTS[1], *words]:
        guards = switched(guards, word)
        assert switched(guards, word) == guards
    assert [(switch.halted, switch.at) for switch in guards.switches] == [(True, HALTS[1].at)]
    assert stopped("restart_service", guards=switched(guards, RESUMES[3]), automation=Automation()) is None


def test_a_halt_that_was_lifted_does_not_hold_again_when_it_is_delivered_again() -> None:
    guards = switched(switched(Guards(), HALTS[0]), RESUMES[0])
    assert switched(guards, HALTS[0]) is guards
    assert stopped("restart_service", guards=switched(guards, HALTS[1]), automation=Automation()) is not None


def test_a_switch_that_was_kept_before_halts_had_an_id_can_be_lifted() -> None:
    kept = Guards(switches=(Switch(action=EVERY, halted=True, by="anna", at=NOON),))
    assert stopped("restart_service", guards=switched(kept, RESUMES[0]), automation=Automation()) is None


@pytest.mark.parametrize(
    ("automation", "last"),
    [
        (settings(restart_service=replace(FREE, cooldown=HOUR)), ActionReason.COOLDOWN),
        (settings(restart_service=replace(FREE, per_hour=1)), ActionReason.ACTION_BUDGET),
        (settings(per_hour=1), ActionReason.TOTAL_BUDGET),
    ],
)
def test_cooldown_and_budgets_end_at_their_very_instant(automation: Automation, last: ActionReason) -> None:
    guards = Guards(applications=(done(0),))
    for moment in (NOON, NOON + HOUR - INSTANT):
        assert verdict(guards=guards, automation=automation, now=moment).reason is last
    assert verdict(guards=guards, automation=automation, now=NOON + HOUR).stage is Stage.APPROVED


def test_a_cooldown_is_of_one_action_on_one_target() -> None:
    automation = settings(restart_service=replace(FREE, cooldown=HOUR), scale_out=replace(FREE, cooldown=HOUR))
    guards = Guards(applications=(done(0),))
    assert verdict(asked(), guards=guards, automation=automation).reason is ActionReason.COOLDOWN
    for other in (asked(target="service/b"), asked(action="scale_out")):
        assert verdict(other, guards=guards, automation=automation).stage is Stage.APPROVED


def test_a_request_keeps_its_place_and_is_not_counted_against_itself() -> None:
    request = asked()
    guards = taken(Guards(), request, automation=Automation(), now=NOON)
    strict = settings(per_hour=0, restart_service=Limits(cooldown=HOUR, per_hour=0, approval=False))
    assert verdict(request, guards=guards, automation=strict).stage is Stage.APPROVED
    assert verdict(asked(1), guards=guards, automation=strict).stage is Stage.REFUSED
    assert taken(guards, request, automation=strict, now=NOON + HOUR) is guards
    careful = settings(restart_service=Limits(approval=True))
    assert verdict(request, guards=guards, automation=careful).stage is Stage.AWAITING


ARRIVALS = st.lists(
    st.tuples(st.sampled_from(["restart_service", "scale_out"]), st.sampled_from("ab"), st.integers(-90, 240)),
    max_size=40,
)


@given(ARRIVALS, st.integers(0, 4), st.integers(0, 6), st.integers(0, 200))
def test_no_hour_ever_holds_more_than_its_budget_and_no_cooldown_is_cut_short(
    arrivals: list[tuple[str, str, int]], per_action: int, per_hour: int, cooldown: int
) -> None:
    limits = Limits(cooldown=cooldown * MINUTE, per_hour=per_action, approval=False)
    automation = settings(per_hour=per_hour, restart_service=limits, scale_out=limits)
    guards, applied = Guards(), list[Application]()
    for number, (action, target, minute) in enumerate(arrivals):
        request, now = asked(number, action, target), NOON + minute * MINUTE
        if permit(request, PLAN, guards=guards, automation=automation, now=now).stage is Stage.APPROVED:
            guards = taken(guards, request, automation=automation, now=now)
            applied.append(guards.applications[-1])
    assert [one.at for one in applied] == sorted(one.at for one in applied)
    for start in applied:
        within = [one for one in applied if start.at <= one.at < start.at + HOUR]
        assert len(within) <= per_hour
        assert sum(one.action == start.action for one in within) <= per_action
        again = [one for one in applied if (one.action, one.target) == (start.action, start.target)]
        assert all(abs(one.at - start.at) >= cooldown * MINUTE for one in again if one is not start)


@given(ARRIVALS, st.integers(-300, 300), st.integers(0, 600), st.integers(0, 4), st.integers(0, 200))
def test_setting_the_clock_back_never_gives_more(
    arrivals: list[tuple[str, str, int]], minute: int, back: int, per_hour: int, cooldown: int
) -> None:
    limits = Limits(cooldown=cooldown * MINUTE, per_hour=per_hour, approval=False)
    automation = settings(per_hour=2 * per_hour, restart_service=limits, scale_out=limits)
    guards = Guards(applications=tuple(done(at, n, action, target) for n, (action, target, at) in enumerate(arrivals)))
    now = NOON + minute * MINUTE
    for action in ("restart_service", "scale_out"):
        request = asked(1000, action, "a")
        then = permit(request, PLAN, guards=guards, automation=automation, now=now)
        earlier = permit(request, PLAN, guards=guards, automation=automation, now=now - back * MINUTE)
        assert not (then.stage is Stage.REFUSED and earlier.stage is Stage.APPROVED)


def test_what_is_remembered_is_of_a_day_or_as_long_as_a_cooldown_needs_it() -> None:
    days = timedelta(days=3)
    automation = settings(retrain_model=replace(FREE, cooldown=days))
    old = (done(-60 * 72 + 1, 1, "retrain_model"), done(-60 * 24, 2), done(-60 * 24 + 1, 3), done(-5, 4))
    guards = taken(Guards(applications=old), asked(), automation=automation, now=NOON)
    assert [one.request_id[2] for one in guards.applications] == ["1", "3", "4", "0"]
    later = taken(guards, asked(9), automation=automation, now=NOON + MINUTE)
    assert [one.request_id[2] for one in later.applications] == ["4", "0", "9"]


def test_no_more_is_remembered_than_fits_and_what_is_needed_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 3)
    automation = settings()
    aged = Guards(applications=(done(-300, 1), done(-200, 2), done(-10, 3)))
    guards = taken(aged, asked(4), automation=automation, now=NOON)
    assert [one.request_id[2] for one in guards.applications] == ["3", "4"]
    guards = taken(guards, asked(5), automation=automation, now=NOON)
    full = verdict(asked(6), guards=guards, automation=automation)
    assert (full.reason, full.detail) == (
        ActionReason.TOTAL_BUDGET,
        "3 recent actions are remembered, and no more can be",
    )
    assert verdict(asked(6), guards=guards, automation=automation, now=NOON + HOUR).stage is Stage.APPROVED


def test_the_memory_of_the_guard_rails_fits_into_a_document() -> None:
    assert LIMIT * (700 + 300 + 200) < 1_000_000


def test_every_action_has_its_traits_and_the_settings_change_the_rails_only() -> None:
    assert set(TRAITS) == set(ActionName)
    assert TRAITS[ActionName.RETRAIN_MODEL].cooldown == 6 * HOUR
    assert {name for name, own in TRAITS.items() if own.approval} == {
        ActionName.REVOKE_ACCESS,
        ActionName.CANCEL_PIPELINE,
        ActionName.ROLLBACK_MODEL,
        ActionName.FLUSH_CACHE,
        ActionName.SCALE_IN,
    }
    for name, own in TRAITS.items():
        assert own.destructive is own.approval
        assert traits(name, Automation()) == own
        assert own.per_hour <= Automation().per_hour or not own.suspect
        changed = traits(name, settings())
        rails = (changed.cooldown, changed.per_hour, changed.approval, changed.blast_radius)
        assert rails == (FREE.cooldown, FREE.per_hour, FREE.approval, FREE.blast_radius)
        assert (changed.destructive, changed.undo, changed.suspect) == (own.destructive, own.undo, own.suspect)


X, Y = replace(PLAN, resource="//run/x"), replace(PLAN, resource="//run/y")


def test_the_cooldown_goes_by_the_resource_whatever_target_stands_for_it() -> None:
    guards = taken(Guards(), asked(1), resource=X.resource, automation=settings(), now=NOON)
    cool = settings(restart_service=replace(FREE, cooldown=HOUR))
    probe = asked(2, target="probe/a")
    assert verdict(probe, X, guards=guards, automation=cool).reason is ActionReason.COOLDOWN
    assert verdict(probe, Y, guards=guards, automation=cool).stage is Stage.APPROVED
    assert verdict(asked(3), Y, guards=guards, automation=cool).stage is Stage.APPROVED, "the same target means another"


def test_what_was_recorded_without_its_resource_counts_for_its_target() -> None:
    cool = settings(restart_service=replace(FREE, cooldown=HOUR))
    assert verdict(asked(2), X, guards=SPENT, automation=cool).reason is ActionReason.COOLDOWN
    assert verdict(asked(2, target="probe/a"), X, guards=SPENT, automation=cool).stage is Stage.APPROVED


def test_an_action_on_a_resource_that_another_one_changes_waits_for_its_turn() -> None:
    waits = verdict(plan=X, holder="r")
    assert (waits.stage, waits.reason, waits.detail) == (
        Stage.PLANNED,
        ActionReason.RESOURCE_BUSY,
        "begins when r has settled",
    )
    assert verdict(plan=X, holder="r", approved=True).stage is Stage.PLANNED
    careful = settings(restart_service=replace(FREE, approval=True))
    assert verdict(plan=X, holder="r", automation=careful).stage is Stage.AWAITING, "an approval takes its time"


def test_rivals_are_the_others_on_the_same_resource() -> None:
    guards = taken(Guards(), asked(1), resource="//run/x", automation=settings(), now=NOON)
    guards = taken(guards, asked(2, "scale_out"), resource="//run/x", automation=settings(), now=NOON)
    guards = taken(guards, asked(3), resource="//run/y", automation=settings(), now=NOON)
    guards = taken(guards, asked(4, "collect_diagnostics"), automation=settings(), now=NOON)
    assert [one.request_id for one in rivals(guards, asked(9), "//run/x")] == [asked(2, "scale_out").id, asked(1).id]
    assert [one.request_id for one in rivals(guards, asked(1), "//run/x")] == [asked(2, "scale_out").id]
    assert rivals(guards, asked(9), "") == ()


def test_reading_uses_up_nothing_of_the_budget_of_acts_and_has_its_own() -> None:
    one = settings(per_hour=1, collect_diagnostics=replace(FREE, per_hour=2))
    read = Guards(applications=(done(-1, 1, "collect_diagnostics"), done(-1, 2, "collect_diagnostics", "service/b")))
    assert verdict(guards=read, automation=one).stage is Stage.APPROVED
    look = asked(5, "collect_diagnostics", "service/c")
    assert verdict(look, guards=read, automation=one).reason is ActionReason.ACTION_BUDGET
    spent = Guards(applications=(done(-1),))
    assert verdict(guards=spent, automation=one).reason is ActionReason.TOTAL_BUDGET
    assert verdict(look, guards=spent, automation=one).stage is Stage.APPROVED
