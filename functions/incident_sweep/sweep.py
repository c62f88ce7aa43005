"""One sweep: every group that time alone may change is decided again, and pending effects are dispatched.

Messages beyond a rate limit are sent here, channel by channel, the worst first; a channel that does not answer is left
for the next sweep and blocks no other. A condition whose target the settings moved to another group continues there.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from core.errors import AiaError, BusyError, ConflictError
from core.events import Finding, Status, Tick
from core.incidents.conditions import moved
from core.incidents.expiry import expire
from core.incidents.fold import fold, resolve_condition
from core.incidents.model import IncidentCondition, IncidentReason
from core.incidents.outbox import Effect, IncidentGroup, delivery_queues
from functions.incident_sweep.measure import measure
from functions.runtime.endpoint import TickResult
from functions.services.detection import Tracker
from functions.services.incidents.delivery import NOTIFY, SOURCE, DeliveryResult
from functions.services.incidents.documents import GROUPS
from functions.services.incidents.service import Decide, IncidentService

log = logging.getLogger(__name__)
NAME = "incident_sweep"
MOST_GROUPS = 5000
"""Groups per sweep, by key; more are left for the next."""
THREADS = 4
MOST_CHANNELS = 32
"""Channels in parallel: one that waits for its rate limit must not block another."""
BUDGET = 45.0
"""Seconds that a sweep takes at most, so that it does not overlap the next one."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def move(service: IncidentService, group: IncidentGroup) -> IncidentGroup:
    """Move the firing conditions of a group whose targets now belong to another one; idempotent.

    Args:
        service: the incident service.
        group: as saved.

    Returns:
        The group without them.

    Raises:
        AiaError: a dependency does not answer; the next sweep moves the rest.
    """
    graph, name = service.policy.graph, group.state.name
    for condition in group.state.conditions:
        destination = graph.group(condition.target)
        if destination == name or condition.status is not Status.FIRING:
            continue
        log.info("%s moves from %s to %s", condition.key, name, destination)
        service.commit(destination, _open(service, condition), at=condition.observed_at)
        group = service.commit(name, _close(service, condition), at=condition.observed_at).group
    return group


def _open(service: IncidentService, condition: IncidentCondition) -> Decide:
    return lambda state, now: fold(state, _finding(condition), now=now, policy=service.policy)


def _close(service: IncidentService, condition: IncidentCondition) -> Decide:
    return lambda state, _: resolve_condition(state, moved(condition), IncidentReason.MOVED, policy=service.policy)


def _finding(condition: IncidentCondition) -> Finding:
    return Finding(
        target=condition.target,
        kind=condition.kind,
        status=condition.status,
        severity=condition.severity,
        observed_at=condition.observed_at,
        source=condition.source,
        summary=condition.summary,
        value=condition.value,
        threshold=condition.threshold,
        unit=condition.unit,
        evidence={evidence.name: evidence.text for evidence in condition.evidence},
        runbook=condition.runbook,
        holds_until=condition.holds_until,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Dependencies of a sweep.

    Attributes:
        service: the incident service.
        sleep: sleeps some seconds.
        monotonic: a monotonic clock, in seconds.
        budget: seconds that a sweep takes at most.
    """

    service: IncidentService
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    budget: float = BUDGET


@dataclass(slots=True)
class _Backlog:
    """Pending messages of one channel, by group, and the number of groups left because another instance is working on them."""

    channel: str
    waiting: list[tuple[IncidentGroup, Sequence[Effect]]] = field(default_factory=list)
    left: int = 0


def sweep(sweeper: Sweeper, tick: Tick) -> TickResult:
    """Decide over every active group, and dispatch pending effects; idempotent.

    It is complete when every active group was decided.

    Raises:
        UnavailableError: the store does not answer.
    """
    start, service = sweeper.monotonic(), sweeper.service
    half, end = start + sweeper.budget / 2, start + sweeper.budget
    names = [document.key for document in service.store.find(GROUPS, where={"active": True}, limit=MOST_GROUPS)]
    # Another order every time: where the time is too short for all, other groups are left each time.
    random.Random(tick.scheduled_at.timestamp()).shuffle(names)  # noqa: S311 - no secret
    groups = [group for group in _parallel(names, partial(_decide, sweeper, half)) if group is not None]
    backlogs = _backlogs(groups)
    _parallel(backlogs, partial(_drain, sweeper, end), threads=MOST_CHANNELS)
    _parallel(groups, partial(_dispatch_others, sweeper, end))
    _track_recovered(service, backlogs)
    measure(
        service,
        waiting={backlog.channel: len(backlog.waiting) + backlog.left for backlog in backlogs},
        at=tick.scheduled_at,
    )
    if len(groups) < len(names):
        log.error("%d of %d groups are deferred to the next sweep", len(names) - len(groups), len(names))
    return TickResult(complete=len(groups) == len(names))


def _decide(sweeper: Sweeper, end: float, name: str) -> IncidentGroup | None:
    service = sweeper.service
    if sweeper.monotonic() >= end:
        return None
    try:
        return move(service, service.commit(name, partial(expire, policy=service.policy), at=None).group)
    except AiaError as error:
        log.warning("retried at the next sweep: %s: %s", name, error)
    except Exception:
        log.exception("retried at the next sweep, unexpected error: %s", name)
    return None


def _dispatch_others(sweeper: Sweeper, end: float, group: IncidentGroup) -> None:
    """Perform effects that are no messages; those that the time is too short for are left for the next sweep."""
    if sweeper.monotonic() < end:
        _dispatch(sweeper.service, group, lambda queue: not queue.startswith(NOTIFY))


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
        result = _dispatch(sweeper.service, backlog.waiting[0][0], queue.__eq__)
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


def _dispatch(service: IncidentService, group: IncidentGroup, wanted: Callable[[str], bool]) -> DeliveryResult:
    """The result of the last queue; an error with one group does not stop the others."""
    try:
        results = service.dispatch(group, wanted)
    except AiaError as error:
        log.warning("retried at the next sweep: %s: %s", group.state.name, error)
        return DeliveryResult(error=error)
    except Exception:
        log.exception("retried at the next sweep, unexpected error: %s", group.state.name)
        return DeliveryResult(error=BusyError(f"{group.state.name}: unexpected error"))
    return results[-1] if results else DeliveryResult()


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
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(threads, len(items))) as pool:
        return list(pool.map(lambda context, item: context.run(act, item), [copy_context() for _ in items], items))
