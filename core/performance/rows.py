"""What a model predicted in a window, and what then happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Predictions with their labels, a column each; shape (n,) all of them.

    Attributes:
        score: what the model gave.
        label: what happened; NaN or None where that is not known yet.
        predicted: the predicted class, of a classifier of several classes.
        probabilities: of every class, by its name, where such a classifier gives them.
        query: what each prediction is ranked for, of a ranking model.
        features: what the model saw, by name, where its error is estimated from them.
    """

    score: Column
    label: Column
    predicted: Column | None = None
    probabilities: Mapping[str, Column] = field(default_factory=dict)
    query: Column | None = None
    features: Mapping[str, Column] = field(default_factory=dict)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label; shape (n,)."""
        return ~missing(self.label)

    def take(self, places: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Some of the rows: those that are true, or the places of some."""

        def some(name: str, column: Column) -> NDArray[Any]:
            values: NDArray[Any] = array(name, column)[places]
            return values

        return Rows(
            score=some("score", self.score),
            label=some("label", self.label),
            predicted=None if self.predicted is None else some("predicted", self.predicted),
            probabilities={name: some(name, column) for name, column in self.probabilities.items()},
            query=None if self.query is None else some("query", self.query),
            features={name: some(name, column) for name, column in self.features.items()},
        )


def missing(column: Column) -> NDArray[np.bool_]:
    """Which values are None or NaN; shape (n,).

    >>> missing([1.0, None, float("nan")]).tolist(), missing(["late", None]).tolist()
    ([False, True, True], [False, True])
    """
    values = array("column", column)
    if values.dtype.kind == "f":
        absent: NDArray[np.bool_] = np.isnan(values)
        return absent
    if values.dtype.kind != "O":
        return np.zeros(values.size, dtype=bool)
    return np.array([value is None or value != value for value in values.tolist()], dtype=bool)  # noqa: PLR0124 - only NaN is unequal to itself
