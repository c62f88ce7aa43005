"""Values in JSON by their paths: what a step of a journey expects of an answer, and what later steps use of it."""

from collections.abc import Mapping
from typing import Any

from core.settings.probes import CAPTURED

_NOTHING = object()


def at_path(value: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value at a path of keys and indices; a sentinel where there is none.

    >>> at_path({"items": [{"id": 7}]}, "items.0.id")
    7
    """
    for key in path.split("."):
        match value:
            case dict() if key in value:
                value = value[key]
            case list() if key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            case _:
                return _NOTHING
    return value


def wrong_value(body: Any, expected: Mapping[str, Any]) -> str | None:  # noqa: ANN401 - any JSON value
    """What is not as expected in a body, for people; the value itself may be secret and is not shown.

    >>> wrong_value({"state": "down"}, {"state": "up"}), wrong_value({"state": "up"}, {"state": "up"})
    ("state: must be 'up', got another str", None)
    """
    for path, value in expected.items():
        found = at_path(body, path)
        if found is _NOTHING:
            return f"{path}: must be {value!r}, got nothing"
        # In JSON true is no number, though in Python it equals 1.
        if found != value or isinstance(found, bool) is not isinstance(value, bool):
            return f"{path}: must be {value!r}, got another {type(found).__name__}"
    return None


def captured(body: Any, path: str) -> str | None:  # noqa: ANN401 - any JSON value
    """The text or number at a path, as text; None where there is none.

    >>> captured({"id": 7}, "id"), captured({"id": [7]}, "id")
    ('7', None)
    """
    found = at_path(body, path)
    is_value = isinstance(found, str | int | float) and not isinstance(found, bool)
    return str(found) if is_value else None


def filled(template: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """A text or any JSON with captured values in the place of their names.

    >>> filled({"id": "{{order}}"}, {"order": "7"})
    {'id': '7'}
    """
    match template:
        case str():
            return CAPTURED.sub(lambda name: values[name[1]], template)
        case dict():
            return {key: filled(value, values) for key, value in template.items()}
        case list():
            return [filled(value, values) for value in template]
    return template
