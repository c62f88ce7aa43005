"""The service `google.pubsub.v1.Subscriber`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from infra.local.pubsub import names, wire
from infra.local.pubsub.backlog import Item
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.leases import MAX_RESPONSE_BYTES, deliver, modify, resolve
from infra.local.pubsub.paging import page
from infra.local.pubsub.rpc import Context, Service, invalid
from infra.local.pubsub.streaming import check_pulled, streaming_pull
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

MAX_PULLED: Final = 1_000
MAX_WAIT: Final = 30.0
"""Seconds that a pull waits for a first message, if its caller waits at least as long."""


class Subscriber:
    """Subscriptions and pulling."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def service(self) -> Service:
        """The service's methods."""
        methods = {
            "CreateSubscription": (self.create, wire.Subscription),
            "GetSubscription": (self.get, wire.GetSubscriptionRequest),
            "UpdateSubscription": (self.update, wire.UpdateSubscriptionRequest),
            "ListSubscriptions": (self.list, wire.ListSubscriptionsRequest),
            "DeleteSubscription": (self.delete, wire.DeleteSubscriptionRequest),
            "ModifyPushConfig": (self.modify_push_config, wire.ModifyPushConfigRequest),
            "ModifyAckDeadline": (self.modify_ack_deadline, wire.ModifyAckDeadlineRequest),
            "Acknowledge": (self.acknowledge, wire.AcknowledgeRequest),
            "Pull": (self.pull, wire.PullRequest),
            "CreateSnapshot": (self.create_snapshot, wire.CreateSnapshotRequest),
            "GetSnapshot": (self.get_snapshot, wire.GetSnapshotRequest),
            "UpdateSnapshot": (self.update_snapshot, wire.UpdateSnapshotRequest),
            "ListSnapshots": (self.list_snapshots, wire.ListSnapshotsRequest),
            "DeleteSnapshot": (self.delete_snapshot, wire.DeleteSnapshotRequest),
            "Seek": (self.seek, wire.SeekRequest),
        }
        streams = {"StreamingPull": (self.streaming_pull, wire.StreamingPullRequest)}
        return Service("google.pubsub.v1.Subscriber", methods, streams)

    async def create(self, request: Proto, _: Context) -> Proto:
        """Create a subscription."""
        return await self._broker.create_subscription(request)

    async def get(self, request: Proto, _: Context) -> Proto:
        """A subscription."""
        return self._broker.subscription(request.subscription).config

    async def update(self, request: Proto, _: Context) -> Proto:
        """Replace fields of a subscription."""
        return await self._broker.update_subscription(request.subscription, list(request.update_mask.paths))

    async def list(self, request: Proto, _: Context) -> Proto:
        """The subscriptions of a project."""
        prefix = names.check_project(request.project) + "/"
        mine = sorted(name for name in self._broker.subscriptions if name.startswith(prefix))
        chosen, token = page(mine, request.page_size, request.page_token)
        configs = [self._broker.subscriptions[name].config for name in chosen]
        return wire.ListSubscriptionsResponse(subscriptions=configs, next_page_token=token)

    async def delete(self, request: Proto, _: Context) -> Proto:
        """Delete a subscription and its messages."""
        await self._broker.delete_subscription(request.subscription)
        return wire.Empty()

    async def modify_push_config(self, request: Proto, _: Context) -> Proto:
        """Push to another endpoint, or to none."""
        wanted = wire.Subscription(name=request.subscription, push_config=request.push_config)
        await self._broker.update_subscription(wanted, ["push_config"])
        return wire.Empty()

    async def modify_ack_deadline(self, request: Proto, _: Context) -> Proto:
        """Lengthen leases, or end them (0: deliver again)."""
        live = self._broker.subscription(request.subscription)
        ids = resolve(live, request.ack_ids)
        modify(live.backlog, ids.numbers.values(), request.ack_deadline_seconds)
        ids.check()
        return wire.Empty()

    async def acknowledge(self, request: Proto, _: Context) -> Proto:
        """Messages were handled; with exactly-once delivery, answered when that is on disk."""
        live = self._broker.subscription(request.subscription)
        ids = resolve(live, request.ack_ids)
        written = live.backlog.acknowledge(ids.numbers.values())
        if live.exactly_once and written:
            await written
        ids.check()
        return wire.Empty()

    async def pull(self, request: Proto, context: Context) -> Proto:
        """The messages that wait; when there are none, whatever comes in the next seconds."""
        live = self._pulled(request.subscription)
        if request.max_messages < 1:
            raise invalid(f"max_messages: must be positive, got {request.max_messages}")
        most = min(request.max_messages, MAX_PULLED)
        items = live.backlog.take(most, MAX_RESPONSE_BYTES)
        if not items and not request.return_immediately:
            items = await _wait(live, most, context)
        received = deliver(live, items, live.config.ack_deadline_seconds)
        return wire.PullResponse(received_messages=received)

    async def streaming_pull(self, requests: AsyncIterator[Proto], _: Context) -> AsyncIterator[Proto]:
        """Messages as they come, until the caller ends the stream."""
        first = await anext(aiter(requests))
        async for answer in streaming_pull(self._pulled(first.subscription), first, requests):
            yield answer

    async def create_snapshot(self, request: Proto, _: Context) -> Proto:
        """Hold what a subscription has not acknowledged."""
        return await self._broker.create_snapshot(request)

    async def get_snapshot(self, request: Proto, _: Context) -> Proto:
        """A snapshot."""
        return self._broker.snapshots.get(request.snapshot).config

    async def update_snapshot(self, request: Proto, _: Context) -> Proto:
        """Replace fields of a snapshot."""
        return await self._broker.snapshots.update(request.snapshot, list(request.update_mask.paths))

    async def list_snapshots(self, request: Proto, _: Context) -> Proto:
        """The snapshots of a project."""
        prefix = names.check_project(request.project) + "/"
        mine = {one.name: one for one in self._broker.snapshots.all() if one.name.startswith(prefix)}
        chosen, token = page(sorted(mine), request.page_size, request.page_token)
        return wire.ListSnapshotsResponse(snapshots=[mine[name] for name in chosen], next_page_token=token)

    async def delete_snapshot(self, request: Proto, _: Context) -> Proto:
        """Delete a snapshot."""
        await self._broker.snapshots.delete(self._broker.snapshots.get(request.snapshot).config.name)
        return wire.Empty()

    async def seek(self, request: Proto, _: Context) -> Proto:
        """Deliver again, or no more, by a moment or a snapshot."""
        await self._broker.seek(request)
        return wire.SeekResponse()

    def _pulled(self, name: str) -> Live:
        live = self._broker.subscription(name)
        check_pulled(live)
        return live


async def _wait(live: Live, most: int, context: Context) -> list[Item]:
    remaining = context.time_remaining()
    seconds = MAX_WAIT if remaining is None else min(MAX_WAIT, remaining * 0.8)  # answer before the caller gives up
    try:
        async with asyncio.timeout(seconds):
            return await live.backlog.wait(most, MAX_RESPONSE_BYTES)
    except TimeoutError:
        return []
