"""One sweep: every desk that time alone may change is decided again, and what waits is done.

What is limited waits for its turn here, channel by channel, the worst first; a channel that does not answer is left for the
next sweep and holds up no other.
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
from core.events import Tick
from core.incidents.age import age
from core.incidents.outbox import Desk, Effect, lanes
from functions.adapters.desks.channels import SOURCE
from functions.adapters.desks.desk import Desks, perform, take, track_delivery
from functions.adapters.desks.documents import DESKS
from functions.adapters.desks.perform import NOTIFY, Lane
from functions.incident_sweep.measure import measure
from functions.incident_sweep.moves import move
from functions.services.detection import Tracker

log = logging.getLogger(__name__)
NAME = "incident_sweep"
MOST = 5000
"""Desks that one sweep looks at; in order of their keys, so that more are a matter for the next."""
THREADS = 4
MOST_CHANNELS = 32
"""That are sent to at once: one that waits for its rate must not hold up another."""
Item = TypeVar("Item")
Result = TypeVar("Result")
BUDGET = 45.0
"""Seconds that a sweep takes at most, so that the next one does not meet it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """What a sweep needs.

    Attributes:
        desks: where it is decided.
        sleep: waits some seconds.
        monotonic: seconds that pass evenly.
        budget: seconds that a sweep takes at most.
    """

    desks: Desks
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    budget: float = BUDGET


@dataclass(slots=True)
class _Channel:
    """What waits for one channel, and how many desks are left because somebody else is at them."""

    name: str
    queue: list[tuple[Desk, Sequence[Effect]]] = field(default_factory=list)
    left: int = 0


def sweep(sweeper: Sweeper, tick: Tick) -> None:
    """Look at every desk that time alone may change; safe to call again.

    It gives a sign of life when it has looked at every one of them.

    Raises:
        UnavailableError: the store does not answer.
    """
    start, desks = sweeper.monotonic(), sweeper.desks
    half, end = start + sweeper.budget / 2, start + sweeper.budget
    groups = [document.key for document in desks.store.find(DESKS, where={"active": True}, limit=MOST)]
    # Another order every time: where there is not the time for all, it is not always the same ones that are left.
    random.Random(tick.scheduled_at.timestamp()).shuffle(groups)  # noqa: S311 - no secret
    taken = [desk for desk in _each(groups, partial(_taken, sweeper, half)) if desk is not None]
    channels = _by_channel(taken)
    _each(channels, partial(_drain, sweeper, end), threads=MOST_CHANNELS)
    _each(taken, partial(_done, sweeper, end))
    _recovered(desks, channels)
    measure(desks, channels={one.name: len(one.queue) + one.left for one in channels}, at=tick.scheduled_at)
    if len(taken) < len(groups):
        log.error("%d of %d desks are left for the next sweep", len(groups) - len(taken), len(groups))
        return
    desks.metrics.gauge(
        "aia_heartbeat_timestamp_seconds", tick.scheduled_at.timestamp(), at=tick.scheduled_at, function=NAME
    )


def _taken(sweeper: Sweeper, end: float, group: str) -> Desk | None:
    desks = sweeper.desks
    if sweeper.monotonic() >= end:
        return None
    try:
        return move(desks, take(desks, group, partial(age, charter=desks.charter), at=None).desk)
    except AiaError as error:
        log.warning("left for the next sweep: %s: %s", group, error)
    except Exception:
        log.exception("left for the next sweep, broken: %s", group)
    return None


def _done(sweeper: Sweeper, end: float, desk: Desk) -> None:
    """Do what is no message; what of it there is no time for, the next sweep does."""
    if sweeper.monotonic() < end:
        _performed(sweeper.desks, desk, lambda lane: not lane.startswith(NOTIFY))


def _by_channel(waiting: Iterable[Desk]) -> list[_Channel]:
    found: dict[str, _Channel] = {}
    for desk in waiting:
        for effects in lanes(desk.pending):
            if (message := effects[0].message) is not None:
                found.setdefault(message.channel, _Channel(message.channel)).queue.append((desk, effects))
    for channel in found.values():
        channel.queue.sort(key=_urgency)
    return list(found.values())


def _urgency(waiting: tuple[Desk, Sequence[Effect]]) -> tuple[int, datetime]:
    worst = max(effect.message.severity.rank for effect in waiting[1] if effect.message)
    return -worst, min(effect.since for effect in waiting[1])


def _drain(sweeper: Sweeper, end: float, channel: _Channel) -> None:
    """Send what waits for a channel, as fast as its limit allows, until it fails or the time is over."""
    name = f"{NOTIFY}{channel.name}"
    while channel.queue and sweeper.monotonic() < end:
        lane = _performed(sweeper.desks, channel.queue[0][0], name.__eq__)
        if lane.limited is not None:
            wait = (lane.limited.until - sweeper.desks.clock()).total_seconds()
            if sweeper.monotonic() + wait > end:
                return
            sweeper.sleep(max(0.05, wait))
            continue
        if lane.error and not isinstance(lane.error, (BusyError, ConflictError)):
            return
        channel.queue.pop(0)
        channel.left += lane.error is not None


def _performed(desks: Desks, desk: Desk, wanted: Callable[[str], bool]) -> Lane:
    """How far the last lane came; what goes wrong with one desk is no reason to leave the others."""
    try:
        results = perform(desks, desk, wanted)
    except AiaError as error:
        log.warning("left for the next sweep: %s: %s", desk.watch.group, error)
        return Lane(error=error)
    except Exception:
        log.exception("left for the next sweep, broken: %s", desk.watch.group)
        return Lane(error=BusyError(f"{desk.watch.group}: broken"))
    return results[-1] if results else Lane()


def _recovered(desks: Desks, channels: Sequence[_Channel]) -> None:
    """Tell of channels that did not answer and for which nothing waits any more; of others, what they take tells."""
    waiting = {one.name for one in channels}
    try:
        Tracker(desks.store, desks.performer.bus).publish_unsent(SOURCE)
        for name, refused in sorted(desks.failing().items()):
            if name not in waiting and (not refused or name not in desks.performer.channels):
                track_delivery(desks, name, fault="")
    except AiaError as error:
        log.warning("channels not looked at: %s", error)


def _each(items: Sequence[Item], act: Callable[[Item], Result], *, threads: int = THREADS) -> list[Result]:
    """Do it for every item, a few at once, in order; their logs keep the trace of the request."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(threads, len(items))) as pool:
        return list(pool.map(lambda context, item: context.run(act, item), [copy_context() for _ in items], items))
