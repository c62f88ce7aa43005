"""Customer lifetime value: expected number of purchases times expected purchase value.

Purchases by BG/NBD (see `bg_nbd`), their values by Gamma-Gamma (see `gamma_gamma`), both fitted by maximum likelihood.
Gamma-Gamma assumes that purchase values are independent of frequency; `correlation` measures by how much that is violated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.business import bg_nbd, gamma_gamma
from core.business.bg_nbd import BgNbd, PurchaseHistory
from core.business.checks import EstimateError, Floats, Ints, require, same_length, vector
from core.business.gamma_gamma import GammaGamma
from core.business.outliers import clip_amounts

MIN_CUSTOMERS = 100
MIN_REPEAT = 30
"""Customers with a paid repeat purchase; with fewer the parameters are too uncertain."""
_YEAR = 365.0
_DISCOUNTED = 91.25
"""Days whose purchases are discounted as of their middle; by the day the value would differ by less than two thousandths."""


class TooFewCustomersError(EstimateError):
    """Too few customers, or too few with a repeat purchase, to fit a model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifetimeModel:
    """Fitted models and their customers; arrays have one value a customer, shape (n,).

    Attributes:
        purchases: parameters of the purchase frequency, in days.
        amounts: parameters of the purchase value, in dollars.
        history: sufficient statistics of each customer.
        monetary: mean value of repeat purchases, in dollars, with outliers clipped; 0 where there are none.
        correlation: of frequency and value among customers with repeat purchases, -1 to 1; the nearer to 0 the better.
    """

    purchases: BgNbd
    amounts: GammaGamma
    history: PurchaseHistory
    monetary: Floats
    correlation: float

    def expected_purchases(self, days: float) -> Floats:
        """Expected number of purchases of each customer within the next days.

        Raises:
            EstimateError: `days` is negative or no number.
        """
        _check_days(days)
        return bg_nbd.expected(self.purchases, self.history, days)

    def median_purchases(self, days: float) -> Floats:
        """Median number of purchases of each customer within the next days: the forecast with the least absolute error.

        Raises:
            EstimateError: `days` is negative or no number.
        """
        _check_days(days)
        return bg_nbd.median(self.purchases, self.history, days)

    def alive(self) -> Floats:
        """Probability that each customer has not churned."""
        return bg_nbd.alive(self.purchases, self.history)

    def expected_spend(self) -> Floats:
        """Expected value of a purchase of each customer, in dollars."""
        return gamma_gamma.expected(self.amounts, self.history.frequency, self.monetary)

    def value(self, days: float = _YEAR, *, discount: float = 0.0) -> Floats:
        """Expected spend of each customer within the next days, in dollars.

        Args:
            days: how far ahead.
            discount: discount rate a year, as a share: at 0.1 a dollar in a year is worth 1 / 1.1 dollars today.

        Raises:
            EstimateError: an argument is negative or no number.
        """
        if not 0 <= discount < np.inf:
            raise EstimateError(f"discount: must be a number of at least 0, got {discount}")
        _check_days(days)
        parts = 1 if discount == 0 else max(1, int(np.ceil(days / _DISCOUNTED)))
        purchases, before = np.zeros(self.monetary.size), np.zeros(self.monetary.size)
        for part in range(parts):
            until = self.expected_purchases(days * (part + 1) / parts)
            middle = days * (part + 0.5) / parts
            purchases += (until - before) * (1 + discount) ** (-middle / _YEAR)
            before = until
        return purchases * self.expected_spend()

    def refit(self, rows: Ints) -> "LifetimeModel":
        """The models fitted to some of the customers, starting from the parameters of all.

        Args:
            rows: indices of customers.

        Raises:
            EstimateError: the likelihood has no maximum.
        """
        old, money = self.history, self.monetary[rows]
        history = PurchaseHistory(frequency=old.frequency[rows], recency=old.recency[rows], age=old.age[rows])
        return _fitted(history, money, self)


def fit(
    frequency: Sequence[float] | Floats,
    recency: Sequence[float] | Floats,
    age: Sequence[float] | Floats,
    monetary: Sequence[float] | Floats,
) -> LifetimeModel:
    """Fit both models to customers, one value each.

    Purchases of one day count as one: the lines of one order say nothing about frequency.

    Args:
        frequency: repeat purchases: days with a purchase, less the first; whole numbers from 0.
        recency: days from the first purchase to the last; 0 where there is no repeat purchase.
        age: days from the first purchase to now, at least 0, and not below the recency.
        monetary: mean value of repeat purchases in dollars, at least 0; ignored where there are none. Customers with a
            mean of 0 are left out of the fit of purchase values; means far above the others are clipped.

    Raises:
        EstimateError: an argument is invalid, or the likelihood has no maximum.
        TooFewCustomersError: fewer than `MIN_CUSTOMERS`, or fewer than `MIN_REPEAT` with a paid repeat purchase.
    """
    history = PurchaseHistory(
        frequency=vector("frequency", frequency), recency=vector("recency", recency), age=vector("age", age)
    )
    money = vector("monetary", monetary, missing=True)
    _check(history, money)
    money = np.where(history.frequency > 0, money, 0.0)
    paid = money > 0
    if paid.size < MIN_CUSTOMERS or np.count_nonzero(paid) < MIN_REPEAT:
        raise TooFewCustomersError(
            f"customers: must be at least {MIN_CUSTOMERS}, {MIN_REPEAT} of them with a paid repeat purchase,"
            f" got {paid.size} and {np.count_nonzero(paid)}"
        )
    if not history.age.any():
        raise EstimateError("age: must be above 0 for some customer, got 0 for all")
    money[paid] = clip_amounts(money[paid])
    return _fitted(history, money)


def _fitted(history: PurchaseHistory, money: Floats, start: LifetimeModel | None = None) -> LifetimeModel:
    paid = money > 0
    return LifetimeModel(
        purchases=bg_nbd.fit(history, start=start.purchases if start else None),
        amounts=gamma_gamma.fit(history.frequency[paid], money[paid], start=start.amounts if start else None),
        history=history,
        monetary=money,
        correlation=_correlation(history.frequency[paid], money[paid]),
    )


def _check_days(days: float) -> None:
    if not 0 <= days < np.inf:
        raise EstimateError(f"days: must be a number of at least 0, got {days}")


def _check(history: PurchaseHistory, money: Floats) -> None:
    x, recency, age = history.frequency, history.recency, history.age
    same_length(frequency=x, recency=recency, age=age, monetary=money)
    require("frequency", x, (x >= 0) & (x == np.floor(x)), "a whole number of at least 0")
    require("age", age, age >= 0, "at least 0")
    require("recency", recency, (recency >= 0) & (recency <= age), "at least 0 and at most the age")
    require("recency", recency, (x > 0) | (recency == 0), "0 without a repeat purchase")
    require("monetary", money, (x == 0) | (money >= 0), "at least 0 where there is a repeat purchase")


def _correlation(one: Floats, other: Floats) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
