"""Satisfaction: scores of indicators, scores of groups, and their reasons."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.indicators import THRESHOLDS, WEIGHTS, Indicators
from core.business.satisfaction import satisfaction, score
from core.settings.people import STAKEHOLDERS
from core.text import number

INDICATORS = [field.name for field in fields(Indicators)]
GOOD = Indicators(**{name: thresholds.good for name, thresholds in THRESHOLDS.items()})
BAD = Indicators(**{name: thresholds.bad for name, thresholds in THRESHOLDS.items()})
drawn = st.builds(
    Indicators,
    **{name: st.none() | st.floats(min(b.bad, b.good), max(b.bad, b.good)) for name, b in THRESHOLDS.items()},
)


def test_every_indicator_has_thresholds_and_every_group_indicators() -> None:
    assert set(THRESHOLDS) == set(INDICATORS)
    assert set(WEIGHTS) == set(STAKEHOLDERS)
    assert {name for weights in WEIGHTS.values() for name in weights} == set(INDICATORS)
    assert all(weight > 0 for weights in WEIGHTS.values() for weight in weights.values())
    assert all(thresholds.bad != thresholds.good and thresholds.why for thresholds in THRESHOLDS.values())


def test_the_guide_has_the_table_as_it_is() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "forecast.md").read_text(encoding="utf-8")
    for name, thresholds in THRESHOLDS.items():
        groups = ", ".join(f"{group} {weights[name]:g}" for group, weights in WEIGHTS.items() if name in weights)
        ends = f"{number(thresholds.bad, thresholds.unit)} | {number(thresholds.good, thresholds.unit)}"
        assert f"| `{name}` | {ends} | {groups} | {thresholds.why} |" in guide


@pytest.mark.parametrize("name", INDICATORS)
def test_a_score_goes_from_bad_to_good_and_no_further(name: str) -> None:
    thresholds = THRESHOLDS[name]
    away = thresholds.bad - thresholds.good
    assert [score(value, thresholds) for value in (thresholds.bad, thresholds.good)] == [0.0, 1.0]
    assert [score(value, thresholds) for value in (thresholds.bad + away, thresholds.good - away)] == [0.0, 1.0]
    middle = (
        math.sqrt(thresholds.bad * thresholds.good)
        if thresholds.logarithmic
        else (thresholds.bad + thresholds.good) / 2
    )
    assert score(middle, thresholds) == pytest.approx(0.5)


def test_impossible_times_are_good_or_bad() -> None:
    assert score(-5.0, THRESHOLDS["mtta_seconds"]) == score(0.0, THRESHOLDS["mtta_seconds"]) == 1.0
    assert score(math.inf, THRESHOLDS["mtta_seconds"]) == 0.0


def test_all_good_is_one_and_all_bad_is_none() -> None:
    for result in satisfaction(GOOD).values():
        assert (result.score, result.worst, result.reason) == (1.0, None, "all known indicators are good")
    for result in satisfaction(BAD).values():
        assert result.score == pytest.approx(0.0, abs=1e-12)


def test_nothing_known_is_no_score() -> None:
    for indicators in (Indicators(), Indicators(roi_ratio=math.nan)):
        for result in satisfaction(indicators).values():
            assert (result.score, result.scores, result.worst, result.reason) == (
                None,
                {},
                None,
                "no indicator is known",
            )


def test_one_bad_indicator_outweighs_several_good_ones() -> None:
    result = satisfaction(replace(GOOD, mttr_seconds=86_400.0))["operations"]
    weights = WEIGHTS["operations"]
    mean = 1 - weights["mttr_seconds"] / sum(weights.values())
    assert result.score is not None
    assert 0 < result.score < mean - 0.1
    assert result.worst == "mttr_seconds"
    assert result.reason == "mttr_seconds is 1 d; good is at most 1 h"


def test_the_reason_names_the_worst_indicator() -> None:
    result = satisfaction(replace(GOOD, availability_ratio=0.9927, experience_load_seconds=3.9))["operations"]
    assert result.reason == "availability_ratio is 99.27%; good is at least 99.9%"
    assert result.scores["availability_ratio"] == pytest.approx(0.3)
    assert result.scores["experience_load_seconds"] < 0.1


@given(drawn)
def test_a_score_lies_between_the_worst_indicator_and_the_mean(indicators: Indicators) -> None:
    for group, result in satisfaction(indicators).items():
        if result.score is not None:
            weights = {name: WEIGHTS[group][name] for name in result.scores}
            mean = sum(result.scores[name] * weight for name, weight in weights.items()) / sum(weights.values())
            assert 0 <= result.score <= 1
            assert min(result.scores.values()) - 0.05 <= result.score <= mean + 1e-9


@given(drawn, st.sampled_from(INDICATORS), st.floats(0, 1))
def test_better_is_never_worse(indicators: Indicators, name: str, part: float) -> None:
    value = getattr(indicators, name)
    if value is None:
        return
    change: dict[str, Any] = {name: value + part * (THRESHOLDS[name].good - value)}
    for before, after in zip(
        satisfaction(indicators).values(), satisfaction(replace(indicators, **change)).values(), strict=True
    ):
        assert before.score is None or (after.score or 0.0) >= before.score - 1e-9
