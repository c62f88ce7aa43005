"""How grave the alert rules are that thresholds stand for: by the very files that are deployed."""

import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

from core.events import Severity

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "alerts"
"""Where an archive and the sources have them, from their root."""
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C is ten times as fast; not every build of the library has it."""


@functools.cache
def severities(folder: Path = FOLDER) -> Mapping[str, Severity]:
    """The severity of each rule by its name; a rule that tells nobody has none."""
    found: dict[str, Severity] = {}
    for path in sorted(folder.glob("*.yaml")):
        groups = yaml.load(path.read_bytes(), Loader=_Loader)["groups"]  # noqa: S506 - a safe loader, either one
        rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
        found |= {rule["alert"]: _severity(rule) for rule in rules if rule["labels"]["severity"] in set(Severity)}
    return found


def _severity(rule: Mapping[str, Mapping[str, str]]) -> Severity:
    return Severity(rule["labels"]["severity"])
