"""The alert rules, their tests and their runbooks as files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.lint.fault import Fault, Located, line_of, load
from infra.lint.runbooks import sections

FOLDER = "infra/alerts"
WATCHDOG = "Watchdog"
"""The alert that always fires, and is routed to nobody here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert.

    Attributes:
        file: the name of its file.
        group: the name of its group.
        name: the alert's own.
        expr: when it fires.
        lasting: for how long that must be so.
        labels: its own labels, besides those of its series.
        notes: its annotations.
        line: where it begins in its file.
    """

    file: str
    group: str
    name: str
    expr: str
    lasting: str
    labels: dict[str, str]
    notes: dict[str, str]
    line: int

    def fault(self, what: str) -> Fault:
        """A fault of the rule."""
        return Fault(f"{FOLDER}/{self.file}", self.line, f"{self.name}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated together, each `interval`."""

    file: str
    name: str
    interval: str
    line: int

    def fault(self, what: str) -> Fault:
        """A fault of the group."""
        return Fault(f"{FOLDER}/{self.file}", self.line, f"{self.name}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The expectation for an alert at one instant: nothing, or the firing alerts."""

    file: str
    alert: str
    fired: tuple[dict[str, Any], ...]
    line: int

    def fault(self, what: str) -> Fault:
        """A fault of the case."""
        return Fault(f"{FOLDER}/tests/{self.file}", self.line, f"{self.alert}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """Everything that is to be checked.

    Attributes:
        folder: of the rule files; `tests/` in it has their tests.
        groups: in the order of the files.
        rules: in the order of the files.
        cases: in the order of the files.
        sections: the anchors of each runbook, by `docs/runbooks/NAME.md`.
        playbooks: the names of those in the settings.
        faults: what could not be read.
    """

    folder: Path
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    cases: tuple[Case, ...]
    sections: dict[str, set[str]]
    playbooks: frozenset[str]
    faults: tuple[Fault, ...]

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
        """The rules that notify people."""
        return [rule for rule in self.rules if rule.name != WATCHDOG]

    def rule(self, name: str) -> Rule:
        """The rule of that name."""
        return next(rule for rule in self.rules if rule.name == name)

    def fired(self, alert: str) -> Iterator[dict[str, Any]]:
        """How an alert fires in its tests."""
        return (firing for case in self.cases if case.alert == alert for firing in case.fired)


def read(root: Path) -> RuleFiles:
    """Read `infra/alerts`, `infra/monitoring.yaml` and `docs/runbooks` of a tree."""
    folder, faults = root / FOLDER, list[Fault]()
    documents = {path.name: _document(root, path, "groups", faults) for path in sorted(folder.glob("*.yaml"))}
    tests = {path.name: _document(root, path, "tests", faults) for path in sorted((folder / "tests").glob("*.yaml"))}
    settings = yaml.load((root / "infra" / "monitoring.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    groups = [(_group(file, group), group) for file, groups_of_file in documents.items() for group in groups_of_file]
    return RuleFiles(
        folder=folder,
        groups=tuple(group for group, _ in groups),
        rules=tuple(_rule(group, rule) for group, document in groups for rule in _mappings(document.get("rules"))),
        cases=tuple(
            _case(file, mapping)
            for file, cases in tests.items()
            for test in cases
            for mapping in _mappings(test.get("alert_rule_test"))
        ),
        sections=sections(root),
        playbooks=frozenset(playbook["name"] for playbook in settings.get("playbooks", [])),
        faults=tuple(faults),
    )


def _document(root: Path, path: Path, key: str, faults: list[Fault]) -> list[Located]:
    name, line = path.relative_to(root).as_posix(), 1
    try:
        document = load(path.read_text())
    except yaml.YAMLError as error:
        problem, line = " ".join(str(error).split()), line_of(error)
    else:
        if isinstance(document, dict) and isinstance(document.get(key), list):
            return _mappings(document[key])
        problem = f"it has no list {key}"
    faults.append(Fault(name, line, f"must be YAML with {key}: {problem}"))
    return []


def _mappings(given: object) -> list[Located]:
    """The mappings of a list; none where it is no list, which Prometheus refuses."""
    return [one for one in given if isinstance(one, Located)] if isinstance(given, list) else []


def _texts(given: object) -> dict[str, str]:
    return {name: str(text) for name, text in given.items()} if isinstance(given, dict) else {}


def _group(file: str, group: Located) -> Group:
    return Group(file=file, name=str(group.get("name", "")), interval=str(group.get("interval", "")), line=group.line)


def _rule(group: Group, rule: Located) -> Rule:
    return Rule(
        file=group.file,
        group=group.name,
        name=str(rule.get("alert", "")),
        expr=str(rule.get("expr", "")),
        lasting=str(rule.get("for", "0s")),
        labels=_texts(rule.get("labels")),
        notes=_texts(rule.get("annotations")),
        line=rule.line,
    )


def _case(file: str, case: Located) -> Case:
    return Case(
        file=file, alert=str(case.get("alertname", "")), fired=tuple(_mappings(case.get("exp_alerts"))), line=case.line
    )
