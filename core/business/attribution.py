"""Revenue attributed to models, and how much of it incidents cost."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise

from core.incidents.policy import Graph
from core.settings.response import Revenue

_HOUR = timedelta(hours=1)


def attributed_revenue(models: Iterable[str], graph: Graph, revenue: Mapping[str, Revenue]) -> dict[str, float]:
    """Revenue per hour that is attributed to models, in dollars, by the target that earns it.

    All revenue of a model counts, and of a target that depends on models the share that the dependencies state. A target
    that depends on several models counts once, with its largest share.

    Args:
        models: the models, as targets.
        graph: the dependencies.
        revenue: revenue by target, from the settings.

    >>> from core.settings.types import Dependency
    >>> graph = Graph([Dependency(target="stream/s", needs="model/m", share=0.5)])
    >>> revenue = {"model/m": Revenue(dollars_per_hour=100), "stream/s": Revenue(dollars_per_hour=60)}
    >>> attributed_revenue(["model/m"], graph, revenue)
    {'model/m': 100.0, 'stream/s': 30.0}
    """
    shares: dict[str, float] = {}
    for model in models:
        for target, share in {model: 1.0, **graph.downstream(model)}.items():
            shares[target] = max(share, shares.get(target, 0.0))
    return {
        target: share * revenue[target].dollars_per_hour
        for target, share in sorted(shares.items())
        if target in revenue
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCost:
    """The cost of an incident over a period.

    Attributes:
        targets: the affected targets.
        start: when the cost began.
        end: when it ended.
        dollars: total cost of all affected targets.
    """

    targets: frozenset[str]
    start: datetime
    end: datetime
    dollars: float


def lost_revenue(hourly: Mapping[str, float], incidents: Iterable[IncidentCost]) -> float:
    r"""Attributed revenue that incidents cost: at most what the affected targets earn during the incidents.

    The cost of an incident covers all revenue of a target, of which only a share may be attributed. An incident therefore
    takes the fraction \(\min(1, d / \sum_t g_t)\) of each affected target's attributed revenue, where d is its cost per hour
    and \(g_t\) the attributed revenue of target t per hour. Where incidents overlap on a target, only the largest fraction
    counts.

    Args:
        hourly: attributed revenue per hour in dollars, by target.
        incidents: costs of incidents, in any order.

    Returns:
        Dollars, at least 0.

    >>> from datetime import UTC
    >>> nine, ten = datetime(2026, 1, 2, 9, tzinfo=UTC), datetime(2026, 1, 2, 10, tzinfo=UTC)
    >>> incident = IncidentCost(targets=frozenset({"stream/s"}), start=nine, end=ten, dollars=1000.0)
    >>> lost_revenue({"stream/s": 100.0}, [incident, incident])
    100.0
    """
    losses: dict[str, list[tuple[datetime, datetime, float]]] = {}
    for incident in incidents:
        affected = [target for target in hourly if target in incident.targets]
        revenue = math.fsum(hourly[target] for target in affected)
        if revenue <= 0 or incident.end <= incident.start or incident.dollars <= 0:
            continue
        fraction = min(1.0, incident.dollars / ((incident.end - incident.start) / _HOUR) / revenue)
        for target in affected:
            losses.setdefault(target, []).append((incident.start, incident.end, fraction))
    return math.fsum(hourly[target] * _hours_lost(intervals) for target, intervals in losses.items())


def _hours_lost(intervals: Iterable[tuple[datetime, datetime, float]]) -> float:
    """The largest fraction at each instant, integrated over time, in hours."""
    by_start = sorted(intervals)
    instants = sorted({at for start, end, _ in by_start for at in (start, end)})
    active: list[tuple[float, datetime]] = []
    hours, following = 0.0, 0
    for at, until in pairwise(instants):
        while following < len(by_start) and by_start[following][0] <= at:
            _, end, fraction = by_start[following]
            heappush(active, (-fraction, end))
            following += 1
        while active and active[0][1] <= at:
            heappop(active)
        if active:
            hours += -active[0][0] * ((until - at) / _HOUR)
    return hours
