r"""Gamma-Gamma: the monetary value of a purchase, by customer.

Purchase values of a customer are Gamma(p, \(\nu\)), where \(\nu\) is Gamma(q, v) over the customers and independent of the
purchase frequency [1]. The expected value of a customer lies between the customer's own mean and the overall mean, the nearer
to the own mean the more purchases there are.

References:
    [1] Fader and Hardie (2013), The Gamma-Gamma model of monetary value.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from core.business.checks import Floats
from core.business.likelihood import maximise

_MIN_Q = 1.05
"""The mean over all customers is infinite for q of 1 and below."""
_STARTS = ((1.0, 1.0, 1.0), (6.0, 2.0, 1.0), (30.0, 30.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """Parameters of the model.

    Attributes:
        p: shape of a customer's purchase values.
        q: shape of the customers' rates, above 1.
        v: scale parameter, in dollars: p v / (q - 1) is the mean purchase value.
    """

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """Mean purchase value over all customers, in dollars."""
        return self.p * self.v / (self.q - 1)


def fit(count: Floats, mean: Floats, *, start: GammaGamma | None = None) -> GammaGamma:
    """Maximum-likelihood parameters.

    Args:
        count: number of purchases of each customer, at least 1; shape (n,).
        mean: their mean value, above 0; the same shape.
        start: parameters to start from; without them, several starts are tried.

    Raises:
        EstimateError: the likelihood has no maximum.
    """
    unit = float(mean.mean())
    starts = _STARTS if start is None else ((start.p, start.q - _MIN_Q, start.mean / unit),)
    p, excess, middle = maximise(
        lambda parameters: _by_mean(parameters, count, mean / unit), starts, "Gamma-Gamma"
    ).tolist()
    q = _MIN_Q + excess
    return GammaGamma(p=p, q=q, v=middle * (q - 1) / p * unit)


def expected(model: GammaGamma, count: Floats, mean: Floats) -> Floats:
    """Expected value of a purchase of each customer, in dollars; shape (n,)."""
    value: Floats = model.p * (model.v + count * mean) / (model.p * count + model.q - 1)
    return value


def _by_mean(parameters: Floats, count: Floats, mean: Floats) -> tuple[float, Floats]:
    """The mean log-likelihood by p, q less its minimum, and the mean purchase value, which are nearly independent."""
    p, excess, middle = parameters.tolist()
    scale = _MIN_Q + excess - 1
    v = middle * scale / p
    value, (by_p, by_q, by_v) = _mean_log(np.array([p, excess, v]), count, mean)
    return value, np.array([by_p - by_v * v / p, by_q + by_v * v / scale, by_v * v / middle])


def _mean_log(parameters: Floats, count: Floats, mean: Floats) -> tuple[float, Floats]:
    """The mean log-likelihood of a customer and its gradient by p, by q less its minimum, and by v."""
    p, excess, v = parameters.tolist()
    q, shape, total = _MIN_Q + excess, p * count, count * mean
    log_total, log_both = np.log(total), np.log(total + v)
    log = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(v)
        + shape * log_total
        - np.log(mean)
        - (shape + q) * log_both
    )  # fmt: skip - normalising constants first, then the terms with the amounts
    both = digamma(shape + q)
    by_p = count * (both - digamma(shape) + log_total - log_both)
    by_q = both - digamma(q) + np.log(v) - log_both
    by_v = q / v - (shape + q) / (total + v)
    return float(log.mean()), np.array([part.mean() for part in (by_p, by_q, by_v)])
