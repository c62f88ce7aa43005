"""Messages leased to a client: acknowledgement ids and deadlines."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from infra.local.pubsub import wire
from infra.local.pubsub.backlog import Backlog, Item
from infra.local.pubsub.rpc import RefusalError, invalid, unfit
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

MAX_DEADLINE: Final = 600
MAX_RESPONSE_BYTES: Final = 3_500_000
"""gRPC clients accept at most 4 MiB by default."""
INVALID_ACK_ID: Final = "PERMANENT_FAILURE_INVALID_ACK_ID"
"""What the clients make of an acknowledgement id that does not count: https://cloud.google.com/pubsub/docs/exactly-once-delivery."""

_ACK_ID: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})-([0-9]{1,19})")
_deliveries = count(time.time_ns() // 1_000)  # no delivery has the number of one before a restart


@dataclass(frozen=True, slots=True)
class AckIds:
    """What acknowledgement ids stand for: the messages of those that count, and those that do not."""

    numbers: Mapping[str, int] = field(default_factory=dict)
    stale: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse those that do not count; the details of the error say which.

        Raises:
            RefusalError: there is one.
        """
        if self.stale:
            raise _expired(self.stale)


def deliver(live: Live, items: list[Item], seconds: float) -> list[Proto]:
    """Lease messages to a client, and spell them as it reads them."""
    live.backlog.lease(items, seconds)
    counted = live.attempts_counted
    return [
        wire.ReceivedMessage(
            ack_id=_ack_id(live, item), message=item.message, delivery_attempt=item.failures + 1 if counted else 0
        )
        for item in items
    ]


def resolve(live: Live, ack_ids: Iterable[str]) -> AckIds:
    """The messages of a subscription that acknowledgement ids stand for; those of other subscriptions stand for none here.

    With exactly-once delivery, the id of a delivery counts until its lease ends or it is settled.

    Raises:
        RefusalError: there is none, or one was never given out.
    """
    parts = {ack_id: _parts(ack_id) for ack_id in ack_ids}
    if not parts:
        raise invalid("ack_ids: must name at least one, got none")
    if not live.exactly_once:
        return AckIds({ack_id: number for ack_id, (own, number, _) in parts.items() if own == live.number})
    out = live.backlog.out
    current = {
        ack_id: number
        for ack_id, (own, number, delivery) in parts.items()
        if own == live.number and number in out and out[number].delivery == delivery
    }
    return AckIds(current, tuple(ack_id for ack_id in parts if ack_id not in current))


def modify(backlog: Backlog, numbers: Iterable[int], seconds: int) -> None:
    """Set the end of leases to this many seconds from now; at 0 the messages are redelivered.

    Raises:
        RefusalError: the seconds are out of bounds.
    """
    if not 0 <= seconds <= MAX_DEADLINE:
        raise invalid(f"ack_deadline_seconds: must be 0 to {MAX_DEADLINE}, got {seconds}")
    if seconds == 0:
        backlog.fail(numbers)
    else:
        backlog.lease([backlog.out[number] for number in numbers if number in backlog.out], seconds)


def _ack_id(live: Live, item: Item) -> str:
    item.delivery = next(_deliveries)
    return f"{live.number}-{item.id}-{item.delivery}"


def _parts(ack_id: str) -> tuple[int, int, int]:
    match = _ACK_ID.fullmatch(ack_id)
    if not match:
        raise invalid(f"ack_ids: {ack_id[:60]!r} was never given out")
    return int(match[1]), int(match[2]), int(match[3])


def _expired(ack_ids: tuple[str, ...]) -> RefusalError:
    return unfit(
        f"ack_ids: {len(ack_ids)} are expired or already settled, the first is {ack_ids[0]!r}",
        dict.fromkeys(ack_ids, INVALID_ACK_ID),
    )
