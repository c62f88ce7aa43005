"""A small model of a number from several columns: a sum of one step function for each column, fitted by boosting.

References:
    Friedman (2001), Greedy function approximation: a gradient boosting machine.
    Lou, Caruana and Gehrke (2012), Intelligible models for classification and regression.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Column, Floats, Ints, array, is_numeric, spell_all

_BINS = 24
_ROUNDS, _RATE = 120, 0.2
_MOST_COLUMNS = 30
"""So many columns are kept, those that add most: a store keeps the model beside the profile of the reference."""
_LEAST_ROWS = 20
"""A step of fewer rows is pulled towards the mean of all by so many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """How the values of a column are told apart; the last bin is of what is missing or was never seen.

    Attributes:
        edges: ascending lower ends of the bins of a numeric column but the first; empty of a categorical one.
        categories: those of a categorical column, each its own bin.
    """

    edges: Floats
    categories: tuple[str, ...]

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return (len(self.categories) or self.edges.size + 1) + 1

    @classmethod
    def fit(cls, name: str, column: Column) -> Self:
        """Bins of about equally many rows, or the most frequent categories."""
        values = array(name, column)
        if is_numeric(values):
            numbers = values.astype(np.float64)
            known = numbers[np.isfinite(numbers)]
            edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if known.size else known
            return cls(edges=edges, categories=())
        counted = Counter(spell_all([value for value in values.tolist() if value is not None]))
        return cls(edges=np.empty(0), categories=tuple(word for word, _ in counted.most_common(_BINS)) or ("missing",))

    def place(self, name: str, column: Column) -> Ints:
        """The bin of each value; shape (n,)."""
        values = array(name, column)
        if self.categories:
            known = {word: number for number, word in enumerate(self.categories)}
            last = self.bins - 1
            return np.array([known.get(word, last) for word in spell_all(values.tolist())], dtype=np.int64)
        numbers = values.astype(np.float64)
        return np.where(np.isnan(numbers), self.bins - 1, np.searchsorted(self.edges, numbers, "right"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdditiveModel:
    """A number as the sum of a mean and one step function for each column.

    Attributes:
        axes: how each column is told apart, by its name.
        means: of each number that is modelled; shape (k,).
        steps: by column, what each bin adds to each number; shape (bins, k).
    """

    axes: Mapping[str, Axis]
    means: Floats
    steps: Mapping[str, Floats]

    @classmethod
    def fit(cls, columns: Mapping[str, Column], targets: Floats) -> Self:
        """Fit by boosting: in each round the column that explains most of what is left takes a part of it.

        Args:
            columns: by name, shape (n,) each.
            targets: the numbers, shape (n, k), without missing values.

        >>> age = np.arange(100.0)
        >>> model = AdditiveModel.fit({"age": age}, np.where(age < 50, 1.0, 3.0)[:, None])
        >>> model.predict({"age": [10.0, 90.0]})[:, 0].round(1).tolist()
        [1.0, 3.0]
        """
        axes = {name: Axis.fit(name, column) for name, column in columns.items()}
        places = {name: axes[name].place(name, column) for name, column in columns.items()}
        means = targets.mean(axis=0)
        steps = {name: np.zeros((axis.bins, targets.shape[1])) for name, axis in axes.items()}
        fitted = [_boosted(axes, places, targets[:, k] - means[k]) for k in range(targets.shape[1])]
        for k, found in enumerate(fitted):
            for name, step in found.items():
                steps[name][:, k] = step
        if len(axes) > _MOST_COLUMNS:
            scale = targets.std(axis=0) + 1e-300
            adds = sorted(steps, key=lambda name: -float((np.abs(steps[name]).max(axis=0) / scale).max()))
            return cls.fit({name: columns[name] for name in adds[:_MOST_COLUMNS]}, targets)
        return cls(axes=axes, means=means, steps=steps)

    def predict(self, columns: Mapping[str, Column]) -> Floats:
        """The numbers of each row; shape (n, k)."""
        rows = len(next(iter(columns.values())))
        total = np.tile(self.means, (rows, 1))
        for name, axis in self.axes.items():
            total += self.steps[name][axis.place(name, columns[name])]
        return total

    def to_data(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return {
            "means": self.means.tolist(),
            "columns": {
                name: {
                    "edges": axis.edges.tolist(),
                    "categories": list(axis.categories),
                    "steps": self.steps[name].tolist(),
                }
                for name, axis in self.axes.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `to_data` gave."""
        columns = data["columns"]
        return cls(
            axes={
                name: Axis(edges=np.array(one["edges"], dtype=float), categories=tuple(one["categories"]))
                for name, one in columns.items()
            },
            means=np.array(data["means"]),
            steps={name: np.array(one["steps"]) for name, one in columns.items()},
        )


def _boosted(axes: Mapping[str, Axis], places: Mapping[str, Ints], residual: Floats) -> dict[str, Floats]:
    """What each bin of each column adds to one number."""
    counts = {name: np.bincount(at, minlength=axes[name].bins).astype(float) for name, at in places.items()}
    steps = {name: np.zeros(axis.bins) for name, axis in axes.items()}
    for _ in range(_ROUNDS):
        best = max(_candidates(counts, places, residual), key=lambda one: one[0], default=None)
        if best is None or best[0] <= 0:
            break
        _, name, step = best
        steps[name] += _RATE * step
        residual = residual - _RATE * step[places[name]]
    return steps


def _candidates(
    counts: Mapping[str, Floats], places: Mapping[str, Ints], residual: Floats
) -> Iterator[tuple[float, str, NDArray[np.float64]]]:
    """By column, how much of the residual its bins explain, and the means of its bins."""
    for name, at in places.items():
        sums = np.bincount(at, weights=residual, minlength=counts[name].size)
        step = sums / (counts[name] + _LEAST_ROWS)
        yield float((sums * step).sum()), name, step
