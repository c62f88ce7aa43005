"""Guard rails: the limits of each action, and whether it may be applied now.

An action needs approval if it removes something that it cannot restore, or if it changes which answers users get
because of an uncertain signal: a revoked key locks people out, a cancelled run loses its work, a flushed cache loses
its contents and sends all load to the service behind it, and a rollback changes the model that serves. An action that
only adds something (an instance, a run, a training, a report), or shifts what can be shifted back at once, needs no
approval.

Time only moves forward here: where the clock is behind the recorded instants, the recorded ones count. So a clock that
jumps back never increases a budget; at worst nothing is applied until the clock has caught up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from core.actions import two_people
from core.actions.plan import ActionReason, Plan
from core.events import ActionRequest, Command, Mode, Stage, Verb, stamp
from core.settings.response import ActionName, Automation, Limits

_MINUTES, _HOURS = timedelta(minutes=1), timedelta(hours=1)
HOUR = timedelta(hours=1)
KEEP = timedelta(days=1)
"""How long an application is remembered for people; for the guard rails, as long as they need it."""
LIMIT = 500
"""Applications remembered. Where all of them are still needed nothing is applied: a guard rail never forgets."""
EVERY = "*"
"""The name that stands for all actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Traits of an action, and its guard rails.

    Attributes:
        destructive: whether it takes something away: work, contents, access, or the version that serves.
        approval: whether a person must approve each.
        cooldown: the least time between two on the same resource.
        per_hour: how many in any hour, on all resources together.
        blast_radius: how many things one of them may touch.
        undo: whether it can be put back to how it was.
        suspect: whether it changes what runs now, so that an incident that gets worse right after may be its doing.
        remedy: whether it is to end the conditions of the incident: it has worked when they recover.
        keep: whether it stays in place where it did not help, as there is nothing to go back to.
        reads: whether it only reads: it changes no resource, and does not count as an act.
        settles: how long after the first look it may take until it is known whether it works.
    """

    destructive: bool = False
    approval: bool = False
    cooldown: timedelta
    per_hour: int
    blast_radius: int = 1
    undo: bool = False
    suspect: bool = True
    remedy: bool = True
    keep: bool = False
    reads: bool = False
    settles: timedelta = 30 * _MINUTES


TRAITS: Mapping[ActionName, Traits] = MappingProxyType(
    {
        # Requests in flight are drained; the revision before stays, so that traffic can go back to it.
        ActionName.RESTART_SERVICE: Traits(cooldown=15 * _MINUTES, per_hour=4, undo=True, keep=True),
        ActionName.SCALE_OUT: Traits(cooldown=10 * _MINUTES, per_hour=6, undo=True),
        # What is taken away costs time to bring back, while load may be rising.
        ActionName.SCALE_IN: Traits(destructive=True, approval=True, cooldown=_HOURS, per_hour=2, undo=True),
        ActionName.ROLLBACK_MODEL: Traits(destructive=True, approval=True, cooldown=_HOURS, per_hour=2, undo=True),
        ActionName.SHIFT_TRAFFIC: Traits(cooldown=15 * _MINUTES, per_hour=4, undo=True),
        # A training takes hours and costs money: it neither helps nor harms the current incident. It has worked with a version.
        ActionName.RETRAIN_MODEL: Traits(
            cooldown=6 * _HOURS, per_hour=2, suspect=False, remedy=False, settles=24 * _HOURS
        ),
        # Runs that hang come in numbers; the work of a cancelled one is lost.
        ActionName.CANCEL_PIPELINE: Traits(
            destructive=True, approval=True, cooldown=30 * _MINUTES, per_hour=2, blast_radius=5
        ),
        ActionName.RERUN_PIPELINE: Traits(cooldown=30 * _MINUTES, per_hour=4, undo=True),
        ActionName.FLUSH_CACHE: Traits(destructive=True, approval=True, cooldown=_HOURS, per_hour=2),
        # Keys are disabled, not deleted, so that a person can enable them again; nothing enables a leaked key by itself.
        ActionName.REVOKE_ACCESS: Traits(
            destructive=True,
            approval=True,
            cooldown=10 * _MINUTES,
            per_hour=3,
            blast_radius=10,
            suspect=False,
            remedy=False,
        ),
        ActionName.COLLECT_DIAGNOSTICS: Traits(
            cooldown=5 * _MINUTES, per_hour=20, suspect=False, remedy=False, reads=True
        ),
    }
)
"""Every action by its name; the settings may change its guard rails only."""


def traits(name: ActionName, automation: Automation) -> Traits:
    """The traits of an action, with the guard rails of the settings.

    Examples:
        >>> from core.settings.response import Limits
        >>> careful = Automation(limits={ActionName.SCALE_OUT: Limits(approval=True)})
        >>> traits(ActionName.SCALE_OUT, careful).approval, traits(ActionName.SCALE_OUT, careful).per_hour
        (True, 6)
    """
    own, limits = TRAITS[name], automation.limits.get(name, Limits())
    return replace(
        own,
        cooldown=own.cooldown if limits.cooldown is None else limits.cooldown,
        per_hour=own.per_hour if limits.per_hour is None else limits.per_hour,
        approval=own.approval if limits.approval is None else limits.approval,
        blast_radius=own.blast_radius if limits.blast_radius is None else limits.blast_radius,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An action that took its place in the budget; its resource is empty where it changes none."""

    request_id: str
    action: ActionName
    target: str
    at: datetime
    resource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The last halt or resume of an action, or of all of them.

    Attributes:
        action: its name, or `*`.
        halted: whether it must not be applied.
        by: the person.
        at: when.
        note: why.
        halted_at: the instant of the newest halt, whether it was lifted or not.
    """

    action: str
    halted: bool
    by: str
    at: datetime
    note: str = ""
    halted_at: datetime | None = None

    @property
    def newest_halt(self) -> datetime | None:
        """The instant of the newest halt; None where there was none. A switch of before halts had one has only its own."""
        return self.halted_at or (self.at if self.halted else None)

    @property
    def halt_id(self) -> str:
        """The id of the newest halt, as a command; empty where there was none."""
        return f"{Verb.HALT}:{self.action}:{stamp(self.newest_halt)}" if self.newest_halt else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resuming:
    """A person wants all actions resumed, and another one must, too.

    Attributes:
        by: the person.
        at: when.
        lifts: the id of the halt.
    """

    by: str
    at: datetime
    lifts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """State of the guard rails, over all actions.

    Attributes:
        applications: oldest first.
        switches: at most one an action, and one for all.
        resuming: the first of the two people who resume all actions, or None.
    """

    applications: tuple[Application, ...] = ()
    switches: tuple[Switch, ...] = ()
    resuming: Resuming | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardVerdict:
    """Verdict of the guard rails.

    Attributes:
        stage: `APPROVED` when it may be applied, `PLANNED` where it is only wanted to be known or has to wait for its turn,
            `AWAITING` or `REFUSED`.
        reason: why.
        detail: the numbers behind it, in one line.
    """

    stage: Stage
    reason: ActionReason
    detail: str = ""


def stopped(action: str, *, guards: Guards, automation: Automation) -> GuardVerdict | None:
    """Why nothing of the kind may happen, whatever it is; None where no switch is thrown."""
    if not automation.enabled:
        return _refused(ActionReason.DISABLED, "automation.enabled is false")
    for switch in guards.switches:
        if switch.halted and switch.action in (EVERY, action):
            note = f": {switch.note}" if switch.note else ""
            name = "all actions" if switch.action == EVERY else switch.action
            detail = f"{name} halted by {switch.by or 'somebody'} at {stamp(switch.at)}{note}"
            return _refused(ActionReason.HALTED, detail)
    return None


def permit(
    request: ActionRequest,
    plan: Plan,
    *,
    guards: Guards,
    automation: Automation,
    now: datetime,
    approved: bool = False,
    holder: str = "",
) -> GuardVerdict:
    """Whether the action may be applied now; the first guard rail that objects is the reason.

    A request that has its place in the budget keeps it: when it is evaluated again, it does not count against itself.

    Args:
        request: its action is one of `ActionName`.
        plan: what would change.
        guards: the state of the guard rails.
        automation: the settings.
        now: the instant of asking.
        approved: whether a person has approved it.
        holder: the id of the request whose action on the same resource has not settled; empty where there is none.
    """
    if halt := stopped(request.action, guards=guards, automation=automation):
        return halt
    if not plan.steps:
        return _refused(ActionReason.NOTHING_TO_DO, plan.summary)
    if request.mode is Mode.DRY_RUN:
        return GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.DRY_RUN)
    if objection := _objection(request, plan, guards, automation, now):
        return objection
    if not approved and traits(ActionName(request.action), automation).approval:
        return GuardVerdict(stage=Stage.AWAITING, reason=ActionReason.NEEDS_APPROVAL)
    return _turn(holder, approved=approved)


def rivals(guards: Guards, request: ActionRequest, resource: str) -> tuple[Application, ...]:
    """The applications of other requests to the same resource, newest first: while one has not settled, nothing else may begin."""
    others = (one for one in reversed(guards.applications) if one.request_id != request.id)
    return tuple(one for one in others if resource and one.resource == resource)


def taken(
    guards: Guards, request: ActionRequest, *, resource: str = "", automation: Automation, now: datetime
) -> Guards:
    """The guard rails after a request is allowed: it takes its place in the budget, once."""
    if _holds(guards, request):
        return guards
    at = _latest(guards, now)
    needed = tuple(_needed(guards, automation, at))
    recent = tuple(
        application for application in guards.applications if application in needed or at - application.at < KEEP
    )
    own = Application(
        request_id=request.id, action=ActionName(request.action), target=request.target, at=at, resource=resource
    )
    return replace(guards, applications=(*(recent if len(recent) < LIMIT else needed), own))


def switched(guards: Guards, command: Command) -> Guards:
    """The guard rails after a halt or resume.

    A halt holds unless a newer one is known: no resume that was given before, whatever its instant says, keeps it from holding. A
    resume lifts the halt that it names while that one holds; any other, and one that is delivered again, changes nothing.
    All actions are resumed by two people, where their identities are verified: see `core.actions.two_people`.
    The switch of one action and the switch of all are separate: resuming all leaves an action halted that was halted by name.
    """
    before = next((switch for switch in guards.switches if switch.action == command.subject), None)
    if command.verb is Verb.HALT:
        if before and before.newest_halt and command.at <= before.newest_halt:
            return guards
        halted_at: datetime | None = command.at
    elif before and before.halted and command.lifts == before.halt_id:
        if needs_second(guards, command):
            return replace(guards, resuming=Resuming(by=command.by, at=command.at, lifts=command.lifts))
        halted_at = before.newest_halt
    else:
        return guards
    switch = Switch(
        action=command.subject,
        halted=command.verb is Verb.HALT,
        by=command.by,
        at=command.at,
        note=command.note,
        halted_at=halted_at,
    )
    others = tuple(switch for switch in guards.switches if switch.action != command.subject)
    resuming = None if command.subject == EVERY else guards.resuming
    switches = tuple(sorted((*others, switch), key=lambda other: other.action))
    return replace(guards, switches=switches, resuming=resuming)


def needs_second(guards: Guards, command: Command) -> bool:
    """Whether a person's word alone does not resume all actions: another one must have said so within the hour before."""
    if command.subject != EVERY or not command.verified:
        return False
    first = guards.resuming
    holds = first is not None and first.lifts == command.lifts and command.at - first.at <= two_people.WITHIN
    return first is None or not holds or not two_people.is_another(command, first.by)


