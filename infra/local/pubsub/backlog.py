"""The messages of one subscription: a bounded window of them in memory, the rest in the store.

A message is *ready* (waits to be taken), *out* (taken, not yet settled; leased when a client has it) or *resting*
(failed, waits for its back-off; only its number is in memory). Nothing polls: a consumer takes `changed`, checks for
messages, and awaits it; one timer is set for the next due message.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.local.pubsub import wire
from infra.local.pubsub.journal import Entry, Row
from infra.local.pubsub.store import Store, Stored
from infra.local.pubsub.wire import Proto

MAX_READY = 10_000
MAX_READY_BYTES = 32 * 1024**2
MAX_TAKEN_BYTES = 64 * 1024**2
PAGE = 1_000
PAGE_BYTES = 8 * 1024**2


@dataclass(slots=True)
class Item:
    """A message with the number of deliveries that failed."""

    id: int
    message: Proto
    failures: int = 0
    size: int = 0
    due: float = 0.0
    """When the lease ends, on the monotonic clock; 0 when there is none."""
    delivery: int = 0
    """The number of its latest delivery to a client, which no other delivery has."""


class Backlog:
    """The messages of one subscription.

    Args:
        number: the subscription's number in the store.
        store: has the messages that are not in memory.
        rest: seconds until a message with this many failures is redelivered; None if it is not, because it was
            taken care of.
    """

    def __init__(self, number: int, store: Store, rest: Callable[[Item], float | None]) -> None:
        self.out: dict[int, Item] = {}
        self._number = number
        self._store = store
        self._rest = rest
        self._ready: deque[Item] = deque()
        self._ready_bytes = 0
        self._cursor = 0  # everything up to here is in memory or settled
        self._behind = True  # there may be more in the store
        self._resting: dict[int, tuple[float, int]] = {}  # when it is due, how often it failed
        self._due: list[tuple[float, int]] = []  # of leases and rests; an entry may be out of date
        self._timer: asyncio.TimerHandle | None = None
        self.changed = asyncio.Event()
        self.closed = False
        self.retains = False
        """Whether what was acknowledged stays in the store."""

    def offer(self, number: int, message: Proto, size: int) -> None:
        """A message was committed: add it to memory if there is room."""
        if self.closed or number <= self._cursor:
            return  # a page that was read meanwhile had it
        if self._behind or len(self._ready) >= MAX_READY or self._ready_bytes >= MAX_READY_BYTES:
            self._behind = True
        else:
            self._cursor = number
            self._append(Item(number, message, size=size))
        self.notify()

    def take(self, most: int, most_bytes: int = MAX_TAKEN_BYTES) -> list[Item]:
        """The next messages, which are out from now on; none when there are none.

        They end before `most_bytes`, unless the first alone is larger.
        """
        if not self._ready and self._behind:
            self._load()
        items: list[Item] = []
        while self._ready and len(items) < most and (not items or self._ready[0].size <= most_bytes):
            item = self._ready.popleft()
            self._ready_bytes -= item.size
            most_bytes -= item.size
            self.out[item.id] = item
            items.append(item)
        return items

    async def wait(self, most: int, most_bytes: int = MAX_TAKEN_BYTES) -> list[Item]:
        """The next messages, at least one; none when the subscription is gone."""
        while True:
            changed = self.changed
            items = self.take(most, most_bytes)
            if items or self.closed:
                return items
            await changed.wait()

    def lease(self, items: Iterable[Item], seconds: float) -> None:
        """Let messages that are out fail when they are not settled in time."""
        due = time.monotonic() + seconds
        for item in items:
            item.due = due
            self._schedule(due, item.id)

    def acknowledge(self, ids: Iterable[int]) -> asyncio.Future[None] | None:
        """Messages were delivered: those that are out are done. The future is done when that is on disk."""
        done = [number for number in ids if self.out.pop(number, None)]
        if not done:
            return None
        self.notify()
        return self._store.write(self.done(done))

    def done(self, ids: Iterable[int], rows: Sequence[Row] = (), then: Callable[[], None] | None = None) -> Entry:
        """What is written when messages are done, with what else is to be written."""
        pairs = [(self._number, number) for number in ids]
        return Entry(rows=rows, kept=pairs, then=then) if self.retains else Entry(rows=rows, done=pairs, then=then)

    def restart(self) -> None:
        """The store was changed: forget what is in memory, and begin at its first message."""
        self.out.clear()
        self._ready.clear()
        self._resting.clear()
        self._ready_bytes = self._cursor = 0
        self._behind = True
        self.notify()

    def fail(self, ids: Iterable[int]) -> None:
        """Messages were not delivered: those that are out rest, or go where `rest` sends them."""
        failed = [item for number in ids if (item := self.out.pop(number, None))]
        counted = [(self._number, item.id, item.failures) for item in failed if self._count(item)]
        if counted:
            self._store.write(Entry(attempts=counted))
        if failed:
            self.notify()

    def give_back(self, ids: Iterable[int]) -> None:
        """Messages were taken and not tried: those that are out are the next to be taken."""
        items = [item for number in ids if (item := self.out.pop(number, None))]
        self._ready.extendleft(reversed(items))
        self._ready_bytes += sum(item.size for item in items)
        if items:
            self.notify()

    def expire(self, before: int) -> None:
        """Messages before one are gone from the store: those that wait here are not delivered either."""
        kept = deque(item for item in self._ready if item.id >= before)
        self._ready, self._ready_bytes = kept, sum(item.size for item in kept)

    def close(self) -> None:
        """The subscription is deleted: nothing is added, and all waiters wake up."""
        self.closed = True
        self.notify()
        if self._timer:
            self._timer.cancel()

    def _append(self, item: Item) -> None:
        self._ready.append(item)
        self._ready_bytes += item.size

    def _count(self, item: Item) -> bool:
        """Whether a message that failed once more is still ours."""
        item.failures += 1
        item.due = 0.0
        seconds = self._rest(item)
        if seconds == 0:
            self._append(item)
        elif seconds:
            due = time.monotonic() + seconds
            self._resting[item.id] = due, item.failures
            self._schedule(due, item.id)
        return seconds is not None

    def _load(self) -> None:
        page = self._store.page(self._number, self._cursor, PAGE, PAGE_BYTES)
        self._behind = bool(page)
        for stored in page:
            self._append(_item(stored))
            self._cursor = stored[0]

    def _schedule(self, due: float, number: int) -> None:
        heapq.heappush(self._due, (due, number))
        if self._due[0] == (due, number):
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._due and not self.closed:
            delay = max(0.0, self._due[0][0] - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = time.monotonic()
        due: list[int] = []
        while self._due and self._due[0][0] <= now and len(due) < PAGE:
            due.append(heapq.heappop(self._due)[1])
        self.fail([number for number in due if number in self.out and 0 < self.out[number].due <= now])
        self._end_rests([number for number in due if number in self._resting and self._resting[number][0] <= now])
        self._set_timer()

    def _end_rests(self, ids: list[int]) -> None:
        failures = {number: self._resting.pop(number)[1] for number in ids}
        for stored in self._store.get(self._number, list(failures)) if failures else ():
            item = _item(stored)
            item.failures = failures[item.id]  # the store may not have counted the last one yet
            self._append(item)
            self.notify()

    def notify(self) -> None:
        """Wake all waiters; an event is set once and replaced, so that no waiter misses it."""
        self.changed.set()
        self.changed = asyncio.Event()


def _item(stored: Stored) -> Item:
    number, failures, body = stored
    return Item(number, wire.PubsubMessage.FromString(body), failures, len(body))
