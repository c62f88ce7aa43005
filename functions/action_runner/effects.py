"""Effects of actions: apply, verify, undo, and publish the decisions; each once by the ledger.

Applying and undoing check the switches once more, within the claim: between a decision and its effect there may be a
crash and half an hour, and a halt in the meantime takes effect.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from core.actions import lifecycle
from core.actions.guards import stopped
from core.actions.lifecycle import ActionRun
from core.actions.plan import ActionReason, Health, Verification
from core.errors import ActionError, AiaError
from core.events import ActionDecision, Stage
from core.settings.response import ActionName, Automation
from functions.adapters import logs
from functions.adapters.actions.registry import Action
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Bus, Clock, Metrics, Store
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


class Actions(Protocol):
    """The actions there are, by name."""

    def __getitem__(self, name: ActionName) -> Action:
        """The action of that name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What running actions needs.

    Attributes:
        store: has the runs and the guard rails.
        bus: takes the decisions.
        ledger: sees to it that an effect happens once.
        metrics: counts.
        clock: now, for the instants of effects.
        actions: the actions there are, by name.
        automation: the guard rails of the settings.
    """

    store: Store
    bus: Bus
    ledger: Ledger
    metrics: Metrics
    clock: Clock
    actions: Actions
    automation: Automation

    def change(self, run: ActionRun, step: Callable[[ActionRun], ActionRun]) -> ActionRun:
        """Save a step of the run, unless another instance has moved it to another stage meanwhile."""

        def turn(held: ActionRun | None) -> ActionRun | None:
            return step(held) if held is not None and held.stage is run.stage else None

        return change_run(self.store, self.metrics, run.request.id, turn)


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
    if run.stage is Stage.APPROVED:
        return _apply(runner, run)
    if lifecycle.is_due(run, automation=runner.automation, now=runner.clock()):
        run = _verify(runner, run)
    return _undo(runner, run) if run.stage is Stage.APPLIED and run.undoing else run


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
    """The action, unless a switch or the deadline forbids it; no switch keeps what was applied from being undone.

    Raises:
        ActionError: one of them does.
    """
    name = run.request.action
    halt = stopped(name, guards=read_guards(runner.store), automation=runner.automation)
    if halt and step != UNDO:
        raise _StoppedError(halt.reason, halt.detail)
    if lifecycle.is_late(run, runner.clock()):
        late = f"not done within {lifecycle.PATIENCE}; an attempt that got no answer may have changed something"
        raise _StoppedError(ActionReason.OUT_OF_TIME, late)
    return runner.actions[ActionName(name)]


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
        return runner.actions[ActionName(run.request.action)].verify(run.plan)
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
