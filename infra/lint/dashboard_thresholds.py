"""Checks of the thresholds of dashboards: they agree with the alert rules that they name, and the runbooks are linked."""

import math
import re
from collections.abc import Iterator

from core.promql import metrics
from infra.lint.alert_files import Rule
from infra.lint.dashboard_files import Dashboards, Query, Tile
from infra.lint.fault import Fault

_LINK = re.compile(r"\]\(([^)]*)\)")
VERDICT = "verdict"
"""The label of the threshold from which on a detector's verdict is bad, which may be long before its alert rule fires."""
VERDICTS = {"aia_drift_features_drifted_ratio": 0.001, "aia_data_quality_issues": 1.0}
"""These thresholds by the metric: one drifted feature of a thousand, one issue."""
_COMPARED = re.compile(r"(>=|<=|==|>|<)\s*(?:bool\s+)?([\d.]+(?:\s*\*\s*[\d.]+)*)")


def wrong_thresholds(boards: Dashboards) -> list[Fault]:
    """Thresholds that stand for no alert rule and no setting, or for another value than it has."""
    return [
        tile.fault(fault)
        for tile in boards.tiles
        for threshold in tile.thresholds
        for fault in _threshold(boards, tile, threshold)
    ]


def _threshold(boards: Dashboards, tile: Tile, threshold: dict[str, object]) -> Iterator[str]:
    of_card = {"color", "direction"}
    if of_card & threshold.keys() != (of_card if tile.kind == "scorecard" else set()):
        yield "a threshold of a scorecard has color and direction, and one of a chart has neither"
    label, value = str(threshold.get("label", "")), float(str(threshold.get("value", 0)))
    severities = {boards.rules[name].labels["severity"] for name in label.split(", ") if name in boards.rules}
    color = "RED" if severities & {"critical", "error"} else "YELLOW"
    if severities and tile.kind == "scorecard" and threshold.get("color") != color:
        yield f"threshold {value:g} must be {color}, as {label} is {' and '.join(sorted(severities))}"
    if tile.kind == "scorecard" and len(severities) > 1:
        yield f"threshold {value:g} must stand for rules of one severity, as one word tells it: {label}"
    for name in label.split(", "):
        if name in boards.limits:
            allowed = {boards.limits[name]}
        elif name == VERDICT:
            allowed = _verdicts(tile)
        elif name in boards.rules:
            allowed = _values(boards.rules[name], tile.queries)
        else:
            yield f"threshold {value:g} stands for {name!r}, which is no alert rule and none of {', '.join([*boards.limits, VERDICT])}"
            continue
        if not allowed:
            yield f"threshold {value:g} stands for {name}, which looks at other metrics"
        elif value not in allowed:
            yield f"threshold {value:g} must be {' or '.join(f'{one:g}' for one in sorted(allowed))}, as {name} has it"


def _verdicts(tile: Tile) -> set[float]:
    """From where on the verdict about what a tile shows is bad."""
    return {VERDICTS[name] for query in tile.queries for name in metrics(query.plain) if name in VERDICTS}


def good_against_the_verdict(boards: Dashboards) -> list[Fault]:
    """Cards that would call good, below the limit of an alert rule, what the detector calls bad."""
    return [
        tile.fault(f"must have the threshold {value:g} with the label {VERDICT!r}, from which on the verdict is bad")
        for tile in boards.tiles
        if tile.kind == "scorecard"
        for value in sorted(_verdicts(tile))
        if not any(threshold.get("label") == VERDICT for threshold in tile.thresholds)
    ]


def _values(rule: Rule, queries: list[Query]) -> set[float]:
    """The limit of a rule for the same metric; 1 if a query counts the rule's matches."""
    asked = {name for query in queries for name in metrics(query.plain)}
    if not asked & set(metrics(rule.expr)):
        return set()
    compared = set(comparisons(rule.expr))
    counted = {comparison for query in queries for comparison in comparisons(query.plain)}
    whole = any(comparison_text(rule.expr) in comparison_text(query.expr) for query in queries)
    single = {1.0} if whole or counted & compared or (">", 0.0) in compared else set()
    return {value for _, value in compared} | single


