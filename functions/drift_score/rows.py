"""The predictions of a model as its task has them."""

from core.performance import BinaryMeter, Meter, RegressionMeter, Rows
from core.settings import Model, Task
from functions.adapters.columns import Columns
from functions.drift_score.statements import LABEL


def meter_of(model: Model) -> Meter:
    """What measures the model."""
    return RegressionMeter() if model.task is Task.REGRESSION else BinaryMeter(decision=model.decision)


def rows_of(model: Model, columns: Columns) -> Rows:
    """The predictions and labels among the columns that were read."""
    return Rows(score=columns[model.score], label=columns[LABEL])
