"""Checks of the expressions and templates of alert rules: metrics that are written, by labels that they have."""

import re
from collections.abc import Iterator

from core.promql import metrics
from infra.lint.alert_files import WATCHDOG, Rule, RuleFiles
from infra.lint.fault import Fault
from infra.lint.promql import KNOWN, grouped, matched, results, wrong_call

_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_VALUE = re.compile(r'\{\{ \$value \| (?:humanize(?:Duration|Percentage)?|printf "%\.2f") \}\}')


def unknown_metrics(files: RuleFiles) -> list[Fault]:
    """Rules without a metric, or with an unknown one."""
    faults = [
        rule.fault(f"looks at {name}, which nobody writes")
        for rule in files.rules
        for name in metrics(rule.expr)
        if name not in KNOWN
    ]
    idle = [rule.fault("looks at no metric") for rule in files.told if not metrics(rule.expr)]
    return faults + idle


def unknown_labels(files: RuleFiles) -> list[Fault]:
    """Rules that choose or sum up by a label that the metric has not."""
    return [
        rule.fault(f"looks at {name} by {label}, which it has not; it has {', '.join(sorted(KNOWN[name][1]))}")
        for rule in files.rules
        for name, label in dict.fromkeys((*matched(rule.expr), *grouped(rule.expr)))
        if name in KNOWN and label not in KNOWN[name][1]
    ]


def wrong_kinds(files: RuleFiles) -> list[Fault]:
    """Rules that take a gauge for a counter, or the other way round."""
    return [rule.fault(fault) for rule in files.rules for fault in wrong_call(rule.expr)]


def missed_nothings(files: RuleFiles) -> list[Fault]:
    """Rules that miss something other than a heartbeat where it has never been."""
    return [
        rule.fault(f"misses {name}; only a heartbeat may be missed where it has never been")
        for rule in files.rules
        for name in re.findall(r"\babsent(?:_over_time)?\((\w+)", rule.expr)
        if name != "aia_heartbeat_timestamp_seconds"
    ]


def unknown_templates(files: RuleFiles) -> list[Fault]:
    """Texts that name a label which the results have not, or hold what Cloud Monitoring cannot fill in."""
    return [fault for rule in files.rules for fault in _templates(rule)]


def _templates(rule: Rule) -> Iterator[Fault]:
    known = results(rule.expr) | rule.labels.keys()
    described = _VALUE.sub("", rule.notes.get("description", ""))
    others = {name: text for name, text in rule.notes.items() if name != "description"}
    for name, text in {"description": described, **others, **rule.labels}.items():
        yield from (rule.fault(f"{name} names {one}, which no result has") for one in set(_LABEL.findall(text)) - known)
        if "{{" in _LABEL.sub("", text) or "${" in text:
            yield rule.fault(f"{name} has a template that Cloud Monitoring has not, {text!r}")


def valueless(files: RuleFiles) -> list[Fault]:
    """Descriptions without the value, and those that show a value for an absent metric."""
    faults = []
    for rule in files.rules:
        none = rule.name == WATCHDOG or "absent_over_time" in rule.expr
        if bool(_VALUE.search(rule.notes.get("description", ""))) is none:
            faults.append(rule.fault("description must have the value, unless what is missing has none"))
    return faults


CHECKS = (unknown_metrics, unknown_labels, wrong_kinds, missed_nothings, unknown_templates, valueless)
