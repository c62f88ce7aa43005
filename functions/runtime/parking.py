"""Where poisoned messages are parked: a table that people look through, with the reason beside the body."""

import base64
import hashlib
import json
from typing import Protocol

from functions.adapters.ports import Clock, Data, Warehouse
from functions.runtime.push import Message

TABLE = "ops.dead_letters"
MOST_KEPT = 1_000_000
"""Bytes of a body; BigQuery refuses a row of more than 10 MB, and a message may have as many."""


class Park(Protocol):
    """Keeps what cannot be handled."""

    def __call__(self, body: bytes, reason: str, message: Message | None) -> None:
        """Keep the body and the reason; raise when that fails, so that the message comes again."""
        ...


class Parking:
    """The port `Park` over the warehouse.

    Args:
        warehouse: holds the table.
        function: the name of the function.
        clock: the instant of parking.
    """

    def __init__(self, warehouse: Warehouse, function: str, clock: Clock) -> None:
        self._warehouse = warehouse
        self._function = function
        self._clock = clock

    def __call__(self, body: bytes, reason: str, message: Message | None) -> None:
        """Keep the body, or the beginning of a very long one, and the reason.

        Args:
            body: of the request, as it came.
            reason: why no retry can help.
            message: what the envelope held, or None when the envelope itself is broken.

        Raises:
            UnavailableError: the warehouse does not answer, so the message must come again.
            QueryError: the table is missing.
        """
        self._warehouse.append(TABLE, [self._row(body, reason, message)])

    def _row(self, body: bytes, reason: str, message: Message | None) -> Data:
        return {
            "id": letter_id(self._function, body, message.id if message else ""),
            "received_at": self._clock(),
            "function": self._function,
            "subscription": message.subscription if message else None,
            "message_id": message.id if message else None,
            "attempt": message.attempt if message else None,
            "reason": reason if len(body) <= MOST_KEPT else f"{reason} (of {len(body)} bytes, {MOST_KEPT} are kept)",
            "body": base64.b64encode(body[:MOST_KEPT]).decode(),
            "attributes": json.dumps(message.attributes, sort_keys=True) if message else None,
        }


def letter_id(function: str, body: bytes, message_id: str) -> str:
    """The row's id: the same message parked twice by the same function has the same.

    The body of a push request holds the number of the delivery, so it identifies only what has no readable envelope.
    """
    identity = message_id.encode() or body
    return hashlib.sha256(b"\0".join((function.encode(), identity))).hexdigest()[:32]
