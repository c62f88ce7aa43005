"""What a dashboard must be beside its queries: what Google's API takes, and laid out to be read; every check gives the faults."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.protobuf.json_format import ParseError

from infra import stage
from tests.support.alert_promql import metrics
from tests.support.alert_rules import Rule
from tests.support.dashboards import TITLES_ONLY, Dashboards, Query, Tile

KINDS = {"xyChart", "scorecard", "timeSeriesTable", *TITLES_ONLY}
"""Widgets that the page draws as well as Google does."""
COLUMNS = 48
LONGEST = 30
"""Rows of the grid that a tile is high at most: more fit on no screen."""
STAKEHOLDERS = {"executive", "technical", "operations", "business"}
_GOAL = re.compile(r'variable "availability_goal" \{.*?default\s*=\s*([\d.]+)', re.DOTALL)
_VARIABLES = (stage.ROOT / "infra" / "terraform" / "variables.tf").read_text()
_BURNS = re.compile(r"^\s*(\w+)\s*=\s*\{\s*rate\s*=\s*([\d.]+)", re.MULTILINE)
_SLOS = (stage.ROOT / "infra" / "terraform" / "slos.tf").read_text()
SETTINGS = {"objective": float(_GOAL.findall(_VARIABLES)[0])} | {
    f"slo/{speed}": float(rate) for speed, rate in _BURNS.findall(_SLOS)
}
"""What a threshold may stand for that is no alert rule: by its label, the value."""
_LINK = re.compile(r"\]\(([^)]*)\)")
_COMPARED = re.compile(r"(>=|<=|==|>|<)\s*(?:bool\s+)?([\d.]+(?:\s*\*\s*[\d.]+)*)")


def unreadable(boards: Dashboards) -> list[str]:
    """What is no JSON."""
    return list(boards.faults)


def refused(boards: Dashboards) -> list[str]:
    """What Google's API does not know: keys and values of no message, and what would come back otherwise than it was sent."""
    return [fault for file in boards.documents for fault in _refused(boards, file)]


def _refused(boards: Dashboards, file: str) -> Iterator[str]:
    try:
        sent = Dashboard.from_json(boards.texts[file], ignore_unknown_fields=False)
    except ParseError as error:
        yield f"{file}: Google's API does not take it: {error}"
        return
    text = Dashboard.to_json(sent, always_print_fields_with_no_presence=False, use_integers_for_enums=False)
    if (back := json.loads(text)) != boards.documents[file]:
        yield f"{file}: comes back otherwise than it was sent: {_first_difference(boards.documents[file], back)}"


