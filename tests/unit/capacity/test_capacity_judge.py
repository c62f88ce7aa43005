"""Verdicts on limits, replicas and unusual metrics: good, bad, or not known with its reason."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from core.capacity.anomaly import Deviation, Surprise
from core.capacity.forecast import CapacityForecast
from core.capacity.judge import CapacityReason, Usage, anomaly_observation, excess_observation, limit_observation
from core.capacity.scaling import Proposal, ScalingReason
from core.detection import Outcome
from core.events import Severity
from core.settings import CapacityResource
from core.settings.capacity import Crosses

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
MEMORY = CapacityResource(name="checkout-memory", target="service/checkout", query="m", limit=2.0, unit="gib")


def ahead(end: float) -> CapacityForecast:
    middle = np.linspace(1.0, end, 12)
    return CapacityForecast(
        middle=middle, low=middle * 0.9, high=middle * 1.1, errors=np.zeros((50, 12)), weight=np.ones(50)
    )


@pytest.mark.parametrize(
    ("usage", "outcome", "reason", "severity", "said"),
    [
        (Usage(problem="no answer"), Outcome.NOT_KNOWN, CapacityReason.NO_ANSWER, None, "checkout-memory: no answer"),
        (Usage(), Outcome.NOT_KNOWN, CapacityReason.TOO_FEW_VALUES, None, "no current value"),
        (Usage(value=1.0), Outcome.NOT_KNOWN, CapacityReason.TOO_FEW_VALUES, None, "too few values for a forecast"),
        (Usage(value=2.0), Outcome.BAD, CapacityReason.AT_LIMIT, Severity.ERROR, "2 gib, the limit is 2 gib"),
        (
            Usage(value=1.0, forecast=ahead(1.5)),
            Outcome.GOOD,
            CapacityReason.WITHIN_LIMIT,
            Severity.WARNING,
            "1 gib, 1% to reach 2 gib within the hour",
        ),
        (
            Usage(value=1.0, forecast=ahead(3.2)),
            Outcome.BAD,
            CapacityReason.CROSSING_PREDICTED,
            Severity.WARNING,
            "reaches 2 gib within 30 min, 80% sure; now 1 gib",
        ),
    ],
)
def test_a_limit_is_judged_by_the_value_and_by_the_next_hour(
    usage: Usage, outcome: Outcome, reason: CapacityReason, severity: Severity | None, said: str
) -> None:
    found = limit_observation(MEMORY, usage, AT)
    assert (found.verdict.outcome, found.verdict.reason) == (outcome, reason)
    assert said in found.verdict.summary
    assert found.verdict.value == usage.value
    assert severity is None or found.verdict.severity is severity
    assert (found.spec.target, found.spec.kind) == ("service/checkout", "capacity_limit_checkout_memory")


def test_a_share_is_said_in_per_cent_also_in_the_evidence() -> None:
    cpu = replace(MEMORY, name="cpu", limit=0.9, unit="ratio")
    verdict = limit_observation(cpu, Usage(value=0.85, forecast=ahead(0.5)), AT).verdict
    assert "85%" in verdict.summary
    assert "90% within" in verdict.summary
    assert (verdict.evidence["in an hour"], verdict.evidence["90% interval"]) == ("50%", "45% to 55%")


def test_what_is_left_of_something_is_judged_from_above() -> None:
    disk = replace(MEMORY, name="disk", crosses=Crosses.BELOW)
    assert limit_observation(disk, Usage(value=1.5), AT).verdict.reason is CapacityReason.AT_LIMIT
    assert (
        limit_observation(disk, Usage(value=5.0, forecast=ahead(9.0)), AT).verdict.outcome is Outcome.BAD
    )  # it begins at 1


@pytest.mark.parametrize(
    ("replicas", "needed", "outcome"),
    [(4, 2, Outcome.BAD), (2, 2, Outcome.GOOD), (None, 2, Outcome.NOT_KNOWN), (4, None, Outcome.NOT_KNOWN)],
)
def test_replicas_are_too_many_only_where_both_numbers_are_known(
    replicas: int | None, needed: int | None, outcome: Outcome
) -> None:
    proposal = Proposal(replicas=replicas, proposed=needed, needed=needed, reason=ScalingReason.FEWER_SUFFICE)
    assert excess_observation(MEMORY, proposal, AT).verdict.outcome is outcome


def test_the_most_unusual_series_of_a_metric_is_named() -> None:
    usual, unusual = (Surprise(digits=digits, deviation=Deviation.HIGH) for digits in (1.0, 9.0))
    verdict = anomaly_observation("aia_x", {"a": usual, "b": unusual, "c": None}, AT).verdict
    assert (verdict.outcome, verdict.reason, verdict.value) == (Outcome.BAD, CapacityReason.UNUSUAL, 1e-9)
    assert verdict.summary.startswith("aia_x{b}: ")
    assert verdict.evidence == {"series": "aia_x{b}", "unusual series": "1"}
    assert anomaly_observation("aia_x", {"": usual}, AT).verdict.summary == "aia_x: as usual"
    assert anomaly_observation("aia_x", {"a": None}, AT).verdict.outcome is Outcome.NOT_KNOWN
    assert anomaly_observation("aia_x", {}, AT, "refused").verdict.reason is CapacityReason.NO_ANSWER
