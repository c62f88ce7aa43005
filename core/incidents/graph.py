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
    >>> sorted(graph.upstream("page/p")), sorted(graph.downstream("table/t").items())
    (['model/m', 'table/t'], [('model/m', 1.0), ('page/p', 0.5)])
    >>> graph.related("table/t", "page/p"), graph.group("page/p") == graph.group("table/t"), graph.group("other/x")
    (True, True, 'other/x')
    """

    def __init__(self, dependencies: Iterable[Dependency] = ()) -> None:
        self._up: dict[str, dict[str, float]] = defaultdict(dict)
        self._down: dict[str, dict[str, float]] = defaultdict(dict)
        for one in dependencies:
            share = max(one.share, self._up[one.target].get(one.needs, 0.0))
            self._up[one.target][one.needs] = self._down[one.needs][one.target] = share
        self._upstream: dict[str, frozenset[str]] = {}

    def upstream(self, target: str) -> frozenset[str]:
        """Every target that this one depends on, directly or through others; never itself."""
        cached = self._upstream.get(target)
        if cached is None:
            cached = self._upstream[target] = frozenset(_reachable(self._up, target))
        return cached

    def downstream(self, target: str) -> Mapping[str, float]:
        """Every target that depends on this one, with its share at risk: the largest product of shares along a path."""
        return _reachable(self._down, target)

    def related(self, one: str, other: str) -> bool:
        """Whether one depends on the other, or both are the same."""
        return one == other or other in self.upstream(one) or one in self.upstream(other)

    def group(self, target: str) -> str:
        """The name of the target's group: the same for all targets that may share an incident."""
        return self._groups.get(target, target)

    @cached_property
    def _groups(self) -> dict[str, str]:
        hubs: set[str] = set()
        while True:
            components = self._components(hubs)
            large = [component for component in components if len(component) > GROUP_LIMIT]
            if not large:
                return {target: min(component) for component in components for target in component}
            # A group that is too large is split at its busiest target, which becomes a group by itself.
            hubs |= {
                max(component, key=lambda target: (self._degree(target, component), target)) for component in large
            }

    def _components(self, hubs: set[str]) -> list[set[str]]:
        """The connected components without the hubs, and each hub by itself."""
        left = (set(self._up) | set(self._down)) - hubs
        components = [{target} for target in hubs]
        while left:
            component, frontier = set[str](), {left.pop()}
            while frontier:
                component |= frontier
                near = {other for one in frontier for other in (*self._up.get(one, ()), *self._down.get(one, ()))}
                frontier = near - component - hubs
            left -= component
            components.append(component)
        return components

    def _degree(self, target: str, component: set[str]) -> int:
        return len(component & (self._up.get(target, {}).keys() | self._down.get(target, {}).keys()))


def _reachable(edges: Mapping[str, Mapping[str, float]], start: str) -> dict[str, float]:
    """Every node reachable from the start, with the largest product of shares along a path; without the start."""
    shares: dict[str, float] = {}
    frontier = {start: 1.0}
    while frontier:
        improved: dict[str, float] = {}
        for node, share in frontier.items():
            for neighbour, factor in edges.get(node, {}).items():
                product = share * factor
                if neighbour != start and product > shares.get(neighbour, -1.0):
                    shares[neighbour] = improved[neighbour] = product
        frontier = improved
    return shares
