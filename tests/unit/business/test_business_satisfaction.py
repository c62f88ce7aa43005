"""Satisfaction: what each fact is worth, how facts come together, and what is said of it."""

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.facts import BOUNDS, WEIGHTS, Facts
from core.business.satisfaction import satisfaction, score
from core.incidents.text import number
from core.settings.people import STAKEHOLDERS

FACTS = [field.name for field in fields(Facts)]
GOOD = Facts(**{name: bound.good for name, bound in BOUNDS.items()})
BAD = Facts(**{name: bound.bad for name, bound in BOUNDS.items()})
drawn = st.builds(
    Facts, **{name: st.none() | st.floats(min(b.bad, b.good), max(b.bad, b.good)) for name, b in BOUNDS.items()}
)


def test_every_fact_has_bounds_and_every_group_facts() -> None:
    assert set(BOUNDS) == set(FACTS)
    assert set(WEIGHTS) == set(STAKEHOLDERS)
    assert {name for weights in WEIGHTS.values() for name in weights} == set(FACTS)
    assert all(weight > 0 for weights in WEIGHTS.values() for weight in weights.values())
    assert all(bound.bad != bound.good and bound.why for bound in BOUNDS.values())


def test_the_guide_has_the_table_as_it_is() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "forecast.md").read_text(encoding="utf-8")
    for name, bound in BOUNDS.items():
        groups = ", ".join(f"{group} {weights[name]:g}" for group, weights in WEIGHTS.items() if name in weights)
        ends = f"{number(bound.bad, bound.unit)} | {number(bound.good, bound.unit)}"
        assert f"| `{name}` | {ends} | {groups} | {bound.why} |" in guide


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_goes_from_bad_to_good_and_no_further(name: str) -> None:
    bound = BOUNDS[name]
    away = bound.bad - bound.good
    assert [score(value, bound) for value in (bound.bad, bound.good)] == [0.0, 1.0]
    assert [score(value, bound) for value in (bound.bad + away, bound.good - away)] == [0.0, 1.0]
    middle = math.sqrt(bound.bad * bound.good) if bound.by_factor else (bound.bad + bound.good) / 2
    assert score(middle, bound) == pytest.approx(0.5)


def test_times_that_cannot_be_are_good_or_bad() -> None:
    assert score(-5.0, BOUNDS["mtta_seconds"]) == score(0.0, BOUNDS["mtta_seconds"]) == 1.0
    assert score(math.inf, BOUNDS["mtta_seconds"]) == 0.0


def test_all_good_is_one_and_all_bad_is_none() -> None:
    for found in satisfaction(GOOD).values():
        assert (found.score, found.worst, found.reason) == (1.0, None, "all that is known is good")
    for found in satisfaction(BAD).values():
        assert found.score == pytest.approx(0.0, abs=1e-12)


def test_nothing_known_is_no_score() -> None:
    for facts in (Facts(), Facts(roi_ratio=math.nan)):
        for found in satisfaction(facts).values():
            assert (found.score, found.parts, found.worst, found.reason) == (None, {}, None, "nothing is known")


def test_one_bad_fact_weighs_more_than_good_ones_make_up_for() -> None:
    found = satisfaction(replace(GOOD, mttr_seconds=86_400.0))["operations"]
    weights = WEIGHTS["operations"]
    mean = 1 - weights["mttr_seconds"] / sum(weights.values())
    assert found.score is not None
    assert 0 < found.score < mean - 0.1
    assert found.worst == "mttr_seconds"
    assert found.reason == "mttr_seconds is 1 d; good is at most 1 h"


def test_the_reason_names_what_takes_most_away() -> None:
    found = satisfaction(replace(GOOD, availability_ratio=0.9927, experience_load_seconds=3.9))["operations"]
    assert found.reason == "availability_ratio is 99.3 %; good is at least 99.9 %"
    assert found.parts["availability_ratio"] == pytest.approx(0.3)
    assert found.parts["experience_load_seconds"] < 0.1


@given(drawn)
def test_scores_lie_between_the_worst_part_and_the_mean(facts: Facts) -> None:
    for group, found in satisfaction(facts).items():
        if found.score is not None:
            weights = {name: WEIGHTS[group][name] for name in found.parts}
            mean = sum(found.parts[name] * weight for name, weight in weights.items()) / sum(weights.values())
            assert 0 <= found.score <= 1
            assert min(found.parts.values()) - 0.05 <= found.score <= mean + 1e-9


@given(drawn, st.sampled_from(FACTS), st.floats(0, 1))
def test_better_is_never_worse(facts: Facts, name: str, part: float) -> None:
    value = getattr(facts, name)
    if value is None:
        return
    change: dict[str, Any] = {name: value + part * (BOUNDS[name].good - value)}
    for before, after in zip(
        satisfaction(facts).values(), satisfaction(replace(facts, **change)).values(), strict=True
    ):
        assert before.score is None or (after.score or 0.0) >= before.score - 1e-9
