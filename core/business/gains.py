"""What models bring in: what they earn themselves, and their part of what others earn with them."""

from collections.abc import Iterable, Mapping

from core.incidents.graph import Graph
from core.settings.response import Revenue


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
