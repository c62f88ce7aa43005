"""Scaling proposals: how many replicas the forecast needs, within bounds, tolerance and cooldown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.capacity.scaling import Proposal, ScalingReason, propose
from core.settings import CapacityResource, Scaling

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
SCALING = Scaling(replicas="replicas", minimum=2, maximum=8, utilization=0.5, dollars_per_hour=0.25)
CPU = CapacityResource(name="cpu", target="service/api", query="cpu", limit=1.0, scaling=SCALING)


def proposed(peak: float, replicas: int | None, scaling: Scaling = SCALING, ago: timedelta | None = None) -> Proposal:
    scaled_at = AT - ago if ago else None
    return propose(CPU, scaling, peak, replicas, at=AT, scaled_at=scaled_at)


@pytest.mark.parametrize(
    ("peak", "replicas", "number", "reason", "dollars"),
    [
        (0.75, 4, 6, ScalingReason.MORE_NEEDED, 0.5),
        (0.54, 4, 4, ScalingReason.ENOUGH, 0.0),  # within a tenth
        (0.2, 5, 2, ScalingReason.FEWER_SUFFICE, -0.75),
        (0.2, 2, 2, ScalingReason.ENOUGH, 0.0),  # the least
        (2.0, 6, 8, ScalingReason.MORE_NEEDED, 0.5),
        (2.0, 8, 8, ScalingReason.AT_MAXIMUM, 0.0),
        (0.5, 1, 2, ScalingReason.MORE_NEEDED, 0.25),  # below the least
        (1e308, 6, 8, ScalingReason.MORE_NEEDED, 0.5),
        (1e308, 10**6, 8, ScalingReason.FEWER_SUFFICE, -0.25 * (10**6 - 8)),
    ],
)
def test_replicas_follow_the_upper_bound_of_the_hour(
    peak: float, replicas: int, number: int, reason: ScalingReason, dollars: float
) -> None:
    found = proposed(peak, replicas)
    assert (found.proposed, found.reason, found.dollars_per_hour) == (number, reason, dollars)
    assert found.scaled_at == (AT if number != replicas else None)


def test_a_second_change_waits_for_the_cooldown_and_what_is_needed_is_known_all_the_same() -> None:
    found = proposed(0.75, 4, ago=timedelta(minutes=29))
    assert (found.proposed, found.needed, found.reason) == (4, 6, ScalingReason.COOLDOWN)
    assert found.scaled_at == AT - timedelta(minutes=29)
    assert proposed(0.75, 4, ago=timedelta(minutes=30)).proposed == 6


@pytest.mark.parametrize("replicas", [None, 0])
def test_without_a_number_of_replicas_nothing_is_proposed(replicas: int | None) -> None:
    assert proposed(0.75, replicas).reason is ScalingReason.NOT_KNOWN


def test_without_a_forecast_nothing_is_proposed() -> None:
    found = propose(CPU, SCALING, None, 4, at=AT, scaled_at=AT)
    assert found == replace(found, proposed=None, needed=None, reason=ScalingReason.NOT_KNOWN, scaled_at=AT)
