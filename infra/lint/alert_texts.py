"""Checks of the annotations of alert rules, and that a test shows each firing."""

import re
from collections import Counter
from collections.abc import Iterator

from core.events import Severity
from core.settings.people import Category
from infra.lint.alert_files import WATCHDOG, Rule, RuleFiles
from infra.lint.fault import Fault

ALLOWED = {
    "severity": {severity.value for severity in Severity},
    "category": {category.value for category in Category},
    "stakeholder": {"executive", "technical", "operations", "business"},
    "path": {"direct"},
}
"""The values of labels with a fixed set, besides `playbook`, which names one of the settings or none.

`path` marks a rule about the notification path, which is also notified directly.
"""
LABELS = {"severity", "category", "stakeholder", "playbook", "owner"}
BESIDE = {"target", "function", "path"}
"""Labels that a rule may add for its target or its path."""
NOTES = {"summary", "description", "runbook_url"}
_CAMEL = re.compile(r"(?:[A-Z][a-z0-9]+)+")
_USER_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_DURATION = re.compile(r"(?:\d+[smhd])+")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def unreadable(files: RuleFiles) -> list[Fault]:
    """What could not be read."""
    return list(files.faults)


def bad_names(files: RuleFiles) -> list[Fault]:
    """Names that are no CamelCase, or that two have."""
    times = Counter(rule.name for rule in files.rules)
    camel = [rule.fault("must be a CamelCase name") for rule in files.rules if not _CAMEL.fullmatch(rule.name)]
    return camel + [rule.fault("must be named once") for rule in files.rules if times[rule.name] > 1]


def bad_labels(files: RuleFiles) -> list[Fault]:
    """Labels that are missing, too many or of unknown values."""
    faults = [fault for rule in files.told for fault in _labels(rule, files.playbooks)]
    quiet = [rule for rule in files.rules if rule.name == WATCHDOG and rule.labels != {"severity": "none"}]
    return faults + [rule.fault("must have the severity none and no other label") for rule in quiet]


def _labels(rule: Rule, playbooks: frozenset[str]) -> Iterator[Fault]:
    yield from (rule.fault(f"must have the label {name}") for name in sorted(LABELS - rule.labels.keys()))
    yield from (rule.fault(f"has the unknown label {name}") for name in sorted(rule.labels.keys() - LABELS - BESIDE))
    for name, values in {**ALLOWED, "playbook": {"none", *playbooks}}.items():
        if name in rule.labels and rule.labels[name] not in values:
            yield rule.fault(f"{name} must be one of {', '.join(sorted(values))}, got {rule.labels[name]!r}")
    for name in sorted(LABELS & rule.labels.keys()):
        # Else it would be no user label of a policy.
        if not _USER_LABEL.fullmatch(str(rule.labels[name])):
            yield rule.fault(f"{name} must be 1 to 63 of a-z, 0-9, _ and -, got {rule.labels[name]!r}")


def bad_notes(files: RuleFiles) -> list[Fault]:
    """Annotations that are missing, empty or unknown; business alerts need the cost."""
    faults = []
    for rule in files.rules:
        wanted = NOTES | ({"impact"} if rule.file == "business.yaml" else set())
        faults += [rule.fault(f"must have the annotation {name}") for name in sorted(wanted - rule.notes.keys())]
        faults += [rule.fault(f"has the unknown annotation {name}") for name in sorted(rule.notes.keys() - wanted)]
        faults += [rule.fault(f"{name} must not be empty") for name, text in rule.notes.items() if not text.strip()]
    return faults


def missing_runbooks(files: RuleFiles) -> list[Fault]:
    """Links to a runbook or a section that is not there."""
    faults = []
    for rule in files.rules:
        path, _, anchor = rule.notes.get("runbook_url", "").partition("#")
        if anchor not in files.sections.get(path, set()):
            faults.append(rule.fault(f"{path} has no section {anchor!r}"))
    return faults


def bad_times(files: RuleFiles) -> list[Fault]:
    """Times that Cloud Monitoring does not take, and groups that are not called as their file."""
    faults = [
        group.fault("must be called as its file")
        for group in files.groups
        if not group.name.startswith(group.file.removesuffix(".yaml"))
    ]
    faults += [
        group.fault(f"interval must be a multiple of 30s, got {group.interval!r}")
        for group in files.groups
        if not _fits(group.interval)
    ]
    wrong = (rule for rule in files.rules if not _fits(rule.lasting))
    return faults + [rule.fault(f"for must be a multiple of 30s, got {rule.lasting!r}") for rule in wrong]


def _fits(duration: object) -> bool:
    text = str(duration)
    return bool(_DURATION.fullmatch(text)) and seconds(text) % 30 == 0


def seconds(duration: str) -> int:
    """How long a duration as in 1h30m is."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", duration))


def unseen(files: RuleFiles) -> list[Fault]:
    """Rules that no test sees firing, or silent; and tests of rules that are not there."""
    seen: dict[str, set[bool]] = {}
    for case in files.cases:
        seen.setdefault(case.alert, set()).add(bool(case.fired))
    faults = [rule.fault("no test sees it firing") for rule in files.rules if True not in seen.get(rule.name, set())]
    faults += [rule.fault("no test sees it silent") for rule in files.told if False not in seen.get(rule.name, set())]
    known = {rule.name for rule in files.rules}
    return faults + [case.fault("there is no such rule") for case in files.cases if case.alert not in known]


CHECKS = (unreadable, bad_names, bad_labels, bad_notes, missing_runbooks, bad_times, unseen)