def _turn(holder: str, *, approved: bool) -> GuardVerdict:
    """Allowed, or planned until the action before it on the same resource has settled."""
    if holder:
        detail = f"begins when {holder} has settled"
        return GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.RESOURCE_BUSY, detail=detail)
    reason = ActionReason.PERSON_APPROVED if approved else ActionReason.WITHIN_LIMITS
    return GuardVerdict(stage=Stage.APPROVED, reason=reason)


def _refused(reason: ActionReason, detail: str) -> GuardVerdict:
    return GuardVerdict(stage=Stage.REFUSED, reason=reason, detail=detail)


def _holds(guards: Guards, request: ActionRequest) -> bool:
    return any(application.request_id == request.id for application in guards.applications)


def _latest(guards: Guards, now: datetime) -> datetime:
    return max([now, *(application.at for application in guards.applications)])


def _needed(guards: Guards, automation: Automation, now: datetime) -> Iterator[Application]:
    """The applications that a guard rail may still object with."""
    for application in guards.applications:
        if now - application.at < max(HOUR, traits(application.action, automation).cooldown):
            yield application


def _objection(
    request: ActionRequest, plan: Plan, guards: Guards, automation: Automation, now: datetime
) -> GuardVerdict | None:
    """What blast radius, cooldown and budgets object."""
    rails = traits(ActionName(request.action), automation)
    if plan.touched > rails.blast_radius:
        return _refused(ActionReason.BLAST_RADIUS, f"would touch {plan.touched}, at most {rails.blast_radius}")
    if _holds(guards, request):
        return None
    return _spent(request, plan.resource, guards, automation, _latest(guards, now))


