"""Encoding of events: JSON with a `type` and a `version`, decoded strictly."""

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from core.errors import PoisonError, UnknownVersionError
from core.events import Event
from functions.adapters.event_faults import explained

E = TypeVar("E", bound=Event)


class _Kind(msgspec.Struct):
    type: str


class _Head(_Kind):
    version: int


_kind = msgspec.json.Decoder(_Kind)
_head = msgspec.json.Decoder(_Head)
_encoder = msgspec.json.Encoder(order="deterministic")


def encode(event: Event) -> bytes:
    """The event as JSON; equal events have equal bytes."""
    body: dict[str, Any] = {"type": event.TYPE, "version": event.VERSION, "id": event.id}
    return _encoder.encode(body | msgspec.to_builtins(event, builtin_types=(datetime,)))


def decode(data: bytes, kind: type[E]) -> E:
    """The event in the bytes.

    Raises:
        UnknownVersionError: an event of that type, but of a version this code does not know.
        PoisonError: anything else; the message carries the path, as in "value: must be `float | null`, got 'high'".
    """
    try:
        head = _head.decode(data)
        if head.type != kind.TYPE:
            raise PoisonError(f"type: must be {kind.TYPE!r}, got {head.type!r}")
        if head.version != kind.VERSION:
            raise UnknownVersionError(f"version: {kind.TYPE} must be version {kind.VERSION}, got {head.version}")
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"{kind.TYPE}: {explained(error, data, kind)}") from error


def type_of(data: bytes) -> str:
    """The type that the bytes declare; `PoisonError` if they declare none."""
    try:
        return _kind.decode(data).type
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"event: {error}") from error


def decode_any(data: bytes, *kinds: type[Event]) -> Any:  # noqa: ANN401 - one of the kinds; the type checker knows no union of them
    """The event in the bytes, of one of several types; raises as `decode` does."""
    named = type_of(data)
    found = next((kind for kind in kinds if named == kind.TYPE), None)
    if found is None:
        raise PoisonError(f"type: must be {' or '.join(repr(kind.TYPE) for kind in kinds)}, got {named[:80]!r}")
    return decode(data, found)
