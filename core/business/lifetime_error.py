"""The error of lifetime value on customers whose purchases are known: the models are fitted to what was known before."""

from dataclasses import dataclass

import numpy as np

from core.business import lifetime
from core.business.checks import EstimateError, Floats, require, same_length, vector


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutError:
    """The error of a forecast of purchases over some days, as a mean over customers.

    Attributes:
        forecast: mean absolute error of the median number of purchases.
        naive: that of the naive count: repeat purchases so far, times the days, over the age of the customer.
        ratio: purchases of all customers as a share of their expected number; below 1 the forecast was too high.
        customers: their number.
    """

    forecast: float
    naive: float
    ratio: float
    customers: int


def holdout_error(customers: tuple[Floats, Floats, Floats, Floats], purchases: Floats, days: float) -> HoldoutError:
    """Fit the models to what was known of customers, and compare their forecast with the purchases after it.

    Args:
        customers: frequency, recency, age and mean value, in days and dollars, as for `lifetime.fit`; each of shape (n,).
        purchases: days with a purchase within `days` after the end of the age; shape (n,).
        days: length of the period after it, above 0.

    Raises:
        EstimateError: an argument is invalid, or the likelihood has no maximum.
        TooFewCustomersError: as for `lifetime.fit`.
    """
    if not 0 < days < np.inf:
        raise EstimateError(f"days: must be a number above 0, got {days}")
    actual = vector("purchases", purchases)
    same_length(frequency=customers[0], purchases=actual)
    require("purchases", actual, actual >= 0, "at least 0")
    model = lifetime.fit(*customers)
    naive = model.history.frequency * days / np.maximum(model.history.age, 1.0)
    return HoldoutError(
        forecast=float(np.abs(model.median_purchases(days) - actual).mean()),
        naive=float(np.abs(naive - actual).mean()),
        ratio=float(actual.sum() / model.expected_purchases(days).sum()),
        customers=actual.size,
    )
