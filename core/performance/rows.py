"""What a model predicted in a window, and what then happened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Predictions with their labels, a column each; shape (n,) all of them.

    Attributes:
        score: what the model gave.
        label: what happened; NaN or None where that is not known yet.
    """

    score: Column
    label: Column

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label; shape (n,)."""
        return ~missing(self.label)

    def take(self, places: NDArray[np.bool_] | NDArray[np.int64]) -> "Rows":
        """Some of the rows: those that are true, or the places of some."""
        return Rows(score=array("score", self.score)[places], label=array("label", self.label)[places])


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
