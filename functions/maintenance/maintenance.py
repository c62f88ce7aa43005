"""One tick: does the tasks of upkeep that are due, each alone, step by step, for as long as a request may take.

What a task has done is saved after each step. So a process may be killed anywhere: the next tick goes on with the step that was
not done. When a task ends, its row, its verdict and its metrics are written before that it has ended, each under the same id
if they are written again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from core.errors import AiaError, BusyError, ConflictError, UnavailableError
from core.events import Command, Severity, Tick
from core.maintenance.task import KIND, Progress, RunOutcome, finished, observation, run_id, to_do
from functions.adapters.logs import fields
from functions.maintenance import dead_letters
from functions.maintenance.outside import Outside, Task
from functions.runtime.endpoint import TickResult, read_part
from functions.runtime.push import Message
from functions.services.maintenance import RUNS, load, save

NAME = "maintenance"
RESTORE = "restore"
RUNBOOK = f"system.md#{KIND}"
LEASE = timedelta(minutes=6)
"""How long a task is locked for one instance: longer than the acknowledgement deadline of the subscription."""
BUDGET = timedelta(minutes=4)
"""How long the tasks of a tick may take before the rest waits for the next one."""
_PASSING = (UnavailableError, BusyError, ConflictError)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Dependencies of the function: the ports, and the tasks in the order in which they are done."""

    outside: Outside
    tasks: Sequence[Task]


def read(message: Message, cron: str) -> Tick | Command:
    """The event that a message carries; see `read_part`."""
    event: Tick | Command = read_part(message, cron, Command)
    return event


def handle(maintenance: Maintenance, event: Tick | Command) -> TickResult | None:
    """Do what is due, or send a dead letter again as a person commands; idempotent.

    Raises:
        RefusedError: the command cannot be carried out.
        BusyError: another instance does the same at this moment.
        UnavailableError: a dependency does not answer.
    """
    if isinstance(event, Command):
        dead_letters.send_again(maintenance.outside, event)
        return None
    return _tick(maintenance, event)


def _tick(maintenance: Maintenance, tick: Tick) -> TickResult:
    """A task that fails delays no other; while a dependency does not answer, those after it wait, since all need the same ones."""
    outside, at = maintenance.outside, tick.scheduled_at
    until = outside.clock() + BUDGET
    _finish_restore(outside, at)
    fault: Exception | None = None
    for task in maintenance.tasks:
        fault = fault or _run(task, outside, at, until)
        _publish(task, outside, at)
    dead_letters.publish(outside, at)
    return TickResult(fault=fault)


def _finish_restore(outside: Outside, at: datetime) -> None:
    """Finish a restore that was broken off; one that cannot be finished is a finding."""
    if not outside.restorer.unfinished():
        return
    fault = ""
    try:
        outside.ledger.alone(f"{NAME}:{RESTORE}", outside.restorer.resume, lease=LEASE)
    except _PASSING:
        raise
    except AiaError as error:
        log.exception("restore not finished")
        fault = str(error)
    said = observation(RESTORE, severity=Severity.CRITICAL, runbook=RUNBOOK, fault=fault, detail="finished", at=at)
    outside.tracker.track(said)


def _run(task: Task, outside: Outside, at: datetime, until: datetime) -> Exception | None:
    """Do a task that is due; the error that a retry may fix, if there is one."""
    due, before = task.schedule.newest(at), load(outside.store, task.name)
    if before is None and task.waits:
        before = Progress(due=due, outcome=RunOutcome.WAITS)
        save(outside.store, task.name, before)
    progress = to_do(before, due)
    if progress is None or not progress.counts(at):
        return None
    try:
        outside.ledger.alone(f"{NAME}:{task.name}", partial(_advance, task, outside, due, at, until), lease=LEASE)
    except _PASSING as error:
        log.warning("task %s: %s", task.name, error, extra=fields(task=task.name))
        return error
    return None


def _advance(task: Task, outside: Outside, due: datetime, at: datetime, until: datetime) -> None:
    """Do the steps that are left, up to the end or until the time is over."""
    progress = to_do(load(outside.store, task.name), due)
    if progress is None or not progress.counts(at):  # another instance has done it since
        return
    fault = ""
    try:
        for step in task.steps(outside, due):
            if step.name in progress.done:
                continue
            if outside.clock() >= until:
                log.info("task %s continues at the next tick", task.name, extra=fields(task=task.name))
                return
            began = outside.clock()
            progress = progress.with_step(step.name, step.run())
            progress = replace(progress, seconds=progress.seconds + (outside.clock() - began).total_seconds())
            save(outside.store, task.name, progress)
    except _PASSING:
        raise
    except Exception as error:  # a fault of ours as well: it must not keep the tasks after it from being done
        log.exception("task %s failed", task.name, extra=fields(task=task.name))
        fault = str(error) if isinstance(error, AiaError) else f"the task itself is broken: {type(error).__name__}"
    _end(task, outside, finished(progress, at=outside.clock(), tick=at, fault=fault), fault, at)


def _end(task: Task, outside: Outside, progress: Progress, fault: str, at: datetime) -> None:
    """Record how a task ended."""
    row = {
        "id": run_id(task.name, progress),
        "task": task.name,
        "due": progress.due,
        "written_at": progress.finished_at,
        "outcome": progress.outcome.value,
        "seconds": progress.seconds,
        "detail": progress.detail,
        "fault": fault,
    }
    outside.warehouse.append(RUNS, [row])
    outside.tracker.track(
        observation(task.name, severity=task.severity, runbook=RUNBOOK, fault=fault, detail=progress.detail, at=at)
    )
    save(outside.store, task.name, progress)
    outside.metrics.count("aia_maintenance_runs_total", task=task.name, outcome=progress.outcome.value)


def _publish(task: Task, outside: Outside, at: datetime) -> None:
    """The metrics of a task, at every tick: an instance may be a new one."""
    progress = load(outside.store, task.name)
    if progress is None:
        return
    if progress.succeeded_at:
        succeeded = progress.succeeded_at.timestamp()
        outside.metrics.gauge("aia_maintenance_success_timestamp_seconds", succeeded, at=at, task=task.name)
    if progress.success_ratio is not None:
        outside.metrics.gauge("aia_maintenance_success_ratio", progress.success_ratio, at=at, task=task.name)
    if progress.outcome in (RunOutcome.DONE, RunOutcome.FAILED):
        outside.metrics.gauge("aia_maintenance_seconds", progress.seconds, at=at, task=task.name)
