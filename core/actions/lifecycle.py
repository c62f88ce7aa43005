"""Lifecycle of one request for an action: every step is a decision with its reason, numbered without gaps.

    planned ──▶ awaiting ──▶ approved ──▶ applied ──▶ verified    it is in place, and the conditions recovered
       │           ├──▶ rejected   │         ├──▶ undone      it does not work or help, or the incident got worse
       │           ├──▶ expired    │         └──▶ failed      the same, and it cannot be undone; or it never settled
       │           └──▶ refused    └──▶ failed                the external system refused it, or it came too late
       ├──▶ approved               where no approval is required; what takes two people awaits the second one again
       └──▶ refused                planned is the end of a dry run

While another action on the same resource has not settled, it is planned, and waits for its turn; also after it was approved.

Decisions that are not published yet are stored with the run (`pending`), in the same write: a crash loses nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from core.actions import two_people
from core.actions.guards import GuardVerdict, Traits, traits
from core.actions.plan import ActionReason, Health, Plan, Verification
from core.events import ActionDecision, ActionRequest, Command, Mode, Severity, Stage, Verb
from core.settings.response import ActionName, Automation
from core.text import duration

PATIENCE = timedelta(minutes=30)
"""How long something is tried, or looked at, again."""
LONGEST = 500
"""Characters of a foreign line."""
HALF = LONGEST // 2
"""Where it is joined with another."""
NEXT: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        Stage.PLANNED: frozenset({Stage.REFUSED, Stage.AWAITING, Stage.APPROVED}),
        Stage.AWAITING: frozenset(
            {Stage.AWAITING, Stage.PLANNED, Stage.APPROVED, Stage.REFUSED, Stage.REJECTED, Stage.EXPIRED}
        ),
        Stage.APPROVED: frozenset({Stage.APPLIED, Stage.FAILED}),
        Stage.APPLIED: frozenset({Stage.VERIFIED, Stage.UNDONE, Stage.FAILED}),
    }
)
"""Where a stage may lead; one that is not here is an end."""
_NOTHING_TO_UNDO = frozenset({ActionReason.NO_RECOVERY, ActionReason.NOT_BETTER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """A pending undo, with its reason."""

    reason: ActionReason
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRun:
    """A request for an action, and its state.

    Attributes:
        request: the request.
        plan: what would change, or has; empty where nothing could be planned.
        stage: the newest stage.
        reason: why.
        sequence: how many decisions there were; the number of the newest.
        at: the instant of the newest decision; never before an older one's.
        answer_by: until when an approval is waited for; None where none is.
        severity: of the incident just before it was applied.
        approved_by: the person who approved it, while it waits for its turn; else empty.
        first_approver: of what takes two people, the first one; else empty.
        undoing: why it is about to be undone; None where it is not.
        pending: decisions that are not published yet, oldest first.
    """

    request: ActionRequest
    plan: Plan
    stage: Stage
    reason: ActionReason
    sequence: int
    at: datetime
    answer_by: datetime | None = None
    severity: Severity | None = None
    approved_by: str = ""
    first_approver: str = ""
    undoing: Undoing | None = None
    pending: tuple[ActionDecision, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more will be decided."""
        dry = self.stage is Stage.PLANNED and self.request.mode is Mode.DRY_RUN
        return dry or self.stage not in NEXT

    @property
    def waiting(self) -> bool:
        """Whether something is to be done yet, were it only to publish."""
        return bool(self.pending) or not self.over


def impossible(request: ActionRequest, verdict: GuardVerdict, *, now: datetime) -> ActionRun:
    """The run of a request for which nothing could be planned: refused, with the reason."""
    return _first(request, Plan(summary=""), verdict, now)


def planned(
    request: ActionRequest,
    plan: Plan,
    verdict: GuardVerdict,
    *,
    automation: Automation,
    now: datetime,
    severity: Severity | None = None,
) -> ActionRun:
    """The run of a planned request, with the verdict of the guard rails.

    Args:
        request: the request.
        plan: what would change.
        verdict: of the guard rails.
        automation: the settings.
        now: the instant.
        severity: of the incident now.
    """
    asked = GuardVerdict(stage=Stage.PLANNED, reason=ActionReason.ASKED)
    if verdict.stage is Stage.PLANNED:
        return _first(request, plan, verdict, now)
    return _permitted(_first(request, plan, asked, now), verdict, automation, now, severity)


