"""How the numeric features of a reference are drawn: in a few bins about equally wide, worked out once, when a profile is fitted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.drift.columns import Ints
from core.drift.grid import ABOVE, BELOW, Grid

_PARTS = 10
"""Of the range between the two ends; values beyond them have a bin on each side."""
_REST = 0.01
"""Of the reference rows lie beyond each end, at most."""
_DIGITS = (4, 6, 9, 17)
_LARGEST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """The bins of k numeric features, those of one feature after those of another.

    Attributes:
        edges: by feature, ascending, those that part its bins, with as few digits as keep them apart: one fewer than it has bins.
        starts: the first cell of each bin, counted on from feature to feature; shape (bins,).
        rows: reference rows by bin, infinite ones in the outer bins; shape (bins,).
    """

    edges: tuple[tuple[float, ...], ...]
    starts: Ints
    rows: Ints

    @classmethod
    def of(cls, grid: Grid) -> Self:
        """The bins of a reference: of a feature without a value one."""
        parting = list(_parting(grid))
        width = grid.cells.shape[1]
        starts = [np.append(0, row + 1) + k * width for k, row in enumerate(parting)]
        edges = tuple(
            _shortened(_spelt(origin, row[at].tolist()))
            for origin, row, at in zip(grid.origins, grid.edges, parting, strict=True)
        )
        flat = np.concatenate([np.zeros(0, dtype=np.int64), *starts])
        return cls(edges=edges, starts=flat, rows=_counted(edges, flat, grid.cells, grid.special))

    def counted(self, cells: Ints, special: Ints) -> Ints:
        """The rows of a window by bin, infinite ones in the outer bins; shape (bins,).

        Args:
            cells: finite rows a cell, shape (k, w + 1).
            special: missing, minus and plus infinity, shape (k, 3).
        """
        return _counted(self.edges, self.starts, cells, special)

    def by_feature(self, rows: Ints) -> Iterator[tuple[int, ...]]:
        """Rows by bin, as of `counted`, feature by feature."""
        listed, start = rows.tolist(), 0
        for one in self.edges:
            stop = start + len(one) + 1
            yield tuple(listed[start:stop])
            start = stop


def _counted(edges: Sequence[tuple[float, ...]], starts: Ints, cells: Ints, special: Ints) -> Ints:
    if not edges:
        return starts
    found: Ints = np.add.reduceat(cells.ravel(), starts)
    if special[:, BELOW:].any():
        last = np.cumsum([len(one) + 1 for one in edges]) - 1
        found[np.append(0, last[:-1] + 1)] += special[:, BELOW]
        found[last] += special[:, ABOVE]
    return found


def _parting(grid: Grid) -> Iterator[Ints]:
    """Which edges part the bins of each feature: the nearest at or above evenly spaced values, ascending, each once."""
    if not grid.edges.size:  # no feature has a value
        yield from (np.zeros(0, dtype=np.int64) for _ in grid.names)
        return
    below = np.cumsum(grid.cells, axis=1)[:, :-1]
    total = np.maximum(below[:, -1:], 1)
    last = np.maximum(grid.sizes - 1, 0)
    first = np.minimum(np.maximum((below <= _REST * total).sum(axis=1) - 1, 0), last)
    end = np.minimum((below < (1 - _REST) * total).sum(axis=1), last)
    ends = np.stack((_before(grid, first), _before(grid, end)), axis=1)
    low, high = np.nan_to_num(np.take_along_axis(grid.edges, ends, axis=1), posinf=0.0).T
    wanted = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _PARTS + 1)
    wanted[:, -1] = high
    for k, row in enumerate(grid.edges):
        places = np.unique(np.minimum(row.searchsorted(wanted[k]), last[k]))
        yield places[np.isfinite(row[places])]


def _before(grid: Grid, places: Ints) -> Ints:
    """The same edges, but for one that stands just behind a value the one at the value."""
    rows, before = np.arange(places.size), np.maximum(places - 1, 0)
    is_behind = grid.edges[rows, places] == np.nextafter(grid.edges[rows, before], np.inf)
    return np.where(is_behind, before, places)


def _spelt(origin: int, edges: Sequence[float]) -> Sequence[float]:
    return [origin + int(edge) for edge in edges] if origin else edges


def _shortened(edges: Sequence[float]) -> tuple[float, ...]:
    """Edges with as few digits as keep them apart; whole ones as they are.

    >>> _shortened((1.23456, 2.5)), _shortened((10001.21, 10001.26)), _shortened((12345.0, 12346.0))
    ((1.235, 2.5), (10001.2, 10001.3), (12345, 12346))
    """
    if all(isinstance(edge, int) or (edge.is_integer() and abs(edge) < _LARGEST) for edge in edges):
        return tuple(int(edge) for edge in edges)
    found = (tuple(float(f"{edge:.{digits}g}") for edge in edges) for digits in _DIGITS)
    return next(one for one in found if len(set(one)) == len(edges))
