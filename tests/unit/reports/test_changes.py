"""What is worth a headline: by hand, and against scipy."""

import math

import pytest
from scipy import stats

from core.reports.changes import LEAST_CHANGES, beyond_interval, beyond_usual, of_counts, of_shares


@pytest.mark.parametrize(
    ("actual", "effect"),
    [(100.0, 0.0), (90.0, 1.0), (85.0, 1.5), (120.0, 1.0), (140.0, 2.0)],
)
def test_a_value_beyond_its_interval_is_significant(actual: float, effect: float) -> None:
    assert beyond_interval(actual, 90.0, 100.0, 120.0) == pytest.approx(effect)


def test_an_interval_without_width_is_left_by_any_difference() -> None:
    assert beyond_interval(100.0, 100.0, 100.0, 100.0) == 0
    assert beyond_interval(99.0, 100.0, 100.0, 100.0) >= 1


@pytest.mark.parametrize(("now", "before"), [(0, 0), (1, 0), (6, 0), (10, 2), (3, 2), (40, 25), (400, 350)])
def test_counts_are_compared_as_by_the_binomial_test(now: int, before: int) -> None:
    p = stats.binomtest(now, now + before, 0.5).pvalue if now + before else 1.0
    assert of_counts(now, before) == pytest.approx(math.log(p) / math.log(0.05))
    assert of_counts(before, now) == pytest.approx(of_counts(now, before))


@pytest.mark.parametrize("given", [(8, 10, 1, 10), (1, 10, 1, 10), (0, 5, 0, 9), (3, 3, 0, 4), (20, 400, 60, 500)])
def test_shares_are_compared_as_by_fishers_exact_test(given: tuple[int, int, int, int]) -> None:
    now, of, before, of_before = given
    p = stats.fisher_exact([[now, of - now], [before, of_before - before]]).pvalue
    assert of_shares(*given) == pytest.approx(math.log(p) / math.log(0.05), abs=1e-9)


def test_nothing_is_concluded_from_nothing() -> None:
    assert of_shares(0, 0, 3, 4) == of_shares(3, 4, 0, 0) == 0
    assert beyond_usual(100.0, [1.0, None] * 20) == 0  # no day a week apart is known
    assert beyond_usual(100.0, [1.0] * (LEAST_CHANGES + 6)) == 0
    assert beyond_usual(100.0, [1.0] * (LEAST_CHANGES + 7)) >= 1


def test_a_change_is_held_against_the_changes_within_as_many_days() -> None:
    past = [float(day // 7) for day in range(70)]  # a week later it is always 1 more
    assert beyond_usual(1.0, past) == pytest.approx(1.0)
    assert beyond_usual(-3.0, past) == pytest.approx(3.0)
