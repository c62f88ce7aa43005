"""What models bring in: their own revenue, and their share of what others earn with them."""

from core.business.gains import gains
from core.incidents.graph import Graph
from core.settings import Dependency, Revenue


def graph(*edges: tuple[str, str, float]) -> Graph:
    return Graph([Dependency(target=target, needs=needs, share=share) for target, needs, share in edges])


def earning(**dollars: float) -> dict[str, Revenue]:
    return {name.replace("_", "/"): Revenue(dollars_per_hour=value) for name, value in dollars.items()}


def test_a_model_brings_in_what_it_earns_and_its_share_of_what_needs_it() -> None:
    found = gains(["model/m"], graph(("stream/s", "model/m", 0.5)), earning(model_m=100, stream_s=60, stream_t=900))
    assert found == {"model/m": 100.0, "stream/s": 30.0}


def test_what_needs_two_models_counts_once_with_the_greatest_share() -> None:
    edges = graph(("stream/s", "model/a", 0.2), ("stream/s", "model/b", 0.7))
    assert gains(["model/a", "model/b"], edges, earning(stream_s=100)) == {"stream/s": 70.0}


def test_shares_are_multiplied_along_the_way() -> None:
    edges = graph(("service/x", "model/m", 0.5), ("stream/s", "service/x", 0.5))
    assert gains(["model/m"], edges, earning(stream_s=100)) == {"stream/s": 25.0}


def test_models_that_earn_nothing_bring_in_nothing() -> None:
    assert gains(["model/m"], graph(), earning(stream_s=100)) == {}
    assert gains([], graph(), earning(model_m=100)) == {}
