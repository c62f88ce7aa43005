"""Effects of actions: apply, verify, undo, and publish the decisions; each once by the ledger.

Applying checks the request and the switches once more, within the claim: between a decision and its effect there may be a
crash and half an hour, and an end of the incident or a halt in the meantime takes effect.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from core.actions import lifecycle
from core.actions.guards import GuardVerdict, stopped
from core.actions.lifecycle import ActionRun
from core.actions.plan import ActionReason, Health, Verification
from core.errors import ActionError, AiaError
from core.events import ActionDecision, Stage
from core.settings.response import ActionName
from functions.action_runner.parts import Runner
from functions.action_runner.permits import holder, permitted
from functions.adapters import logs
from functions.adapters.actions.registry import Action
from functions.services.actions import change_run, read_guards, recovered_since, severity_now

log = logging.getLogger(__name__)
TOPIC = "action-decisions"
UNDO = "undo"
LEASE = timedelta(minutes=2)
"""Longer than any action takes; a crashed one is repeated after it, with the same key."""
PUBLISH_LEASE = timedelta(seconds=30)


class _StoppedError(ActionError):
    """It must not happen any more; carries the reason."""

    def __init__(self, reason: ActionReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def settle(runner: Runner, run: ActionRun) -> ActionRun:
    """Perform the pending step of a run if it is due, and publish its decisions.

    Raises:
        BusyError: another instance is working on it.
        UnavailableError: a dependency does not answer; everything else is done.
    """
    failures: list[AiaError] = []
    for effect in (_proceed, _publish):
        try:
            run = effect(runner, run)
        except AiaError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return run


def _proceed(runner: Runner, run: ActionRun) -> ActionRun:
    if run.stage is Stage.AWAITING:
        return runner.change(run, lambda held: lifecycle.expired(held, now=runner.clock()))
    if run.stage is Stage.PLANNED and not run.over:
        run = _take_turn(runner, run)
    if run.stage is Stage.APPROVED:
        return _apply(runner, run)
    if lifecycle.is_due(run, automation=runner.automation, now=runner.clock()):
        run = _verify(runner, run)
    return _undo(runner, run) if run.stage is Stage.APPLIED and run.undoing else run


def _take_turn(runner: Runner, run: ActionRun) -> ActionRun:
    """Evaluate a run again that waits for its turn, by what the external system is like after the action before."""
    plan, verdict = run.plan, _against(runner, run)
    if verdict is None:
        try:
            if not holder(runner, read_guards(runner.store), run.request, plan.resource):
                plan = run.plan if run.approved_by else _action(runner, run).plan(run.request)
            verdict = permitted(runner, run.request, plan, approved=bool(run.approved_by))
        except ActionError as error:
            verdict = GuardVerdict(stage=Stage.REFUSED, reason=ActionReason.NOT_POSSIBLE, detail=str(error))
    severity = severity_now(runner.store, run.request.incident_id)
    now, automation = runner.clock(), runner.automation
    return runner.change(
        run,
        lambda held: lifecycle.turned(held, plan, verdict, automation=automation, now=now, severity=severity),
    )


def _apply(runner: Runner, run: ActionRun) -> ActionRun:
    try:
        detail = _perform_once(runner, run, "apply", lambda action: action.apply(run.plan, run.request.id))
    except ActionError as error:
        return _failed(runner, run, error)
    return runner.change(run, lambda held: lifecycle.applied(held, detail, now=runner.clock()))


def _undo(runner: Runner, run: ActionRun) -> ActionRun:
    try:
        detail = _perform_once(runner, run, UNDO, lambda action: action.undo(run.plan))
    except ActionError as error:
        return _failed(runner, run, error)
    return runner.change(run, lambda held: lifecycle.undone(held, detail, now=runner.clock()))


def _failed(runner: Runner, run: ActionRun, error: ActionError) -> ActionRun:
    reason = error.reason if isinstance(error, _StoppedError) else ActionReason.OUTSIDE_REFUSED
    detail = f"{run.undoing.detail}; not undone: {error}" if run.undoing else str(error)
    log.error("%s failed: %s", run.request.action, detail, extra=logs.fields(request=run.request.id, reason=reason))
    return runner.change(run, lambda held: lifecycle.failed(held, reason, detail, now=runner.clock()))


def _perform_once(runner: Runner, run: ActionRun, step: str, act: Callable[[Action], str]) -> str:
    """The answer of the external system; a fixed text if an earlier attempt crashed after it received the answer."""
    answers: list[str] = []

    def effect() -> None:
        answers.append(act(_admitted(runner, run, step)))

    runner.ledger.once(f"{run.request.id}:{step}", effect, lease=LEASE)
    return answers[0] if answers else "done by an earlier attempt"


def _admitted(runner: Runner, run: ActionRun, step: str) -> Action:
    """The action, unless a switch, the end of its incident or the deadline forbids it; what was applied is undone all the same.

    Raises:
        ActionError: one of them does.
    """
    against = None if step == UNDO else _against(runner, run)
    if against:
        raise _StoppedError(against.reason, against.detail)
    if lifecycle.is_late(run, runner.clock()):
        late = f"not done within {lifecycle.PATIENCE}; an attempt that got no answer may have changed something"
        raise _StoppedError(ActionReason.OUT_OF_TIME, late)
    return _action(runner, run)


def _against(runner: Runner, run: ActionRun) -> GuardVerdict | None:
    """What speaks against anything about a run that was begun: a switch, or the end of what it was requested for."""
    halt = stopped(run.request.action, guards=read_guards(runner.store), automation=runner.automation)
    return halt or runner.requests.objection(run.request, begins=False)


def _action(runner: Runner, run: ActionRun) -> Action:
    return runner.actions[ActionName(run.request.action)]


def _verify(runner: Runner, run: ActionRun) -> ActionRun:
    verification = _verification(runner, run)
    severity = severity_now(runner.store, run.request.incident_id)
    recovered = recovered_since(runner.store, run.request.incident_id, run.at)

    def step(held: ActionRun) -> ActionRun:
        if not lifecycle.is_due(held, automation=runner.automation, now=runner.clock()):
            return held
        automation, now = runner.automation, runner.clock()
        return lifecycle.looked(
            held, verification, severity=severity, recovered=recovered, automation=automation, now=now
        )

    return runner.change(run, step)


def _verification(runner: Runner, run: ActionRun) -> Verification:
    """The verification by the action; pending if it is not possible now and may be later."""
    try:
        return _action(runner, run).verify(run.plan)
    except ActionError as error:
        return Verification(health=Health.BAD, detail=str(error))
    except AiaError as error:
        log.warning("not verified yet: %s", error, extra=logs.fields(request=run.request.id))
        return Verification(health=Health.PENDING, detail=str(error))
    except Exception as error:
        log.exception("unexpected error", extra=logs.fields(request=run.request.id))
        return Verification(health=Health.PENDING, detail=f"unexpected error ({type(error).__name__})")


def _publish(runner: Runner, run: ActionRun) -> ActionRun:
    """Publish the decisions in order, up to the first that the bus does not accept."""
    done: list[str] = []
    try:
        for decision in run.pending:
            _publish_once(runner, decision)
            done.append(decision.id)
    finally:
        if done:
            run = change_run(
                runner.store, runner.metrics, run.request.id, lambda held: held and lifecycle.published(held, done)
            )
    return run


def _publish_once(runner: Runner, decision: ActionDecision) -> None:
    runner.ledger.once(decision.id, lambda: runner.bus.publish(TOPIC, decision), lease=PUBLISH_LEASE)
