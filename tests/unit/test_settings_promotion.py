"""How a challenger is promoted: what of it is read, and that what cannot be decided is refused with the reason."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from core.settings import GuardRail, Mode, Promotion, UnitOutcome, parse
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, Path, faults, told

LABEL = {"column": "late", "arrives_within": "12h"}
PROMOTION: dict[str, Any] = {
    "mode": "ab",
    "measure": "revenue",
    "minimum": 2000,
    "maximum": 40_000,
    "alpha": 0.01,
    "margin": -0.5,
    "guard_rails": {"latency": {"margin": 0.05}, "error_rate": {"absolute": 0.001, "margin": 0.1}},
    "steps": [1, 10, 100],
    "watch": "6h",
    "auto": True,
}
SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "models": [support.MODEL | {"label": LABEL, "promotion": PROMOTION}],
}
PLACE: Path = ("models", 0, "promotion")


def changed(*path: str | int, to: object) -> dict[str, Any]:
    return support.changed(SAMPLE, (*PLACE, *path), to)


def test_a_promotion_is_read_whole() -> None:
    assert parse(SAMPLE).models[0].promotion == Promotion(
        mode=Mode.AB,
        measure=UnitOutcome.REVENUE,
        minimum=2000,
        maximum=40_000,
        alpha=0.01,
        margin=-0.5,
        guard_rails={
            UnitOutcome.LATENCY: GuardRail(margin=0.05),
            UnitOutcome.ERROR_RATE: GuardRail(absolute=0.001, margin=0.1),
        },
        steps=(1, 10, 100),
        watch=timedelta(hours=6),
        auto=True,
    )


def test_where_nothing_is_said_a_person_promotes_after_a_comparison_in_the_shadow() -> None:
    promotion = parse(changed(to={})).models[0].promotion
    assert promotion == Promotion()
    assert (promotion.mode, promotion.alpha, promotion.steps, promotion.auto) == (
        Mode.SHADOW,
        0.05,
        (5, 25, 100),
        False,
    )
    assert parse(changed(to={"mode": "ab"})).models[0].promotion == Promotion(mode=Mode.AB)
    assert Promotion(mode=Mode.AB).outcome is UnitOutcome.CONVERSION
    assert parse(changed(to=...)).models[0].promotion is None


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"minimum": 50_001, "maximum": 50_000}, "minimum: must be at most the maximum of 50000 units, got 50001"),
        ({"steps": [25, 5, 100]}, "steps: must ascend and end at 100, got '25, 5, 100'"),
        ({"steps": [5, 25]}, "steps: must ascend and end at 100, got '5, 25'"),
        ({"measure": "revenue"}, "measure: must not be given where the mode is shadow, got 'revenue'"),
        ({"mode": "ab", "measure": "latency"}, "measure: must be one of conversion, revenue, got 'latency'"),
        ({"margin": 1}, "margin: must be above -1 and below 1 where the task is binary, got 1.0"),
        ({"guard_rails": {"latency": {}}}, "guard_rails.latency.margin: must be above 0, or absolute must be, got 0.0"),
        (
            {"guard_rails": {"revenue": {"margin": 0.1}}},
            "guard_rails.revenue: must be one of latency, error_rate where the mode is shadow, got 'revenue'",
        ),
        (
            {"mode": "ab", "guard_rails": {"conversion": {"margin": 0.1}}},
            "guard_rails.conversion: must be another outcome than the measure, got 'conversion'",
        ),
    ],
)
def test_what_cannot_be_decided_is_refused(values: dict[str, Any], fault: str) -> None:
    assert faults(changed(to=values)) == [f"models[0].promotion.{fault}"]


def test_without_labels_there_is_nothing_to_compare_in_the_shadow() -> None:
    raw = support.changed(changed(to={}), ("models", 0, "label"), ...)
    assert faults(raw) == ["models[0].promotion.mode: must be ab where there is no label, got 'shadow'"]
    parse(support.changed(changed(to={"mode": "ab"}), ("models", 0, "label"), ...))


def test_a_regression_may_have_any_margin() -> None:
    raw = support.changed(changed(to={"margin": 2.5}), ("models", 0, "task"), "regression")
    assert parse(raw).models[0].promotion == Promotion(margin=2.5)


@given(JUNK)
def test_whatever_else_is_there_is_told(junk: object) -> None:
    assert told(changed(to=junk))
