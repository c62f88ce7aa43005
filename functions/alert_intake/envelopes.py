"""What carries an alert without being one: structured CloudEvents, and messages of Pub/Sub that arrive as webhooks."""

import base64
from collections.abc import Mapping
from datetime import datetime

from functions.alert_intake.reading import Json, UnreadableError, decode, first, instant, labels, mapping, number
from functions.runtime.push import Message

_DEEPEST = 3
"""Envelopes within each other: a message of Pub/Sub in a CloudEvent, and one to spare."""


def unwrapped(body: Json) -> Json:
    """What is in the envelopes of a body; a body without one is unchanged.

    Raises:
        UnreadableError: an envelope holds nothing that can be read.

    >>> unwrapped({"specversion": "1.0", "type": "t", "source": "s", "data": {"target": "a/b"}})
    {'target': 'a/b'}
    """
    for _ in range(_DEEPEST):
        if not isinstance(body, dict):
            return body
        if "specversion" in body and ("data" in body or "data_base64" in body):
            body = _cloud_event(body)
        elif isinstance(mapping(body.get("message")).get("data"), str):
            body = decode(_bytes(body["message"]["data"], "message.data"))
        else:
            return body
    return body


def pushed(body: Json, now: datetime) -> Message | None:
    """The message in a push request, with the names of its fields in either spelling; None where it is no push request.

    No other format has an object called message. A message without the time of its publishing has the present.

    Raises:
        UnreadableError: its data is no base64.
    """
    inner = mapping(body).get("message")
    if not isinstance(inner, dict):
        return None
    data = inner.get("data")
    return Message(
        id=first(inner, "messageId", "message_id"),
        data=_bytes(data if isinstance(data, str) else "", "message.data"),
        published_at=instant(inner.get("publishTime")) or instant(inner.get("publish_time")) or now,
        attributes=labels(inner.get("attributes")),
        subscription=first(body, "subscription").rpartition("/")[2],
        attempt=int(number(body.get("deliveryAttempt")) or 1),
    )


def _cloud_event(event: Mapping[str, Json]) -> Json:
    if isinstance(given := event.get("data_base64"), str):
        return decode(_bytes(given, "data_base64"))
    data = event.get("data")
    return decode(data.encode(errors="replace")) if isinstance(data, str) else data


def _bytes(given: str, where: str) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except ValueError as error:
        raise UnreadableError(f"{where}: must be base64: {error}") from error
