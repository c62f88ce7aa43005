"""Whether an action may be applied now: the guard rails, one after the other, and what they remember.

Time only moves forward here: where the clock says less than what is remembered, what is remembered counts. So a clock
that jumps back never gives more budget; at worst nothing is applied until it has caught up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.actions.plan import Plan
from core.actions.reason import Reason
from core.actions.traits import Traits, traits
from core.events import ActionRequest, Command, Mode, Stage, Verb, stamp
from core.settings.response import ActionName, Automation

HOUR = timedelta(hours=1)
KEEP = timedelta(days=1)
"""How long an application is remembered for people; for the guard rails, as long as they need it."""
LIMIT = 500
"""Applications remembered. Where all of them are still needed nothing is applied: a guard rail never forgets."""
EVERY = "*"
"""The name that stands for all actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An action took its place in the budget, to be applied."""

    request_id: str
    action: ActionName
    target: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What a person said last about an action, or about all of them.

    Attributes:
        action: its name, or `*`.
        halted: whether it must not be applied.
        by: who said so.
        at: when.
        note: why.
    """

    action: str
    halted: bool
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What the guard rails remember of all actions.

    Attributes:
        applications: oldest first.
        switches: at most one an action, and one for all.
    """

    applications: tuple[Application, ...] = ()
    switches: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the guard rails say.

    Attributes:
        stage: `APPROVED` when it may be applied, `PLANNED` where it is only wanted to be known, `AWAITING` or `REFUSED`.
        reason: why.
        detail: the numbers behind it, in one line.
    """

    stage: Stage
    reason: Reason
    detail: str = ""


def stopped(action: str, *, guards: Guards, automation: Automation) -> Verdict | None:
    """Why nothing of the kind may happen, whatever it is; None where no switch is thrown."""
    if not automation.enabled:
        return _refused(Reason.DISABLED, "automation.enabled is false")
    for switch in guards.switches:
        if switch.halted and switch.action in (EVERY, action):
            note = f": {switch.note}" if switch.note else ""
            detail = f"{switch.action} halted by {switch.by or 'somebody'} at {stamp(switch.at)}{note}"
            return _refused(Reason.HALTED, detail)
    return None


def permit(
    request: ActionRequest,
    plan: Plan,
    *,
    guards: Guards,
    automation: Automation,
    now: datetime,
    approved: bool = False,
) -> Verdict:
    """Whether the action may be applied now; the first guard rail that objects is the reason.

    A request that has its place in the budget keeps it: asked again, it is not counted against itself.

    Args:
        request: what is asked for; its action is one of `ActionName`.
        plan: what would change.
        guards: what is remembered.
        automation: the settings.
        now: the instant of asking.
        approved: whether a person has approved it.
    """
    if halt := stopped(request.action, guards=guards, automation=automation):
        return halt
    if not plan.steps:
        return _refused(Reason.NOTHING_TO_DO, plan.summary)
    if request.mode is Mode.DRY_RUN:
        return Verdict(stage=Stage.PLANNED, reason=Reason.DRY_RUN)
    if objection := _objection(request, plan, guards, automation, now):
        return objection
    if not approved and traits(ActionName(request.action), automation).approval:
        return Verdict(stage=Stage.AWAITING, reason=Reason.NEEDS_APPROVAL)
    return Verdict(stage=Stage.APPROVED, reason=Reason.PERSON_APPROVED if approved else Reason.WITHIN_LIMITS)


def taken(guards: Guards, request: ActionRequest, *, automation: Automation, now: datetime) -> Guards:
    """What to remember when the request is let pass: its place in the budget, once."""
    if _holds(guards, request):
        return guards
    at = _latest(guards, now)
    needed = tuple(_needed(guards, automation, at))
    recent = tuple(one for one in guards.applications if one in needed or at - one.at < KEEP)
    own = Application(request_id=request.id, action=ActionName(request.action), target=request.target, at=at)
    return replace(guards, applications=(*(recent if len(recent) < LIMIT else needed), own))


def switched(guards: Guards, command: Command) -> Guards:
    """What to remember after a person halted or resumed; what was said before the last word changes nothing.

    The switch of one action and that for all are apart: resuming all leaves halted what was halted by name. Of two
    words at one instant the halt counts.
    """
    halted = command.verb is Verb.HALT
    before = next((switch for switch in guards.switches if switch.action == command.subject), None)
    if before and (command.at, halted) <= (before.at, before.halted):
        return guards
    switch = Switch(action=command.subject, halted=halted, by=command.by, at=command.at, note=command.note)
    others = tuple(one for one in guards.switches if one.action != command.subject)
    return replace(guards, switches=tuple(sorted((*others, switch), key=lambda one: one.action)))


def _refused(reason: Reason, detail: str) -> Verdict:
    return Verdict(stage=Stage.REFUSED, reason=reason, detail=detail)


def _holds(guards: Guards, request: ActionRequest) -> bool:
    return any(one.request_id == request.id for one in guards.applications)


def _latest(guards: Guards, now: datetime) -> datetime:
    return max([now, *(one.at for one in guards.applications)])


def _needed(guards: Guards, automation: Automation, now: datetime) -> Iterator[Application]:
    """The applications that a guard rail may still object with."""
    for one in guards.applications:
        if now - one.at < max(HOUR, traits(one.action, automation).cooldown):
            yield one


def _objection(
    request: ActionRequest, plan: Plan, guards: Guards, automation: Automation, now: datetime
) -> Verdict | None:
    """What blast radius, cooldown and budgets object."""
    rails = traits(ActionName(request.action), automation)
    if plan.touched > rails.blast_radius:
        return _refused(Reason.BLAST_RADIUS, f"would touch {plan.touched}, at most {rails.blast_radius}")
    if _holds(guards, request):
        return None
    return _spent(request, guards, rails, automation, _latest(guards, now))


def _spent(
    request: ActionRequest, guards: Guards, rails: Traits, automation: Automation, at: datetime
) -> Verdict | None:
    """What cooldown and budgets object: an application counts until exactly its cooldown, or an hour, has passed."""
    same = [one for one in guards.applications if one.action == request.action]
    on_target = [one.at for one in same if one.target == request.target]
    if on_target and at - max(on_target) < rails.cooldown:
        return _refused(Reason.COOLDOWN, f"until {stamp(max(on_target) + rails.cooldown)}")
    if (count := _within_hour(same, at)) >= rails.per_hour:
        return _refused(Reason.ACTION_BUDGET, f"{count} {request.action} within an hour, at most {rails.per_hour}")
    if (count := _within_hour(guards.applications, at)) >= automation.per_hour:
        return _refused(Reason.TOTAL_BUDGET, f"{count} actions within an hour, at most {automation.per_hour}")
    if sum(1 for _ in _needed(guards, automation, at)) >= LIMIT:
        return _refused(Reason.TOTAL_BUDGET, f"{LIMIT} recent actions are remembered, and no more can be")
    return None


def _within_hour(applications: list[Application] | tuple[Application, ...], now: datetime) -> int:
    return sum(1 for one in applications if now - one.at < HOUR)
