"""What customers are worth: how often each will come again, times what it then spends.

Purchases by BG/NBD (see `purchasing`), their amounts by Gamma-Gamma (see `spending`), both by maximum likelihood. Nothing
is discounted. The second model takes the amounts as independent of how often a customer comes: `correlation` says how far
that is from true.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.business import purchasing, spending
from core.business.checks import EstimateError, Floats, require, same_length, vector
from core.business.purchasing import History, Purchasing
from core.business.spending import Spending

LEAST_CUSTOMERS = 100
LEAST_AGAIN = 30
"""Customers who came again, below which the parameters are not known well enough to be used."""


class TooFewCustomersError(EstimateError):
    """There are too few customers, or too few who came again, to fit a model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifetimeModel:
    """Fitted models, with the customers they were fitted to; arrays are one value a customer, shape (n,).

    Attributes:
        purchases: parameters of how often customers come, in days.
        amounts: parameters of what they spend, in dollars.
        history: what was known of each customer.
        monetary: the mean of its repeat purchases, in dollars; 0 where there is none.
        correlation: of frequency and amount over those who came again, -1 to 1; the nearer to 0 the better.
    """

    purchases: Purchasing
    amounts: Spending
    history: History
    monetary: Floats
    correlation: float

    def expected_purchases(self, days: float) -> Floats:
        """How many purchases each customer is expected to make within the next days.

        Raises:
            EstimateError: `days` is negative or no number.
        """
        if not 0 <= days < np.inf:
            raise EstimateError(f"days: must be a number of at least 0, got {days}")
        return purchasing.expected(self.purchases, self.history, days)

    def alive(self) -> Floats:
        """The probability that each customer still comes."""
        return purchasing.alive(self.purchases, self.history)

    def expected_spend(self) -> Floats:
        """What a purchase of each customer is expected to be worth, in dollars."""
        return spending.expected(self.amounts, self.history.frequency, self.monetary)

    def value(self, days: float = 365) -> Floats:
        """What each customer is expected to spend within the next days, in dollars.

        Raises:
            EstimateError: `days` is negative or no number.
        """
        return self.expected_purchases(days) * self.expected_spend()


def fit(
    frequency: Sequence[float] | Floats,
    recency: Sequence[float] | Floats,
    age: Sequence[float] | Floats,
    monetary: Sequence[float] | Floats,
) -> LifetimeModel:
    """Fit both models to customers, one value each.

    Purchases of one day count as one, as a rate cannot be learnt from the lines of one order.

    Args:
        frequency: repeat purchases: days with a purchase, less the first; whole numbers from 0.
        recency: days from the first purchase to the last; 0 where there is no repeat purchase.
        age: days from the first purchase to now, at least 0, and not below the recency.
        monetary: the mean of the repeat purchases in dollars, at least 0; not looked at where there is none. Who came
            again and paid 0 is not asked what purchases are worth.

    Raises:
        EstimateError: an argument is not what it must be, or no maximum of the likelihood was found.
        TooFewCustomersError: fewer than `LEAST_CUSTOMERS`, or fewer than `LEAST_AGAIN` who came again and paid.
    """
    history = History(
        frequency=vector("frequency", frequency), recency=vector("recency", recency), age=vector("age", age)
    )
    money = vector("monetary", monetary, missing=True)
    _check(history, money)
    money = np.where(history.frequency > 0, money, 0.0)
    paid = money > 0
    if paid.size < LEAST_CUSTOMERS or np.count_nonzero(paid) < LEAST_AGAIN:
        raise TooFewCustomersError(
            f"customers: must be at least {LEAST_CUSTOMERS}, {LEAST_AGAIN} of them with a paid repeat purchase,"
            f" got {paid.size} and {np.count_nonzero(paid)}"
        )
    if not history.age.any():
        raise EstimateError("age: must be above 0 for some customer, got 0 for all")
    return LifetimeModel(
        purchases=purchasing.fit(history),
        amounts=spending.fit(history.frequency[paid], money[paid]),
        history=history,
        monetary=money,
        correlation=_correlation(history.frequency[paid], money[paid]),
    )


def _check(history: History, money: Floats) -> None:
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