def misjudging(boards: Dashboards) -> list[Fault]:
    """Cards that judge by another condition than the rule whose name their threshold has."""
    return [
        tile.fault(f"must judge as {name} does, by {comparison_text(boards.rules[name].expr)}")
        for tile in boards.tiles
        if tile.kind == "scorecard"
        for threshold in tile.thresholds
        for name in str(threshold.get("label", "")).split(", ")
        if name in boards.rules and not _judges(tile, threshold, boards.rules[name])
    ]


def _judges(tile: Tile, threshold: dict[str, object], rule: Rule) -> bool:
    """Whether a card counts the rule's matches, or compares the rule's expression with the rule's own limit."""
    [query] = tile.queries
    asked, expr = comparison_text(query.expr), comparison_text(rule.expr)
    value, below = float(str(threshold.get("value", 0))), threshold.get("direction") == "BELOW"
    if asked.startswith("count(") and f"({expr})" in asked:
        return value == 1 and not below
    sides = {"<", "<="} if below else {">", ">=", "=="}
    limits = {value, value - 1} if ">" in sides and value == 1 else {value}
    looked_at = _BOUND.sub(lambda match: "" if _is_limit(match, sides, limits) else match[0], _BETWEEN.sub(r"\1", expr))
    return looked_at != expr and _free(looked_at) in _free(asked) and _chosen(expr) <= _chosen(asked)


_BOUND = re.compile(r"\s*(>=|<=|==|>|<)\s*([\d.]+(?:\s*\*\s*[\d.]+)*)")
_BETWEEN = re.compile(rf"({_BOUND.pattern}){_BOUND.pattern}$")
"""Two limits: beyond the second one another rule is graver."""
_MATCHER = re.compile(r"\w+\s*(?:=~|!~|!=|=)\s*\"[^\"]*\"")


def _is_limit(match: re.Match[str], sides: set[str], limits: set[float]) -> bool:
    return match[1] in sides and _product(match[2]) in limits


def _free(expr: str) -> str:
    """Without what chooses series, and without how far a gauge is looked back for."""
    return re.sub(r"last_over_time\((\w[\w:]*)\[\w+\]\)", r"\1", re.sub(r"\{[^}]*\}", "", expr))


def _chosen(expr: str) -> set[str]:
    return set(_MATCHER.findall(expr))


def comparison_text(expr: str) -> str:
    """An expression on one line, without its variables."""
    line = re.sub(r"\(\s+", "(", re.sub(r"\s+\)", ")", " ".join(expr.split())))
    return re.sub(r"\{\}", "", re.sub(r"(,\s*)?\$\{(?!__)\w+\}", "", line))


def comparisons(expr: str) -> list[tuple[str, float]]:
    """The part of an expression that is compared with numbers.

    >>> comparisons("min(x) < 20 * 86400 >= 3")
    [('<', 1728000.0), ('>=', 3.0)]
    """
    return [(operator, _product(number)) for operator, number in _COMPARED.findall(expr)]


def _product(text: str) -> float:
    return round(math.prod(float(factor) for factor in text.split("*")), 12)


def missing_runbooks(boards: Dashboards) -> list[Fault]:
    """Links to a runbook or a section that is not there, and thresholds whose runbook the dashboard does not link."""
    faults = []
    linked: dict[str, set[str]] = {file: set() for file in boards.documents}
    for tile in boards.tiles:
        for link in _LINK.findall(tile.widget.get("content", "")):
            path, _, anchor = link.partition("#")
            linked[tile.file].add(link)
            if anchor not in boards.sections.get(path, set()):
                faults.append(tile.fault(f"{path} has no section {anchor!r}"))
    for tile in boards.tiles:
        for name in (name for threshold in tile.thresholds for name in str(threshold.get("label", "")).split(", ")):
            runbook = boards.rules[name].notes.get("runbook_url", "") if name in boards.rules else ""
            if runbook and runbook not in linked[tile.file]:
                faults.append(tile.fault(f"no text of the dashboard links {runbook}, what to do about {name}"))
    return faults


CHECKS = (wrong_thresholds, misjudging, good_against_the_verdict, missing_runbooks)
