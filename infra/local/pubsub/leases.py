"""Messages leased to a client: acknowledgement ids and deadlines."""

import re
from collections.abc import Iterable
from typing import Final

from infra.local.pubsub import wire
from infra.local.pubsub.backlog import Backlog, Item
from infra.local.pubsub.rpc import invalid
from infra.local.pubsub.subscription import Live
from infra.local.pubsub.wire import Proto

MAX_DEADLINE: Final = 600
MAX_RESPONSE_BYTES: Final = 3_500_000
"""gRPC clients accept at most 4 MiB by default."""

_ACK_ID: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")


def deliver(live: Live, items: list[Item], seconds: float) -> list[Proto]:
    """Lease messages to a client, and spell them as it reads them."""
    live.backlog.lease(items, seconds)
    counted = live.attempts_counted
    return [
        wire.ReceivedMessage(
            ack_id=f"{live.number}-{item.id}",
            message=item.message,
            delivery_attempt=item.failures + 1 if counted else 0,
        )
        for item in items
    ]


def ack_numbers(live: Live, ack_ids: Iterable[str]) -> list[int]:
    """The messages of a subscription that acknowledgement ids stand for; those of other subscriptions stand for none here.

    Raises:
        RefusalError: there is none, or one was never given out.
    """
    parts = [_parts(ack_id) for ack_id in ack_ids]
    if not parts:
        raise invalid("ack_ids: must name at least one, got none")
    return [number for subscription, number in parts if subscription == live.number]


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


def _parts(ack_id: str) -> tuple[int, int]:
    match = _ACK_ID.fullmatch(ack_id)
    if not match:
        raise invalid(f"ack_ids: {ack_id[:60]!r} was never given out")
    return int(match[1]), int(match[2])
