"""The settings of the deployment as they hold, for reading: what is secret is withheld."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from core.settings import Settings
from functions.adapters.ports import Data

WITHHELD = "withheld"
"""What stands for a value that the settings do not show either: that of a field without a `repr`."""


def shown(settings: Settings) -> Data:
    """Every section by its name, with the defaults of what is not given; durations as in ISO 8601."""
    found: Data = msgspec.to_builtins(_without_secrets(settings), str_keys=True)
    return found


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any value of the settings
    if is_dataclass(value):
        named = ((one, getattr(value, one.name)) for one in fields(value))
        return {one.name: _without_secrets(own) if one.repr or not own else WITHHELD for one, own in named}
    if isinstance(value, Mapping):
        return {key: _without_secrets(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_without_secrets, value), key=str)
    if isinstance(value, Collection) and not isinstance(value, str):
        return [_without_secrets(one) for one in value]
    return value
