"""A live subscription: its configuration, its messages, and what delivers them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from infra.local.pubsub.backlog import Backlog, Item
from infra.local.pubsub.bigquery import TableSink, Warehouse
from infra.local.pubsub.config import backoffs
from infra.local.pubsub.filters import compile_filter
from infra.local.pubsub.push import Http, Push
from infra.local.pubsub.store import Store
from infra.local.pubsub.wire import Proto

log = logging.getLogger(__name__)

UNASKED_BACKOFFS: Final = (0.1, 60.0)
"""Of a push subscription without a retry policy: https://cloud.google.com/pubsub/docs/push#push_backoff."""
_LEAST_DOUBLED: Final = 0.05  # a back-off that starts at nothing must still grow
_MAX_DOUBLINGS: Final = 30


class Consumer(Protocol):
    """Takes messages from a backlog and settles them."""

    async def run(self) -> None:
        """Until it is cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Outlets:
    """What messages are delivered through."""

    http: Http
    warehouse: Warehouse


class Live:
    """A subscription at work.

    Args:
        number: its number in the store.
        config: checked and complete.
        store: has its messages.
        outlets: what messages are delivered through.
        bury: takes over a message that failed too often; says whether it could.
    """

    def __init__(
        self, number: int, config: Proto, *, store: Store, outlets: Outlets, bury: Callable[["Live", Item], bool]
    ) -> None:
        self.number = number
        self.config = config
        self.backlog = Backlog(number, store, self._rest)
        self.backlog.retains = config.retain_acked_messages
        self._filter = compile_filter(config.filter)
        self._outlets = outlets
        self._bury = bury
        self._task: asyncio.Task[None] | None = None

    @property
    def filtered(self) -> bool:
        """Whether it uses attributes."""
        return self._filter is not None

    @property
    def attempts_counted(self) -> bool:
        """Whether its messages carry the number of the delivery."""
        return bool(self.config.HasField("dead_letter_policy"))

    @property
    def exactly_once(self) -> bool:
        """Whether an acknowledgement counts for the latest delivery only, and is confirmed."""
        return bool(self.config.enable_exactly_once_delivery)

    def wants(self, attributes: Mapping[str, str]) -> bool:
        """Whether a message with these attributes is delivered."""
        return self._filter is None or self._filter(attributes)

    def start(self) -> None:
        """Deliver, when it is for us to deliver."""
        consumer = self._consumer()
        if consumer:
            self._task = asyncio.create_task(self._keep(consumer), name=self.config.name)

    def change(self, config: Proto) -> None:
        """Go on with another configuration."""
        self._cancel()
        self.config = config
        self.backlog.retains = config.retain_acked_messages
        self.start()

    def stop(self) -> None:
        """Deliver no more."""
        self._cancel()
        self.backlog.close()

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None

    def _consumer(self) -> Consumer | None:
        if self.config.detached:
            return None
        if self.config.bigquery_config.table:
            return TableSink(self.config, self.backlog, self._outlets.warehouse)
        if self.config.push_config.push_endpoint:
            return Push(self.config, self.backlog, self._outlets.http)
        return None

    async def _keep(self, consumer: Consumer) -> None:
        while True:
            try:
                await consumer.run()
            except Exception:
                log.exception("%s: delivery stopped and restarts", self.config.name)
                await asyncio.sleep(1)

    def _rest(self, item: Item) -> float | None:
        policy = self.config.dead_letter_policy
        if self.attempts_counted and item.failures >= policy.max_delivery_attempts and self._bury(self, item):
            return None
        low, high = self._backoffs()
        if item.failures == 1:
            return low
        return min(high, max(low, _LEAST_DOUBLED) * 2.0 ** min(item.failures - 1, _MAX_DOUBLINGS))

    def _backoffs(self) -> tuple[float, float]:
        if self.config.HasField("retry_policy"):
            return backoffs(self.config)
        delivered = self.config.push_config.push_endpoint or self.config.bigquery_config.table
        return UNASKED_BACKOFFS if delivered else (0.0, 0.0)
