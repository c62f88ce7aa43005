"""Cron expressions of five fields, as Cloud Scheduler takes them: minute, hour, day of month, month, day of week."""

import re
from dataclasses import dataclass

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(?P<first>\*|[a-z]{3}|[0-9]{1,2})(?:-(?P<last>[a-z]{3}|[0-9]{1,2}))?(?:/(?P<step>[0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)


def fault(expression: str) -> str | None:
    """What is wrong with a cron expression, or None.

    >>> fault("*/15 * * * *")
    >>> fault("0 25 * * *")
    'hour must be 0 to 23'
    >>> fault("0 0 31 2 *")
    'day of month must be one that its months have'
    """
    parts = expression.lower().split()
    if len(parts) != len(_FIELDS):
        return "must have five fields: minute, hour, day of month, month, day of week"
    chosen = [_chosen(part, field) for part, field in zip(parts, _FIELDS, strict=True)]
    for values, field in zip(chosen, _FIELDS, strict=True):
        if not values:
            return f"{field.name} must be {field.low} to {field.high}"
    never = parts[4] == "*" and min(chosen[2]) > max(_LONGEST[month] for month in chosen[3])
    return "day of month must be one that its months have" if never else None


def fields(expression: str) -> tuple[frozenset[int], ...]:
    """The minutes, hours, days of the month, months and days of the week (0 and 7 for Sunday) of a correct expression.

    >>> sorted(fields("*/30 4 1 jan *")[0])
    [0, 30]
    """
    return tuple(frozenset(_chosen(*pair)) for pair in zip(expression.lower().split(), _FIELDS, strict=True))


def _chosen(text: str, field: _Field) -> set[int]:
    """The values that a field chooses; none where it is wrong."""
    chosen: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        values = _range(found, field) if found else range(0)
        if not values:
            return set()
        chosen.update(values)
    return chosen


def _range(found: re.Match[str], field: _Field) -> range:
    first, last, step = found["first"], found["last"], int(found["step"] or 1)
    if step == 0 or (first == "*" and last) or (found["step"] and first != "*" and not last):
        return range(0)
    low = field.low if first == "*" else _number(first, field)
    high = field.high if first == "*" else _number(last or first, field)
    if last and low == high:  # what reads it elsewhere takes it for the whole range
        return range(0)
    return range(low, high + 1, step) if field.low <= low <= high <= field.high else range(0)


def _number(text: str, field: _Field) -> int:
    return int(text) if text.isdigit() else field.names.get(text, -1)
