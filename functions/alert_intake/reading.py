"""Lenient reading of foreign JSON: a missing, null or wrongly typed value reads as empty, and never raises."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.events import YEARS

Json = Any
"""Decoded JSON."""
LONGEST = 2000
"""Characters of a text that are looked at; no line for people needs more."""
MOST_CONTAINERS, MOST_VALUES = 100_000, 300_000
"""Objects and lists, and values in them, by the brackets and commas of a body: each becomes hundreds of bytes, whatever it holds."""
_LONGEST_INTEGER = 400
"""Digits or bits; Python refuses to spell very long ones."""
_LONGEST_INSTANT = 64
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which size on a number means nano-, micro- or milliseconds since 1970; below the last, seconds."""


class UnreadableError(Exception):
    """The body cannot be read; the message says where and what is allowed."""


class IrrelevantError(Exception):
    """It is understood, and says nothing of a target; the message says what it is."""


def decode(body: bytes) -> Json:
    """The JSON in a body, read as generously as possible: what can be read must not wait for a person.

    Bytes that are no UTF-8 become replacement characters; NaN, numbers out of range and bare line breaks are read; a
    duplicate key has its last value; UTF-16 and UTF-32 are recognised.

    Raises:
        UnreadableError: it is no JSON, nested too deeply, or has more in it than memory is there for.
    """
    for what, most, count in (
        ("objects and lists", MOST_CONTAINERS, body.count(b"{") + body.count(b"[")),
        ("values", MOST_VALUES, body.count(b",")),
    ):
        if count > most:
            raise UnreadableError(f"body: must have at most {most} {what}, got {count}")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body.decode(json.detect_encoding(body), "replace"), parse_int=_integer, strict=False)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"body: must be JSON: {error}") from error


def mapping(value: Json) -> Mapping[str, Json]:
    """The mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    """The text, or the number or truth value as one; else an empty one."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number_text(value)
    return ""


def first(source: Mapping[str, Json], *names: str) -> str:
    """The first non-empty text, or an empty one."""
    return next((value for name in names if (value := text(source.get(name)))), "")


def labels(value: Json) -> dict[str, str]:
    """The labels that have a value, as texts."""
    return {name: label for name, given in mapping(value).items() if (label := text(given))}


def number(value: Json) -> float | None:
    """The finite number, also from a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value[:LONGEST] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def instant(value: Json) -> datetime | None:
    """The instant in UTC, from ISO 8601 or the time since 1970; else None.

    A year that no event can be about reads as nothing: Alertmanager says 0001-01-01 where something has not ended, and
    Cloud Monitoring says 0. Without a time zone it is UTC.
    """
    try:
        at = _iso_instant(value) if (seconds := number(value)) is None else _epoch_instant(seconds)
        at = at.astimezone(UTC) if at else None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at and at.year in YEARS else None


def _iso_instant(value: Json) -> datetime | None:
    if not isinstance(value, str) or len(value) > _LONGEST_INSTANT:
        return None
    at = datetime.fromisoformat(value.strip())
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _epoch_instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(next((seconds / unit for size, unit in _UNITS if seconds >= size), seconds), UTC)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


def _number_text(value: float) -> str:
    if isinstance(value, float):
        return repr(value)
    return str(value) if value.bit_length() <= _LONGEST_INTEGER else "inf"
