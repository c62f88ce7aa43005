"""A small model of a number from several columns: a sum of one step function for each column, fitted by boosting.

References:
    Friedman (2001), Greedy function approximation: a gradient boosting machine.
    Lou, Caruana and Gehrke (2012), Intelligible models for classification and regression.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

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
        steps = dict(zip(axes, _steps(axes, places, targets - means), strict=True))
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


def _steps(axes: Mapping[str, Axis], places: Mapping[str, Ints], residuals: Floats) -> list[Floats]:
    """By column, what each bin adds to each number; shape (bins, k)."""
    if not axes:
        return []
    bins = _Bins([axis.bins for axis in axes.values()], list(places.values()))
    fitted = np.stack([_boosted(bins, residual) for residual in residuals.T], axis=1)
    return np.split(fitted, bins.starts[1:])


class _Bins:
    """The bins of all columns one after the other, and how often a row is in two of them.

    Args:
        sizes: how many bins each column has.
        places: the bin of each row, an array of shape (n,) a column.
    """

    def __init__(self, sizes: Sequence[int], places: Sequence[Ints]) -> None:
        self._sizes, self._places = sizes, places
        self.ends: Ints = np.cumsum(sizes)
        self.starts: Ints = self.ends - np.array(sizes, dtype=np.int64)
        self.rows = self.sums(np.ones(places[0].size))
        self._shared: dict[int, Floats] = {}

    def sums(self, numbers: Floats) -> Floats:
        """The sum of a number of each row in each bin."""
        parts = zip(self._places, self._sizes, strict=True)
        return np.concatenate([np.bincount(at, weights=numbers, minlength=size) for at, size in parts])

    def shared(self, column: int) -> Floats:
        """How many rows each bin has in common with each one of a column; shape (all bins, bins of the column)."""
        if column not in self._shared:
            own, size = self._places[column], self._sizes[column]
            pairs = (
                np.bincount(at * size + own, minlength=other * size).reshape(other, size)
                for at, other in zip(self._places, self._sizes, strict=True)
            )
            self._shared[column] = np.concatenate(list(pairs)).astype(float)
        return self._shared[column]


def _boosted(bins: _Bins, residual: Floats) -> Floats:
    """What each bin adds to one number: after a step only the sums of bins change, by the rows that two bins share."""
    steps, sums = np.zeros(bins.rows.size), bins.sums(residual)
    for _ in range(_ROUNDS):
        step = sums / (bins.rows + _LEAST_ROWS)
        explained = np.add.reduceat(sums * step, bins.starts)
        best = int(explained.argmax())
        if explained[best] <= 0:
            break
        part = slice(bins.starts[best], bins.ends[best])
        steps[part] += _RATE * step[part]
        sums = sums - _RATE * (bins.shared(best) @ step[part])
    return steps
