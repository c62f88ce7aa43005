"""Severity and `for` of the alert rules behind the thresholds of dashboards, from the deployed files."""

import functools
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from core.events import Severity

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "alerts"
"""Where an archive and the sources have them, from their root."""
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast; not every build of the library has it."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@functools.cache
def severities(folder: Path = FOLDER) -> Mapping[str, Severity]:
    """The severity of each rule by its name, without rules that notify nobody."""
    told = (rule for rule in _rules(folder) if rule["labels"]["severity"] in set(Severity))
    return {rule["alert"]: Severity(rule["labels"]["severity"]) for rule in told}


@functools.cache
def patience(folder: Path = FOLDER) -> Mapping[str, timedelta]:
    """How long the condition of each rule must hold before it fires (`for`), by its name."""
    return {rule["alert"]: _duration(str(rule.get("for", "0s"))) for rule in _rules(folder)}


def _rules(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        groups = yaml.load(path.read_bytes(), Loader=_Loader)["groups"]  # noqa: S506 - a safe loader, either one
        yield from (rule for group in groups for rule in group["rules"] if "alert" in rule)


def _duration(text: str) -> timedelta:
    """A duration of one unit, as the rules have them.

    >>> _duration("20m")
    datetime.timedelta(seconds=1200)
    """
    return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])
