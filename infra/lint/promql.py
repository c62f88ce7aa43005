"""The labels and types of the metrics of a PromQL expression."""

import re
from collections.abc import Iterator
from functools import lru_cache

from core.metrics import CATALOGUE, MetricKind
from core.promql import metrics
from infra.lint.foreign_metrics import FOREIGN

KNOWN = {name: (one.kind, frozenset(one.labels)) for name, one in CATALOGUE.items()} | FOREIGN
"""Type and labels of every metric that a rule may query, ours and those of other systems."""

_SELECTED = re.compile(r"([A-Za-z_][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_SUMMED = re.compile(r"\bby\s*\(([^)]*)\)\s*\(")
_GIVEN = re.compile(r'\blabel_replace\(.*?, "(\w+)", "[^"]*", "", ""\)', re.DOTALL)
_CALLED = re.compile(r"\b(rate|increase|changes|(?:last|avg|max|min|sum|count)_over_time)\(\s*([A-Za-z_][\w:]*)")
_OF_COUNTERS = {"rate", "increase"}


def matched(expr: str) -> Iterator[tuple[str, str]]:
    """Each metric with each label that it is chosen by.

    >>> list(matched('up{job="a", x!~"b"} > 0'))
    [('up', 'job'), ('up', 'x')]
    """
    for name, matchers in _SELECTED.findall(expr):
        yield from ((name, label) for label in _MATCHER.findall(matchers))


@lru_cache(maxsize=4096)
def grouped(expr: str) -> tuple[tuple[str, str], ...]:
    """Each metric with each label that it is summed up by.

    >>> grouped('max by (a) (up) and sum by (b) (max by (b, c) (down))')
    (('up', 'a'), ('down', 'b'), ('down', 'b'), ('down', 'c'))
    """
    found = list[tuple[str, str]]()
    for match in _SUMMED.finditer(expr):
        labels = [label.strip() for label in match[1].split(",") if label.strip()]
        inside = _inside(expr, match.end())
        found += [(name, label) for name in metrics(inside) for label in labels]
    return tuple(found)


@lru_cache(maxsize=4096)
def results(expr: str) -> frozenset[str]:
    """The labels that the results of an expression may have.

    >>> sorted(results('label_replace(sum by (a) (up), "b", "text", "", "")'))
    ['a', 'b']
    """
    return frozenset(label for _, label in grouped(expr)) | set(_GIVEN.findall(expr))


def _inside(expr: str, start: int) -> str:
    """What stands between a bracket that has just been opened and its end."""
    depth = 1
    for index in range(start, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[index], 0)
        if depth == 0:
            return expr[start:index]
    return expr[start:]


def wrong_call(expr: str) -> Iterator[str]:
    """Functions of counters that an expression calls with gauges, and of gauges with counters.

    >>> list(wrong_call("rate(aia_probe_up[5m])"))
    ['rate of aia_probe_up, which is a gauge']
    """
    for call, name in _CALLED.findall(expr):
        if name in KNOWN and (KNOWN[name][0] is MetricKind.COUNTER) != (call in _OF_COUNTERS):
            yield f"{call} of {name}, which is a {KNOWN[name][0]}"
