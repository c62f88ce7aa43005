"""The interval of the mean lifetime value: a jackknife over groups of customers.

Both models are fitted again without each of twenty groups of customers [1]. How much the mean value differs between these fits says
how uncertain it is, whether or not the models are right and their parameters inside their bounds. The interval is that of Student's
t on the logarithmic scale.

References:
    [1] Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 11.
"""

import numpy as np

from core.business.lifetime import LifetimeModel

GROUPS = 20
MOST = 5_000
"""Customers that are fitted again; the interval for more is narrower by the square root of their number."""
_QUANTILE = 1.729132811521367
"""Of Student's t with 19 degrees of freedom, at 95 %."""


def mean_value_factor(model: LifetimeModel, days: float) -> float:
    """The 90 % interval of the mean lifetime value, as a factor: from the mean divided by it, to the mean times it.

    It is about the mean that is expected of customers like these. What they will really spend varies more, with the season and the market.

    Args:
        model: fitted to the customers, whose order must not depend on what they spend.
        days: how far ahead.

    Raises:
        EstimateError: the likelihood without some group has no maximum, or `days` is negative or no number.
    """
    size = model.monetary.size
    rows = np.arange(0, size, max(1, -(-size // MOST)))
    group = np.arange(rows.size) % GROUPS
    fits = [model.refit(rows[group != number]) for number in range(GROUPS)]
    logs = np.log([float(np.mean(one.value(days))) for one in fits])
    variance = (GROUPS - 1) / GROUPS * np.square(logs - logs.mean()).sum() * rows.size / size
    return float(np.exp(_QUANTILE * np.sqrt(variance)))
