"""How values are spelt in monitoring.yaml: the defaults and the limits that the declarations hold as Python values."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def value(given: object) -> str:
    """A value as the file has it.

    >>> value(timedelta(minutes=90)), value(True), value(0.5), value({"b", "a"})
    ('90m', 'true', '0.5', '[a, b]')
    """
    match given:
        case bool():
            return str(given).lower()
        case timedelta():
            return duration(given)
        case Mapping():
            return ", ".join(f"{key} {value(item)}" for key, item in given.items())
        case set() | frozenset() | tuple():
            return f"[{', '.join(map(value, sorted(given, key=_place)))}]"
    return f"{given:g}" if isinstance(given, float) else str(given)


def _place(given: Any) -> Any:  # noqa: ANN401 - whatever a set holds
    """By what the items of a set are sorted: words of an enumeration as it has them."""
    return list(type(given)).index(given) if isinstance(given, Enum) else given


def duration(length: timedelta) -> str:
    """A length of time in its largest unit that divides it."""
    return next(f"{length // unit}{name}" for name, unit in _UNITS if not length % unit)
