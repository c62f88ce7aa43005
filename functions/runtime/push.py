"""A Pub/Sub push request: the envelope that carries a message to a function.

The functions take push requests as plain HTTP and open the envelope here, because functions-framework's own conversion
answers some bad bodies with 400 or 500 (so that they would be delivered for days) and drops the subscription, the delivery
attempt and the ordering key.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from core.errors import PoisonError
from core.events import YEARS


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
