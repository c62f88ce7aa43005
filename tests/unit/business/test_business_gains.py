"""What models bring in: their own revenue, and their share of what others earn with them."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.business.gains import Harm, gains, losses
from core.incidents.graph import Graph
from core.settings import Dependency, Revenue

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def harm(start: float, hours: float, hourly: float, *targets: str) -> Harm:
    """What cost so much an hour, some hours after nine."""
    begin = NINE + start * HOUR
    return Harm(targets=frozenset(targets), start=begin, end=begin + hours * HOUR, dollars=hours * hourly)


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


def test_an_incident_takes_no_more_than_what_is_gained_of_what_it_touches() -> None:
    hourly = {"stream/s": 100.0, "model/m": 50.0}
    assert losses(hourly, [harm(0, 10, 1000, "stream/s")]) == pytest.approx(1000)
    assert losses(hourly, [harm(0, 10, 60, "stream/s")]) == pytest.approx(600)
    assert losses(hourly, [harm(0, 10, 75, "stream/s", "model/m", "page/p")]) == pytest.approx(750)
    assert losses(hourly, [harm(0, 10, 1000, "page/p")]) == 0.0


def test_what_is_touched_twice_at_once_is_lost_once() -> None:
    hourly = {"stream/s": 100.0, "model/m": 50.0}
    harms = [
        harm(0, 4, 1000, "stream/s"),
        harm(2, 4, 1000, "stream/s"),  # two hours of it together with the first
        harm(1, 8, 10, "stream/s"),  # less than both, so that only the three hours after them count
        harm(0, 1, 50, "model/m"),
        harm(20, 0, 1000, "stream/s"),
        harm(30, 1, 100, "stream/s"),  # long after all the others were over
    ]
    expected = 7 * 100 + 3 * 10 + 50
    for order in permutations(harms):
        assert losses(hourly, order) == pytest.approx(expected)


def test_nothing_gained_is_nothing_lost() -> None:
    assert losses({}, [harm(0, 1, 100, "stream/s")]) == 0.0
    assert losses({"stream/s": 0.0}, [harm(0, 1, 100, "stream/s")]) == 0.0
