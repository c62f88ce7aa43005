"""Why an event cannot be decoded, for people: the key, what it has, and what is allowed."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

_PATH = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]|\[\.\.\.\]")
_EXPECTED = re.compile(r"Expected `(.+)`, got `.+?`")
_LONGEST = 80
_INSTANT = "an instant with its time zone, as '2026-01-02T03:04:05Z'"


def explained(error: Exception, data: bytes, kind: type) -> str:
    """The message of an error of decoding, with the offending value and what is allowed where they are known.

    Args:
        error: as msgspec or a class of events raised it.
        data: that was decoded.
        kind: the class that was expected.
    """
    text = str(error)
    found = _PATH.search(text)
    if not isinstance(error, msgspec.ValidationError) or not found:
        return text
    steps = _STEP.findall(found[1])
    allowed = _allowed(text, kind, tuple(steps))
    return f"{found[1]}: must be {allowed}{_got(data, steps)}" if allowed else text


def _allowed(text: str, kind: type, steps: tuple[str, ...]) -> str:
    if expected := _EXPECTED.match(text):
        return f"`{expected[1]}`"
    if text.startswith("Invalid RFC3339"):
        return _INSTANT
    names = _choices(kind, steps) if text.startswith("Invalid enum value") else ()
    return f"one of {', '.join(names)}" if names else ""


def _got(data: bytes, steps: list[str]) -> str:
    """The value that a path leads to; empty where it does not say which one, or it is no text."""
    try:
        value = msgspec.json.decode(data)
        for step in steps:
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    text = "null" if value is None else repr(value)
    return f", got {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


@lru_cache(maxsize=64)
def _choices(kind: type, steps: tuple[str, ...]) -> tuple[str, ...]:
    """The values of the enumeration that a path leads to."""
    types = [inspect.type_info(kind)]
    for step in steps:
        types = [one for each in types for inner in _plain(each) for one in _inner(inner, step)]
    enums = [inner for one in types for inner in _plain(one) if isinstance(inner, inspect.EnumType)]
    return tuple(str(member.value) for enum in enums for member in enum.cls)


def _plain(one: inspect.Type) -> Iterator[inspect.Type]:
    yield from one.types if isinstance(one, inspect.UnionType) else (one,)


def _inner(one: Any, step: str) -> Iterator[inspect.Type]:  # noqa: ANN401 - the kinds of types share no base with these attributes
    for field in getattr(one, "fields", ()):
        if step in (field.name, field.encode_name):
            yield field.type
    if step.startswith("["):
        yield from (inner for name in ("item_type", "value_type", "key_type") if (inner := getattr(one, name, None)))
