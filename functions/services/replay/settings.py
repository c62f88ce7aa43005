"""The settings to try: what decisions about incidents follow, without secrets and without an environment."""

from collections.abc import Mapping
from typing import Any

from core.settings import Settings, parse

_STANDS_FOR: Mapping[str, Mapping[str, Any]] = {
    "channels": {"kind": "console"},
    "probes": {"kind": "tcp", "address": "replay.invalid:1", "every": "1m"},
}
"""By section, what stands for an entry of which a decision needs only the name."""
_PAGING = frozenset({"pagerduty"})
"""Kinds of channels that page people by themselves."""


def read(raw: object) -> tuple[Settings, frozenset[str]]:
    """Read settings for a replay, which sends and probes nothing: of channels and probes only the names are read.

    Args:
        raw: what a file like monitoring.yaml holds. `${NAME}` stays as it is.

    Returns:
        The settings, and the names of the channels that page people.

    Raises:
        SettingsError: with every fault of what decisions follow.
    """
    if not isinstance(raw, dict):
        return parse(raw), frozenset()
    used = {key: _named(value, _STANDS_FOR.get(key)) for key, value in raw.items()}
    settings = parse(used)
    kinds = {channel["name"]: channel.get("kind") for channel in raw.get("channels") or ()}
    people = (person for rotation in settings.people.rotations.values() for person in rotation.everybody)
    pagers = {channel for person in people for channel in person.channels}
    return settings, frozenset(pagers | {name for name, kind in kinds.items() if kind in _PAGING})


def _named(section: Any, stands_for: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - any YAML value; the reader refuses what is none
    if stands_for is None or not isinstance(section, list):
        return section
    return [
        {"name": one["name"], **stands_for} if isinstance(one, Mapping) and "name" in one else one for one in section
    ]
