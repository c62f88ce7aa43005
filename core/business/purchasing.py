r"""BG/NBD: how often customers come, and whether they still do.

While a customer comes, purchases follow a Poisson process of rate \(\lambda\); after each, the customer stays away for good
with probability p. Over the customers \(\lambda\) is Gamma(r, alpha) and p is Beta(a, b) [1]. Only x repeat purchases, the
last of them at \(t_x\), within T are needed of a customer. The likelihood stands in logarithms [2],
and what is expected is integrated rather than taken from the hypergeometric function of [1], which overflows or cancels
out with many purchases and where customers are nearly alike.

References:
    [1] Fader, Hardie and Lee (2005), "Counting your customers" the easy way: an alternative to the Pareto/NBD model.
    [2] Fader and Hardie (2013), Overcoming the BG/NBD model's #NUM! error problem.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln, digamma, expit, gammaln, log_expit, logit

from core.business.checks import Floats
from core.business.likelihood import maximise

Places = NDArray[np.intp]

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.1, 0.8, 2.5), (5.0, 1.0, 0.2, 5.0))
_TAIL = 1e-12  # of a distribution, beyond which it is not looked at
_LEVEL = 1e-9  # relative change that counts as none
_SMALLEST = np.finfo(np.float64).tiny  # of times that are divided by: shorter ones bring nothing either
_NODES = 96
_TOGETHER = 10_000  # customers, so that the integrals of many do not fill the memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """What customers did, each array of shape (n,) and in the same unit of time.

    Attributes:
        frequency: repeat purchases, x.
        recency: from the first purchase to the last one.
        age: from the first purchase to now.
    """

    frequency: Floats
    recency: Floats
    age: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchasing:
    """The parameters of the model.

    Attributes:
        r: shape of the rates' gamma distribution.
        alpha: its rate, in units of time: r / alpha is the mean rate of purchases.
        a: of the beta distribution of staying away.
        b: the other one: a / (a + b) is the mean.
    """

    r: float
    alpha: float
    a: float
    b: float


def fit(history: History) -> Purchasing:
    """The parameters of the greatest likelihood.

    Raises:
        EstimateError: no maximum was found.
    """
    unit = float(history.age.mean())
    scaled = History(frequency=history.frequency, recency=history.recency / unit, age=history.age / unit)
    counts = _counts(scaled)
    r, alpha, a, b = maximise(lambda parameters: _mean_log(parameters, scaled, counts), _STARTS, "purchases").tolist()
    return Purchasing(r=r, alpha=alpha * unit, a=a, b=b)


def log_likelihood(model: Purchasing, history: History) -> float:
    """The logarithm of the likelihood of all customers together."""
    value, _ = _mean_log(np.array([model.r, model.alpha, model.a, model.b]), history, _counts(history))
    return value * history.age.size


def alive(model: Purchasing, history: History) -> Floats:
    """The probability that each customer still comes; shape (n,)."""
    found: Floats = expit(-_log_odds_gone(model, history))
    return found


def expected(model: Purchasing, history: History, time: float) -> Floats:
    """How many purchases each customer is expected to make within the next `time`; shape (n,)."""
    if time == 0:
        return np.zeros(history.age.size)
    parts = -(-history.age.size // _TOGETHER) or 1
    columns = (np.array_split(column, parts) for column in (history.frequency, history.age))
    if_alive = np.concatenate([_if_alive(model, x, age, time) for x, age in zip(*columns, strict=True)])
    found: Floats = if_alive * alive(model, history)
    return found


def _if_alive(model: Purchasing, x: Floats, age: Floats, time: float) -> Floats:
    r"""The expectation for customers who still come, as an integral over the chance p of staying away after a purchase.

    Of p is known Beta(a, b + x), of the rate Gamma(r + x, alpha + T), and
    \(E = \int (1 - (1 + p t / (\alpha + T))^{-r-x}) / p \; \mathrm{d}F(p)\). On the scale of log odds it is smooth, and nothing
    cancels out. Where p is so near to 0 or 1 that the integrand is level, it is taken times the mass there.
    """
    b, shape, ahead = model.b + x, model.r + x, time / (model.alpha + age)

    def bought(away: Floats, by: Floats, over: Floats) -> Floats:
        found: Floats = -np.expm1(-by * np.log1p(away * over)) / away
        return found

    stay = np.maximum(betaincinv(b, model.a, _TAIL), _LEVEL)
    leave = np.minimum(
        np.maximum(betaincinv(model.a, b, _TAIL), _LEVEL / np.maximum(shape * ahead, _SMALLEST)), 1 - stay
    )
    nodes, weights = _gauss_legendre()
    begin, end = logit(leave)[:, None], -logit(stay)[:, None]
    odds = begin + (end - begin) * (nodes + 1) / 2
    density = np.exp(model.a * log_expit(odds) + b[:, None] * log_expit(-odds) - betaln(model.a, b)[:, None])
    between = (density * bought(expit(odds), shape[:, None], ahead[:, None])) @ weights * (end - begin)[:, 0] / 2
    ends = shape * ahead * betainc(model.a, b, leave) + bought(np.ones(1), shape, ahead) * betainc(b, model.a, stay)
    return np.asarray(between + ends)


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    """Places within -1 to 1 and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _log_odds_gone(model: Purchasing, history: History) -> Floats:
    """The logarithm of the odds that a customer stays away for good; nobody can before a repeat purchase."""
    x = history.frequency
    again = x > 0
    ratio = np.log((model.alpha + history.age) / (model.alpha + history.recency))
    odds = np.log(model.a / (model.b + np.where(again, x, 1.0) - 1)) + (model.r + x) * ratio
    return np.where(again, odds, -np.inf)


def _counts(history: History) -> tuple[Floats, Places]:
    """The different numbers of repeat purchases, which are few, and the place of each customer's among them."""
    different, places = np.unique(history.frequency, return_inverse=True)
    return different, places


def _mean_log(parameters: Floats, history: History, counts: tuple[Floats, Places]) -> tuple[float, Floats]:
    """The mean log-likelihood of a customer and its gradient by r, alpha, a and b; gamma functions once a count."""
    r, alpha, a, b = parameters.tolist()
    x, again = history.frequency, history.frequency > 0
    odds = _log_odds_gone(Purchasing(r=r, alpha=alpha, a=a, b=b), history)
    here, gone = expit(-odds), expit(odds)
    to_now, to_last = alpha + history.age, alpha + history.recency
    log_now, log_last = np.log(to_now), np.log(to_last)
    different, places = counts
    gammas = gammaln(r + different) - gammaln(r) + gammaln(b + different) - gammaln(b)
    stays = gammaln(a + b) - gammaln(a + b + different)
    log = (gammas + stays)[places] + r * np.log(alpha) - (r + x) * log_now + np.logaddexp(0.0, odds)
    by_rate = (digamma(r + different) - digamma(r))[places]
    by_r = by_rate + np.log(alpha) - here * log_now - gone * log_last
    by_alpha = r / alpha - (r + x) * (here / to_now + gone / to_last)
    away = digamma(a + b) - digamma(a + b + different)
    by_a = away[places] + gone / a
    by_b = (away + digamma(b + different) - digamma(b))[places] - gone / (b + np.where(again, x, 1.0) - 1)
    return float(log.mean()), np.array([part.mean() for part in (by_r, by_alpha, by_a, by_b)])
