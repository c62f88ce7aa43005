"""Simulated experiments, all at once in numpy: thousands of trials with the running sums of both arms at every look.

`Trials.z` is that of `core.experiments.difference` for arrays; `Trials.arms` gives a look as the real code has it, to compare both.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.experiments import Arms, Stage, Sums, betting, mixture
from core.experiments.decision import LEAST

Floats = NDArray[np.float64]
Z_PEEKED = 1.959963984540054
"""Of the test for a fixed sample at 5 %, which whoever peeks applies at each look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Running sums of one arm, each of shape (trials, looks)."""

    n: Floats
    total: Floats
    squares: Floats

    def sums(self, trial: int, look: int) -> Sums:
        return Sums(
            n=int(self.n[trial, look]), total=float(self.total[trial, look]), squares=float(self.squares[trial, look])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Experiments of one kind, tuned for `planned` units in each arm."""

    champion: Totals
    challenger: Totals
    planned: int
    binary: bool = False

    def arms(self, trial: int, look: int) -> Arms:
        champion, challenger = (one.sums(trial, look) for one in (self.champion, self.challenger))
        return Arms(stages=(Stage(champion=champion, challenger=challenger),), binary=self.binary)

    @property
    def n(self) -> Floats:
        """Units in each arm, the harmonic mean of both."""
        found: Floats = 2 * self.champion.n * self.challenger.n / (self.champion.n + self.challenger.n)
        return found

    @property
    def z(self) -> Floats:
        """Difference over its standard error, shape (trials, looks)."""
        arms = (self.champion, self.challenger)
        shares = sum(1 / arm.n for arm in arms)
        variance = np.maximum(sum(self._variance(arm) / arm.n for arm in arms), self._pooled() * shares)
        found: Floats = (self.challenger.total / self.challenger.n - self.champion.total / self.champion.n) / np.sqrt(
            variance
        )
        return found

    def _pooled(self) -> Floats:
        one, other = self.champion, self.challenger
        if self.binary:
            return self._variance(
                Totals(n=one.n + other.n, total=one.total + other.total, squares=one.squares + other.squares)
            )
        freedom = [arm.n - 1 for arm in (one, other)]
        found: Floats = (self._variance(one) * freedom[0] + self._variance(other) * freedom[1]) / sum(freedom)
        return found

    def _variance(self, arm: Totals) -> Floats:
        if self.binary:
            rate = (arm.total + 1) / (arm.n + 2)
            return rate * (1 - rate)
        found: Floats = (arm.squares - arm.total**2 / arm.n) / (arm.n - 1)
        return found

    def above(self, alpha: float, *, minimum: int = LEAST) -> Floats:
        """Units in each arm at which each trial calls the challenger better; infinite where it never does. Shape (trials,)."""
        reached = mixture.log_e(self.z, self.n / self.planned) >= -math.log(alpha)
        return first(reached & (np.minimum(self.champion.n, self.challenger.n) >= minimum), self.n)

    def peeked(self) -> Floats:
        """The same for whoever applies a fixed-sample test, two-sided at 5 %, at every look, and takes any difference for one."""
        return first(np.abs(self.z) >= Z_PEEKED, self.n)


def first(reached: NDArray[np.bool_], n: Floats) -> Floats:
    """The units of the first look at which something is reached; infinite where it never is."""
    found: Floats = np.where(
        reached.any(axis=1), np.take_along_axis(n, reached.argmax(axis=1)[:, None], axis=1)[:, 0], np.inf
    )
    return found


def rates(
    rng: np.random.Generator,
    champion: float | Floats,
    challenger: float | Floats,
    *,
    units: tuple[int, int],
    looks: int,
    trials: int,
    planned: int,
) -> Trials:
    """Experiments on a rate.

    Args:
        rng: source of chance.
        champion: its rate, the same at all looks or one for each.
        challenger: its rate.
        units: that are added at each look to the champion and the challenger.
        looks: of each trial.
        trials: number of them.
        planned: units in each arm that the tests are tuned for.
    """
    arms = []
    for rate, added in zip((champion, challenger), units, strict=True):
        hits = rng.binomial(added, np.broadcast_to(rate, (trials, looks))).cumsum(axis=1).astype(float)
        arms.append(Totals(n=_units(added, trials, looks), total=hits, squares=hits))
    return Trials(champion=arms[0], challenger=arms[1], planned=planned, binary=True)


def revenue(
    rng: np.random.Generator,
    *,
    buying: float,
    sigma: float,
    units: tuple[int, int],
    looks: int,
    trials: int,
    planned: int,
) -> Trials:
    """Experiments without a difference on dollars a customer: most buy nothing, the others log-normal amounts.

    Args:
        rng: source of chance.
        buying: share of customers that buy.
        sigma: of the logarithm of an amount; at 1.5 the largest of 1,000 amounts is about a hundred times the median.
        units: that are added at each look to the champion and the challenger.
        looks: of each trial.
        trials: number of them.
        planned: units in each arm that the tests are tuned for.
    """
    arms = []
    for added in units:
        buyers = rng.binomial(added, buying, trials * looks)
        amounts = rng.lognormal(3.0, sigma, int(buyers.sum()))
        place = np.repeat(np.arange(trials * looks), buyers)
        sums = [np.bincount(place, weights=amounts**power, minlength=trials * looks) for power in (1, 2)]
        total, squares = (one.reshape(trials, looks).cumsum(axis=1) for one in sums)
        arms.append(Totals(n=_units(added, trials, looks), total=total, squares=squares))
    return Trials(champion=arms[0], challenger=arms[1], planned=planned)


def pairs(rng: np.random.Generator, share: float, *, discordant: int, looks: int, trials: int) -> tuple[Floats, Floats]:
    """Wins and losses of the challenger at every look, each of shape (trials, looks).

    Args:
        rng: source of chance.
        share: of wins among discordant pairs.
        discordant: pairs that are added at each look.
        looks: of each trial.
        trials: number of them.
    """
    wins = rng.binomial(discordant, share, (trials, looks)).cumsum(axis=1).astype(float)
    return wins, _units(discordant, trials, looks) - wins


def exact_pairs(share: float, *, alpha: float, planned: int, discordant: int, looks: int) -> tuple[float, float]:
    """Chance that the challenger is ever called better, and the mean discordant pairs at the end: computed, not simulated.

    Args:
        share: of wins among discordant pairs.
        alpha: of the test.
        planned: pairs that its bets are tuned for.
        discordant: pairs that are added at each look.
        looks: after which an experiment ends.
    """
    added = _binomial(discordant, share)
    running, reached, used = np.ones(1), 0.0, 0.0
    for look in range(1, looks + 1):
        running = np.convolve(running, added)
        n, wins = look * discordant, np.arange(look * discordant + 1.0)
        capital = betting.log_e(wins, n - wins, np.zeros_like(wins), mean=np.array(0.0), planned=planned)
        hit = float(running[capital >= -math.log(alpha)].sum())
        running = np.where(capital >= -math.log(alpha), 0.0, running)
        reached, used = reached + hit, used + hit * n
    return reached, used + (1 - reached) * looks * discordant


def _binomial(n: int, share: float) -> Floats:
    return np.array([math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)])


def _units(added: int, trials: int, looks: int) -> Floats:
    found: Floats = np.broadcast_to(added * np.arange(1.0, looks + 1), (trials, looks))
    return found
