"""StreamingPull: messages flow one way, acknowledgements the other."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Final

from infra.local.pubsub import wire
from infra.local.pubsub.config import ACK_DEADLINES
from infra.local.pubsub.leases import MAX_RESPONSE_BYTES, AckIds, deliver, modify, resolve
from infra.local.pubsub.rpc import invalid, missing, unfit
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
    reader = asyncio.create_task(stream.read(first, requests))
    try:
        while not reader.done():
            if live.backlog.closed:
                raise missing(f"subscription: {live.config.name!r} was deleted")
            check_pulled(live)
            changed = live.backlog.changed
            if answer := stream.next():
                yield answer
            else:
                await _either(reader, changed)
        await reader  # raises what was wrong with a request
    finally:
        reader.cancel()


def check_pulled(live: Live) -> None:
    """Refuse to pull from a subscription that delivers by itself, or not any more.

    Raises:
        RefusalError: it is one.
    """
    if live.config.detached:
        raise unfit(f"subscription: {live.config.name!r} is detached from its topic")
    if live.config.push_config.push_endpoint or live.config.bigquery_config.table:
        raise unfit(f"subscription: {live.config.name!r} delivers by itself")


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
        self._answers: list[Proto] = (
            [self._answer()] if live.exactly_once else []
        )  # tells the client at once whether delivery is exactly-once

    def next(self) -> Proto | None:
        """The next response: a confirmation, or messages."""
        if self._answers:
            return self._answers.pop(0)
        received = self._receive()
        return self._answer(received_messages=received) if received else None

    def _receive(self) -> list[Proto]:
        """The next messages for which there is room; the bytes may be exceeded by one batch."""
        out = self._live.backlog.out
        self._outstanding = {number: size for number, size in self._outstanding.items() if number in out}
        room = min(self._most - len(self._outstanding), MAX_BATCH)
        if room <= 0 or sum(self._outstanding.values()) >= self._most_bytes:
            return []
        items = self._live.backlog.take(room, MAX_RESPONSE_BYTES)
        self._outstanding |= {item.id: item.size for item in items}
        return deliver(self._live, items, self._deadline)

    async def read(self, first: Proto, requests: AsyncIterator[Proto]) -> None:
        """Handle the requests; an empty one only keeps the stream open."""
        await self._act(first)
        async for request in requests:
            if request.subscription:
                raise invalid("subscription: must be set on the first request only")
            if request.stream_ack_deadline_seconds:
                self._deadline = request.stream_ack_deadline_seconds
                self._check_deadline()
            await self._act(request)

    async def _act(self, request: Proto) -> None:
        if request.ack_ids:
            await self._acknowledge(request.ack_ids)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("modify_deadline_seconds: must be one for each of modify_deadline_ack_ids")
        wanted = zip(request.modify_deadline_seconds, request.modify_deadline_ack_ids, strict=True)
        for seconds, pairs in groupby(wanted, key=itemgetter(0)):
            self._modify([ack_id for _, ack_id in pairs], seconds)

    async def _acknowledge(self, ack_ids: Iterable[str]) -> None:
        ids = resolve(self._live, ack_ids)
        written = self._live.backlog.acknowledge(ids.numbers.values())
        if self._live.exactly_once:
            if written:
                await written
            confirmed = _confirmed(wire.StreamingPullResponse.AcknowledgeConfirmation, ids)
            self._confirm(acknowledge_confirmation=confirmed)

    def _modify(self, ack_ids: Iterable[str], seconds: int) -> None:
        ids = resolve(self._live, ack_ids)
        modify(self._live.backlog, ids.numbers.values(), seconds)
        if self._live.exactly_once:
            confirmed = _confirmed(wire.StreamingPullResponse.ModifyAckDeadlineConfirmation, ids)
            self._confirm(modify_ack_deadline_confirmation=confirmed)

    def _confirm(self, **confirmation: Proto) -> None:
        self._answers.append(self._answer(**confirmation))
        self._live.backlog.notify()

    def _answer(self, **fields: object) -> Proto:
        properties = wire.StreamingPullResponse.SubscriptionProperties(
            exactly_once_delivery_enabled=self._live.exactly_once,
            message_ordering_enabled=self._live.config.enable_message_ordering,
        )
        return wire.StreamingPullResponse(subscription_properties=properties, **fields)

    def _check_deadline(self) -> None:
        low, high = ACK_DEADLINES
        if not low <= self._deadline <= high:
            raise invalid(f"stream_ack_deadline_seconds: must be {low} to {high}, got {self._deadline}")


def _confirmed(kind: Proto, ids: AckIds) -> Proto:
    return kind(ack_ids=list(ids.numbers), invalid_ack_ids=ids.stale)
