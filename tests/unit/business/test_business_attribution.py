"""Revenue attributed to models, and how much of it incidents cost."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.business.attribution import IncidentCost, attributed_revenue, lost_revenue
from core.incidents.policy import Graph
from core.settings import Dependency, Revenue

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def incident(start: float, hours: float, hourly: float, *targets: str) -> IncidentCost:
    """An incident that starts some hours after nine, by its cost per hour."""
    begin = NINE + start * HOUR
    return IncidentCost(targets=frozenset(targets), start=begin, end=begin + hours * HOUR, dollars=hours * hourly)


def graph(*edges: tuple[str, str, float]) -> Graph:
    return Graph([Dependency(target=target, needs=needs, share=share) for target, needs, share in edges])


def earning(**dollars: float) -> dict[str, Revenue]:
    return {name.replace("_", "/"): Revenue(dollars_per_hour=value) for name, value in dollars.items()}


def test_a_model_is_credited_with_its_revenue_and_its_share_of_dependents() -> None:
    result = attributed_revenue(
        ["model/m"], graph(("stream/s", "model/m", 0.5)), earning(model_m=100, stream_s=60, stream_t=900)
    )
    assert result == {"model/m": 100.0, "stream/s": 30.0}


def test_a_target_with_two_models_counts_once_with_the_largest_share() -> None:
    edges = graph(("stream/s", "model/a", 0.2), ("stream/s", "model/b", 0.7))
    assert attributed_revenue(["model/a", "model/b"], edges, earning(stream_s=100)) == {"stream/s": 70.0}


def test_shares_multiply_along_a_path() -> None:
    edges = graph(("service/x", "model/m", 0.5), ("stream/s", "service/x", 0.5))
    assert attributed_revenue(["model/m"], edges, earning(stream_s=100)) == {"stream/s": 25.0}


def test_models_without_revenue_have_none_attributed() -> None:
    assert attributed_revenue(["model/m"], graph(), earning(stream_s=100)) == {}
    assert attributed_revenue([], graph(), earning(model_m=100)) == {}


def test_an_incident_costs_at_most_the_attributed_revenue_of_its_targets() -> None:
    hourly = {"stream/s": 100.0, "model/m": 50.0}
    assert lost_revenue(hourly, [incident(0, 10, 1000, "stream/s")]) == pytest.approx(1000)
    assert lost_revenue(hourly, [incident(0, 10, 60, "stream/s")]) == pytest.approx(600)
    assert lost_revenue(hourly, [incident(0, 10, 75, "stream/s", "model/m", "page/p")]) == pytest.approx(750)
    assert lost_revenue(hourly, [incident(0, 10, 1000, "page/p")]) == 0.0


def test_overlapping_incidents_cost_their_maximum() -> None:
    hourly = {"stream/s": 100.0, "model/m": 50.0}
    incidents = [
        incident(0, 4, 1000, "stream/s"),
        incident(2, 4, 1000, "stream/s"),  # two hours of it together with the first
        incident(1, 8, 10, "stream/s"),  # less than both, so that only the three hours after them count
        incident(0, 1, 50, "model/m"),
        incident(20, 0, 1000, "stream/s"),
        incident(30, 1, 100, "stream/s"),  # long after all the others were over
    ]
    expected = 7 * 100 + 3 * 10 + 50
    for order in permutations(incidents):
        assert lost_revenue(hourly, order) == pytest.approx(expected)


def test_without_attributed_revenue_nothing_is_lost() -> None:
    assert lost_revenue({}, [incident(0, 1, 100, "stream/s")]) == 0.0
    assert lost_revenue({"stream/s": 0.0}, [incident(0, 1, 100, "stream/s")]) == 0.0
