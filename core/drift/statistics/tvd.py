"""The total variation distance of the bins' shares: half the sum of their absolute differences, 0 to 1.

It is the largest difference that any set of bins can have between the two windows, and the share of rows that would have
to be in another bin for the windows to be alike.

References:
    Levin, Peres and Wilmer (2009), Markov chains and mixing times, proposition 4.2: half the L1 distance.
    Berend and Kontorovich (2013), A sharp estimate of the binomial mean absolute deviation: what chance gives a bin.
"""

from functools import cache

import numpy as np

from core.drift.bins import Bins
from core.drift.columns import Floats
from core.drift.normal import decile_shares, without_chance
from core.drift.statistics.method import Method, Values


def _compute(bins: Bins) -> Values:
    old, new = bins.shares
    value = np.abs(new - old).sum(axis=1) / 2
    return Values(value=value + bins.blank, excess=without_chance(value, by_chance(bins)) + bins.blank)


def by_chance(bins: Bins) -> Floats:
    """The distance that two windows of one distribution have on average, shape (k,).

    The difference of a bin's shares is nearly normal, so half its mean absolute value is sqrt(variance / (2 pi)). In a bin
    that seldom holds a row it is less: no more than the share itself.
    """
    variance = bins.share * (1 - bins.share) * bins.chance[:, None]
    total: Floats = np.minimum(np.sqrt(variance / (2 * np.pi)), bins.share).sum(axis=1)
    return total


@cache
def _at_shifts() -> Floats:
    distance: Floats = np.abs(decile_shares() - 0.1).sum(axis=1) / 2
    return distance


METHOD = Method(of_bins=_compute, at_shifts=_at_shifts)
