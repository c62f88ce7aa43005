"""One sweep: every group that is due is decided again, the worst first, and pending effects are dispatched.

A group says when time alone may change it (`core.incidents.due`). Where more are due than one request can decide, the rest is
published as batches, which other instances take; what is left undone is due still, and the heartbeat says since when.

Messages beyond a rate limit are sent here, channel by channel, the worst first; a channel that does not answer is left
for the next sweep and blocks no other. A condition whose target the settings moved to another group continues there.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import TypeVar

from core.errors import AiaError, BusyError, ConflictError, UnavailableError
from core.events import IncidentDecision, Severity, Status, SweepBatch, Tick
from core.incidents.due import LONGEST_REST
from core.incidents.expiry import expire
from core.incidents.model import Decision, GroupState, IncidentCondition, IncidentReason
from core.incidents.moving import end_of, live_incidents, move_in, move_out, successor
from core.incidents.outbox import Effect, IncidentGroup, delivery_queues
from core.incidents.policy import IncidentPolicy
from functions.adapters.ports import Due, Store
from functions.incident_sweep.measure import measure
from functions.runtime.endpoint import TickResult, read_part
from functions.runtime.push import Message
from functions.services.detection import Tracker
from functions.services.incidents.delivery import NOTIFY, SOURCE, DeliveryResult
from functions.services.incidents.documents import GROUPS
from functions.services.incidents.records import about_sweep
from functions.services.incidents.service import IncidentService

log = logging.getLogger(__name__)
NAME = "incident_sweep"
TOPIC = "sweeps"
BATCH = 1000
"""Groups that one request decides."""
MOST_GROUPS = 20_000
"""Groups per sweep; more are left for the next."""
THREADS = 4
MOST_CHANNELS = 32
"""Channels in parallel: one that waits for its rate limit must not block another."""
BUDGET = 45.0
"""Seconds that a sweep takes at most, so that it does not overlap the next one."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def move(service: IncidentService, group: IncidentGroup) -> IncidentGroup:
    """Move the firing conditions of a group whose targets now belong to another one; idempotent.

    A condition that continues there ends here when whoever was notified of it here was notified there, by one of the next sweeps.

    Args:
        service: the incident service.
        group: as saved.

    Returns:
        The group without those that have moved.

    Raises:
        AiaError: a dependency does not answer; the next sweep moves the rest.
    """
    for condition in group.state.conditions:
        destination = service.policy.graph.group(condition.target)
        if destination != group.state.name and condition.status is Status.FIRING:
            group = _move(service, group, condition, destination)
    return group


def _move(
    service: IncidentService, group: IncidentGroup, condition: IncidentCondition, destination: str
) -> IncidentGroup:
    at, name = condition.observed_at, group.state.name
    leaving = live_incidents(group.state, condition.key)
    log.info("%s moves from %s to %s", condition.key, name, destination)
    there = service.commit(
        destination, lambda state, _, policy: move_in(state, condition, leaving, policy=policy), at=at
    ).group
    into = successor(there, condition, leaving)
    reason = IncidentReason.MOVED if into else end_of(there.state, condition.key)
    if reason is None:
        return group
    whole = into.id if into else ""
    return service.commit(
        name, lambda state, _, policy: move_out(state, condition, reason, whole, policy=policy), at=at
    ).group


