"""Topics, subscriptions, and the routing between them, on the event loop."""

import asyncio
import logging
import time
from collections.abc import Iterable
from functools import partial

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from infra.local.pubsub import config, names, wire
from infra.local.pubsub.backlog import Item
from infra.local.pubsub.journal import Entry, Row
from infra.local.pubsub.rpc import RefusalError, invalid, missing
from infra.local.pubsub.schemas import DELETED, Schemas
from infra.local.pubsub.snapshots import Snapshots
from infra.local.pubsub.store import Store, clear
from infra.local.pubsub.subscription import Live, Outlets
from infra.local.pubsub.wire import Proto

log = logging.getLogger(__name__)

Offer = tuple[Live, int, Proto, int]


class Broker:
    """Everything the two services act on.

    Args:
        store: stores them.
        outlets: what messages are delivered through.
    """

    def __init__(self, store: Store, outlets: Outlets) -> None:
        self.topics: dict[str, Proto] = {}
        self.subscriptions: dict[str, Live] = {}
        self.schemas = Schemas(store)
        self.snapshots = Snapshots(store)
        self._store = store
        self._outlets = outlets
        self._last = store.last_number()
        self._lock = asyncio.Lock()  # of changes to topics and subscriptions

    async def start(self) -> None:
        """Take up the work where it was left; what became too old meanwhile is not delivered any more."""
        known = self._store.known()
        for topic in map(wire.Topic.FromString, known.topics):
            self.topics[topic.name] = topic
        asked = [(number, wire.Subscription.FromString(data)) for number, data in known.subscriptions]
        await asyncio.gather(*(self._store.expire(number, _oldest(wanted)) for number, wanted in asked))
        for number, wanted in asked:
            self._open(number, wanted)

    def stop(self) -> None:
        """Deliver no more."""
        for live in self.subscriptions.values():
            live.stop()

    async def create_topic(self, asked: Proto) -> Proto:
        """Create a topic; refused when there is one of that name."""
        topic = config.complete_topic(asked)
        async with self._lock:
            if topic.name in self.topics:
                raise _exists("topic", topic.name)
            return await self._save_topic(topic)

    async def update_topic(self, wanted: Proto, paths: list[str]) -> Proto:
        """Replace fields of a topic."""
        async with self._lock:
            return await self._save_topic(config.update_topic(self.topic(wanted.name), wanted, paths))

    async def delete_topic(self, name: str) -> None:
        """Delete a topic; its subscriptions and their messages stay."""
        async with self._lock:
            self.topic(name)
            for live in self.attached(name):
                orphan = wire.Subscription()
                orphan.CopyFrom(live.config)
                orphan.topic = names.DELETED_TOPIC
                await self._save_subscription(live, orphan)
            await self.snapshots.forget_topic(name)
            await self._store.delete_topic(name)
            del self.topics[name]

    async def delete_schema(self, name: str) -> None:
        """Delete a schema; its topics stay, and refuse messages."""
        async with self._lock:
            await self.schemas.delete(name)
            for topic in list(self.topics.values()):
                if topic.schema_settings.schema == name:
                    topic.schema_settings.schema = DELETED
                    await self._save_topic(topic)

    async def create_subscription(self, asked: Proto) -> Proto:
        """Create a subscription; refused when there is one of that name, or a topic it names is not there."""
        wanted = config.complete(asked)
        async with self._lock:
            if wanted.name in self.subscriptions:
                raise _exists("subscription", wanted.name)
            self.topic(wanted.topic)
            self._check_outside(wanted)
            number = await self._store.add_subscription(wanted.name, wanted.SerializeToString())
            return self._open(number, wanted).config

    async def update_subscription(self, wanted: Proto, paths: list[str]) -> Proto:
        """Replace fields of a subscription."""
        async with self._lock:
            live = self.subscription(wanted.name)
            changed = config.update(live.config, wanted, paths)
            if changed != live.config:  # else its deliveries need not be interrupted
                self._check_outside(changed)
                await self._save_subscription(live, changed)
            return changed

    async def detach_subscription(self, name: str) -> None:
        """Deliver no more to a subscription, and delete its messages."""
        async with self._lock:
            live = self.subscription(name)
            detached = wire.Subscription()
            detached.CopyFrom(live.config)
            detached.detached = True
            await self._save_subscription(live, detached)
            await self._store.write(
                Entry(act=lambda connection: clear(connection, live.number), then=live.backlog.restart)
            )

    async def create_snapshot(self, asked: Proto) -> Proto:
        """Hold what a subscription has not acknowledged; refused when there is a snapshot of that name."""
        names.check(asked.name, "snapshots")
        async with self._lock:
            if self.snapshots.has(asked.name):
                raise _exists("snapshot", asked.name)
            return await self.snapshots.create(asked, self.subscription(asked.subscription))

    async def seek(self, asked: Proto) -> None:
        """Acknowledge everything before a moment or a snapshot, and nothing after it."""
        async with self._lock:
            live = self.subscription(asked.subscription)
            if asked.HasField("snapshot"):
                await self.snapshots.seek_snapshot(live, asked.snapshot)
            elif asked.HasField("time"):
                await self.snapshots.seek_time(live, asked.time.ToMicroseconds())
            else:
                raise invalid("target: must be a time or a snapshot, got neither")

    async def delete_subscription(self, name: str) -> None:
        """Delete a subscription and its messages."""
        async with self._lock:
            live = self.subscription(name)
            live.stop()
            del self.subscriptions[name]
            self._outlets.http.tally.drop(name)
            await self._store.delete_subscription(live.number)

    async def publish(self, topic: str, messages: Iterable[Proto]) -> list[str]:
        """Number the messages and store them for the topic's subscriptions; returns when they are on disk."""
        config = self.topic(topic)
        if config.HasField("schema_settings"):
            messages = list(messages)
            await self.schemas.check(config.schema_settings, messages)
        numbered = self._number(messages)
        rows, offers = self._address(topic, numbered)
        if rows:
            await self._store.write(Entry(rows=rows, then=partial(_offer, offers)))
        return [message.message_id for _, message in numbered]

    async def expire(self) -> None:
        """Delete messages beyond the retention of their subscription."""
        for live in list(self.subscriptions.values()):
            before = _oldest(live.config)
            await self._store.expire(live.number, before)
            live.backlog.expire(before)
        await self.snapshots.expire(self.topics)

    def topic(self, name: str) -> Proto:
        """The topic; refused when there is none."""
        if name not in self.topics:
            raise missing(f"topic: must exist, got {name!r}")
        return self.topics[name]

    def subscription(self, name: str) -> Live:
        """The subscription; refused when there is none."""
        if name not in self.subscriptions:
            raise missing(f"subscription: must exist, got {name!r}")
        return self.subscriptions[name]

    def attached(self, topic: str) -> list[Live]:
        """The subscriptions of a topic."""
        return [live for live in self.subscriptions.values() if live.config.topic == topic and not live.config.detached]

    def _open(self, number: int, wanted: Proto) -> Live:
        live = Live(number, wanted, store=self._store, outlets=self._outlets, bury=self._bury)
        self.subscriptions[wanted.name] = live
        live.start()
        return live

    async def _save_topic(self, topic: Proto) -> Proto:
        if topic.HasField("schema_settings"):
            self.schemas.check_settings(topic.schema_settings)
        await self._store.save_topic(topic.name, topic.SerializeToString())
        self.topics[topic.name] = topic
        await self.snapshots.retain(topic)
        return topic

    async def _save_subscription(self, live: Live, changed: Proto) -> None:
        await self._store.save_subscription(live.number, changed.SerializeToString())
        live.change(changed)

    def _check_outside(self, wanted: Proto) -> None:
        if wanted.HasField("dead_letter_policy"):
            self.topic(wanted.dead_letter_policy.dead_letter_topic)
        if wanted.bigquery_config.table:
            self._outlets.warehouse.check()

    def _number(self, messages: Iterable[Proto]) -> list[tuple[int, Proto]]:
        """Numbers are microseconds since 1970, and grow."""
        nanoseconds = time.time_ns()
        now = Timestamp(seconds=nanoseconds // 10**9, nanos=nanoseconds % 10**9 // 1_000_000 * 1_000_000)
        first = max(self._last + 1, nanoseconds // 1000)
        numbered = list(enumerate(messages, start=first))
        for number, message in numbered:
            message.message_id = str(number)
            message.publish_time.CopyFrom(now)
        self._last = first + len(numbered)
        return numbered

    def _address(self, topic: str, numbered: list[tuple[int, Proto]]) -> tuple[list[Row], list[Offer]]:
        lives, holding = self.attached(topic), self.snapshots.holding(topic)
        filtered = any(live.filtered for live in lives)
        rows: list[Row] = []
        offers: list[Offer] = []
        for number, message in numbered:
            attributes = dict(message.attributes) if filtered else {}
            body = message.SerializeToString() if lives or holding else b""
            rows += [(holder, number, body) for holder in holding]
            for live in lives:
                if live.wants(attributes):
                    rows.append((live.number, number, body))
                    offers.append((live, number, message, len(body)))
        return rows, offers

    def _bury(self, live: Live, item: Item) -> bool:
        """Move a message to the dead-letter topic: there first, then away from here."""
        topic = live.config.dead_letter_policy.dead_letter_topic
        if topic not in self.topics:
            return False
        log.warning("%s: message %d failed %d times, and goes to %s", live.config.name, item.id, item.failures, topic)
        rows, offers = self._address(topic, self._number([_dead_letter(live, item)]))
        self._store.write(live.backlog.done([item.id], rows, partial(_offer, offers)))
        return True


def _oldest(asked: Proto) -> int:
    """The number of the first message that a subscription retains."""
    return int((time.time() - asked.message_retention_duration.seconds) * 1e6)


def _dead_letter(live: Live, item: Item) -> Proto:
    """A copy with where it comes from: https://cloud.google.com/pubsub/docs/dead-letter-topics."""
    copy = wire.PubsubMessage()
    copy.CopyFrom(item.message)
    name = live.config.name
    copy.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(item.failures)
    copy.attributes["CloudPubSubDeadLetterSourceSubscription"] = names.short(name)
    copy.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = names.project(name)
    copy.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = item.message.publish_time.ToJsonString()
    return copy


def _offer(offers: list[Offer]) -> None:
    for live, number, message, size in offers:
        live.backlog.offer(number, message, size)


def _exists(kind: str, name: str) -> RefusalError:
    return RefusalError(grpc.StatusCode.ALREADY_EXISTS, f"{kind}: {name!r} already exists")
