"""The time that an action saved: like is compared with like, only what lasted long enough, and too few are not compared."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.actions import time_saved as module
from core.actions.time_saved import LEAST, MOST, IncidentDuration, TimeSaved, time_saved
from tests.support.builders.budget import examples

DRIFT, OUTAGE = ("drift", "error"), ("availability", "critical")
DURATIONS = st.lists(st.integers(1, 100_000).map(float), min_size=LEAST, max_size=LEAST + 4)


def lasted(*seconds: float, age: float = 0.0, stratum: tuple[str, str] = DRIFT) -> list[IncidentDuration]:
    return [IncidentDuration(stratum=stratum, seconds=one, age=age) for one in seconds]


@settings(max_examples=examples(200))
@given(acted=DURATIONS, others=DURATIONS, order=st.randoms(use_true_random=False))
def test_it_is_the_median_of_all_differences_in_whatever_order_they_come(
    acted: list[float], others: list[float], order: object
) -> None:
    mine, theirs = lasted(*acted), lasted(*others)
    result = time_saved(mine, theirs)
    assert result.seconds == pytest.approx(median(other - one for one in acted for other in others))
    assert result.low is not None
    assert result.high is not None
    assert result.low <= result.seconds <= result.high
    order.shuffle(mine)  # type: ignore[attr-defined]  # Hypothesis' random generator
    order.shuffle(theirs)  # type: ignore[attr-defined]  # the same
    assert time_saved(mine, theirs) == result


def test_a_minute_more_without_the_action_is_a_minute_saved() -> None:
    acted, others = lasted(*range(300, 320)), lasted(*range(900, 930))
    first = time_saved(acted, others)
    later = time_saved(acted, [replace(one, seconds=one.seconds + 60) for one in others])
    assert (first.seconds, first.n_with, first.n_without) == (605.0, 20, 30)
    for one, other in ((first.seconds, later.seconds), (first.low, later.low), (first.high, later.high)):
        assert one is not None
        assert other == pytest.approx(one + 60)


def test_an_action_that_prolongs_has_a_negative_saving() -> None:
    result = time_saved(lasted(*range(900, 920)), lasted(*range(300, 320)))
    assert result.seconds == -600.0
    assert result.high is not None
    assert result.high < 0


def test_what_was_over_before_the_action_would_have_come_is_not_compared() -> None:
    """Or every action would seem to prolong incidents: those that need it are the long ones."""
    acted = lasted(*[600.0] * 12, age=300.0)
    same = lasted(*[600.0] * 12)
    assert time_saved(acted, [*same, *lasted(*[10.0] * 100), *lasted(*[300.0] * 100)]) == TimeSaved(
        n_with=12, n_without=12, seconds=0.0, low=0.0, high=0.0
    )


def test_only_incidents_of_the_same_category_and_severity_are_compared() -> None:
    acted = [*lasted(*[100.0] * 10), *lasted(*[1000.0] * 10, stratum=OUTAGE)]
    others = [*lasted(*[160.0] * 10), *lasted(*[1060.0] * 40, stratum=OUTAGE)]
    assert time_saved(acted, others) == TimeSaved(n_with=20, n_without=50, seconds=60.0, low=60.0, high=60.0)
    unlike = time_saved(acted[:10], others[10:])
    assert unlike == TimeSaved(n_with=0, n_without=0)


def test_each_incident_with_the_action_has_the_same_weight() -> None:
    """However many there are to compare it with: eleven saved a minute, ten saved nothing, and have ten times the pairs."""
    acted = [*lasted(*[100.0] * 11), *lasted(*[100.0] * 10, stratum=OUTAGE)]
    others = [*lasted(*[160.0] * 10), *lasted(*[100.0] * 100, stratum=OUTAGE)]
    assert time_saved(acted, others).seconds == 60.0


@pytest.mark.parametrize(("with_it", "without"), [(9, 50), (50, 9), (0, 50), (50, 0), (0, 0)])
def test_below_ten_on_either_side_there_are_numbers_but_no_estimate(with_it: int, without: int) -> None:
    result = time_saved(lasted(*[100.0] * with_it), lasted(*[200.0] * without))
    assert (result.seconds, result.low, result.high) == (None, None, None)
    compared = (with_it, without) if with_it and without else (0, 0)
    assert (result.n_with, result.n_without) == compared


def test_ten_on_both_sides_are_enough() -> None:
    assert time_saved(lasted(*[100.0] * 10), lasted(*[200.0] * 10)).seconds == 100.0


def test_of_many_the_first_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLICATES", 20)
    acted = lasted(*[100.0] * MOST, *[9_999.0] * 50)
    others = [*lasted(*[200.0] * MOST, *[9_999.0] * 50), *lasted(*[1.0] * MOST, stratum=OUTAGE)]
    result = time_saved(acted, others)
    assert (result.n_with, result.n_without, result.seconds) == (MOST, MOST, 100.0)


def test_the_interval_covers_no_effect_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Incidents of the same distribution on both sides, acted on at some age: 90 % of the intervals contain 0."""
    monkeypatch.setattr(module, "REPLICATES", 100)
    rng = np.random.default_rng(3)
    rounds, covered, estimates = 60, 0, []
    for _ in range(rounds):
        ages = rng.uniform(60, 1800, 30)
        acted = [
            IncidentDuration(stratum=DRIFT, seconds=age + rest, age=age)
            for age, rest in zip(ages, rng.exponential(3600, 30), strict=True)
        ]
        result = time_saved(acted, lasted(*rng.exponential(3600, 60)))
        assert result.seconds is not None
        assert result.low is not None
        assert result.high is not None
        covered += result.low <= 0 <= result.high
        estimates.append(result.seconds)
    assert 0.8 <= covered / rounds <= 0.98
    assert abs(float(np.mean(estimates))) < 300, "the age at which it was applied is no effect"
