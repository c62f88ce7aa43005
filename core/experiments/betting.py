"""Evidence on pairs of right and wrong predictions at any number of looks: bets at fair odds, exact for any sample size.

A pair is 1 where only the challenger is right, -1 where only the champion is, else 0. Who bets the share b of their capital that the
mean is above m multiplies it by `1 + b * (pair - m)`: a martingale where the mean is m. The capital of a mixture of bets, begun with 1,
is the e-value. With m = 0 only the discordant pairs count, as in McNemar's test, and the mixture is one of binomial likelihood ratios
against even odds. The product is that of three powers, so that three counts are enough, whatever their order.

References:
    Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting.
    Howard and Ramdas (2022), Sequential estimation of quantiles with applications to A/B testing and best-arm identification.
    McNemar (1947), Note on the sampling error of the difference between correlated proportions or percentages.
"""

import math
from dataclasses import replace

import numpy as np

from core.business.interval import Interval
from core.experiments.levels import Levels
from core.experiments.mixture import Floats, log_sum
from core.experiments.sums import Pairs

_LARGEST_BET = 0.49
"""Below 1 / 2, so that no pair takes all the capital, whatever the mean that is tested, -1 to 1."""
_BETS = 25
"""A geometric series of as many, with equal capital on each."""
_GRID = 64
_ROUNDS = 3


def log_e(wins: Floats, losses: Floats, ties: Floats, *, mean: Floats, planned: int) -> Floats:
    """The logarithm of the e-value against a mean pair of at most `mean`.

    Args:
        wins: number of pairs in which only the challenger is right, of any shape.
        losses: number of pairs in which only the champion is right, of a shape that fits.
        ties: number of other pairs, likewise.
        mean: that is tested, -1 to 1, likewise.
        planned: number of pairs that the bets are tuned for, at least 1.

    >>> counts = np.array([300.0]), np.array([200.0]), np.array([4500.0])
    >>> log_e(*counts, mean=np.array(0.0), planned=10_000).round(2), log_e(*counts, mean=np.array(0.01), planned=10_000).round(2)
    (array([8.32]), array([1.57]))
    """
    bets = np.geomspace(min(2 / math.sqrt(planned), _LARGEST_BET), _LARGEST_BET, _BETS)
    mean = np.asarray(mean)[..., None]
    capital = (
        np.asarray(wins)[..., None] * np.log1p(bets * (1 - mean))
        + np.asarray(losses)[..., None] * np.log1p(-bets * (1 + mean))
        + np.asarray(ties)[..., None] * np.log1p(-bets * mean)
    )
    return log_sum(capital) - math.log(_BETS)


def lower_bound(pairs: Pairs, *, alpha: float, planned: int) -> float:
    """The lower confidence sequence of the mean pair: all smaller means are refuted.

    Args:
        pairs: so far.
        alpha: chance that the mean is ever below, above 0 and below 1.
        planned: number of pairs that the bets are tuned for, at least 1.

    >>> round(lower_bound(Pairs(wins=300, losses=200, ties=4500), alpha=0.025, planned=10_000), 4)
    0.0059
    """
    low, high, goal = -1.0, 1.0, -math.log(alpha)
    wins, losses, ties = counts(pairs)
    for _ in range(_ROUNDS):
        means = np.linspace(low, high, _GRID)
        # The evidence falls with the mean: the refuted ones come first.
        refuted = int((log_e(wins, losses, ties, mean=means, planned=planned) >= goal).sum())
        if not refuted:
            return low
        low, high = float(means[refuted - 1]), float(means[min(refuted, _GRID - 1)])
    return low


def win_share(pairs: Pairs, levels: Levels, *, planned: int) -> Interval | None:
    """The share of wins among discordant pairs, with its confidence sequence; None where there are none.

    Args:
        pairs: so far.
        levels: of both ends.
        planned: number of pairs that the bets are tuned for, at least 1.

    >>> found = win_share(Pairs(wins=300, losses=200, ties=500), Levels.of(0.05, 0), planned=1000)
    >>> round(found.low, 3), found.middle, round(found.high, 3)
    (0.532, 0.6, 0.665)
    """
    discordant = replace(pairs, ties=0)
    if not discordant.n:
        return None
    low = lower_bound(discordant, alpha=levels.good, planned=planned)
    high = -lower_bound(discordant.swapped, alpha=levels.bad, planned=planned)
    return Interval(low=(1 + low) / 2, middle=pairs.wins / discordant.n, high=(1 + high) / 2)


def counts(pairs: Pairs) -> tuple[Floats, Floats, Floats]:
    """Wins, losses and ties, as `log_e` takes them; without a shape."""
    return np.array(float(pairs.wins)), np.array(float(pairs.losses)), np.array(float(pairs.ties))
