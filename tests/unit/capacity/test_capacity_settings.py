"""The section `capacity`: what is refused because it could never be judged."""

from typing import Any

import pytest

from core.settings import CapacitySettings, parse
from tests.support.builders.settings import faults

RESOURCE = {"name": "disk", "target": "service/api", "query": "free", "limit": 0.1}
SCALING = {"replicas": "replicas"}


def given(**capacity: Any) -> dict[str, Any]:
    return {"version": 1, "jobs": {"capacity": "*/5 * * * *"}, "capacity": capacity}


@pytest.mark.parametrize(
    ("capacity", "fault"),
    [
        (
            {"anomalies": ["aia_probe_up", "aia_telemetry_items_total"]},
            "capacity.anomalies[1]: must be a gauge of the catalogue (core/metrics), got 'aia_telemetry_items_total'",
        ),
        ({"anomalies": ["x"]}, "capacity.anomalies[0]: must be a gauge of the catalogue (core/metrics), got 'x'"),
        (
            {"resources": [RESOURCE | {"crosses": "below", "scaling": SCALING}]},
            "capacity.resources[0].crosses: must be above where scaling is given, got 'below'",
        ),
        (
            {"resources": [RESOURCE | {"scaling": SCALING | {"minimum": 11}}]},
            "capacity.resources[0].scaling.minimum: must be at most the maximum of 10, got 11",
        ),
    ],
)
def test_what_could_never_be_judged_is_refused(capacity: dict[str, Any], fault: str) -> None:
    assert faults(given(**capacity)) == [fault]


def test_a_gauge_and_a_resource_that_is_scaled_are_taken() -> None:
    settings = parse(given(resources=[RESOURCE | {"scaling": SCALING}], anomalies=["aia_probe_up"])).capacity
    assert isinstance(settings, CapacitySettings)
    assert settings.anomalies == ("aia_probe_up",)
