r"""BG/NBD: purchase frequency and churn, by customer.

Purchases of an active customer follow a Poisson process of rate \(\lambda\); after each purchase the customer churns with
probability p. Over the customers \(\lambda\) is Gamma(r, alpha) and p is Beta(a, b) [1]. The sufficient statistics of a
customer are x repeat purchases, the last one at \(t_x\), within T. The likelihood is computed in logarithms [2]. Expectations
are integrated numerically, as the hypergeometric function of [1] overflows or cancels for many purchases and for nearly
homogeneous customers.

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

Indices = NDArray[np.intp]

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 0.1, 0.8, 2.5), (5.0, 1.0, 0.2, 5.0))
_TAIL = 1e-12  # probability of a tail that is ignored
_LEVEL = 1e-9  # relative change that is ignored
_SMALLEST = np.finfo(np.float64).tiny  # divisor where a time is 0; no purchases are expected there anyway
_HALF = 0.5 - 1e-9
_NODES = 96
_BATCH = 10_000  # customers integrated at once, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurchaseHistory:
    """Sufficient statistics of customers: arrays of shape (n,), in one unit of time.

    Attributes:
        frequency: repeat purchases, x.
        recency: time from the first to the last purchase, t_x.
        age: time from the first purchase to now, T.
    """

    frequency: Floats
    recency: Floats
    age: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """Parameters of the model.

    Attributes:
        r: shape of the gamma distribution of purchase rates.
        alpha: its rate parameter, in units of time: r / alpha is the mean purchase rate.
        a: first parameter of the beta distribution of the churn probability.
        b: second one: a / (a + b) is the mean churn probability.
    """

    r: float
    alpha: float
    a: float
    b: float


def fit(history: PurchaseHistory, *, start: BgNbd | None = None) -> BgNbd:
    """Maximum-likelihood parameters.

    Args:
        history: of the customers.
        start: parameters to start from, such as those of like customers; without them, several starts are tried.

    Raises:
        EstimateError: the likelihood has no maximum.
    """
    unit = float(history.age.mean())
    scaled = PurchaseHistory(frequency=history.frequency, recency=history.recency / unit, age=history.age / unit)
    counts = _counts(scaled)
    starts = _STARTS if start is None else ((start.r, start.alpha / unit, start.a, start.b),)
    r, alpha, a, b = maximise(lambda parameters: _mean_log(parameters, scaled, counts), starts, "BG/NBD").tolist()
    return BgNbd(r=r, alpha=alpha * unit, a=a, b=b)


def log_likelihood(model: BgNbd, history: PurchaseHistory) -> float:
    """Log-likelihood of all customers."""
    value, _ = _mean_log(np.array([model.r, model.alpha, model.a, model.b]), history, _counts(history))
    return value * history.age.size


def alive(model: BgNbd, history: PurchaseHistory) -> Floats:
    """Probability that each customer has not churned; shape (n,)."""
    probability: Floats = expit(-_log_odds_churned(model, history))
    return probability


def expected(model: BgNbd, history: PurchaseHistory, time: float) -> Floats:
    """Expected number of purchases of each customer within the next `time`; shape (n,)."""
    if time == 0:
        return np.zeros(history.age.size)
    # Customers who bought as often and began as long ago expect as much, if they have not churned.
    (frequency, age), customers = np.unique(np.stack([history.frequency, history.age]), axis=1, return_inverse=True)
    parts = -(-age.size // _BATCH) or 1
    columns = (np.array_split(column, parts) for column in (frequency, age))
    if_alive = np.concatenate([_if_alive(model, x, age, time) for x, age in zip(*columns, strict=True)])
    purchases: Floats = if_alive[customers] * alive(model, history)
    return purchases


def median(model: BgNbd, history: PurchaseHistory, time: float) -> Floats:
    """Median number of purchases of each customer within the next `time`; shape (n,).

    The number is 0 if the customer has churned, and else negative binomial: of shape r + x, as the rate is a gamma variable, and with
    the mean that `expected` gives, which includes churn within the time.
    """
    stays = alive(model, history)
    mean = expected(model, history, time) / np.maximum(stays, _SMALLEST)
    shape = model.r + history.frequency
    share = shape / (shape + mean)
    found, left, number = np.zeros(stays.size), np.arange(stays.size), 0
    while left.size:
        at_most = 1 - stays[left] + stays[left] * betainc(shape[left], number + 1, share[left])
        found[left] = number
        left, number = left[at_most < _HALF], number + 1
    return found


def _if_alive(model: BgNbd, x: Floats, age: Floats, time: float) -> Floats:
    r"""Expected purchases of customers who have not churned, as an integral over the churn probability p.

    The posterior of p is Beta(a, b + x), that of the rate Gamma(r + x, alpha + T), and
    \(E = \int (1 - (1 + p t / (\alpha + T))^{-r-x}) / p \; \mathrm{d}F(p)\). On the log-odds scale the integrand is smooth, and
    nothing cancels. In the tails, where it is constant, it is multiplied by their probability.
    """
    b, shape, ahead = model.b + x, model.r + x, time / (model.alpha + age)

    def purchases_at(churn: Floats, by: Floats, over: Floats) -> Floats:
        purchases: Floats = -np.expm1(-by * np.log1p(churn * over)) / churn
        return purchases

    stay = np.maximum(betaincinv(b, model.a, _TAIL), _LEVEL)
    leave = np.minimum(
        np.maximum(betaincinv(model.a, b, _TAIL), _LEVEL / np.maximum(shape * ahead, _SMALLEST)), 1 - stay
    )
    nodes, weights = _gauss_legendre()
    begin, end = logit(leave)[:, None], -logit(stay)[:, None]
    odds = begin + (end - begin) * (nodes + 1) / 2
    density = np.exp(model.a * log_expit(odds) + b[:, None] * log_expit(-odds) - betaln(model.a, b)[:, None])
    between = (density * purchases_at(expit(odds), shape[:, None], ahead[:, None])) @ weights * (end - begin)[:, 0] / 2
    ends = shape * ahead * betainc(model.a, b, leave) + purchases_at(np.ones(1), shape, ahead) * betainc(
        b, model.a, stay
    )
    return np.asarray(between + ends)


@cache
def _gauss_legendre() -> tuple[Floats, Floats]:
    """Nodes on -1 to 1, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes, weights


