"""Requests, commands and ticks: what the action runner decides and does about an action.

Each request has one document, its run, which decides; the document of the guard rails grants places in the budget. A
decision is saved before anything is done, together with the events to publish. So a crash at any point is repaired by
the next delivery or the next tick:

    before the place is taken   nothing happened; the request is delivered again
    before the run is saved     the request is delivered again, and already has its place
    before or within the effect the run is approved: it is applied with the same key
    before the run is updated   the ledger knows that it is done, or the effect is repeated with the same key
    before it is published      it is pending in the run
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from core.actions import lifecycle
from core.actions.guards import EVERY, GuardVerdict, stopped, switched
from core.actions.lifecycle import ActionRun
from core.actions.plan import ActionReason
from core.errors import ActionError, AiaError, BusyError, PoisonError, UnavailableError
from core.events import ActionRequest, Command, Stage, Tick, Verb
from core.incidents.response import is_last
from core.instants import stamp
from core.settings.response import ActionName
from functions.action_runner.effects import settle
from functions.action_runner.parts import Runner
from functions.action_runner.permits import permitted
from functions.action_runner.requests import Requests
from functions.adapters import events, logs
from functions.runtime.endpoint import TickResult, read_tick
from functions.runtime.push import Message
from functions.services.actions import (
    ACTIONS,
    change_guards,
    change_run,
    find_run,
    read_guards,
    read_run,
    severity_now,
)

LONGEST_ID = 700
"""Bytes of a request's id: it is a key of the store, and with a step of a few bytes one of the ledger."""
_KINDS = (ActionRequest.TYPE, Command.TYPE, Tick.TYPE)
AHEAD = timedelta(minutes=5)
"""How far the clock of a command's sender may be ahead."""
_SUBJECTS = (*ActionName, EVERY)
log = logging.getLogger(__name__)
NAME = "action_runner"
MOST = 5000
"""Runs evaluated in one tick; more are never pending at once."""


def read(message: Message, cron: str) -> ActionRequest | Command | Tick:
    """The event in a message.

    Args:
        message: from any of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it carries none of the three, or one whose names cannot stand in a key.
    """
    kind = events.type_of(message.data)
    if kind == Tick.TYPE:
        return read_tick(message, cron)
    if kind == Command.TYPE:
        return _checked_command(events.decode(message.data, Command), message.published_at)
    if kind == ActionRequest.TYPE:
        return _checked_request(events.decode(message.data, ActionRequest))
    raise PoisonError(f"type: must be one of {', '.join(_KINDS)}, got {kind!r:.80}")


def admit(message: Message, cron: str, requests: Requests) -> ActionRequest | Command | Tick:
    """The event in a message; a request is one that a playbook made.

    Raises:
        PoisonError: as of `read`, or nobody made the request; a finding about that is published.
        UnavailableError: the store or the bus does not answer.
    """
    event = read(message, cron)
    if isinstance(event, ActionRequest):
        requests.require_authentic(event)
    return event


def _checked_request(request: ActionRequest) -> ActionRequest:
    for name in ("incident_id", "action", "target"):
        _check(name, getattr(request, name))
    _check("id", request.id)
    return request


def _checked_command(command: Command, published_at: datetime) -> Command:
    """The command, unless it is invalid; a halt is never newer than its publishing, so that it hides no later one."""
    if command.verb is not Verb.HALT and command.at - published_at > AHEAD:
        latest = f"{AHEAD} after it was published ({published_at.isoformat()})"
        raise PoisonError(f"at: must be at most {latest}, got {command.at.isoformat()}")
    if command.verb in (Verb.APPROVE, Verb.REJECT):
        _check("subject", command.subject)
    if command.verb in (Verb.HALT, Verb.RESUME) and command.subject not in _SUBJECTS:
        raise PoisonError(f"subject: must be one of {', '.join(_SUBJECTS)}, got {command.subject!r:.80}")
    if command.verb is Verb.RESUME and not command.lifts:
        raise PoisonError("lifts: must be the id of the halt that is lifted, as in halt:*:2026-01-02T09:00:00Z, got ''")
    return replace(command, at=min(command.at, published_at)) if command.verb is Verb.HALT else command


def _check(name: str, text: str) -> None:
    if not text.strip() or not text.isprintable() or text.startswith("__") or len(text.encode()) > LONGEST_ID:
        allowed = f"1 to {LONGEST_ID} bytes of printable text, not starting with '__'"
        raise PoisonError(f"{name}: must be {allowed}, got {text[:80]!r}")


def handle(runner: Runner, event: ActionRequest | Command | Tick) -> TickResult | None:
    """Handle an event; idempotent.

    Raises:
        BusyError: another instance is working on the same request.
        ConflictError: too many concurrent writes of the same document.
        UnavailableError: a dependency does not answer; everything else is done.
    """
    match event:
        case ActionRequest():
            ask(runner, event)
        case Command():
            command(runner, event)
        case Tick():
            return look_after(runner)
    return None


