"""Evidence: e-values have a mean of 1 where there is no difference, exactly; sequences and e-values say the same."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.detection import Outcome
from core.errors import ExperimentError
from core.experiments import (
    Arms,
    Assigned,
    Bar,
    Differences,
    Evidence,
    Levels,
    Pairs,
    Stage,
    Sums,
    betting,
    evidence,
    mixture,
    monthly,
    sample_ratio,
    win_share,
)
from core.experiments.difference import of_arms, of_pairs
from core.measures import Better
from tests.support.builders.budget import examples

LEVELS = Levels.of(0.05, 0)
SMALL = Sums.of([1.0, 2.0, 4.0])


@pytest.mark.parametrize("time", [0.01, 0.3, 1.0, 5.0])
def test_the_e_value_of_a_mean_of_zero_is_1_on_average(time: float) -> None:
    z = np.linspace(-40, 40, 400_001)
    weighted = np.exp(mixture.log_e(z, np.array(time)) + stats.norm.logpdf(z))
    assert np.trapezoid(weighted, z) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("mean", "tied"), [(0.0, 0.0), (0.0, 0.6), (0.2, 0.3), (-0.4, 0.1)])
def test_the_e_value_of_pairs_is_1_on_average_whatever_the_ties(mean: float, tied: float) -> None:
    n, shares = 12, ((1 - tied + mean) / 2, (1 - tied - mean) / 2, tied)
    counts = [
        (wins, losses, n - wins - losses) for wins, losses in product(range(n + 1), repeat=2) if wins + losses <= n
    ]
    wins, losses, ties = (np.array(column, dtype=float) for column in zip(*counts, strict=True))
    chances = stats.multinomial.pmf(counts, n, shares)
    capital = np.exp(betting.log_e(wins, losses, ties, mean=np.array(mean), planned=500))
    assert chances @ capital == pytest.approx(1.0)
    assert chances @ np.exp(betting.log_e(wins, losses, ties, mean=np.array(mean + 0.1), planned=500)) < 1


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_the_e_value_of_the_planned_split_is_1_on_average(share: float) -> None:
    n = 60
    e_values = [
        math.exp(sample_ratio.log_e([Assigned(champion=n - k, challenger=k, share=share)])) for k in range(n + 1)
    ]
    assert stats.binom.pmf(range(n + 1), n, share) @ e_values == pytest.approx(1.0)


def test_a_new_split_goes_on_where_the_old_one_was() -> None:
    first, second = (
        Assigned(champion=950, challenger=50, share=0.05),
        Assigned(champion=700, challenger=300, share=0.25),
    )
    assert sample_ratio.log_e([first, second]) > sample_ratio.log_e([first])
    assert sample_ratio.log_e([]) == pytest.approx(0.0)
    # As one count it would be taken for a mismatch of either split.
    assert sample_ratio.log_e([Assigned(champion=1650, challenger=350, share=0.05)]) > math.log(1e6)


@given(time=st.floats(1e-4, 1e3), alpha=st.floats(1e-6, 0.5))
@settings(max_examples=examples(200), deadline=None)
def test_the_critical_value_is_where_the_e_value_reaches_1_over_alpha(time: float, alpha: float) -> None:
    z = mixture.critical(time, alpha)
    assert float(mixture.log_e(np.array(z), np.array(time))) == pytest.approx(-math.log(alpha), abs=1e-6)


COUNTS = st.integers(0, 3000)
PAIRS = st.builds(Pairs, wins=COUNTS, losses=COUNTS, ties=COUNTS).filter(lambda pairs: pairs.n > 0)


@given(pairs=PAIRS, margin=st.floats(-0.5, 0.5), planned=st.integers(100, 100_000))
@settings(max_examples=examples(200), deadline=None)
def test_the_sequence_of_pairs_agrees_with_their_e_values(pairs: Pairs, margin: float, planned: int) -> None:
    found = evidence(pairs, Bar(margin=margin), LEVELS, planned=planned)
    assert found.advantage is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.advantage <= found.high <= 1
    if abs(found.low - margin) > 1e-4 and abs(found.high - margin) > 1e-4:
        above, below = found.low > margin, found.high < margin
        expected = Outcome.GOOD if above else Outcome.BAD if below else Outcome.NOT_KNOWN
        assert found.outcome is expected


@given(pairs=PAIRS)
@settings(max_examples=examples(100), deadline=None)
def test_champion_and_challenger_are_treated_alike(pairs: Pairs) -> None:
    levels = Levels(good=0.02, bad=0.02, sample_ratio=0.001)
    one, other = (evidence(side, Bar(), levels, planned=5000) for side in (pairs, pairs.swapped))
    assert (one.log_e_above, one.log_e_below) == (other.log_e_below, other.log_e_above)
    assert (one.low, one.high) == (-(other.high or 0.0), -(other.low or 0.0))
    assert (one.p_above, one.p_below) == (other.p_below, other.p_above)


VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


def pooled_variance(one: list[float], other: list[float]) -> float:
    """Squared standard error of the difference of means in the t-test that holds the variances equal."""
    both = (len(one) - 1) * np.var(one, ddof=1) + (len(other) - 1) * np.var(other, ddof=1)
    return float(both / (len(one) + len(other) - 2) * (1 / len(one) + 1 / len(other)))


@given(one=VALUES, other=VALUES)
@settings(max_examples=examples(200), deadline=None)
def test_sums_merge_and_lead_to_the_larger_of_both_standard_errors(one: list[float], other: list[float]) -> None:
    whole, parts = Sums.of([*one, *other]), Sums.of(one).plus(Sums.of(other))
    assert (parts.n, parts.total, parts.squares) == pytest.approx((whole.n, whole.total, whole.squares))
    found = of_arms(Arms(stages=(Stage(champion=Sums.of(one), challenger=Sums.of(other)),)))
    own = np.var(one, ddof=1) / len(one) + np.var(other, ddof=1) / len(other)
    pooled = pooled_variance(one, other)
    variance = max(own, pooled)
    if variance > 1e-3:
        assert found.advantage == pytest.approx(np.mean(other) - np.mean(one), abs=1e-9)
        assert found.error == pytest.approx(math.sqrt(variance), rel=1e-4)


def test_a_lower_latency_is_an_advantage_and_a_margin_is_a_share_of_the_champions() -> None:
    stage = Stage(champion=Sums.of([0.9, 1.0, 1.1] * 300), challenger=Sums.of([0.93, 1.03, 1.13] * 300))
    slower = Arms(stages=(stage,), better=Better.LOWER)
    found = [evidence(slower, Bar(share=share), LEVELS, planned=900) for share in (0.0, 0.03, 0.06)]
    assert [one.outcome for one in found] == [Outcome.BAD, Outcome.NOT_KNOWN, Outcome.GOOD]
    assert all(one.advantage == pytest.approx(-0.03) for one in found)
    dearer = evidence(Arms(stages=(stage,)), Bar(share=0.05), LEVELS, planned=900)
    assert dearer.outcome is Outcome.GOOD


def test_rates_of_zero_are_known_within_an_absolute_margin_only() -> None:
    none = Arms(
        stages=(Stage(champion=Sums.of_rate(20_000, 0), challenger=Sums.of_rate(20_000, 0)),),
        better=Better.LOWER,
        binary=True,
    )
    assert evidence(none, Bar(margin=-0.001), LEVELS, planned=20_000).outcome is Outcome.GOOD
    assert evidence(none, Bar(share=0.5), LEVELS, planned=20_000).outcome is Outcome.NOT_KNOWN


@pytest.mark.parametrize(
    "data",
    [
        Pairs(wins=0, losses=0),
        Differences(sums=Sums.of([]), better=Better.LOWER),
        Differences(sums=Sums.of([1.0]), better=Better.LOWER),
        Differences(sums=Sums.of([0.5, 0.5, 0.5]), better=Better.LOWER),
        Arms(stages=()),
        Arms(stages=(Stage(champion=SMALL, challenger=Sums.of([1.0])),)),
        Arms(stages=(Stage(champion=Sums.of([2.0, 2.0]), challenger=Sums.of([2.0, 2.0])),)),
    ],
    ids=["no pair", "no difference", "one difference", "no variance", "no stage", "one unit", "no variance in arms"],
)
def test_what_has_no_variance_is_not_known(data: Pairs | Differences | Arms) -> None:
    found = evidence(data, Bar(), LEVELS, planned=1000)
    assert (found.outcome, found.advantage, found.low, found.high) == (Outcome.NOT_KNOWN, None, None, None)
    assert (found.p_above, found.p_below) == (1.0, 1.0)


def test_a_smaller_absolute_error_of_the_same_requests_is_an_advantage() -> None:
    assert of_pairs(Sums.of([-1.0, -2.0]), Better.LOWER).advantage == 1.5
    assert of_pairs(Sums.of([-1.0, -2.0]), Better.HIGHER).advantage == -1.5


def test_the_share_of_wins_has_a_sequence_around_it() -> None:
    assert win_share(Pairs(wins=0, losses=0, ties=50), LEVELS, planned=1000) is None
    found = win_share(Pairs(wins=60, losses=40), LEVELS, planned=1000)
    assert found is not None
    exact = stats.binomtest(60, 100).proportion_ci(0.95)
    assert found.low < exact.low < 0.6 < exact.high < found.high


def test_the_levels_are_alpha_in_all() -> None:
    for rails in range(5):
        found = Levels.of(0.05, rails)
        assert found.good + (1 + rails) * found.bad + found.sample_ratio == pytest.approx(0.05)


def test_the_value_of_a_month_is_not_known_where_few_were_seen() -> None:
    seen = Evidence(n=20_000, advantage=0.12, low=0.03, high=0.22)
    assert monthly(seen, 1000, least=20_000) is not None
    assert monthly(seen, 1000, least=20_001) is None
    assert monthly(Evidence(n=20_000), 1000, least=1) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sums(n=-1, total=0, squares=0), "n: must be at least 0, got -1"),
        (lambda: Sums(n=2, total=math.nan, squares=1), "total: must be a finite number, got nan"),
        (lambda: Sums(n=0, total=1, squares=1), "total: must be 0 where there is no unit, got 1"),
        (lambda: Sums(n=2, total=4, squares=7), r"squares: must be at least 8 \(total²/n\), got 7"),
        (lambda: Pairs(wins=-1, losses=0), "wins: must be at least 0, got -1"),
        (lambda: Assigned(champion=1, challenger=-2, share=0.5), "challenger: must be at least 0, got -2"),
        (lambda: Assigned(champion=1, challenger=2, share=1.0), "share: must be above 0 and below 1, got 1"),
        (
            lambda: evidence(Pairs(wins=2, losses=1), Bar(margin=1.0), LEVELS, planned=100),
            "margin: must be above -1 and below 1 where the data is pairs, got 1",
        ),
        (
            lambda: evidence(Pairs(wins=2, losses=1), Bar(share=0.1), LEVELS, planned=100),
            "share: must be 0 where the data is pairs, got 0.1",
        ),
    ],
)  # fmt: skip
def test_what_no_experiment_can_have_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ExperimentError, match=message):
        make()
