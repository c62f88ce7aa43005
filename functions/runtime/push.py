"""A Pub/Sub push request: the message in its envelope, and the table where unreadable messages are parked with the reason.

The functions take push requests as plain HTTP and open the envelope here, because functions-framework's own conversion
answers some invalid bodies with 400 or 500 (so that they would be redelivered for days) and drops the subscription, the
delivery attempt and the ordering key.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from core.errors import PoisonError
from core.events import YEARS
from functions.adapters.ports import Clock, Data, Warehouse

DEAD_LETTERS = "ops.dead_letters"
MOST_KEPT = 1_000_000
"""Bytes of a body; BigQuery refuses a row of more than 10 MB, and a message may have as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as the subscription delivered it."""

    id: str
    data: bytes
    published_at: datetime
    attributes: dict[str, str] = field(default_factory=dict)
    ordering_key: str = ""
    subscription: str = ""
    attempt: int = 1


class _Inner(msgspec.Struct, rename="camel"):
    message_id: str
    publish_time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: str = ""
    attributes: dict[str, str] | None = None
    ordering_key: str = ""


class _Envelope(msgspec.Struct, rename="camel"):
    message: _Inner
    subscription: str = ""
    delivery_attempt: int | None = None


_decoder = msgspec.json.Decoder(_Envelope)


def read_push(body: bytes) -> Message:
    """Open the envelope of a push request.

    Raises:
        PoisonError: the body is no push envelope; the message says where and why.
    """
    if not body.strip():
        raise PoisonError("push body: must be a JSON object, got nothing")
    try:
        envelope = _decoder.decode(body)
        data = base64.b64decode(envelope.message.data, validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PoisonError(f"push body: {error}") from error
    except ValueError as error:
        raise PoisonError(f"push body: message.data must be base64: {error}") from error
    published_at = envelope.message.publish_time
    if published_at.year not in YEARS:
        allowed = f"must be a year {YEARS[0]} to {YEARS[-1]}"
        raise PoisonError(f"push body: message.publishTime {allowed}, got {published_at.isoformat()}")
    return Message(
        id=envelope.message.message_id,
        data=data,
        published_at=published_at,
        attributes=envelope.message.attributes or {},
        ordering_key=envelope.message.ordering_key,
        subscription=envelope.subscription.rsplit("/", 1)[-1],
        attempt=envelope.delivery_attempt or 1,
    )


Park = Callable[[bytes, str, Message | None], None]
"""Stores a message that cannot be handled: the body, the reason, and the message, or None where the envelope is invalid."""


def parking(
    warehouse: Warehouse, function: str, clock: Clock, parked: Callable[[str], object] = lambda _: None
) -> Park:
    """Parks messages of a function in the table of dead letters.

    Of a very long body the beginning is stored. The port raises `UnavailableError` if the warehouse does not answer, so
    that the message is delivered again, and `QueryError` if the table is missing.

    Args:
        warehouse: has the table.
        function: the name of the function.
        clock: the instant of parking.
        parked: hears the id of each row.
    """

    def park(body: bytes, reason: str, message: Message | None) -> None:
        row: Data = {
            "id": letter_id(function, body, message.id if message else ""),
            "received_at": clock(),
            "function": function,
            "subscription": message.subscription if message else None,
            "message_id": message.id if message else None,
            "attempt": message.attempt if message else None,
            "reason": reason if len(body) <= MOST_KEPT else f"{reason} (of {len(body)} bytes, {MOST_KEPT} are kept)",
            "body": base64.b64encode(body[:MOST_KEPT]).decode(),
            "attributes": json.dumps(message.attributes, sort_keys=True) if message else None,
        }
        warehouse.append(DEAD_LETTERS, [row])
        parked(row["id"])

    return park


def letter_id(function: str, body: bytes, message_id: str) -> str:
    """The row's id: the same message parked twice by the same function has the same.

    The body of a push request includes the delivery attempt, so it identifies only messages without a readable
    envelope.
    """
    identity = message_id.encode() or body
    return hashlib.sha256(b"\0".join((function.encode(), identity))).hexdigest()[:32]