def ask(runner: Runner, request: ActionRequest) -> None:
    """Decide on a request, and apply the action if it is allowed; a decided request only continues."""
    settle(runner, find_run(runner.store, request.id) or _begin(runner, request))


def command(runner: Runner, command: Command) -> None:
    """Execute a command about actions; other commands are ignored."""
    if command.verb in (Verb.HALT, Verb.RESUME):
        change_guards(runner.store, partial(switched, command=command))
        log.warning("%s %s by %s: %s", command.verb, command.subject, command.by, command.note)
    elif command.verb in (Verb.APPROVE, Verb.REJECT):
        _answer(runner, command)


def look_after(runner: Runner) -> TickResult:
    """Continue every unfinished run: expire approvals, verify, undo, retry and publish."""
    waiting = runner.store.find(ACTIONS, where={"waiting": True}, limit=MOST)
    failures: list[AiaError] = []
    awaiting = 0
    for document in waiting:
        try:
            awaiting += settle(runner, read_run(document.data)).stage is Stage.AWAITING
        except AiaError as error:
            failures.append(error)
            log.warning("not continued yet: %s", error, extra=logs.fields(request=document.key))
        except Exception:
            # one broken run must not block the others
            log.exception("unexpected error", extra=logs.fields(request=document.key))
    runner.metrics.gauge("aia_actions_waiting", awaiting)
    # Every run was evaluated; the decisions report a dependency that does not answer.
    return TickResult(fault=next((error for error in failures if not isinstance(error, BusyError)), None))


def _begin(runner: Runner, request: ActionRequest) -> ActionRun:
    """The new run of a request; the existing one if another instance created it meanwhile."""
    new = _decided(runner, request)
    run = change_run(runner.store, runner.metrics, request.id, lambda held: held or new)
    details = logs.fields(
        request=request.id, incident=request.incident_id, reason=run.reason, playbook=request.playbook
    )
    log.info("%s of %s: %s (%s)", request.action, request.target, run.stage, run.reason, extra=details)
    return run


def _decided(runner: Runner, request: ActionRequest) -> ActionRun:
    if request.action not in tuple(ActionName):
        detail = f"action: must be one of {', '.join(ActionName)}, got {request.action[:80]!r}"
        return _impossible(runner, request, ActionReason.UNKNOWN_ACTION, detail)
    if halt := stopped(request.action, guards=read_guards(runner.store), automation=runner.automation):
        return lifecycle.impossible(request, halt, now=runner.clock())
    if objection := runner.requests.objection(request, begins=True):
        return lifecycle.impossible(request, objection, now=runner.clock())
    try:
        plan = runner.actions[ActionName(request.action)].plan(request)
    except ActionError as error:
        return _impossible(runner, request, ActionReason.NOT_POSSIBLE, str(error))
    except UnavailableError as error:
        if not _hands_on(runner, request):
            raise
        return _impossible(
            runner, request, ActionReason.NOT_POSSIBLE, f"{error}; asked since {stamp(request.requested_at)}"
        )
    severity = severity_now(runner.store, request.incident_id)
    verdict = permitted(runner, request, plan, approved=False)
    now, automation = runner.clock(), runner.automation
    return lifecycle.planned(request, plan, verdict, automation=automation, now=now, severity=severity)


def _hands_on(runner: Runner, request: ActionRequest) -> bool:
    """Whether the next action of the playbook has waited long enough for one that cannot even be planned."""
    waited = runner.clock() - request.requested_at
    return waited >= runner.automation.helps_within and not is_last(request)


def _impossible(runner: Runner, request: ActionRequest, reason: ActionReason, detail: str) -> ActionRun:
    verdict = GuardVerdict(stage=Stage.REFUSED, reason=reason, detail=detail)
    return lifecycle.impossible(request, verdict, now=runner.clock())


def _answer(runner: Runner, command: Command) -> None:
    """Continue a run by a person's answer, if that is possible."""
    run = find_run(runner.store, command.subject)
    objection = lifecycle.objection(run, command, now=runner.clock()) if run else ActionReason.NO_SUCH_REQUEST
    if objection:
        details = logs.fields(request=command.subject, by=command.by, reason=objection)
        log.warning("%s ignored: %s", command.verb, objection, extra=details)
    elif run is not None:
        approves = command.verb is Verb.APPROVE
        verdict = _approved(runner, run) if approves else None
        severity = severity_now(runner.store, run.request.incident_id)

        def step(held: ActionRun) -> ActionRun:
            return lifecycle.answered(held, command, verdict, now=runner.clock(), severity=severity)

        run = runner.change(run, step)
    if run is not None:
        settle(runner, run)


def _approved(runner: Runner, run: ActionRun) -> GuardVerdict:
    """The verdict on a run that a person approved: whether it still holds, and what its guard rails say by now."""
    objection = runner.requests.objection(run.request, begins=False)
    return objection or permitted(runner, run.request, run.plan, approved=True)
