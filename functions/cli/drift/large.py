"""Columns near the largest float, whose sums and squares no float holds: compared in a smaller unit, and shown in their own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from core.drift import Counts, DriftReport, FeatureDrift, Profile, ranges

Array = np.ndarray[Any, Any]
_LARGEST = 2.0**480
"""Up to here the squares of a billion values can be added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The units in which columns are compared.

    All statistics are the same in every unit. A power of two rounds no value but those that are smaller than the largest by 450
    orders of magnitude.

    Attributes:
        exponents: of the power of two that the unit of a column is, by the names of those that have one.
    """

    exponents: Mapping[str, int]

    @classmethod
    def of(cls, reference: Mapping[str, Array]) -> Self:
        """Those that the values of a reference need.

        >>> Units.of({"mass": np.array([1e308]), "age": np.array([41.0])}).exponents
        {'mass': 543}
        """
        largest = {name: _largest(values) for name, values in reference.items() if values.dtype.kind == "f"}
        limit = math.frexp(_LARGEST)[1]
        return cls(exponents={name: math.frexp(top)[1] - limit for name, top in largest.items() if top > _LARGEST})

    def shrunk(self, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Columns in these units; one that holds no numbers is as it was."""
        return {
            name: np.ldexp(values.astype(np.float64), -self.exponents[name])
            if name in self.exponents and values.dtype.kind in "iuf"
            else values
            for name, values in columns.items()
        }

    def restored(self, profile: Profile) -> Profile:
        """A profile of columns in these units, with edges, names of bins and means as the columns have them."""
        if not self.exponents:
            return profile
        grid = profile.grid
        own = np.array([self.exponents.get(name, 0) for name in grid.names])
        edges = np.ldexp(grid.edges, own[:, None])
        found = replace(grid, edges=edges, mean=np.ldexp(grid.mean, own))
        labels = [
            tuple(one.label for one in ranges(found.edges_of(k), found.coarse[k], found.origins[k]))
            for k in range(len(grid.names))
        ]
        kept = [(*new, *old[len(new) :]) for new, old in zip(labels, profile.labels, strict=False)]
        return replace(
            profile, grid=replace(found, labels=tuple(labels)), labels=(*kept, *profile.labels[len(labels) :])
        )

    def restored_counts(self, profile: Profile, counts: Counts) -> Counts:
        """Counts of columns in these units, with extremes as the columns have them."""
        own = np.array([self.exponents.get(name, 0) for name in profile.grid.names], dtype=np.int64)
        return replace(counts, lowest=np.ldexp(counts.lowest, own), highest=np.ldexp(counts.highest, own))

    def restored_report(self, profile: Profile, report: DriftReport) -> DriftReport:
        """A report on columns in these units, with values as the restored profile has them."""
        if not self.exponents:
            return report
        return replace(report, features=tuple(self._restored(profile, feature) for feature in report.features))

    def _restored(self, profile: Profile, feature: FeatureDrift) -> FeatureDrift:
        own = self.exponents.get(feature.name)
        if own is None:
            return feature
        means = tuple(None if one is None else math.ldexp(one, own) for one in feature.means)
        tail = feature.tail
        if tail and tail.threshold:
            tail = tail._replace(threshold=f"{math.ldexp(float(tail.threshold), own):.6g}")
        labels = profile.labels[profile.order.index(feature.name)]
        return feature._replace(labels=labels, means=(means[0], means[1]), tail=tail)


def _largest(values: Array) -> float:
    """The largest finite magnitude; 0 where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max(initial=0.0))