def _log_odds_churned(model: BgNbd, history: PurchaseHistory) -> Floats:
    """Log-odds that a customer has churned; nobody churns before a repeat purchase."""
    x = history.frequency
    repeat = x > 0
    ratio = np.log((model.alpha + history.age) / (model.alpha + history.recency))
    odds = np.log(model.a / (model.b + np.where(repeat, x, 1.0) - 1)) + (model.r + x) * ratio
    return np.where(repeat, odds, -np.inf)


def _counts(history: PurchaseHistory) -> tuple[Floats, Indices]:
    """The distinct numbers of repeat purchases, which are few, and each customer's index among them."""
    distinct, index = np.unique(history.frequency, return_inverse=True)
    return distinct, index


def _mean_log(parameters: Floats, history: PurchaseHistory, counts: tuple[Floats, Indices]) -> tuple[float, Floats]:
    """The mean log-likelihood of a customer and its gradient; gamma functions are evaluated once a distinct count."""
    r, alpha, a, b = parameters.tolist()
    x, repeat = history.frequency, history.frequency > 0
    odds = _log_odds_churned(BgNbd(r=r, alpha=alpha, a=a, b=b), history)
    active, churned = expit(-odds), expit(odds)
    to_now, to_last = alpha + history.age, alpha + history.recency
    log_now, log_last = np.log(to_now), np.log(to_last)
    distinct, index = counts
    gammas = gammaln(r + distinct) - gammaln(r) + gammaln(b + distinct) - gammaln(b)
    stays = gammaln(a + b) - gammaln(a + b + distinct)
    log = (gammas + stays)[index] + r * np.log(alpha) - (r + x) * log_now + np.logaddexp(0.0, odds)
    by_rate = (digamma(r + distinct) - digamma(r))[index]
    by_r = by_rate + np.log(alpha) - active * log_now - churned * log_last
    by_alpha = r / alpha - (r + x) * (active / to_now + churned / to_last)
    churn = digamma(a + b) - digamma(a + b + distinct)
    by_a = churn[index] + churned / a
    by_b = (churn + digamma(b + distinct) - digamma(b))[index] - churned / (b + np.where(repeat, x, 1.0) - 1)
    return float(log.mean()), np.array([part.mean() for part in (by_r, by_alpha, by_a, by_b)])
