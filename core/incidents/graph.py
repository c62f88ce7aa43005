"""Dependency graph of the targets: upstream and downstream of a target, and its group."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property

from core.settings.types import Dependency

GROUP_LIMIT = 40
"""The most targets of a group: the state of a group is one document of the store."""


class Graph:
    """The dependencies of the settings as a directed graph.

    Cycles are allowed: within one, every target depends on every other.

    Args:
        dependencies: from the settings.

    >>> graph = Graph([Dependency(target="model/m", needs="table/t"), Dependency(target="page/p", needs="model/m", share=0.5)])
    >>> sorted(graph.needs("page/p")), sorted(graph.reached("table/t").items())
    (['model/m', 'table/t'], [('model/m', 1.0), ('page/p', 0.5)])
    >>> graph.related("table/t", "page/p"), graph.group("page/p") == graph.group("table/t"), graph.group("other/x")
    (True, True, 'other/x')
    """

    def __init__(self, dependencies: Iterable[Dependency] = ()) -> None:
        self._up: dict[str, dict[str, float]] = defaultdict(dict)
        self._down: dict[str, dict[str, float]] = defaultdict(dict)
        for one in dependencies:
            self._up[one.target][one.needs] = max(one.share, self._up[one.target].get(one.needs, 0.0))
            self._down[one.needs][one.target] = self._up[one.target][one.needs]
        self._needs: dict[str, frozenset[str]] = {}

    def needs(self, target: str) -> frozenset[str]:
        """Every target that this one depends on, directly or through others; never itself."""
        known = self._needs.get(target)
        if known is None:
            known = self._needs[target] = frozenset(_reach(self._up, target))
        return known

    def reached(self, target: str) -> Mapping[str, float]:
        """Every target that depends on this one, with its share at risk: the largest product of shares along a path."""
        return _reach(self._down, target)

    def related(self, one: str, other: str) -> bool:
        """Whether one depends on the other, or both are the same."""
        return one == other or other in self.needs(one) or one in self.needs(other)

    def group(self, target: str) -> str:
        """The name of the target's group: the same for all targets that may share an incident."""
        return self._groups.get(target, target)

    @cached_property
    def _groups(self) -> dict[str, str]:
        cut: set[str] = set()
        while True:
            parts = self._parts(cut)
            large = [part for part in parts if len(part) > GROUP_LIMIT]
            if not large:
                return {target: min(part) for part in parts for target in part}
            # A group that is too large is split at its busiest target, which becomes a group by itself.
            cut |= {max(part, key=lambda target: (self._degree(target, part), target)) for part in large}

    def _parts(self, cut: set[str]) -> list[set[str]]:
        left = (set(self._up) | set(self._down)) - cut
        parts = [{target} for target in cut]
        while left:
            part, fresh = set[str](), {left.pop()}
            while fresh:
                part |= fresh
                near = {other for one in fresh for other in (*self._up.get(one, ()), *self._down.get(one, ()))}
                fresh = near - part - cut
            left -= part
            parts.append(part)
        return parts

    def _degree(self, target: str, part: set[str]) -> int:
        return len(part & (self._up.get(target, {}).keys() | self._down.get(target, {}).keys()))


def _reach(edges: Mapping[str, Mapping[str, float]], start: str) -> dict[str, float]:
    """Every node reachable from the start, with the largest product of shares along a path; without the start."""
    found: dict[str, float] = {}
    fresh = {start: 1.0}
    while fresh:
        further: dict[str, float] = {}
        for one, share in fresh.items():
            for other, part in edges.get(one, {}).items():
                reached = share * part
                if other != start and reached > found.get(other, -1.0):
                    found[other] = further[other] = reached
        fresh = further
    return found
