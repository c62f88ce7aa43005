"""The numeric features of a reference, cut into cells: all that counting and scoring needs, as rectangular arrays.

The edges of a feature are quantiles of the reference. A value that is there so often that it would be an edge twice gets
a cell of its own, from the value itself to the next representable number: whatever has few distinct values is counted
exactly. Below the lowest and above the highest reference value lie two cells that are empty in the reference.

A cell holds the values from its lower edge, included, to its upper edge, excluded, as `RANGE_BUCKET` of BigQuery has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.ranges import ranges
from core.drift.tail import Places, clipped, places

MISSING, BELOW, ABOVE = 0, 1, 2
"""The columns of `special`: missing values, minus infinity, plus infinity."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Cells and reference counts of k numeric features; w is the largest number of edges.

    Attributes:
        names: the features.
        origins: what the values of each feature are measured from: 0 but for integers beyond 2^53.
        edges: ascending edges, filled up with infinity; shape (k, w).
        sizes: how many edges each feature has; shape (k,).
        cells: reference rows a cell, finite values only; shape (k, w + 1).
        special: reference rows that are missing, minus infinity and plus infinity; shape (k, 3).
        coarse: which edges part the bins; shape (k, bins - 1), repeated where fewer.
        mean: of the finite reference values; shape (k,).
        sd: their standard deviation, 0 when they are constant; shape (k,).
        moments: mean, variance and skewness of the values clipped at `tails`, shape (k, 3).
        tails: thresholds in the tails.
        labels: the names of the bins of each feature: one more than there are coarse edges, empty where edges repeat.
    """

    names: tuple[str, ...]
    origins: tuple[int, ...]
    edges: Floats
    sizes: Ints
    cells: Ints
    special: Ints
    coarse: Ints
    mean: Floats
    sd: Floats
    moments: Floats
    tails: Places
    labels: tuple[tuple[str, ...], ...]

    def edges_of(self, feature: int) -> Floats:
        """The edges of one feature, without the filling."""
        edges: Floats = self.edges[feature, : self.sizes[feature]]
        return edges

    def spell(self, feature: int, value: float) -> str:
        """A value of a feature, for people."""
        origin = self.origins[feature]
        return f"{origin + int(value)}" if origin else f"{value:.6g}"


def cut(sample: Mapping[str, tuple[Floats, int]], origins: Mapping[str, int], *, cells: int, bins: int) -> Grid:
    """Cut the reference into cells.

    Args:
        sample: by feature the ascending values without NaN, and how many are missing.
        origins: by feature what the values are measured from.
        cells: at most how many cells between the lowest and the highest reference value.
        bins: at most how many bins.
    """
    finite = {name: inner(values) for name, (values, _) in sample.items()}
    found = [edges(values, cells) for values in finite.values()]
    width = max((len(one) for one in found), default=0)
    count = len(found)
    filled = np.full((count, width), np.inf)
    counts = np.zeros((count, width + 1), dtype=np.int64)
    coarse = np.zeros((count, bins - 1), dtype=np.int64)
    special = np.zeros((count, 3), dtype=np.int64)
    for k, (name, (values, missing)) in enumerate(sample.items()):
        filled[k, : len(found[k])] = found[k]
        below = finite[name].searchsorted(found[k])
        counts[k, : len(found[k])] = np.diff(below, prepend=0)
        coarse[k] = _coarse(below, bins)
        special[k] = missing, *infinities(values)
    sizes = np.array([len(one) for one in found], dtype=np.int64)
    tails = places(filled, sizes, counts)
    moments = [clipped(pair, values) for pair, values in zip(tails.ends, finite.values(), strict=True)]
    means, sds = zip(*map(_moments, finite.values()), strict=True) if count else ((), ())
    return Grid(
        names=tuple(sample),
        origins=tuple(origins[name] for name in sample),
        edges=filled,
        sizes=sizes,
        cells=counts,
        special=special,
        coarse=coarse,
        mean=np.array(means, dtype=np.float64),
        sd=np.array(sds, dtype=np.float64),
        moments=np.array(moments, dtype=np.float64).reshape(count, 3),
        tails=tails,
        labels=tuple(
            tuple(one.label for one in ranges(found[k], coarse[k], origins[name])) for k, name in enumerate(sample)
        ),
    )


def edges(values: Floats, cells: int) -> Floats:
    """Where a feature is cut into cells: at quantiles, and on both sides of a value that is there often; ascending.

    Args:
        values: ascending, finite.
        cells: at most how many cells between the lowest and the highest value.
    """
    if not values.size:
        return values
    places = np.unique(values)
    singles = places
    if places.size > cells // 2:
        picked = values[np.arange(cells) * values.size // cells] if values.size > cells else values
        places, times = np.unique(picked, return_counts=True)
        singles = places[times > 1]
    ends = np.nextafter(np.append(singles, values[-1]), np.inf)
    return np.unique(np.concatenate((places, ends[np.isfinite(ends)])))


def infinities(values: Floats) -> tuple[int, int]:
    """How many values of an ascending sample are minus and plus infinity."""
    if not values.size or (values[0] != -np.inf and values[-1] != np.inf):
        return 0, 0
    return int(values.searchsorted(-np.inf, "right")), values.size - int(values.searchsorted(np.inf))


def inner(values: Floats) -> Floats:
    """The finite part of an ascending sample, as a view."""
    below, above = infinities(values)
    return values[below : values.size - above]


def _coarse(below: Ints, bins: int) -> Ints:
    """The edges nearest to the quantiles that part the bins; an edge that parts nothing is left out."""
    total = below[-1] if below.size else 0
    useful = np.flatnonzero((below > 0) & (below < total))
    if not useful.size:
        useful = np.arange(max(below.size, 1))
        below = below if below.size else np.zeros(1, dtype=np.int64)
    wanted = np.arange(1, bins) * total / bins
    nearest = useful[np.abs(below[useful][:, None] - wanted).argmin(axis=0)]
    return np.asarray(nearest, dtype=np.int64)


def _moments(values: Floats) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if values.size else (0.0, 0.0)
