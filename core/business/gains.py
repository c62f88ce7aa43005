"""What models bring in: what they earn themselves, and their part of what others earn; and what incidents take of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise

from core.incidents.graph import Graph
from core.settings.response import Revenue

_HOUR = timedelta(hours=1)


def gains(models: Iterable[str], graph: Graph, revenue: Mapping[str, Revenue]) -> dict[str, float]:
    """The dollars an hour that would not be earned without the models, by the target that earns them.

    A target that needs a model earns the share of its revenue with it that the dependencies say; one that needs several
    counts once, with the greatest share.

    Args:
        models: the models as targets.
        graph: which target needs which.
        revenue: what targets earn, from the settings.

    >>> from core.settings.types import Dependency
    >>> graph = Graph([Dependency(target="stream/s", needs="model/m", share=0.5)])
    >>> revenue = {"model/m": Revenue(dollars_per_hour=100), "stream/s": Revenue(dollars_per_hour=60)}
    >>> gains(["model/m"], graph, revenue)
    {'model/m': 100.0, 'stream/s': 30.0}
    """
    shares: dict[str, float] = {}
    for model in models:
        for target, share in {model: 1.0, **graph.reached(model)}.items():
            shares[target] = max(share, shares.get(target, 0.0))
    return {
        target: share * revenue[target].dollars_per_hour
        for target, share in sorted(shares.items())
        if target in revenue
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What an incident cost over some time.

    Attributes:
        targets: what it touches.
        start: since when it cost.
        end: until when.
        dollars: what it cost in all, of its targets together and of whatever else it touches.
    """

    targets: frozenset[str]
    start: datetime
    end: datetime
    dollars: float


def losses(hourly: Mapping[str, float], harms: Iterable[Harm]) -> float:
    r"""What incidents took away of what is gained: never more than the gain of what they touched while they did.

    An incident costs all of a target, while only a share of the target may be counted as gain. So it takes away the part
    \(\min(1, d / \sum_t g_t)\) of the gain of each target that it touches, with d what it cost an hour and g what the target
    gains an hour. Where several touch a target at once, the worst of them counts, and the others take nothing more.

    Args:
        hourly: what is gained in an hour, in dollars, by target.
        harms: what incidents cost; in any order.

    Returns:
        Dollars, at least 0.

    >>> from datetime import UTC
    >>> nine, ten = datetime(2026, 1, 2, 9, tzinfo=UTC), datetime(2026, 1, 2, 10, tzinfo=UTC)
    >>> harm = Harm(targets=frozenset({"stream/s"}), start=nine, end=ten, dollars=1000.0)
    >>> losses({"stream/s": 100.0}, [harm, harm])
    100.0
    """
    spans: dict[str, list[tuple[datetime, datetime, float]]] = {}
    for harm in harms:
        touched = [target for target in hourly if target in harm.targets]
        gain = math.fsum(hourly[target] for target in touched)
        if gain <= 0 or harm.end <= harm.start or harm.dollars <= 0:
            continue
        part = min(1.0, harm.dollars / ((harm.end - harm.start) / _HOUR) / gain)
        for target in touched:
            spans.setdefault(target, []).append((harm.start, harm.end, part))
    return math.fsum(hourly[target] * _worst(found) for target, found in spans.items())


def _worst(spans: Iterable[tuple[datetime, datetime, float]]) -> float:
    """The greatest part at each instant, added up over the time, in hours."""
    coming = sorted(spans)
    instants = sorted({at for start, end, _ in coming for at in (start, end)})
    going: list[tuple[float, datetime]] = []
    total, next_one = 0.0, 0
    for at, until in pairwise(instants):
        while next_one < len(coming) and coming[next_one][0] <= at:
            _, end, part = coming[next_one]
            heappush(going, (-part, end))
            next_one += 1
        while going and going[0][1] <= at:
            heappop(going)
        if going:
            total += -going[0][0] * ((until - at) / _HOUR)
    return total
