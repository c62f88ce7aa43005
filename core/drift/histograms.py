"""Reference and current window of each feature in a few bins, to be drawn: what people look at when something drifted."""

from dataclasses import dataclass
from itertools import compress

import numpy as np

from core.drift.categories import MISSING_CATEGORY, NEW, Categories
from core.drift.columns import Ints
from core.drift.counts import Counts
from core.drift.grid import ABOVE, BELOW, MISSING, Grid
from core.drift.profile import Profile

_PARTS = 10
"""Of the range between the two ends; values beyond them have a bin on each side."""
_NAMED = 10
_REST = 0.01
"""Of the reference rows lie beyond each end, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A feature in b bins.

    Attributes:
        edges: of a numeric feature, ascending, b - 1: a bin holds its lower edge, the first and the last one are open.
        categories: of a categorical feature, b - 1, those with the most rows; the last bin has the rows of all others.
        reference: rows of the reference by bin, missing ones not among them.
        current: the same of the current window.
        missing: missing rows of both.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    reference: tuple[int, ...]
    current: tuple[int, ...]
    missing: tuple[int, int]


def histograms(profile: Profile, counts: Counts) -> dict[str, Histogram]:
    """The histograms of all features of a window, by their names.

    The bins of a numeric feature are about equally wide, as far as the cells of the profile allow, and the same for both
    windows.

    Args:
        profile: of the reference.
        counts: of the window, by this profile.

    >>> from core.drift import count
    >>> profile = Profile.fit({"hour": [float(n % 4) for n in range(80)], "city": ["Rome", "Oslo"] * 40})
    >>> found = histograms(profile, count(profile, {"hour": [3.0, 9.0, None], "city": ["Rome", "Bern", "Rome"]}))
    >>> found["hour"].edges, found["hour"].current, found["hour"].missing
    ((0.0, 1.0, 2.0, 3.0), (0, 0, 0, 0, 2), (0, 1))
    >>> found["city"].categories, found["city"].reference, found["city"].current
    (('Rome', 'Oslo'), (40, 40, 0), (2, 0, 1))
    """
    numeric = _numeric(profile.grid, counts)
    named = zip(profile.categorical, counts.categories, strict=True)
    return numeric | {part.name: _categorical(part, rows) for part, rows in named}


def _numeric(grid: Grid, counts: Counts) -> dict[str, Histogram]:
    # Where no feature has a value in the reference there is no edge: each has one bin.
    chosen = _chosen(grid) if grid.edges.size else np.zeros((len(grid.names), 0), dtype=np.int64)
    rows = [
        _rows(cells, special, chosen) for cells, special in ((grid.cells, grid.special), (counts.cells, counts.special))
    ]
    edges = np.take_along_axis(grid.edges, chosen, axis=1)
    kept = np.isfinite(edges)
    kept[:, 1:] &= edges[:, 1:] != edges[:, :-1]
    missing = np.stack((grid.special[:, MISSING], counts.special[:, MISSING]), axis=1)
    columns = (grid.names, grid.origins, *(one.tolist() for one in (edges, kept, *rows, missing)))
    return {
        name: _histogram(origin, edges, kept, rows) for name, origin, edges, kept, *rows in zip(*columns, strict=True)
    }


def _histogram(origin: int, edges: list[float], kept: list[bool], rows: list[list[int]]) -> Histogram:
    """The bins of a feature, without those between two edges that are one."""
    wanted = [*kept, True]
    chosen = tuple(compress(edges, kept))
    reference, current, (before, now) = rows
    return Histogram(
        edges=tuple(origin + int(edge) for edge in chosen) if origin else chosen,
        reference=tuple(compress(reference, wanted)),
        current=tuple(compress(current, wanted)),
        missing=(before, now),
    )


def _chosen(grid: Grid) -> Ints:
    """Which edges part the bins: the nearest at or above evenly spaced values, shape (k, `_PARTS` + 1)."""
    below = np.cumsum(grid.cells, axis=1)[:, :-1]
    total = np.maximum(below[:, -1:], 1)
    last = np.maximum(grid.sizes - 1, 0)
    first = np.minimum(np.maximum((below <= _REST * total).sum(axis=1) - 1, 0), last)
    end = np.minimum((below < (1 - _REST) * total).sum(axis=1), last)
    ends = np.stack((_before(grid, first), _before(grid, end)), axis=1)
    low, high = np.nan_to_num(np.take_along_axis(grid.edges, ends, axis=1), posinf=0.0).T
    wanted = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _PARTS + 1)
    wanted[:, -1] = high
    places = np.stack([row.searchsorted(values) for row, values in zip(grid.edges, wanted, strict=True)])
    return np.asarray(np.minimum(places, last[:, None]), dtype=np.int64)


def _before(grid: Grid, places: Ints) -> Ints:
    """The same edges, but for one that stands just behind a value the one at the value."""
    rows, before = np.arange(places.size), np.maximum(places - 1, 0)
    is_behind = grid.edges[rows, places] == np.nextafter(grid.edges[rows, before], np.inf)
    return np.where(is_behind, before, places)


def _rows(cells: Ints, special: Ints, chosen: Ints) -> Ints:
    """The rows between chosen edges, and beyond the first and the last one; shape (k, `_PARTS` + 2)."""
    summed = np.cumsum(cells, axis=1)
    found = np.diff(np.take_along_axis(summed, chosen, axis=1), axis=1, prepend=0, append=summed[:, -1:])
    found[:, 0] += special[:, BELOW]
    found[:, -1] += special[:, ABOVE]
    return found


def _categorical(part: Categories, rows: Ints) -> Histogram:
    kept = part.counts[:NEW], rows[:NEW]
    shares = sum(one / max(int(one.sum()), 1) for one in kept)
    largest = np.argsort(-np.asarray(shares), kind="stable")[:_NAMED]
    both = [np.append(one[largest], one[:NEW].sum() - one[largest].sum() + one[NEW]) for one in (part.counts, rows)]
    return Histogram(
        categories=tuple(part.values[k] for k in largest.tolist()),
        reference=tuple(both[0].tolist()),
        current=tuple(both[1].tolist()),
        missing=(int(part.counts[MISSING_CATEGORY]), int(rows[MISSING_CATEGORY])),
    )
