"""StreamingPull: messages flow one way, acknowledgements the other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from infra.local.pubsub import wire
from infra.local.pubsub.config import ACK_DEADLINES
from infra.local.pubsub.leases import MAX_RESPONSE_BYTES, ack_numbers, deliver, modify
from infra.local.pubsub.rpc import invalid, missing
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

MAX_OUTSTANDING: Final = 10_000
MAX_BATCH: Final = 500


async def streaming_pull(live: Live, first: Proto, requests: AsyncIterator[Proto]) -> AsyncIterator[Proto]:
    """Answer a stream.

    Args:
        live: the subscription.
        first: the first request, which sets the deadline and how much may be outstanding.
        requests: the later ones.

    Yields:
        Responses with messages.

    Raises:
        RefusalError: a request is wrong.
    """
    stream = _Stream(live, first)
    reader = asyncio.create_task(stream.read(requests))
    try:
        while not reader.done():
            if live.backlog.closed:
                raise missing(f"subscription: {live.config.name!r} was deleted")
            changed = live.backlog.changed
            if received := stream.next():
                yield wire.StreamingPullResponse(received_messages=received)
            else:
                await _either(reader, changed)
        await reader  # raises what was wrong with a request
    finally:
        reader.cancel()


async def _either(reader: asyncio.Task[None], changed: asyncio.Event) -> None:
    waiter = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait({reader, waiter}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()  # also when the stream is cancelled: it would wait for a change that may never come


class _Stream:
    def __init__(self, live: Live, first: Proto) -> None:
        self._live = live
        self._outstanding: dict[int, int] = {}
        self._most = first.max_outstanding_messages if first.max_outstanding_messages > 0 else MAX_OUTSTANDING
        self._most_bytes = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else 1 << 60
        self._deadline = first.stream_ack_deadline_seconds
        self._check_deadline()
        self._act(first)

    def next(self) -> list[Proto]:
        """The next messages for which there is room; the bytes may be exceeded by one batch."""
        out = self._live.backlog.out
        self._outstanding = {number: size for number, size in self._outstanding.items() if number in out}
        room = min(self._most - len(self._outstanding), MAX_BATCH)
        if room <= 0 or sum(self._outstanding.values()) >= self._most_bytes:
            return []
        items = self._live.backlog.take(room, MAX_RESPONSE_BYTES)
        self._outstanding |= {item.id: item.size for item in items}
        return deliver(self._live, items, self._deadline)

    async def read(self, requests: AsyncIterator[Proto]) -> None:
        """Handle the later requests; an empty one only keeps the stream open."""
        async for request in requests:
            if request.subscription:
                raise invalid("subscription: must be set on the first request only")
            if request.stream_ack_deadline_seconds:
                self._deadline = request.stream_ack_deadline_seconds
                self._check_deadline()
            self._act(request)

    def _act(self, request: Proto) -> None:
        backlog = self._live.backlog
        if request.ack_ids:
            backlog.acknowledge(ack_numbers(self._live, request.ack_ids))
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_seconds: must be one for each of modify_deadline_ack_ids")
        for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
            modify(backlog, ack_numbers(self._live, [ack_id]), seconds)

    def _check_deadline(self) -> None:
        low, high = ACK_DEADLINES
        if not low <= self._deadline <= high:
            raise invalid(f"stream_ack_deadline_seconds: must be {low} to {high}, got {self._deadline}")
