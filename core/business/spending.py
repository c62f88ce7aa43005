r"""Gamma-Gamma: what a purchase of each customer is worth.

Purchases of a customer are Gamma(p, \(\nu\)), with \(\nu\) itself Gamma(q, v) over the customers, whatever the frequency [1]. What is
expected of a customer lies between the mean of its own purchases and that of all, the nearer to its own the more there are.

References:
    [1] Fader and Hardie (2013), The Gamma-Gamma model of monetary value.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from core.business.checks import Floats
from core.business.likelihood import maximise

_LEAST_Q = 1.05
"""Below it the mean over all customers grows without bound, and is not to be believed."""
_STARTS = ((1.0, 1.0, 1.0), (6.0, 2.0, 0.5), (2.0, 10.0, 5.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The parameters of the model.

    Attributes:
        p: shape of the purchases of a customer.
        q: shape of the customers' scales, above 1.
        v: their scale, in dollars: p v / (q - 1) is the mean purchase.
    """

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """The mean purchase over all customers, in dollars."""
        return self.p * self.v / (self.q - 1)


def fit(count: Floats, mean: Floats) -> Spending:
    """The parameters of the greatest likelihood.

    Args:
        count: purchases of each customer, at least 1; shape (n,).
        mean: their mean, above 0; the same shape.

    Raises:
        EstimateError: no maximum was found.
    """
    unit = float(mean.mean())
    p, beyond, v = maximise(lambda parameters: _mean_log(parameters, count, mean / unit), _STARTS, "spending").tolist()
    return Spending(p=p, q=_LEAST_Q + beyond, v=v * unit)


def expected(model: Spending, count: Floats, mean: Floats) -> Floats:
    """What a purchase of each customer is expected to be worth, in dollars; shape (n,)."""
    found: Floats = model.p * (model.v + count * mean) / (model.p * count + model.q - 1)
    return found


def _mean_log(parameters: Floats, count: Floats, mean: Floats) -> tuple[float, Floats]:
    """The mean log-likelihood of a customer and its gradient by p, by what q is above its least, and by v."""
    p, beyond, v = parameters.tolist()
    q, shape, total = _LEAST_Q + beyond, p * count, count * mean
    log_total, log_both = np.log(total), np.log(total + v)
    log = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(v)
        + shape * log_total
        - np.log(mean)
        - (shape + q) * log_both
    )  # fmt: skip - a line for what counts the ways, one for the amounts
    both = digamma(shape + q)
    by_p = count * (both - digamma(shape) + log_total - log_both)
    by_q = both - digamma(q) + np.log(v) - log_both
    by_v = q / v - (shape + q) / (total + v)
    return float(log.mean()), np.array([part.mean() for part in (by_p, by_q, by_v)])
