"""The service `google.pubsub.v1.Subscriber`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import grpc

from infra.local.pubsub import names, wire
from infra.local.pubsub.backlog import Item
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.leases import MAX_RESPONSE_BYTES, ack_numbers, deliver, modify
from infra.local.pubsub.paging import page
from infra.local.pubsub.rpc import Context, RefusalError, invalid, streaming, unary
from infra.local.pubsub.streaming import streaming_pull
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

MAX_PULLED: Final = 1_000
MAX_WAIT: Final = 30.0
"""Seconds that a pull waits for a first message, if its caller waits at least as long."""


class Subscriber:
    """Subscriptions and pulling."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handler(self) -> grpc.GenericRpcHandler:
        """The service's methods."""
        methods = {
            "CreateSubscription": unary(self.create, wire.Subscription),
            "GetSubscription": unary(self.get, wire.GetSubscriptionRequest),
            "UpdateSubscription": unary(self.update, wire.UpdateSubscriptionRequest),
            "ListSubscriptions": unary(self.list, wire.ListSubscriptionsRequest),
            "DeleteSubscription": unary(self.delete, wire.DeleteSubscriptionRequest),
            "ModifyPushConfig": unary(self.modify_push_config, wire.ModifyPushConfigRequest),
            "ModifyAckDeadline": unary(self.modify_ack_deadline, wire.ModifyAckDeadlineRequest),
            "Acknowledge": unary(self.acknowledge, wire.AcknowledgeRequest),
            "Pull": unary(self.pull, wire.PullRequest),
            "StreamingPull": streaming(self.streaming_pull, wire.StreamingPullRequest),
        }
        return grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods)

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
        modify(live.backlog, ack_numbers(live, request.ack_ids), request.ack_deadline_seconds)
        return wire.Empty()

    async def acknowledge(self, request: Proto, _: Context) -> Proto:
        """Messages were handled."""
        live = self._broker.subscription(request.subscription)
        live.backlog.acknowledge(ack_numbers(live, request.ack_ids))
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

    def _pulled(self, name: str) -> Live:
        live = self._broker.subscription(name)
        if live.config.push_config.push_endpoint or live.config.bigquery_config.table:
            raise RefusalError(grpc.StatusCode.FAILED_PRECONDITION, f"subscription: {name!r} delivers by itself")
        return live


async def _wait(live: Live, most: int, context: Context) -> list[Item]:
    remaining = context.time_remaining()
    seconds = MAX_WAIT if remaining is None else min(MAX_WAIT, remaining * 0.8)  # answer before the caller gives up
    try:
        async with asyncio.timeout(seconds):
            return await live.backlog.wait(most, MAX_RESPONSE_BYTES)
    except TimeoutError:
        return []
