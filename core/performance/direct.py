"""Performance of a regressor without labels: its loss is estimated directly, from what it saw and what it predicted (DLE).

References:
    NannyML, How it works: Direct Loss Estimation: a second model learns the loss of each prediction in the reference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.drift.columns import Column, Floats
from core.performance.additive import AdditiveModel
from core.performance.columns import floats, pairs
from core.performance.intervals import NOTHING, Estimate
from core.performance.meter import Measures
from core.performance.regression import losses, regressor
from core.performance.rows import Rows

_MOST_ROWS = 20_000
_LEAST_ROWS = 50
_Z = 1.959963984540054
_SCORE = "score "
"""The prediction among the columns; no feature is called so."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossEstimator:
    """Direct loss estimation of a regressor.

    Attributes:
        model: of the absolute, the squared, the pinball and the signed error.
        deviations: standard deviation of each of them around the model, over the model's value; shape (4,). The signed error's is
            over the root of the squared one.
    """

    model: AdditiveModel
    deviations: Floats

    @classmethod
    def learn(cls, rows: Rows, *, quantile: float) -> Self | None:
        """Learn from the rows that have a label; of very many, from a part that is spread evenly."""
        known = np.flatnonzero(rows.labelled & ~np.isnan(floats("prediction", rows.score)))
        if known.size < _LEAST_ROWS:
            return None
        some = rows.take(known[:: max(1, known.size // _MOST_ROWS)])
        prediction, outcome = pairs(("prediction", some.score), ("outcome", some.label))
        targets = np.column_stack(losses(prediction, outcome, quantile=quantile))
        model = AdditiveModel.fit(_columns(some), targets)
        means = _positive(model.predict(_columns(some)), model.means)
        scale = np.sqrt((np.square(targets - means)).mean(axis=0) / np.square(_spread(means)).mean(axis=0))
        return cls(model=model, deviations=scale)

    def expected(self, rows: Rows) -> Measures:
        """The metrics as they are expected; the intervals hold the chance of the outcomes."""
        known = ~np.isnan(floats("prediction", rows.score))
        if not known.any():
            return dict.fromkeys(("mae", "rmse", "pinball", "bias"), NOTHING)
        means = _positive(self.model.predict(_columns(rows.take(known))), self.model.means)
        errors = np.sqrt(np.square(_spread(means)).sum(axis=0)) * self.deviations / len(means)
        absolute, squared, pinball, signed = (
            Estimate(float(mean), float(mean - _Z * error), float(mean + _Z * error), len(means))
            for mean, error in zip(means.mean(axis=0), errors, strict=True)
        )
        return {"mae": _from_zero(absolute), "rmse": _root(squared), "pinball": _from_zero(pinball), "bias": signed}

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return {"model": self.model.to_data(), "deviations": self.deviations.tolist()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `to_data` gave."""
        return cls(model=AdditiveModel.from_data(data["model"]), deviations=np.array(data["deviations"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionMeter:
    """Measures regressors: score and label are numbers in one unit.

    Attributes:
        quantile: of the outcome, which is predicted.
    """

    quantile: float = 0.5

    def measure(self, rows: Rows) -> Measures:
        """As `regressor` gives them."""
        return regressor(rows.score, rows.label, quantile=self.quantile)._asdict()

    def learn(self, rows: Rows) -> LossEstimator | None:
        """An estimator; None with fewer than 50 labels."""
        return LossEstimator.learn(rows, quantile=self.quantile)

    def load(self, data: Mapping[str, Any]) -> LossEstimator:
        """The estimator that was stored."""
        return LossEstimator.from_data(data)


def _columns(rows: Rows) -> dict[str, Column]:
    return {**rows.features, _SCORE: rows.score}


def _positive(means: Floats, reference: Floats) -> Floats:
    """Losses are above zero: a sum of steps may not be, where little was seen."""
    found = np.maximum(means, reference * 0.05)
    found[:, 3] = means[:, 3]
    return found


def _spread(means: Floats) -> Floats:
    """What the deviation of each loss is in proportion to."""
    return np.column_stack([means[:, :3], np.sqrt(means[:, 1])])


def _from_zero(one: Estimate) -> Estimate:
    return one._replace(low=max(one.low or 0.0, 0.0))


def _root(one: Estimate) -> Estimate:
    value, low, high = (math.sqrt(max(end or 0.0, 0.0)) for end in (one.value, one.low, one.high))
    return Estimate(value, low, high, one.rows)
