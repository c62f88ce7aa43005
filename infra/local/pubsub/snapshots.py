"""Who holds messages of a topic beside its subscriptions: snapshots, and a topic that retains its messages itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.local.pubsub import names, seek, wire
from infra.local.pubsub.journal import Entry
from infra.local.pubsub.rpc import invalid, missing, unfit
from infra.local.pubsub.store import Store
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

LIFETIME: Final = 7 * 86_400
"""Seconds that a snapshot keeps its oldest message: https://cloud.google.com/pubsub/docs/replay-overview#snapshot_expiration."""
LEAST_LIFETIME: Final = 3_600
MUTABLE: Final = frozenset({"labels", "expire_time"})


@dataclass(slots=True)
class Holder:
    """A snapshot; or a topic's own retention, which is a snapshot by the name of the topic.

    Attributes:
        number: of its messages in the store, negative.
        config: `google.pubsub.v1.Snapshot`.
    """

    number: int
    config: Proto

    @property
    def is_snapshot(self) -> bool:
        """Whether it is no topic's retention."""
        return bool(self.config.name != self.config.topic)


class Snapshots:
    """All holders.

    Args:
        store: has their messages.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._holders: dict[str, Holder] = {}
        for number, data in store.known().holders:
            config = wire.Snapshot.FromString(data)
            self._holders[config.name] = Holder(-number, config)

    def get(self, name: str) -> Holder:
        """The snapshot; refused when there is none."""
        if name not in self._holders or not self._holders[name].is_snapshot:
            raise missing(f"snapshot: must exist, got {name!r}")
        return self._holders[name]

    def all(self) -> list[Proto]:
        """The snapshots."""
        return [holder.config for holder in self._holders.values() if holder.is_snapshot]

    def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self._holders

    def holding(self, topic: str) -> list[int]:
        """Under which numbers the messages of a topic are held."""
        return [holder.number for holder in self._holders.values() if holder.config.topic == topic]

    async def create(self, asked: Proto, live: Live) -> Proto:
        """Hold what a subscription has not acknowledged, and what its topic gets from now on."""
        now = time.time()
        oldest = self._store.oldest(live.number)
        left = LIFETIME - (max(0.0, now - oldest / 1e6) if oldest else 0.0)
        if left < LEAST_LIFETIME:
            raise unfit(f"subscription: its oldest message is too old for a snapshot: it would expire in {left:.0f} s")
        config = wire.Snapshot(name=asked.name, topic=live.config.topic, labels=asked.labels)
        config.expire_time.FromMicroseconds(int((now + left) * 1e6))
        await self._hold(config, live.number)
        return config

    async def update(self, wanted: Proto, paths: list[str]) -> Proto:
        """Replace labels or the time at which it expires."""
        holder = self.get(wanted.name)
        if not paths or not MUTABLE.issuperset(paths):
            raise invalid(f"update_mask: must name {' or '.join(sorted(MUTABLE))}, got {paths}")
        for path in paths:
            holder.config.ClearField(path)
            holder.config.MergeFrom(wire.Snapshot(**{path: getattr(wanted, path)}))
        await self._store.write(Entry(act=seek.rewrite(holder.number, holder.config.SerializeToString())))
        return holder.config

    async def delete(self, name: str) -> None:
        """Hold no more."""
        holder = self._holders.pop(name)
        await self._store.write(Entry(act=seek.release(holder.number)))

    async def retain(self, topic: Proto) -> None:
        """Begin or end to hold a topic's messages by itself, as it says."""
        if topic.HasField("message_retention_duration") and topic.name not in self._holders:
            await self._hold(wire.Snapshot(name=topic.name, topic=topic.name), None)
        elif not topic.HasField("message_retention_duration") and topic.name in self._holders:
            await self.delete(topic.name)

    async def forget_topic(self, name: str) -> None:
        """A topic is deleted: its own retention ends, its snapshots stay."""
        if name in self._holders:
            await self.delete(name)
        for holder in self._holders.values():
            if holder.config.topic == name:
                holder.config.topic = names.DELETED_TOPIC
                await self._store.write(Entry(act=seek.rewrite(holder.number, holder.config.SerializeToString())))

    async def seek_snapshot(self, live: Live, name: str) -> None:
        """Make a subscription deliver what a snapshot holds, and nothing else."""
        holder = self.get(name)
        if holder.config.topic != live.config.topic:
            raise invalid(f"snapshot: must be of the topic {live.config.topic!r}, got one of {holder.config.topic!r}")
        await self._seek(live, lambda target: seek.to_snapshot(target, holder.number))

    async def seek_time(self, live: Live, moment: int) -> None:
        """Make a subscription deliver what was published from a moment on, as far as it is retained."""
        holder = self._holders.get(live.config.topic)
        topic = holder.number if holder else None
        await self._seek(live, lambda target: seek.to_time(target, moment, topic))

    async def expire(self, topics: dict[str, Proto]) -> None:
        """Delete snapshots whose time has come, and what topics retain no longer."""
        now = time.time()
        for name, holder in list(self._holders.items()):
            if not holder.is_snapshot:
                retention = topics[name].message_retention_duration.seconds
                await self._store.expire(holder.number, int((now - retention) * 1e6))
            elif holder.config.expire_time.ToMicroseconds() <= now * 1e6:
                await self.delete(name)

    async def _hold(self, config: Proto, source: int | None) -> None:
        number = min((holder.number for holder in self._holders.values()), default=0) - 1
        self._holders[config.name] = Holder(number, config)  # what is published from now on is written after the copy
        await self._store.write(Entry(act=seek.hold(number, config.name, config.SerializeToString(), source)))

    async def _seek(self, live: Live, act: Callable[[seek.Target], Callable[..., object]]) -> None:
        target = seek.Target(live.number, live.config.retain_acked_messages, live.wants)
        await self._store.write(Entry(act=act(target), then=live.backlog.restart))
