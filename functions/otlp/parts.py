"""How many messages a body has in it, before it is parsed: a body of 15 kB may unpack to eight million empty spans, which take gigabytes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

Descriptor = Any
"""The type of a message: protobuf has one class for it in Python and one in C."""
_LONGEST_VARINT = 10
_MORE = 0x80
"""A byte of a number from which on further ones follow."""
_VARINT, _EIGHT_BYTES, _SIZED, _FOUR_BYTES = 0, 1, 2, 5
"""Wire types. Of a group (3 and 4) only the tags are skipped: what is in one is counted as if it were not."""


def parts_of_json(body: bytes) -> int:
    """The number of objects and lists in JSON, at least: braces within texts count as well."""
    return body.count(b"{") + body.count(b"[")


def parts_of_protobuf(body: bytes, kind: Descriptor, most: int) -> int:
    """The number of messages in a message of protobuf.

    Args:
        body: the message. What is malformed is skipped: the parser says so.
        kind: its type.
        most: counting ends beyond it.

    References:
        Protocol Buffers, Encoding (https://protobuf.dev/programming-guides/encoding/).
    """
    counted, waiting = 0, [(0, len(body), kind)]
    while waiting and counted <= most:
        inner = _inner(body, *waiting.pop(), most - counted)
        counted += len(inner)
        waiting += inner
    return counted


def _inner(body: bytes, place: int, end: int, kind: Descriptor, most: int) -> list[tuple[int, int, Descriptor]]:
    """The messages that are fields of one: where each begins and ends, and its type."""
    nested, found = _nested(kind), list[tuple[int, int, Descriptor]]()
    try:
        while place < end and len(found) <= most:
            tag, place = (body[place], place + 1) if body[place] < _MORE else _varint(body, place)
            if tag & 7 != _SIZED:
                place = _after(body, place, tag & 7)
                continue
            size, place = (body[place], place + 1) if body[place] < _MORE else _varint(body, place)
            inner = nested.get(tag >> 3)
            if inner is not None:
                found.append((place, min(place + size, end), inner))
            place += size
    except IndexError:
        pass  # it is malformed from here on
    return found


@cache
def _nested(kind: Descriptor) -> Mapping[int, Descriptor]:
    """The types of the fields that are messages, by their number."""
    return {field.number: field.message_type for field in kind.fields if field.message_type is not None}


def _after(body: bytes, place: int, wire: int) -> int:
    """Where a value ends that has no size of its own."""
    if wire == _VARINT:
        return _varint(body, place)[1]
    return place + {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire, 0)


def _varint(body: bytes, place: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; IndexError where it does not end."""
    value = 0
    for number in range(_LONGEST_VARINT):
        byte = body[place + number]
        value |= (byte & 0x7F) << 7 * number
        if byte < _MORE:
            return value, place + number + 1
    raise IndexError(f"a number of more than {_LONGEST_VARINT} bytes")
