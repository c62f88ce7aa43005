"""The alert rules, their tests and their runbooks as files: read once, and told about as `file: rule: what`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra import stage

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
WATCHDOG = "Watchdog"
"""The one that always fires, about nothing and to nobody here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert.

    Attributes:
        file: the name of its file.
        group: the name of its group.
        name: the alert's own.
        expr: when it fires.
        lasting: for how long that must be so.
        labels: what it carries, beside those of what it found.
        notes: its annotations.
    """

    file: str
    group: str
    name: str
    expr: str
    lasting: str
    labels: dict[str, str]
    notes: dict[str, str]

    def fault(self, what: str) -> str:
        """A fault of the rule, as it is told."""
        return f"{self.file}: {self.name}: {what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is expected of an alert at one instant: nothing, or that it fires so."""

    file: str
    alert: str
    fired: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """Everything that is to be checked.

    Attributes:
        folder: of the rule files; `tests/` in it has their tests.
        groups: name of the file, name of the group, and how often it is evaluated.
        rules: in the order of the files.
        cases: in the order of the files.
        sections: the anchors of each runbook, by `docs/runbooks/NAME.md`.
        faults: what could not be read.
    """

    folder: Path
    groups: tuple[tuple[str, str, str], ...]
    rules: tuple[Rule, ...]
    cases: tuple[Case, ...]
    sections: dict[str, set[str]]
    faults: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """The rule files."""
        return sorted(self.folder.glob("*.yaml"))

    @property
    def tests(self) -> list[Path]:
        """Their tests."""
        return sorted((self.folder / "tests").glob("*.yaml"))

    @property
    def told(self) -> list[Rule]:
        """The rules that people hear of."""
        return [rule for rule in self.rules if rule.name != WATCHDOG]

    def rule(self, name: str) -> Rule:
        """The rule of that name."""
        return next(rule for rule in self.rules if rule.name == name)

    def fired(self, alert: str) -> Iterator[dict[str, Any]]:
        """How an alert fires in its tests."""
        return (one for case in self.cases if case.alert == alert for one in case.fired)


def read(root: Path = stage.ROOT) -> RuleFiles:
    """Read `infra/alerts` and `docs/runbooks` of a tree."""
    folder, faults = root / "infra" / "alerts", list[str]()
    documents = {path.name: _document(path, "groups", faults) for path in sorted(folder.glob("*.yaml"))}
    tests = {path.name: _document(path, "tests", faults) for path in sorted((folder / "tests").glob("*.yaml"))}
    groups = [(file, group) for file, found in documents.items() for group in found]
    return RuleFiles(
        folder=folder,
        groups=tuple((file, group["name"], group["interval"]) for file, group in groups),
        rules=tuple(_rule(file, group["name"], rule) for file, group in groups for rule in group["rules"]),
        cases=tuple(
            Case(file=file, alert=one["alertname"], fired=tuple(one["exp_alerts"]))
            for file, found in tests.items()
            for test in found
            for one in test["alert_rule_test"]
        ),
        sections={f"docs/runbooks/{path.name}": sections(path) for path in (root / "docs" / "runbooks").glob("*.md")},
        faults=tuple(faults),
    )


def sections(path: Path) -> set[str]:
    """The anchors of a runbook's sections, as GitHub makes them of headings."""
    return {heading.lower().replace(" ", "-") for heading in _HEADING.findall(path.read_text())}


def _document(path: Path, key: str, faults: list[str]) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)[key]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        faults.append(f"{path.name}: must be YAML with {key}: {error}")
        return []
    return found


def _rule(file: str, group: str, rule: dict[str, Any]) -> Rule:
    return Rule(
        file=file,
        group=group,
        name=str(rule.get("alert", "")),
        expr=str(rule.get("expr", "")),
        lasting=rule.get("for", "0s"),
        labels=rule.get("labels", {}),
        notes=rule.get("annotations", {}),
    )