def turned(
    run: ActionRun,
    plan: Plan,
    verdict: GuardVerdict,
    *,
    automation: Automation,
    now: datetime,
    severity: Severity | None = None,
) -> ActionRun:
    """The run that waited for its turn after it was evaluated again; unchanged while the resource is busy and there is time.

    Args:
        run: planned, to act.
        plan: what would change by now; the approved one where a person approved it.
        verdict: of the guard rails.
        automation: the settings.
        now: the instant.
        severity: of the incident now.
    """
    if verdict.stage is Stage.PLANNED:
        patience = PATIENCE + automation.verify_after + automation.helps_within
        if now - run.at < patience:
            return run
        verdict = replace(verdict, stage=Stage.REFUSED, detail=f"no turn within {duration(patience)}")
    return _permitted(replace(run, plan=plan), verdict, automation, now, severity)


def _permitted(
    run: ActionRun, verdict: GuardVerdict, automation: Automation, now: datetime, severity: Severity | None
) -> ActionRun:
    run = _step(run, verdict, now, by=run.approved_by)
    if run.stage is Stage.AWAITING:
        return replace(run, answer_by=run.at + automation.approval_expires)
    return replace(run, severity=severity)


def objection(run: ActionRun, command: Command, *, now: datetime) -> ActionReason | None:
    """Why a person cannot approve or reject it now; None where that is possible.

    If nobody answers in time, `expired` ends the run.
    """
    if run.stage is not Stage.AWAITING:
        return ActionReason.ALREADY_DECIDED
    if not command.by.strip():
        return ActionReason.NO_NAME
    if command.verb is Verb.APPROVE and run.first_approver and not two_people.is_another(command, run.first_approver):
        return ActionReason.SAME_PERSON
    return ActionReason.NOBODY_ANSWERED if is_late(run, now) else None


def is_late(run: ActionRun, now: datetime) -> bool:
    """Whether the time for an answer, or to apply or undo it, is over; at exactly its end it is."""
    if run.stage is Stage.AWAITING:
        return run.answer_by is not None and now >= run.answer_by
    since = run.undoing.since if run.undoing else run.at
    return now - since >= PATIENCE


def answered(
    run: ActionRun, command: Command, verdict: GuardVerdict | None, *, now: datetime, severity: Severity | None = None
) -> ActionRun:
    """The run after a person approved or rejected it.

    Args:
        run: which awaits it.
        command: the approval or rejection.
        verdict: of the guard rails, evaluated again; not used for a rejection.
        now: the instant.
        severity: of the incident now.
    """
    if _is_first_of_two(run, command):
        detail = f"{command.by} approved it; another person must, too"
        first = GuardVerdict(stage=Stage.AWAITING, reason=ActionReason.NEEDS_SECOND_PERSON, detail=detail)
        return replace(_step(run, first, now, by=command.by), first_approver=command.by)
    if command.verb is Verb.REJECT or verdict is None:
        verdict = GuardVerdict(stage=Stage.REJECTED, reason=ActionReason.PERSON_REJECTED, detail=command.note)
    waits = verdict.stage is Stage.PLANNED
    return replace(_step(run, verdict, now, by=command.by), severity=severity, approved_by=command.by if waits else "")


def _is_first_of_two(run: ActionRun, command: Command) -> bool:
    takes_two = run.request.action in two_people.ACTIONS and command.verified
    return takes_two and command.verb is Verb.APPROVE and not run.first_approver


def expired(run: ActionRun, *, now: datetime) -> ActionRun:
    """The expired run if nobody answered in time; unchanged before the deadline."""
    if run.stage is not Stage.AWAITING or not is_late(run, now):
        return run
    return _step(run, GuardVerdict(stage=Stage.EXPIRED, reason=ActionReason.NOBODY_ANSWERED), now)


def applied(run: ActionRun, detail: str, *, now: datetime) -> ActionRun:
    """The run after the external system reported success."""
    return _step(run, GuardVerdict(stage=Stage.APPLIED, reason=ActionReason.DONE, detail=detail), now)


def failed(run: ActionRun, reason: ActionReason, detail: str, *, now: datetime) -> ActionRun:
    """The run when it could not be applied, or not be undone."""
    return _step(run, GuardVerdict(stage=Stage.FAILED, reason=reason, detail=detail), now)


def undone(run: ActionRun, detail: str, *, now: datetime) -> ActionRun:
    """The run after it was put back to how it was.

    Raises:
        ValueError: it was not about to be.
    """
    if run.undoing is None:
        raise ValueError(f"undoing: {run.request.id} must be about to be undone, is {run.stage}")
    why = f"{run.undoing.detail}; {detail}" if detail else run.undoing.detail
    return _step(run, GuardVerdict(stage=Stage.UNDONE, reason=run.undoing.reason, detail=why), now)


