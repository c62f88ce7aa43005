"""Severity and `for` of the alert rules behind the thresholds of dashboards, from the deployed files."""

import functools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from core.events import Severity
from functions.services import alert_rules
from functions.services.alert_rules import entries

FOLDER = Path(__file__).resolve().parents[2] / alert_rules.FOLDER
"""Of this archive, or the sources."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@functools.cache
def severities(folder: Path = FOLDER) -> Mapping[str, Severity]:
    """The severity of each rule by its name, without rules that notify nobody."""
    told = (rule for _, rule in entries(folder) if rule["labels"]["severity"] in set(Severity))
    return {rule["alert"]: Severity(rule["labels"]["severity"]) for rule in told}


@functools.cache
def patience(folder: Path = FOLDER) -> Mapping[str, timedelta]:
    """How long the condition of each rule must hold before it fires (`for`), by its name."""
    return {rule["alert"]: _duration(str(rule.get("for", "0s"))) for _, rule in entries(folder)}


def _duration(text: str) -> timedelta:
    """A duration of one unit, as the rules have them.

    >>> _duration("20m")
    datetime.timedelta(seconds=1200)
    """
    return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])
