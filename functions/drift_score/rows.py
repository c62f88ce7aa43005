"""The predictions of a model as its task has them."""

import numpy as np

from core.generative.meter import SHARES, GenerationMeter
from core.performance import BinaryMeter, Meter, MulticlassMeter, RankingMeter, RegressionMeter, Rows
from core.settings import Generation, Model, Task
from functions.adapters.columns import Columns
from functions.drift_score.statements import LABEL


def meter_of(model: Model) -> Meter:
    """What measures the model."""
    match model.task:
        case Task.BINARY:
            return BinaryMeter(decision=model.decision)
        case Task.MULTICLASS:
            return MulticlassMeter()
        case Task.REGRESSION:
            return RegressionMeter(quantile=model.quantile)
        case Task.RANKING:
            return RankingMeter(cutoff=model.cutoff)
        case Task.GENERATIVE:
            return GenerationMeter(log=model.generation or Generation())


def measured(model: Model) -> tuple[str, ...]:
    """The columns that performance is measured and estimated from, beside the label; those of its groups among them."""
    own = [name for name in (model.predicted, model.query) if name is not None]
    features = model.features.names if model.task is Task.REGRESSION else ()
    return tuple(dict.fromkeys((model.score, *own, *model.probabilities.values(), *features, *model.segments)))


def beside(model: Model) -> tuple[str, ...]:
    """The columns that are read beside the features and the score: for performance where there are labels, and attributions."""
    own: tuple[str, ...] = (model.attributions,) if model.attributions else ()
    if model.generation:
        # Shares come from counts: what is computed of a text is not read once more.
        own = GenerationMeter(log=model.generation).values
    return (*(measured(model) if model.label else ()), *own)


def rows_of(model: Model, columns: Columns) -> Rows:
    """The predictions and labels among the columns that were read."""
    if model.generation:
        return _requests(model, model.generation, columns)
    features = model.features.names if model.task is Task.REGRESSION else ()
    return Rows(
        score=columns[model.score],
        label=columns[LABEL],
        predicted=columns[model.predicted] if model.predicted else None,
        probabilities={name: columns[column] for name, column in model.probabilities.items()},
        query=columns[model.query] if model.query else None,
        features={name: columns.get(name, [None] * len(columns[model.score])) for name in features},
    )


def _requests(model: Model, log: Generation, columns: Columns) -> Rows:
    """The requests of a generative model: every one counts, none has a label."""
    names = (*SHARES.values(), *GenerationMeter(log=log).values)
    score = columns[model.score]
    features = {name: columns[name] for name in names if name in columns}
    return Rows(score=score, label=np.zeros(len(score)), features=features)
