"""Performance of a regressor, from its predictions and the outcomes.

References:
    scikit-learn, Metrics and scoring: mean_absolute_error, root_mean_squared_error, mean_pinball_loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from core.drift.columns import Column
from core.performance.columns import pairs
from core.performance.intervals import Estimate, mean, root
from core.performance.meter import Estimator, Measures
from core.performance.rows import Rows


class Regressor(NamedTuple):
    """Performance metrics of a regressor, in the unit of its predictions.

    Attributes:
        mae: mean absolute error.
        rmse: root of the mean squared error.
        bias: mean of prediction less outcome.
    """

    mae: Estimate
    rmse: Estimate
    bias: Estimate


def regressor(prediction: Column, outcome: Column) -> Regressor:
    """Performance metrics of a regressor.

    Args:
        prediction: shape (n,).
        outcome: shape (n,).

    Raises:
        ProfileError: the lengths differ, a value is no number.

    >>> regressor([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]).mae.value
    0.6666666666666666
    """
    p, y = pairs(("prediction", prediction), ("outcome", outcome))
    apart = p - y
    return Regressor(mae=mean(np.abs(apart)), rmse=root(mean(np.square(apart))), bias=mean(apart))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionMeter:
    """Measures regressors: score and label are numbers in one unit."""

    def measure(self, rows: Rows) -> Measures:
        """As `regressor` gives them."""
        return regressor(rows.score, rows.label)._asdict()

    def learn(self, rows: Rows) -> None:  # noqa: ARG002 - the signature of a meter
        """No estimator."""
        return

    def load(self, data: Mapping[str, Any]) -> Estimator:
        """There is none to load.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"data: must be None, got {sorted(data)}")
