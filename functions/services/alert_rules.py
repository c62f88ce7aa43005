"""The deployed alert rules, from their files."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from core.alert_rules import AlertRule

FOLDER = Path("infra", "alerts")
"""Where an archive and the sources have them, from their root; not every archive has them, so a function says where its own are."""
COLLECTION, KEY = "alert_rules", "all"
"""One document: the rules without data, as health_check found them."""
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast; not every build of the library has it."""


class RuleEntry(NamedTuple):
    """A rule as its file has it, and the name of the file."""

    area: str
    rule: Mapping[str, Any]


@functools.cache
def entries(folder: Path) -> tuple[RuleEntry, ...]:
    """The alert rules of a folder, file by file."""
    return tuple(_entries(folder))


@functools.cache
def alert_rules(folder: Path) -> tuple[AlertRule, ...]:
    """The same as far as it matters whether they have data."""
    return tuple(AlertRule(name=rule["alert"], area=area, expr=rule["expr"]) for area, rule in entries(folder))


def _entries(folder: Path) -> Iterator[RuleEntry]:
    for path in sorted(folder.glob("*.yaml")):
        groups = yaml.load(path.read_bytes(), Loader=_Loader)["groups"]  # noqa: S506 - a safe loader, either one
        yield from (RuleEntry(path.stem, rule) for group in groups for rule in group["rules"] if "alert" in rule)
