"""The service `google.pubsub.v1.Publisher`."""

from typing import Final

from infra.local.pubsub import names, wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.paging import page
from infra.local.pubsub.rpc import Context, Service, invalid
from infra.local.pubsub.wire import Proto

# https://cloud.google.com/pubsub/quotas#resource_limits
MAX_MESSAGES: Final = 1_000
MAX_BYTES: Final = 10_000_000
MAX_ATTRIBUTES: Final = 100
MAX_KEY_BYTES: Final = 256
MAX_VALUE_BYTES: Final = 1_024


class Publisher:
    """Topics and publishing."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def service(self) -> Service:
        """The service's methods."""
        methods = {
            "CreateTopic": (self.create, wire.Topic),
            "UpdateTopic": (self.update, wire.UpdateTopicRequest),
            "GetTopic": (self.get, wire.GetTopicRequest),
            "ListTopics": (self.list, wire.ListTopicsRequest),
            "ListTopicSubscriptions": (self.list_subscriptions, wire.ListTopicSubscriptionsRequest),
            "ListTopicSnapshots": (self.list_snapshots, wire.ListTopicSnapshotsRequest),
            "DetachSubscription": (self.detach, wire.DetachSubscriptionRequest),
            "DeleteTopic": (self.delete, wire.DeleteTopicRequest),
            "Publish": (self.publish, wire.PublishRequest),
        }
        return Service("google.pubsub.v1.Publisher", methods)

    async def create(self, request: Proto, _: Context) -> Proto:
        """Create a topic."""
        return await self._broker.create_topic(request)

    async def update(self, request: Proto, _: Context) -> Proto:
        """Replace a topic's labels or retention."""
        return await self._broker.update_topic(request.topic, list(request.update_mask.paths))

    async def get(self, request: Proto, _: Context) -> Proto:
        """A topic."""
        return self._broker.topic(request.topic)

    async def list(self, request: Proto, _: Context) -> Proto:
        """The topics of a project."""
        prefix = names.check_project(request.project) + "/"
        mine = sorted(name for name in self._broker.topics if name.startswith(prefix))
        chosen, token = page(mine, request.page_size, request.page_token)
        topics = [self._broker.topics[name] for name in chosen]
        return wire.ListTopicsResponse(topics=topics, next_page_token=token)

    async def list_subscriptions(self, request: Proto, _: Context) -> Proto:
        """The subscriptions of a topic."""
        topic = self._broker.topic(request.topic)
        mine = sorted(live.config.name for live in self._broker.attached(topic.name))
        chosen, token = page(mine, request.page_size, request.page_token)
        return wire.ListTopicSubscriptionsResponse(subscriptions=chosen, next_page_token=token)

    async def list_snapshots(self, request: Proto, _: Context) -> Proto:
        """The snapshots of a topic."""
        topic = self._broker.topic(request.topic)
        mine = sorted(one.name for one in self._broker.snapshots.all() if one.topic == topic.name)
        chosen, token = page(mine, request.page_size, request.page_token)
        return wire.ListTopicSnapshotsResponse(snapshots=chosen, next_page_token=token)

    async def detach(self, request: Proto, _: Context) -> Proto:
        """Deliver no more to a subscription."""
        await self._broker.detach_subscription(request.subscription)
        return wire.DetachSubscriptionResponse()

    async def delete(self, request: Proto, _: Context) -> Proto:
        """Delete a topic."""
        await self._broker.delete_topic(request.topic)
        return wire.Empty()

    async def publish(self, request: Proto, _: Context) -> Proto:
        """Publish messages; answered when they are on disk."""
        _check(request)
        return wire.PublishResponse(message_ids=await self._broker.publish(request.topic, request.messages))


def _check(request: Proto) -> None:
    if not 1 <= len(request.messages) <= MAX_MESSAGES:
        raise invalid(f"messages: must be 1 to {MAX_MESSAGES}, got {len(request.messages)}")
    if request.ByteSize() > MAX_BYTES:
        raise invalid(f"messages: must be at most {MAX_BYTES} bytes, got {request.ByteSize()}")
    for message in request.messages:
        if message.attributes:
            _check_attributes(message)
        elif not message.data:
            raise invalid("messages: each must have data or attributes, got one with neither")


def _check_attributes(message: Proto) -> None:
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise invalid(f"attributes: must be at most {MAX_ATTRIBUTES}, got {len(message.attributes)}")
    for key, value in message.attributes.items():
        if not 1 <= len(key.encode()) <= MAX_KEY_BYTES or key.startswith("goog"):
            raise invalid(f"attributes: a key must be 1 to {MAX_KEY_BYTES} bytes, not starting with goog, got {key!r}")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise invalid(f"attributes: {key!r} must be at most {MAX_VALUE_BYTES} bytes, got {len(value.encode())}")
