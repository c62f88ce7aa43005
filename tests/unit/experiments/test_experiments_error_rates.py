"""How often experiments are decided wrongly, and how often rightly: thousands of simulated ones, looked at again and again."""

import math

import numpy as np
import pytest

from core.detection import Outcome
from core.experiments import Arms, Bar, Differences, Levels, Stage, Sums, evidence, mixture
from core.experiments.difference import of_arms
from core.measures import Better
from tests.support.builders.experiments import Floats, Trials, exact_pairs, first, rates, revenue

TRIALS = 4000
HALF = 0.025
"""Of alpha = 0.05, for a promotion."""
CHANCE = 3 * math.sqrt(HALF * (1 - HALF) / TRIALS)
"""Monte Carlo error of a share of that size."""


def share(reached: Floats) -> float:
    return float(np.isfinite(reached).mean())


def swapped(trials: Trials) -> Trials:
    return Trials(champion=trials.challenger, challenger=trials.champion, planned=trials.planned, binary=trials.binary)


def test_equal_rates_are_seldom_promoted_at_any_of_thirty_looks() -> None:
    equal = rates(np.random.default_rng(1), 0.1, 0.1, units=(500, 500), looks=30, trials=TRIALS, planned=15_000)
    assert share(equal.above(HALF)) <= HALF
    assert 0.25 < share(equal.peeked()) < 0.33  # what the fixed-sample test does there: the simulation is hard enough


def test_a_better_rate_is_promoted_early() -> None:
    better = rates(np.random.default_rng(2), 0.1, 0.115, units=(500, 500), looks=30, trials=TRIALS, planned=15_000)
    found = better.above(HALF)
    assert share(found) >= 0.9
    assert np.minimum(found, 15_000).mean() < 9000
    assert share(swapped(better).above(HALF)) <= 0.001


@pytest.mark.parametrize("planned", [5_000, 150_000])
def test_a_wrong_plan_costs_power_and_not_validity(planned: int) -> None:
    rng = np.random.default_rng(3)
    same, better = (
        rates(rng, 0.1, rate, units=(500, 500), looks=30, trials=TRIALS, planned=planned) for rate in (0.1, 0.115)
    )
    assert share(same.above(HALF)) <= HALF
    assert share(better.above(HALF)) >= 0.8


@pytest.mark.parametrize("units", [(200, 200), (380, 20), (20, 380)], ids=["equal", "challenger 5%", "champion 5%"])
def test_drifting_rates_of_unequal_arms_are_seldom_promoted(units: tuple[int, int]) -> None:
    drifting = 0.1 + 0.05 * np.sin(np.arange(40) / 3) + 0.002 * np.arange(40)
    trials = rates(np.random.default_rng(4), drifting, drifting, units=units, looks=40, trials=TRIALS, planned=1000)
    assert share(trials.above(HALF)) <= HALF + CHANCE
    assert share(swapped(trials).above(HALF)) <= HALF + CHANCE


@pytest.mark.parametrize("units", [(200, 200), (300, 100)], ids=["equal", "challenger 25%"])
def test_skewed_revenue_is_seldom_promoted(units: tuple[int, int]) -> None:
    trials = revenue(
        np.random.default_rng(5), buying=0.1, sigma=1.0, units=units, looks=20, trials=TRIALS, planned=4000
    )
    assert share(trials.above(HALF)) <= HALF + CHANCE
    assert share(swapped(trials).above(HALF)) <= HALF + CHANCE


def test_pairs_without_a_difference_are_seldom_promoted_and_a_winner_is() -> None:
    wrong, _ = exact_pairs(0.5, alpha=HALF, planned=2000, discordant=20, looks=100)
    power, used = exact_pairs(0.56, alpha=HALF, planned=2000, discordant=20, looks=100)
    assert wrong <= 0.015
    assert power >= 0.97
    assert used < 700


def test_a_split_that_changes_while_rates_drift_misleads_the_sums_and_not_the_stages() -> None:
    """Simpson's paradox: the challenger has most of its units when the rate of everybody is high."""
    rng, wrong = np.random.default_rng(7), {"stages": 0, "sums": 0}
    for _ in range(300):
        stages = tuple(
            Stage(
                champion=Sums.of_rate(n, int(rng.binomial(n, rate))),
                challenger=Sums.of_rate(m, int(rng.binomial(m, rate))),
            )
            for n, m, rate in ((9000, 1000, 0.10), (1000, 9000, 0.14))
        )
        whole = Stage(
            champion=stages[0].champion.plus(stages[1].champion),
            challenger=stages[0].challenger.plus(stages[1].challenger),
        )
        for name, arms in (("stages", stages), ("sums", (whole,))):
            found = evidence(Arms(stages=arms, binary=True), Bar(), Levels.of(0.05, 0), planned=10_000)
            wrong[name] += found.outcome is Outcome.GOOD
    assert wrong["stages"] <= 10
    assert wrong["sums"] == 300


def test_the_real_code_says_of_a_look_what_the_arrays_say() -> None:
    rng = np.random.default_rng(8)
    for trials in (
        rates(rng, 0.1, 0.115, units=(500, 300), looks=30, trials=20, planned=15_000),
        revenue(rng, buying=0.1, sigma=1.0, units=(200, 100), looks=30, trials=20, planned=4000),
    ):
        z, log_e = trials.z, mixture.log_e(trials.z, trials.n / trials.planned)
        for trial, look in ((0, 0), (7, 12), (19, 29)):
            found = evidence(trials.arms(trial, look), Bar(), Levels.of(0.05, 0), planned=trials.planned)
            difference = of_arms(trials.arms(trial, look))
            assert difference.advantage is not None
            assert difference.advantage / difference.error == pytest.approx(z[trial, look])
            assert found.log_e_above == pytest.approx(log_e[trial, look])


def test_a_smaller_absolute_error_is_promoted_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(9)
    planned, looks, found = 2000, 20, {}
    for gain in (0.0, 0.13):
        values = rng.standard_t(5, (TRIALS // 4, planned)) - gain
        sums, squares = (
            np.add.reduceat(values**power, np.arange(0, planned, planned // looks), axis=1).cumsum(axis=1)
            for power in (1, 2)
        )
        n = np.arange(1, looks + 1) * (planned // looks)
        z = -sums / n / np.sqrt((squares / n - (sums / n) ** 2) / (n - 1))
        promoted = first(mixture.log_e(z, n / planned) >= -math.log(HALF), np.broadcast_to(1.0 * n, z.shape))
        found[gain] = share(promoted)
        at_the_end = Differences(sums=Sums.of(values[0].tolist()), better=Better.LOWER)
        last = evidence(at_the_end, Bar(), Levels.of(0.05, 0), planned=planned)
        assert last.log_e_above == pytest.approx(float(mixture.log_e(z[0, -1], np.array(1.0))), rel=1e-6)
    assert found[0.0] <= HALF + 0.015
    assert found[0.13] >= 0.8