def _first_difference(given: object, back: object, path: str = "$") -> str:
    """Where two documents begin to differ; a zero is left out by the API, so that it must not be written."""
    if isinstance(given, dict) and isinstance(back, dict):
        for key in sorted({*given, *back}):
            if given.get(key) != back.get(key):
                return _first_difference(given.get(key), back.get(key), f"{path}.{key}")
    if isinstance(given, list) and isinstance(back, list):
        for index, (one, other) in enumerate(zip(given, back, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{path}[{index}]")
    return f"{path} is {given!r}, and comes back as {back!r}"


def unnamed(boards: Dashboards) -> list[str]:
    """Dashboards without a name or a stakeholder, and names that the server gives."""
    faults = []
    for file, document in boards.documents.items():
        faults += [
            f"{file}: must not have {key}, which the server gives" for key in ("name", "etag") if key in document
        ]
        if not document.get("displayName"):
            faults.append(f"{file}: must have a displayName")
        if document.get("labels", {}).get("stakeholder") not in STAKEHOLDERS:
            faults.append(f"{file}: labels.stakeholder must be one of {', '.join(sorted(STAKEHOLDERS))}")
        if document.get("mosaicLayout", {}).get("columns") != COLUMNS:
            faults.append(f"{file}: must be a mosaicLayout of {COLUMNS} columns")
    return faults


def untitled(boards: Dashboards) -> list[str]:
    """Tiles without a title or with that of another, and widgets that the page does not draw."""
    times = Counter((tile.file, tile.title) for tile in boards.tiles)
    faults = [tile.fault("must have a title") for tile in boards.tiles if re.fullmatch(r"tile \d+", tile.title)]
    faults += [f"{file}: {title}: is the title of {n} tiles" for (file, title), n in times.items() if n > 1]
    strange = (tile for tile in boards.tiles if tile.kind not in KINDS)
    return faults + [tile.fault(f"must be one of {', '.join(sorted(KINDS))}, got {tile.kind!r}") for tile in strange]


def misplaced(boards: Dashboards) -> list[str]:
    """Tiles that lie outside, over each other or with a hole between them."""
    return [fault for file in boards.documents for fault in _misplaced(file, boards.of(file))]


def _misplaced(file: str, tiles: list[Tile]) -> Iterator[str]:
    for tile in tiles:
        x, y, width, height = tile.place
        if x < 0 or y < 0 or width < 1 or not 1 <= height <= LONGEST or x + width > COLUMNS:
            yield tile.fault(f"must lie within {COLUMNS} columns and be 1 to {LONGEST} high, got {tile.place}")
    for one, other in combinations(tiles, 2):
        if _overlap(one.place, other.place):
            yield one.fault(f"lies over {other.title!r}")
    bottom = max((tile.place[1] + tile.place[3] for tile in tiles), default=0)
    covered = sum(tile.place[2] * tile.place[3] for tile in tiles)
    if covered != COLUMNS * bottom:
        yield f"{file}: {COLUMNS * bottom - covered} of {COLUMNS * bottom} cells of the grid are empty, or covered twice"


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


def wrong_thresholds(boards: Dashboards) -> list[str]:
    """Thresholds that stand for no alert rule and no setting, or for another value than it has."""
    return [
        tile.fault(fault)
        for tile in boards.tiles
        for threshold in tile.thresholds
        for fault in _threshold(boards, tile, threshold)
    ]


def _threshold(boards: Dashboards, tile: Tile, threshold: dict[str, object]) -> Iterator[str]:
    of_card = {"color", "direction"} & threshold.keys()
    if (tile.kind == "scorecard") != (len(of_card) == 2) or (tile.kind != "scorecard" and of_card):
        yield "a threshold of a scorecard has color and direction, and one of a chart has neither"
    label, value = str(threshold.get("label", "")), float(str(threshold.get("value", 0)))
    severities = {boards.rules[name].labels["severity"] for name in label.split(", ") if name in boards.rules}
    color = "RED" if severities & {"critical", "error"} else "YELLOW"
    if severities and tile.kind == "scorecard" and threshold.get("color") != color:
        yield f"threshold {value:g} must be {color}, as {label} is {' and '.join(sorted(severities))}"
    if tile.kind == "scorecard" and len(severities) > 1:
        yield f"threshold {value:g} must stand for rules of one severity, as one word tells it: {label}"
    for name in label.split(", "):
        if name in SETTINGS:
            allowed = {SETTINGS[name]}
        elif name in boards.rules:
            allowed = _values(boards.rules[name], tile.queries)
        else:
            yield f"threshold {value:g} stands for {name!r}, which is no alert rule and none of {', '.join(SETTINGS)}"
            continue
        if not allowed:
            yield f"threshold {value:g} stands for {name}, which looks at other metrics"
        elif value not in allowed:
            yield f"threshold {value:g} must be {' or '.join(f'{one:g}' for one in sorted(allowed))}, as {name} has it"


def _values(rule: Rule, queries: list[Query]) -> set[float]:
    """What a rule compares the same metric with; where a query counts what the rule compares, or anything is too much, 1."""
    asked = {name for query in queries for name in metrics(query.plain)}
    if not asked & set(metrics(rule.expr)):
        return set()
    compared = set(comparisons(rule.expr))
    counted = {one for query in queries for one in comparisons(query.plain)}
    single = {1.0} if counted & compared or (">", 0.0) in compared else set()
    return {value for _, value in compared} | single


def misjudging(boards: Dashboards) -> list[str]:
    """Cards that judge by another condition than the rule whose name their threshold has."""
    return [
        tile.fault(f"must judge as {name} does, by {told(boards.rules[name].expr)}")
        for tile in boards.tiles
        if tile.kind == "scorecard"
        for threshold in tile.thresholds
        for name in str(threshold.get("label", "")).split(", ")
        if name in boards.rules and not _judges(tile, threshold, boards.rules[name])
    ]


def _judges(tile: Tile, threshold: dict[str, object], rule: Rule) -> bool:
    """Whether a card counts what the rule finds, or holds what the rule looks at against the rule's own limit."""
    [query] = tile.queries
    asked, expr = told(query.expr), told(rule.expr)
    value, below = float(str(threshold.get("value", 0))), threshold.get("direction") == "BELOW"
    if asked.startswith("count(") and f"({expr})" in asked:
        return value == 1 and not below
    sides = {"<", "<="} if below else {">", ">=", "=="}
    limits = {value, value - 1} if ">" in sides and value == 1 else {value}
    looked_at = _BOUND.sub(lambda found: "" if _is_limit(found, sides, limits) else found[0], _BETWEEN.sub(r"\1", expr))
    return looked_at != expr and _free(looked_at) in _free(asked) and _chosen(expr) <= _chosen(asked)


_BOUND = re.compile(r"\s*(>=|<=|==|>|<)\s*([\d.]+(?:\s*\*\s*[\d.]+)*)")
_BETWEEN = re.compile(rf"({_BOUND.pattern}){_BOUND.pattern}$")
"""Two limits: beyond the second one another rule is graver."""
_MATCHER = re.compile(r"\w+\s*(?:=~|!~|!=|=)\s*\"[^\"]*\"")


def _is_limit(found: re.Match[str], sides: set[str], limits: set[float]) -> bool:
    return found[1] in sides and _product(found[2]) in limits


def _free(expr: str) -> str:
    """Without what chooses series, and without how far a gauge is looked back for."""
    return re.sub(r"last_over_time\((\w[\w:]*)\[\w+\]\)", r"\1", re.sub(r"\{[^}]*\}", "", expr))


def _chosen(expr: str) -> set[str]:
    return set(_MATCHER.findall(expr))


def told(expr: str) -> str:
    """An expression on one line, without its variables."""
    line = re.sub(r"\(\s+", "(", re.sub(r"\s+\)", ")", " ".join(expr.split())))
    return re.sub(r"\{\}", "", re.sub(r"(,\s*)?\$\{(?!__)\w+\}", "", line))


def comparisons(expr: str) -> list[tuple[str, float]]:
    """What an expression compares with numbers.

    >>> comparisons("min(x) < 20 * 86400 >= 3")
    [('<', 1728000.0), ('>=', 3.0)]
    """
    return [(operator, _product(number)) for operator, number in _COMPARED.findall(expr)]


def _product(text: str) -> float:
    return round(math.prod(float(factor) for factor in text.split("*")), 12)


def missing_runbooks(boards: Dashboards) -> list[str]:
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
        for name in (name for one in tile.thresholds for name in str(one.get("label", "")).split(", ")):
            runbook = boards.rules[name].notes.get("runbook_url", "") if name in boards.rules else ""
            if runbook and runbook not in linked[tile.file]:
                faults.append(tile.fault(f"no text of the dashboard links {runbook}, what to do about {name}"))
    return faults


CHECKS = (unreadable, refused, unnamed, untitled, misplaced, wrong_thresholds, misjudging, missing_runbooks)