def _spent(
    request: ActionRequest, resource: str, guards: Guards, automation: Automation, at: datetime
) -> GuardVerdict | None:
    """What cooldown and budgets object: an application counts until exactly its cooldown, or an hour, has passed."""
    rails = traits(ActionName(request.action), automation)
    same = [application for application in guards.applications if application.action == request.action]
    there = [application.at for application in same if _is_at(application, request, resource)]
    if there and at - max(there) < rails.cooldown:
        return _refused(ActionReason.COOLDOWN, f"until {stamp(max(there) + rails.cooldown)}")
    if (count := _within_hour(same, at)) >= rails.per_hour:
        return _refused(
            ActionReason.ACTION_BUDGET, f"{count} {request.action} within an hour, at most {rails.per_hour}"
        )
    acts = [application for application in guards.applications if not TRAITS[application.action].reads]
    if not rails.reads and (count := _within_hour(acts, at)) >= automation.per_hour:
        return _refused(ActionReason.TOTAL_BUDGET, f"{count} actions within an hour, at most {automation.per_hour}")
    if sum(1 for _ in _needed(guards, automation, at)) >= LIMIT:
        return _refused(ActionReason.TOTAL_BUDGET, f"{LIMIT} recent actions are remembered, and no more can be")
    return None


def _is_at(application: Application, request: ActionRequest, resource: str) -> bool:
    """Whether it was applied to the same resource; of what changes none, or was not recorded with it, to the same target."""
    if application.resource and resource:
        return application.resource == resource
    return application.target == request.target


def _within_hour(applications: list[Application] | tuple[Application, ...], now: datetime) -> int:
    return sum(1 for application in applications if now - application.at < HOUR)
