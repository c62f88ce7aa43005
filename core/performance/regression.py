"""Performance of a regressor, from its predictions and the outcomes.

References:
    scikit-learn, Metrics and scoring: mean_absolute_error, root_mean_squared_error, mean_pinball_loss.
    Koenker and Bassett (1978), Regression quantiles.
"""

from typing import NamedTuple

import numpy as np

from core.drift.columns import Column, Floats, ProfileError
from core.performance.columns import pairs
from core.performance.intervals import Estimate, mean, root


class Regressor(NamedTuple):
    """Performance metrics of a regressor, in the unit of its predictions.

    Attributes:
        mae: mean absolute error.
        rmse: root of the mean squared error.
        pinball: mean pinball loss of the quantile that is predicted; of the median it is half the mean absolute error.
        bias: mean of prediction less outcome.
    """

    mae: Estimate
    rmse: Estimate
    pinball: Estimate
    bias: Estimate


class Losses(NamedTuple):
    """What each prediction costs; shape (n,) each."""

    absolute: Floats
    squared: Floats
    pinball: Floats
    signed: Floats


def regressor(prediction: Column, outcome: Column, *, quantile: float = 0.5) -> Regressor:
    """Performance metrics of a regressor.

    Args:
        prediction: shape (n,).
        outcome: shape (n,).
        quantile: of the outcome, which is predicted; 0 to 1.

    Raises:
        ProfileError: the lengths differ, a value is no number, the quantile is not between 0 and 1.

    >>> found = regressor([1.0, 2.0, 4.0], [1.0, 3.0, 3.0], quantile=0.9)
    >>> round(found.mae.value, 3), round(found.pinball.value, 3)
    (0.667, 0.333)
    """
    costs = losses(*pairs(("prediction", prediction), ("outcome", outcome)), quantile=quantile)
    return Regressor(
        mae=mean(costs.absolute), rmse=root(mean(costs.squared)), pinball=mean(costs.pinball), bias=mean(costs.signed)
    )


def losses(prediction: Floats, outcome: Floats, *, quantile: float) -> Losses:
    """What each prediction costs.

    Raises:
        ProfileError: the quantile is not between 0 and 1.
    """
    if not 0 < quantile < 1:
        raise ProfileError(f"quantile: must be between 0 and 1, got {quantile:g}")
    apart = prediction - outcome
    return Losses(
        absolute=np.abs(apart),
        squared=np.square(apart),
        pinball=np.where(apart < 0, -quantile * apart, (1 - quantile) * apart),
        signed=apart,
    )