def _expire(state: GroupState, now: datetime, policy: IncidentPolicy) -> Decision:
    return expire(state, now, policy=policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Dependencies of a sweep.

    Attributes:
        service: the incident service.
        sleep: sleeps some seconds.
        monotonic: a monotonic clock, in seconds.
        budget: seconds that a sweep takes at most.
        swept: whether this instance has swept before. Its first sweep looks at every active group: with the instance, settings
            may have been deployed that change what is due.
    """

    service: IncidentService
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    budget: float = BUDGET
    swept: Event = field(default_factory=Event)


@dataclass(slots=True)
class _Backlog:
    """Pending messages of one channel, by group.

    Attributes:
        channel: its name.
        waiting: what is pending.
        left: the number of groups left because another instance is working on them.
        sent: the groups whose messages were sent: what became of them is pending there.
    """

    channel: str
    waiting: list[tuple[IncidentGroup, Sequence[Effect]]] = field(default_factory=list)
    left: int = 0
    sent: set[str] = field(default_factory=set)


def read(message: Message, cron: str) -> Tick | SweepBatch:
    """The event that a message carries; see `read_part`."""
    event: Tick | SweepBatch = read_part(message, cron, SweepBatch)
    return event


def handle(sweeper: Sweeper, event: Tick | SweepBatch) -> TickResult | None:
    """Sweep at a tick, or the groups of a batch; idempotent.

    Raises:
        UnavailableError: the store or the bus does not answer, or the time was too short for all groups of a batch.
    """
    if isinstance(event, Tick):
        return sweep(sweeper, event)
    undone = len(event.groups) - len(sweep_groups(sweeper, event.groups, event.scheduled_at).decided)
    if undone:
        raise UnavailableError(f"{undone} of {len(event.groups)} groups of the batch were not decided")
    return None


def sweep(sweeper: Sweeper, tick: Tick) -> TickResult:
    """Decide over the groups that are due, and dispatch pending effects; idempotent.

    The heartbeat is set to the instant since which a group is due that this request left to others, if there is one.

    Returns:
        With the fault of the bus, if it takes no batches: the tick comes again.

    Raises:
        UnavailableError: the store does not answer.
    """
    service, at = sweeper.service, tick.scheduled_at
    began, started = sweeper.monotonic(), about_sweep(at, at=service.clock())
    due = _due(service.store, service.clock() + (timedelta(0) if sweeper.swept.is_set() else LONGEST_REST))
    fault = _publish_batches(service, due[BATCH:], at)
    swept = sweep_groups(sweeper, [one.key for one in due[:BATCH]], at)
    if sweeper.monotonic() < began + sweeper.budget:
        _record(service, started)
    _track_recovered(service, swept.backlogs)
    waiting = {backlog.channel: len(backlog.waiting) + backlog.left for backlog in swept.backlogs}
    undone = [one.at for one in due if one.key not in swept.decided]
    measure(service, waiting=waiting, is_all=not undone, at=at)
    sweeper.swept.set()
    if undone:
        log.error("%d of %d groups that are due are left to other requests", len(undone), len(due))
    return TickResult(reached=min(undone, default=at), fault=fault)


def _publish_batches(service: IncidentService, due: Sequence[Due], at: datetime) -> AiaError | None:
    """Leave groups to other instances; the error, if the bus does not take them: it must not keep the worst ones from being swept."""
    try:
        for first in range(0, len(due), BATCH):
            names = tuple(one.key for one in due[first : first + BATCH])
            service.dispatcher.bus.publish(TOPIC, SweepBatch(scheduled_at=at, groups=names))
    except AiaError as error:
        log.warning("batches not published: %s", error)
        return error
    return None


@dataclass(frozen=True, slots=True)
class _Swept:
    """The groups that were decided, and what is pending for each channel afterwards."""

    decided: frozenset[str]
    backlogs: Sequence[_Backlog]


def sweep_groups(sweeper: Sweeper, names: Sequence[str], scheduled_at: datetime) -> _Swept:
    """Decide over some groups, the first ones first, and dispatch what is pending.

    Args:
        sweeper: the dependencies.
        names: of the groups.
        scheduled_at: of the tick, for the record.
    """
    start = sweeper.monotonic()
    half, end = start + sweeper.budget / 2, start + sweeper.budget
    groups = [group for group in _parallel(names, partial(_decide, sweeper, scheduled_at, half)) if group is not None]
    backlogs = _backlogs(groups)
    _parallel(backlogs, partial(_drain, sweeper, end), threads=MOST_CHANNELS)
    sent = frozenset[str]().union(*(backlog.sent for backlog in backlogs))
    _parallel(groups, partial(_dispatch_others, sweeper, end, sent))
    return _Swept(frozenset(group.state.name for group in groups), backlogs)


def _due(store: Store, until: datetime) -> list[Due]:
    """The groups that are due at an instant, the worst first."""
    due: list[Due] = []
    for severity in sorted(Severity, key=lambda severity: -severity.rank):
        due += store.due(GROUPS, where={"severity": severity.value}, until=until, limit=MOST_GROUPS - len(due))
    return due


def _decide(sweeper: Sweeper, scheduled_at: datetime, end: float, name: str) -> IncidentGroup | None:
    service = sweeper.service
    if sweeper.monotonic() >= end:
        return None
    try:
        about = about_sweep(scheduled_at, name, at=scheduled_at)
        return move(service, service.commit(name, _expire, at=None, about=about).group)
    except AiaError as error:
        log.warning("retried at the next sweep: %s: %s", name, error)
    except Exception:
        log.exception("retried at the next sweep, unexpected error: %s", name)
    return None


def _dispatch_others(sweeper: Sweeper, end: float, sent: Collection[str], group: IncidentGroup) -> None:
    """Perform effects that are no messages; those that the time is too short for are left for the next sweep."""
    if sweeper.monotonic() < end:
        _dispatch(sweeper.service, group, lambda queue: not queue.startswith(NOTIFY), reload=group.state.name in sent)


def _backlogs(groups: Iterable[IncidentGroup]) -> list[_Backlog]:
    backlogs: dict[str, _Backlog] = {}
    for group in groups:
        for effects in delivery_queues(group.pending):
            if (message := effects[0].message) is not None:
                backlogs.setdefault(message.channel, _Backlog(message.channel)).waiting.append((group, effects))
    for backlog in backlogs.values():
        backlog.waiting.sort(key=_urgency)
    return list(backlogs.values())


def _urgency(waiting: tuple[IncidentGroup, Sequence[Effect]]) -> tuple[int, datetime]:
    worst = max(effect.message.severity.rank for effect in waiting[1] if effect.message)
    return -worst, min(effect.since for effect in waiting[1])


def _drain(sweeper: Sweeper, end: float, backlog: _Backlog) -> None:
    """Send the pending messages of a channel, as fast as its limit allows, until it fails or the time is over."""
    queue = f"{NOTIFY}{backlog.channel}"
    while backlog.waiting and sweeper.monotonic() < end:
        group, _ = backlog.waiting[0]
        result = _dispatch(sweeper.service, group, queue.__eq__)
        if result.done:
            backlog.sent.add(group.state.name)
        if result.limited is not None:
            wait = (result.limited.until - sweeper.service.clock()).total_seconds()
            if sweeper.monotonic() + wait > end:
                return
            sweeper.sleep(max(0.05, wait))
            continue
        if result.error and not isinstance(result.error, (BusyError, ConflictError)):
            return
        backlog.waiting.pop(0)
        backlog.left += result.error is not None


def _dispatch(
    service: IncidentService, group: IncidentGroup, wanted: Callable[[str], bool], *, reload: bool = False
) -> DeliveryResult:
    """The result of the last queue; an error with one group does not stop the others."""
    try:
        results = service.dispatch(service.load(group.state.name) if reload else group, wanted)
    except AiaError as error:
        log.warning("retried at the next sweep: %s: %s", group.state.name, error)
        return DeliveryResult(error=error)
    except Exception:
        log.exception("retried at the next sweep, unexpected error: %s", group.state.name)
        return DeliveryResult(error=BusyError(f"{group.state.name}: unexpected error"))
    return results[-1] if results else DeliveryResult()


def _record(service: IncidentService, started: IncidentDecision) -> None:
    """Publish that the sweep took place; where the bus takes nothing, a replay takes it for one that did not."""
    try:
        service.record(started)
    except AiaError as error:
        log.warning("sweep not recorded: %s", error)


def _track_recovered(service: IncidentService, backlogs: Sequence[_Backlog]) -> None:
    """Resolve failing channels for which nothing is pending; the others recover by a delivery."""
    waiting = {backlog.channel for backlog in backlogs}
    try:
        Tracker(service.store, service.dispatcher.bus).publish_unsent(SOURCE)
        for name, refused in sorted(service.failing().items()):
            if name not in waiting and (not refused or name not in service.dispatcher.channels):
                service.track_delivery(name, fault="")
    except AiaError as error:
        log.warning("recovered channels not tracked: %s", error)


def _parallel(items: Sequence[Item], act: Callable[[Item], Result], *, threads: int = THREADS) -> list[Result]:
    """Call `act` for every item, a few in parallel, with results in order; their logs have the trace of the request."""
    if len(items) <= 1:
        return [copy_context().run(act, item) for item in items]
    with ThreadPoolExecutor(max_workers=min(threads, len(items))) as pool:
        return list(pool.map(lambda context, item: context.run(act, item), [copy_context() for _ in items], items))