def is_due(run: ActionRun, *, automation: Automation, now: datetime) -> bool:
    """Whether the applied action is due for verification."""
    return run.stage is Stage.APPLIED and run.undoing is None and now - run.at >= automation.verify_after


def looked(
    run: ActionRun,
    verification: Verification,
    *,
    severity: Severity | None,
    recovered: bool | None = None,
    automation: Automation,
    now: datetime,
) -> ActionRun:
    """The run after a verification; unchanged if it must be verified again.

    That the external system is well is not enough: a remedy has worked when the conditions of the incident recovered.

    Args:
        run: applied.
        verification: by the action.
        severity: of the incident now, or None where it is over.
        recovered: whether the conditions recovered by the word of their sources since it was applied; None where nothing fires,
            and nothing was heard since.
        automation: the settings.
        now: the instant.
    """
    own = traits(ActionName(run.request.action), automation)
    if verification.health is Health.BAD:
        return _unsuccessful(run, verification.bad, verification.detail, undo=own.undo, now=now)
    before = run.severity or run.request.severity
    if own.suspect and severity is not None and severity.rank > before.rank:
        return _unsuccessful(run, ActionReason.WORSENED, f"{before} before, {severity} now", undo=own.undo, now=now)
    if verification.health is Health.GOOD:
        return _in_place(run, verification, own, recovered if own.remedy else None, automation=automation, now=now)
    if now - run.at >= automation.verify_after + own.settles:
        return failed(run, ActionReason.NEVER_SETTLED, verification.detail, now=now)
    return run


def _in_place(
    run: ActionRun,
    verification: Verification,
    own: Traits,
    recovered: bool | None,  # noqa: FBT001 - three verdicts
    *,
    automation: Automation,
    now: datetime,
) -> ActionRun:
    """The run after the external system is well: it has helped, it has not, or that is not known yet."""
    if recovered is not False:
        reason = ActionReason.RECOVERED if recovered else ActionReason.HEALTHY
        return _step(run, GuardVerdict(stage=Stage.VERIFIED, reason=reason, detail=verification.detail), now)
    if now - run.at < automation.helps_within:
        return run
    detail = f"still firing {duration(automation.helps_within)} after it was applied"
    return _unsuccessful(run, ActionReason.NO_RECOVERY, detail, undo=own.undo and not own.keep, now=now)


def _unsuccessful(run: ActionRun, reason: ActionReason, detail: str, *, undo: bool, now: datetime) -> ActionRun:
    """The run after an action did not work: about to be undone where that is possible and helps, else failed."""
    if undo:
        return replace(run, undoing=Undoing(reason=reason, detail=detail[:HALF], since=max(now, run.at)))
    kept = detail if reason in _NOTHING_TO_UNDO else f"{detail}; it cannot be undone"
    return failed(run, reason, kept, now=now)


def published(run: ActionRun, ids: Collection[str]) -> ActionRun:
    """The run without the pending decisions of these ids."""
    return replace(run, pending=tuple(decision for decision in run.pending if decision.id not in ids))


def decided(run: ActionRun, detail: str = "", by: str = "") -> ActionDecision:
    """The newest decision about a run.

    Args:
        run: after it.
        detail: the answer of the external system.
        by: the person who approved or rejected.
    """
    request = run.request
    return ActionDecision(
        request_id=request.id,
        sequence=run.sequence,
        incident_id=request.incident_id,
        action=request.action,
        target=request.target,
        mode=request.mode,
        stage=run.stage,
        reason=run.reason,
        at=run.at,
        plan=run.plan.summary[:LONGEST],
        detail=detail[:LONGEST],
        by=by,
        rung=request.rung,
    )


def _first(request: ActionRequest, plan: Plan, verdict: GuardVerdict, now: datetime) -> ActionRun:
    run = ActionRun(request=request, plan=plan, stage=verdict.stage, reason=verdict.reason, sequence=1, at=now)
    return replace(run, pending=(decided(run, verdict.detail),))


def _step(run: ActionRun, verdict: GuardVerdict, now: datetime, by: str = "") -> ActionRun:
    if verdict.stage not in NEXT.get(run.stage, frozenset()):
        allowed = sorted(NEXT.get(run.stage, ()))
        raise ValueError(f"stage: after {run.stage} must come one of {allowed}, got {verdict.stage}")
    at = max(now, run.at)
    after = replace(run, stage=verdict.stage, reason=verdict.reason, sequence=run.sequence + 1, at=at)
    return replace(after, pending=(*run.pending, decided(after, verdict.detail, by)))
