"""What the tests of the settings share: whole samples with something changed, and the faults that are told of them."""

import copy
from typing import Any

import pytest
from hypothesis import strategies as st

from core.errors import SettingsError
from core.settings import Settings, parse

Path = tuple[str | int, ...]
MODEL = {
    "name": "flight-delay",
    "owner": "flights",
    "table": "a.b",
    "timestamp": "at",
    "id": "id",
    "score": "score",
    "features": {"numeric": ["hour"]},
    "reference": {"days": 30},
    "window": "7d",
}
"""A model that other sections may name; samples are copied before anything in them is changed."""
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=9) | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)
"""Whatever a YAML file may say."""


def changed(sample: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """The sample with another value, or without it where that is `...`."""
    sample = copy.deepcopy(sample)
    *way, last = path
    place: Any = sample
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return sample


def places(value: object, path: Path = ()) -> list[Path]:
    """The path of every value in a tree."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in pairs for found in [(*path, key), *places(item, (*path, key))]]


def faults(raw: object) -> list[str]:
    """What is told of settings that are wrong."""
    with pytest.raises(SettingsError) as caught:
        parse(raw)
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return [str(fault) for fault in caught.value.faults]


def outcome(raw: object) -> Settings | SettingsError:
    """The settings, or what is wrong with them."""
    try:
        return parse(raw)
    except SettingsError as error:
        return error


def told(raw: object) -> bool:
    """Whether the outcome is settings, or an error that says what is wrong."""
    found = outcome(raw)
    return isinstance(found, Settings) or all(fault.path and str(fault) in str(found) for fault in found.faults)
