"""How much features add to predictions, and whether that has changed."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import Outcome
from core.performance.attributions import (
    Attribution,
    compare_attributions,
    learn_attributions,
    read_attributions,
)
from core.performance.judge import Reason
from core.performance.judge_attributions import drifted, of_attributions
from tests.support.builders.budget import ALL

DAY, WEEK = 86_400.0, 7 * 86_400.0
WINDOWS = 300 if ALL else 100


def logged(rows: int, *, seed: int, age: float = 1.0, names: tuple[str, ...] = ("age", "plan", "city")) -> list[str]:
    """Attributions as a log has them; those of `age` are scaled."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3)) * [age, 0.5, 0.1]
    return [json.dumps(dict(zip(names, row, strict=False))) for row in numbers.tolist()]


def hours(rows: int) -> NDArray[np.float64]:
    return np.arange(rows) * 600.0


REFERENCE = learn_attributions(logged(8000, seed=1), hours(8000), window=WEEK)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('{"age": -2}', {"age": 2.0}),
        ({"age": -2}, {"age": 2.0}),
        ({"featureAttributions": {"age": 0.5}, "baselineOutputValue": 0.1}, {"age": 0.5}),
        (
            '{"attributions": [{"featureAttributions": {"age": [[1], [2, -4]]}}, {"featureAttributions": {"age": 9}}]}',
            {"age": 1.0},
        ),
        ("no JSON", {}),
        ("[1, 2]", {}),
        ({"age": "high", "old": True, "plan": None, "far": float("inf")}, {}),
        ({"attributions": []}, {}),
        (None, {}),
        (float("nan"), {}),
    ],
)
def test_attributions_are_read_as_a_log_and_vertex_ai_have_them(value: object, found: dict[str, float]) -> None:
    assert {name: values.tolist() for name, values in read_attributions([value]).items()} == {
        name: [number] for name, number in found.items()
    }


def test_what_is_usual_is_the_mean_absolute_attribution_and_how_it_varies() -> None:
    assert list(REFERENCE) == ["age", "plan", "city"]
    age = REFERENCE["age"]
    assert age.mean == pytest.approx(np.sqrt(2 / np.pi), abs=0.02)
    assert age.deviation == pytest.approx(np.sqrt(1 - 2 / np.pi), abs=0.02)
    assert (age.rows, age.blocks) == (8000, 8)
    assert age.between < 0.03


def test_a_feature_that_adds_more_has_drifted_and_the_others_have_not() -> None:
    shifts = compare_attributions(REFERENCE, logged(600, seed=2, age=1.6))
    verdict = of_attributions("churn", shifts, minimum=200, shift=0.1)
    assert (verdict.outcome, verdict.reason, verdict.unit) == (Outcome.BAD, Reason.ATTRIBUTIONS_DRIFTED, "sd")
    assert list(verdict.evidence) == ["age"]
    assert verdict.value == pytest.approx(0.6 * np.sqrt(2 / np.pi) / np.sqrt(1 - 2 / np.pi), abs=0.15)
    assert [one.feature for one in drifted(shifts, shift=0.1)] == ["age"]
    assert drifted(shifts, shift=2.0) == []


def test_a_feature_that_is_gone_adds_nothing() -> None:
    shifts = compare_attributions(REFERENCE, logged(600, seed=3, names=("age", "plan")))
    [gone] = drifted(shifts, shift=0.1)
    assert (gone.feature, gone.current) == ("city", Attribution(0.0, 0.0, 600))
    assert gone.shift < -1


def test_windows_without_a_change_seldom_alarm() -> None:
    alarms = sum(
        bool(drifted(compare_attributions(REFERENCE, logged(600, seed=100 + seed)), shift=0.01))
        for seed in range(WINDOWS)
    )
    assert alarms / WINDOWS <= 0.03


def test_a_change_that_the_reference_has_from_week_to_week_is_none() -> None:
    weeks = [row for week in range(10) for row in logged(1008, seed=week, age=1.0 + 0.5 * (week % 2))]
    moody = learn_attributions(weeks, hours(len(weeks)), window=WEEK)
    assert moody["age"].between > 0.1
    now = logged(1008, seed=50, age=1.5)
    assert drifted(compare_attributions(moody, now), shift=0.1) == []
    assert drifted(compare_attributions(REFERENCE, now), shift=0.1) != []


@pytest.mark.parametrize("column", [[], [None] * 500, ["no JSON"] * 500, logged(199, seed=4)])
def test_too_few_attributions_conclude_nothing(column: list[object]) -> None:
    verdict = of_attributions("churn", compare_attributions(REFERENCE, column), minimum=200, shift=0.1)
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_KNOWN, Reason.INSUFFICIENT_DATA)


def test_attributions_that_never_vary_change_with_certainty() -> None:
    still = learn_attributions([{"age": 1.0}] * 300, hours(300), window=DAY)
    same, other = (compare_attributions(still, [{"age": value}] * 300)[0] for value in (1.0, 2.0))
    assert (same.shift, same.p_value, other.shift, other.p_value) == (0.0, 1.0, float("inf"), 0.0)
