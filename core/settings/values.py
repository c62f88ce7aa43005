"""Reading single values, each by its type and as the notes about it allow."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from core.events import YEARS
from core.settings.declare import Spec
from core.settings.notes import OneOf, Pattern, Range
from core.settings.reader import WrongError, perhaps

_LONGEST_TEXT = 200
_ANY = Range(-math.inf, math.inf)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def matching(value: object, pattern: Pattern) -> str:
    """Text of a form."""
    if not isinstance(value, str) or not re.fullmatch(pattern.regex, value):
        raise WrongError(pattern.allowed)
    return value


def word(value: object, words: Collection[str]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in words:
        raise WrongError(f"must be one of {', '.join(words)}{perhaps(value, words) if isinstance(value, str) else ''}")
    return value


def _text(value: object, spec: Spec) -> str:
    """Text of a form, one of some words, or any that is printable, on one line."""
    if pattern := spec.note(Pattern):
        return matching(value, pattern)
    if words := spec.note(OneOf):
        return word(value, words)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise WrongError(f"must be 1 to {_LONGEST_TEXT} printable characters")
    return value


def _truth(value: object, _: Spec) -> bool:
    if not isinstance(value, bool):
        raise WrongError("must be true or false")
    return value


def _whole(value: object, spec: Spec) -> int:
    limits = spec.note(Range) or _ANY
    if not isinstance(value, int) or isinstance(value, bool) or not limits.low <= value <= limits.high:  # type: ignore[operator]  # numbers, of numbers
        raise WrongError(f"must be {limits.low} to {limits.high}")
    return value


def _number(value: object, spec: Spec) -> float:
    limits = spec.note(Range) or _ANY
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not limits.low <= value <= limits.high:  # type: ignore[operator]  # numbers, of numbers
        raise WrongError(f"must be a number from {limits.low:g} to {limits.high:g}")
    return float(value)


def _length(value: object, spec: Spec) -> timedelta:
    """A time as in `250ms`, `30s`, `5m`, `12h` or `7d`."""
    limits = spec.note(Range) or _ANY
    low, high, found = _limit(limits.low), _limit(limits.high), duration(value)
    if found is None or low is None or high is None or not low <= found <= high or found % _UNITS[limits.step]:
        steps = "" if limits.step == "ms" else f", in whole {limits.step}"
        raise WrongError(f"must be {limits.low} to {limits.high}{steps}, a whole number with ms, s, m, h or d")
    return found


def duration(value: object) -> timedelta | None:
    """A length of time from its text; None where it is none."""
    found = re.fullmatch("([0-9]{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else None


_limit = cache(duration)


def _day(value: object, _: Spec) -> date:
    """A day, as YAML gives it or as text."""
    match value:
        case date() if not isinstance(value, datetime):
            return value
        case str() if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
    raise WrongError("must be a day, as in 2026-01-31")


def _instant(value: object, _: Spec) -> datetime:
    """An instant, as YAML gives it or as text; in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.utcoffset() is None or value.year not in YEARS:
        raise WrongError("must be an instant with its time zone, as in 2026-01-31T22:00:00Z")
    return value.astimezone(UTC)


def _time_of_day(value: object, _: Spec) -> time:
    """A time of day, as in `"08:00"`; without quotes YAML takes some of them for numbers of base 60."""
    if not isinstance(value, str) or not re.fullmatch("(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise WrongError("must be a time from '00:00' to '23:59', in quotes")
    return time.fromisoformat(value)


READ: Mapping[type, Callable[[object, Spec], Any]] = {
    str: _text,
    bool: _truth,
    int: _whole,
    float: _number,
    timedelta: _length,
    date: _day,
    datetime: _instant,
    time: _time_of_day,
}
"""How the values of a type are read."""
