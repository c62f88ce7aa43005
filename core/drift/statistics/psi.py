"""The population stability index: the symmetrised relative entropy of the bins' shares (Jeffreys 1946)."""

from functools import cache

import numpy as np

from core.drift.bins import Bins
from core.drift.columns import Floats, Ints
from core.drift.normal import decile_shares
from core.drift.statistics.method import Method, Values


def _compute(bins: Bins) -> Values:
    """The index on shares to which half a row a bin is added, spread as both windows together are spread.

    An empty bin of a small window then does not make it explode, and two equal windows still give exactly 0. Chance
    alone gives it (width - 1) (1 / n + 1 / m) on average (Yurdakul 2018).
    """
    index = _index(bins)
    return Values(value=index + bins.blank, excess=np.maximum(index - (bins.width - 1) * bins.chance, 0.0) + bins.blank)


def _index(bins: Bins) -> Floats:
    weight = bins.width / 2
    prior = weight[:, None] * bins.share

    def smoothed(rows: Ints, total: Ints) -> Floats:
        shares: Floats = (rows + prior) / (total + weight)[:, None]
        return shares

    old, new = smoothed(bins.reference, bins.n), smoothed(bins.current, bins.m)
    total: Floats = np.where(bins.used, (new - old) * np.log(new / old), 0.0).sum(axis=1)
    return total


@cache
def _at_shifts() -> Floats:
    shares = decile_shares()
    index: Floats = ((shares - 0.1) * np.log(shares / 0.1)).sum(axis=1)
    return index


METHOD = Method(of_bins=_compute, at_shifts=_at_shifts)
