"""What an expression looks at: which metrics, by which labels, as counters or as gauges."""

import re
from collections.abc import Iterator

from core.metrics import CATALOGUE, Kind
from tests.support.alert_rules import WATCHDOG, Rule, RuleFiles
from tests.support.foreign_metrics import FOREIGN

KNOWN = {name: (one.kind, frozenset(one.labels)) for name, one in CATALOGUE.items()} | FOREIGN
"""Kind and labels of every metric that a rule may look at, ours and those of others."""

_LANGUAGE = """
    sum min max avg count by without on ignoring and or unless offset bool group_left group_right rate increase changes
    last_over_time avg_over_time max_over_time min_over_time sum_over_time count_over_time absent absent_over_time histogram_quantile time vector
    label_replace round clamp_min clamp_max timestamp
"""
_WORDS = frozenset(_LANGUAGE.split())
_TEXT = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")
_BRACES = re.compile(r"\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"[A-Za-z_][\w:]*")
_SELECTED = re.compile(r"([A-Za-z_][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_SUMMED = re.compile(r"\bby\s*\(([^)]*)\)\s*\(")
_GIVEN = re.compile(r'\blabel_replace\(.*?, "(\w+)", "[^"]*", "", ""\)', re.DOTALL)
_CALLED = re.compile(r"\b(rate|increase|changes|(?:last|avg|max|min|sum|count)_over_time)\(\s*([A-Za-z_][\w:]*)")
_OF_COUNTERS = {"rate", "increase"}
_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_VALUE = re.compile(r'\{\{ \$value \| (?:humanize(?:Duration|Percentage)?|printf "%\.2f") \}\}')


def metrics(expr: str) -> list[str]:
    """The metrics that an expression names, each once.

    >>> metrics('sum by (job) (rate(aia_x_total{job=~"a|b"}[5m] offset 1w)) > 0.5')
    ['aia_x_total']
    """
    bare = _RANGE.sub(" ", _BRACES.sub(" ", _GROUPING.sub(" ", _TEXT.sub(" ", expr))))
    return list(dict.fromkeys(name for name in _NAME.findall(bare) if name not in _WORDS))


def matched(expr: str) -> Iterator[tuple[str, str]]:
    """Each metric with each label that it is chosen by.

    >>> list(matched('up{job="a", x!~"b"} > 0'))
    [('up', 'job'), ('up', 'x')]
    """
    for name, matchers in _SELECTED.findall(expr):
        yield from ((name, label) for label in _MATCHER.findall(matchers))


def grouped(expr: str) -> Iterator[tuple[str, str]]:
    """Each metric with each label that it is summed up by.

    >>> list(grouped('max by (a) (up) and sum by (b) (max by (b, c) (down))'))
    [('up', 'a'), ('down', 'b'), ('down', 'b'), ('down', 'c')]
    """
    for found in _SUMMED.finditer(expr):
        labels = [label.strip() for label in found[1].split(",") if label.strip()]
        inside = _inside(expr, found.end())
        yield from ((name, label) for name in metrics(inside) for label in labels if label)


def results(expr: str) -> set[str]:
    """The labels that the results of an expression may have.

    >>> sorted(results('label_replace(sum by (a) (up), "b", "text", "", "")'))
    ['a', 'b']
    """
    return {label for _, label in grouped(expr)} | set(_GIVEN.findall(expr))


def _inside(expr: str, start: int) -> str:
    """What stands between a bracket that has just been opened and its end."""
    depth = 1
    for index in range(start, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[index], 0)
        if depth == 0:
            return expr[start:index]
    return expr[start:]


def unknown_metrics(files: RuleFiles) -> list[str]:
    """Rules that look at nothing, or at what nobody writes."""
    faults = [
        rule.fault(f"looks at {name}, which nobody writes")
        for rule in files.rules
        for name in metrics(rule.expr)
        if name not in KNOWN
    ]
    idle = [rule.fault("looks at no metric") for rule in files.told if not metrics(rule.expr)]
    return faults + idle


def unknown_labels(files: RuleFiles) -> list[str]:
    """Rules that choose or sum up by a label that the metric has not."""
    return [
        rule.fault(f"looks at {name} by {label}, which it has not; it has {', '.join(sorted(KNOWN[name][1]))}")
        for rule in files.rules
        for name, label in dict.fromkeys((*matched(rule.expr), *grouped(rule.expr)))
        if name in KNOWN and label not in KNOWN[name][1]
    ]


def wrong_kinds(files: RuleFiles) -> list[str]:
    """Rules that take a gauge for a counter, or the other way round."""
    return [rule.fault(fault) for rule in files.rules for fault in wrong_call(rule.expr)]


def wrong_call(expr: str) -> Iterator[str]:
    """Functions of counters that an expression calls with gauges, and of gauges with counters.

    >>> list(wrong_call("rate(aia_probe_up[5m])"))
    ['rate of aia_probe_up, which is a gauge']
    """
    for call, name in _CALLED.findall(expr):
        if name in KNOWN and (KNOWN[name][0] is Kind.COUNTER) != (call in _OF_COUNTERS):
            yield f"{call} of {name}, which is a {KNOWN[name][0]}"


def missed_nothings(files: RuleFiles) -> list[str]:
    """Rules that miss something other than a heartbeat where it has never been."""
    return [
        rule.fault(f"misses {name}; only a heartbeat may be missed where it has never been")
        for rule in files.rules
        for name in re.findall(r"\babsent(?:_over_time)?\((\w+)", rule.expr)
        if name != "aia_heartbeat_timestamp_seconds"
    ]


def unknown_templates(files: RuleFiles) -> list[str]:
    """Texts that name a label which the results have not, or hold what Cloud Monitoring cannot fill in."""
    return [fault for rule in files.rules for fault in _templates(rule)]


def _templates(rule: Rule) -> Iterator[str]:
    known = results(rule.expr) | rule.labels.keys()
    described = _VALUE.sub("", rule.notes.get("description", ""))
    others = {name: text for name, text in rule.notes.items() if name != "description"}
    for name, text in {"description": described, **others, **rule.labels}.items():
        yield from (rule.fault(f"{name} names {one}, which no result has") for one in set(_LABEL.findall(text)) - known)
        if "{{" in _LABEL.sub("", text) or "${" in text:
            yield rule.fault(f"{name} has a template that Cloud Monitoring has not, {text!r}")


def valueless(files: RuleFiles) -> list[str]:
    """Descriptions without the value, and those that show one where what is missing has none."""
    faults = []
    for rule in files.rules:
        none = rule.name == WATCHDOG or "absent_over_time" in rule.expr
        if bool(_VALUE.search(rule.notes.get("description", ""))) is none:
            faults.append(rule.fault("description must have the value, unless what is missing has none"))
    return faults


CHECKS = (unknown_metrics, unknown_labels, wrong_kinds, missed_nothings, unknown_templates, valueless)
