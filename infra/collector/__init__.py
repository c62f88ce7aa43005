"""Configurations of the OpenTelemetry Collector, in parts that it merges: which parts make one, and what it reads then."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER = Path(__file__).parent
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "gke": ("common", "gke"),
    "aws": ("common", "https", "aws"),
    "on-premises": ("common", "https", "on-premises"),
}
"""The parts of each place, in their order."""
SCRAPED: Final = ("hosts", "kubelet", "cluster", "postgresql", "mysql", "redis")
"""The parts that may follow."""


def text(name: str) -> str:
    """A part as it is written."""
    return (FOLDER / f"{name}.yaml").read_text()


def merged(names: Iterable[str]) -> dict[str, Any]:
    """What the Collector reads where it is given some parts, in their order."""
    found: dict[str, Any] = {}
    for name in names:
        found = merge(found, yaml.load(text(name), Loader=yaml.CSafeLoader))
    return found


def merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two configurations as the Collector merges them: maps key by key, of anything else the second one counts.

    Source: confmap of go.opentelemetry.io/collector, "merging" (https://github.com/open-telemetry/opentelemetry-collector/tree/main/confmap).

    >>> merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3})
    {'a': {'b': 1, 'c': [2]}, 'd': 3}
    """
    both = {
        key: merge(first[key], value) if isinstance(first.get(key), Mapping) and isinstance(value, Mapping) else value
        for key, value in second.items()
    }
    return {**first, **both}
