"""The Jensen-Shannon distance of the bins' shares: the root of the divergence in natural logarithms, 0 to 0.8326.

References:
    Lin (1991), Divergence measures based on the Shannon entropy.
    Endres and Schindelin (2003), A new metric for probability distributions: its root is a metric.
"""

from functools import cache

import numpy as np

from core.drift.bins import Bins
from core.drift.columns import Floats
from core.drift.normal import decile_shares
from core.drift.statistics.method import Method, Values


def _compute(bins: Bins) -> Values:
    square = _square(np.stack(bins.shares))
    # by chance an eighth of chi-square over its rows, and no more in a bin than its rows can give
    room = np.minimum(bins.chance[:, None] / 8, bins.share * np.log(2)).sum(axis=1)
    room = room * (bins.width - 1) / np.maximum(bins.width, 1)
    return Values(value=np.sqrt(square) + bins.blank, excess=np.sqrt(np.maximum(square - room, 0.0)) + bins.blank)


def _square(shares: Floats) -> Floats:
    """The divergence of two windows' shares, shape (2, k, b)."""
    middle = (shares[0] + shares[1]) / 2
    both = np.where(shares > 0, shares * np.log(shares / middle), 0.0).sum(axis=2)
    square: Floats = np.maximum(both[0] + both[1], 0.0) / 2
    return square


@cache
def _at_shifts() -> Floats:
    shares = decile_shares()
    middle = (shares + 0.1) / 2
    square: Floats = (0.1 * np.log(0.1 / middle) + shares * np.log(shares / middle)).sum(axis=1) / 2
    return np.sqrt(np.maximum(square, 0.0))


METHOD = Method(of_bins=_compute, at_shifts=_at_shifts, decides=True)
