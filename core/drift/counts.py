"""Counting a window against a profile: what is counted of hours adds up to days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.categories import GROUPS, MISSING_CATEGORY, NEW, Categories, grouped
from core.drift.columns import Columns, Floats, Ints, ProfileError, array, holds, ordered, rows, tally
from core.drift.grid import infinities, inner
from core.drift.profile import Profile
from core.drift.sample import around
from core.drift.statistics import METHODS

SPECIAL = 3
"""Buckets -3 to -1 of a numeric feature: plus infinity, minus infinity, missing, the reverse of `Counts.special`."""
_NAMED = 20
_NUMERIC = frozenset({"numbers", "booleans", "nothing"})
_CATEGORIES = frozenset({"numbers", "booleans", "text", "mixed values", "nothing"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """A window counted against a profile; k numeric features with w edges at most.

    Attributes:
        fingerprint: of the profile; only counts of one profile add up.
        rows: of the window.
        cells: finite rows a cell, shape (k, w + 1).
        special: missing, minus infinity and plus infinity, shape (k, 3).
        sums: of the finite values below, between and above the two places where values are clipped for the mean, shape (k, 3).
        lowest: the lowest finite value, infinity when there is none; shape (k,).
        highest: the highest finite value, minus infinity when there is none; shape (k,).
        categories: by categorical feature rows a category, then of those that are not kept, then missing.
        groups: by categorical feature the rows of those that are not kept, by group; shape (GROUPS,).
        new: by categorical feature the names of some new categories, where they are known.
        absent: the features that the window has no column for.
        retyped: what the column holds instead, by the name of each feature that is of another type now.
    """

    fingerprint: str
    rows: int
    cells: Ints
    special: Ints
    sums: Floats
    lowest: Floats
    highest: Floats
    categories: tuple[Ints, ...]
    groups: tuple[Ints, ...]
    new: Mapping[str, tuple[str, ...]]
    absent: frozenset[str]
    retyped: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        """The counts of both windows together.

        Raises:
            ProfileError: they were counted against different profiles.
        """
        if not isinstance(other, Counts):
            return NotImplemented
        if self.fingerprint != other.fingerprint:
            raise ProfileError(f"counts: must be of profile {self.fingerprint}, got counts of {other.fingerprint}")
        return Counts(
            fingerprint=self.fingerprint,
            rows=self.rows + other.rows,
            cells=self.cells + other.cells,
            special=self.special + other.special,
            sums=self.sums + other.sums,
            lowest=np.minimum(self.lowest, other.lowest),
            highest=np.maximum(self.highest, other.highest),
            categories=tuple(a + b for a, b in zip(self.categories, other.categories, strict=True)),
            groups=tuple(a + b for a, b in zip(self.groups, other.groups, strict=True)),
            new={
                name: tuple(sorted({*self.new.get(name, ()), *other.new.get(name, ())}))[:_NAMED]
                for name in sorted({*self.new, *other.new})
            },
            absent=self.absent | other.absent,
            retyped={**self.retyped, **other.retyped},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filling:
    """Counts that are being put together: arrays as those of `Counts`, filled in place.

    Attributes:
        profile: that is counted by.
        alphabets: where each category is among those that are kept, in alphabetical order, by categorical feature.
    """

    profile: Profile
    alphabets: tuple[Ints, ...]
    cells: Ints
    special: Ints
    sums: Floats
    lowest: Floats
    highest: Floats
    categories: tuple[Ints, ...]
    groups: tuple[Ints, ...]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """No rows yet."""
        numeric = len(profile.grid.names)
        return cls(
            profile=profile,
            alphabets=tuple(np.argsort(np.array(part.values, dtype=object)) for part in profile.categorical),
            cells=np.zeros_like(profile.grid.cells),
            special=np.zeros_like(profile.grid.special),
            sums=np.zeros((numeric, 3)),
            lowest=np.full(numeric, np.inf),
            highest=np.full(numeric, -np.inf),
            categories=tuple(np.zeros_like(part.counts) for part in profile.categorical),
            groups=tuple(np.zeros(GROUPS, dtype=np.int64) for _ in profile.categorical),
        )

    @property
    def rows(self) -> int:
        """The rows of a window each of which was counted once for every feature, or not at all for one that could not be counted."""
        numeric = self.cells.sum(axis=1) + self.special.sum(axis=1)
        return max(int(numeric.max(initial=0)), *(int(one.sum()) for one in self.categories), 0)

    def put_numbers(
        self,
        at: Sequence[int],
        *,
        rows: Sequence[Ints],
        sums: Sequence[tuple[float, float, float]],
        ends: Sequence[tuple[float | None, float | None]],
    ) -> None:
        """Put numeric features, all but the cells of each at once.

        Args:
            at: their numbers, at least one.
            rows: by bucket from -3 on, `SPECIAL` ones first.
            sums: of their values, as `Counts` has them.
            ends: the lowest and the highest finite value, None where there is none.
        """
        for k, found in zip(at, rows, strict=True):
            self.cells[k, : found.size - SPECIAL] = found[SPECIAL:]
        self.special[at] = [found[SPECIAL - 1 :: -1] for found in rows]
        self.sums[at] = sums
        self.lowest[at] = [np.inf if lowest is None else lowest for lowest, _ in ends]
        self.highest[at] = [-np.inf if highest is None else highest for _, highest in ends]

    def put_categories(self, k: int, rows: Ints) -> None:
        """Rows of a categorical feature by bucket from -3 on: categories in the order of the alphabet, then groups."""
        alphabet, found = self.alphabets[k], rows[SPECIAL:]
        self.categories[k][alphabet[: found.size]] = found[: alphabet.size]
        self.groups[k][: max(found.size - alphabet.size, 0)] = found[alphabet.size :]
        self.categories[k][NEW] = self.groups[k].sum()
        self.categories[k][MISSING_CATEGORY] = rows[SPECIAL - 1]

    def put_extremes(self, k: int, lowest: float | None, highest: float | None) -> None:
        """The lowest and highest finite value, beside those that there are."""
        self.lowest[k] = min(self.lowest[k], np.inf if lowest is None else lowest)
        self.highest[k] = max(self.highest[k], -np.inf if highest is None else highest)

    def add_numbers(self, k: int, bucket: int, n: int, total: float) -> None:
        """Add rows of a bucket of a numeric feature, with the sum of their values where they are finite."""
        if bucket < 0:
            self.special[k, -1 - bucket] += n
            return
        self.cells[k, bucket] += n
        self.sums[k, int((bucket > self.profile.grid.tails.clip[k]).sum())] += total

    def add_categories(self, k: int, bucket: int, n: int) -> None:
        """Add rows of a bucket of a categorical feature."""
        alphabet = self.alphabets[k]
        if bucket >= alphabet.size:
            self.groups[k][bucket - alphabet.size] += n
            self.categories[k][NEW] += n
        else:
            self.categories[k][MISSING_CATEGORY if bucket < 0 else alphabet[bucket]] += n

    def counts(self, rows: int, absent: Collection[str], retyped: Mapping[str, str]) -> Counts:
        """The counts of so many rows, without the names of new categories, which are not known."""
        return Counts(
            fingerprint=self.profile.fingerprint,
            rows=rows,
            cells=self.cells,
            special=self.special,
            sums=self.sums,
            lowest=self.lowest,
            highest=self.highest,
            categories=self.categories,
            groups=self.groups,
            new={},
            absent=frozenset(absent),
            retyped=dict(retyped),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Counted:
    """A numeric feature of a window."""

    cells: Ints
    special: tuple[int, int, int]
    sums: tuple[float, float, float]
    lowest: float
    highest: float
    exact: tuple[float, ...]


def count(profile: Profile, columns: Columns) -> Counts:
    """Count a window against a profile.

    Args:
        profile: of the reference.
        columns: a column by feature name; columns that the profile does not know are passed over, and one of another
            type than its feature is not counted.

    Raises:
        ProfileError: the columns differ in length, or one is not 1-d.

    >>> profile = Profile.fit({"x": [1.0, 2.0, 3.0]})
    >>> counts = count(profile, {"x": [2.0, None]}) + count(profile, {"x": [9.0]})
    >>> counts.rows, int(counts.special[0, 0]), float(counts.highest[0])
    (3, 1, 9.0)
    """
    return examine(profile, columns, statistics=(), row_limit=-1)[0]


def examine(
    profile: Profile, columns: Columns, *, statistics: Collection[str], row_limit: int
) -> tuple[Counts, Mapping[str, Floats] | None]:
    """Count a window and, up to a number of rows, compute exactly those statistics that can be computed from rows.

    Column by column, so that each is read while it is in the cache, and its sorted copy is gone before the next.

    Returns:
        The counts, and by statistic its value a numeric feature, shape (k,), NaN where a window is empty; None with more
        rows, or with a compact profile.
    """
    given = {name: columns[name] for name in profile.names if name in columns}
    size = rows(given)
    retyped = _retyped(profile, given)
    known = {name: column for name, column in given.items() if name not in retyped}
    exact = bool(profile.samples) and size <= row_limit
    wanted = [name for name in statistics if exact and METHODS[name].exact]
    numeric = [_numeric(profile, k, known, size, wanted) for k in range(len(profile.grid.names))]
    found = [_categorical(part, known, size) for part in profile.categorical]
    counts = Counts(
        fingerprint=profile.fingerprint,
        rows=size,
        cells=np.array([part.cells for part in numeric], dtype=np.int64).reshape(profile.grid.cells.shape),
        special=np.array([part.special for part in numeric], dtype=np.int64).reshape(len(numeric), 3),
        sums=np.array([part.sums for part in numeric], dtype=np.float64).reshape(len(numeric), 3),
        lowest=np.array([part.lowest for part in numeric], dtype=np.float64),
        highest=np.array([part.highest for part in numeric], dtype=np.float64),
        categories=tuple(counted for counted, _, _ in found),
        groups=tuple(groups for _, groups, _ in found),
        new={part.name: names for part, (_, _, names) in zip(profile.categorical, found, strict=True) if names},
        absent=frozenset(profile.names) - given.keys(),
        retyped=retyped,
    )
    if not exact:
        return counts, None
    return counts, {name: np.array([part.exact[j] for part in numeric]) for j, name in enumerate(wanted)}


def _retyped(profile: Profile, columns: Columns) -> dict[str, str]:
    """What columns hold that are of another type than their feature."""
    arrays = {name: array(name, column) for name, column in columns.items()}
    numeric = {name: holds(arrays[name]) for name in profile.grid.names if name in columns and _odd(arrays[name])}
    found = {part.name: holds(arrays[part.name]) for part in profile.categorical if part.name in columns}
    parts = (part for part in profile.categorical if part.name in columns)
    changed = {part.name: found[part.name] for part in parts if not _fits(part, arrays[part.name], found[part.name])}
    return {name: kind for name, kind in numeric.items() if kind not in _NUMERIC} | changed


def _odd(values: NDArray[Any]) -> bool:
    """Whether the values have to be looked at to say that they are numbers."""
    return values.dtype.kind not in "iufb"


def _fits(part: Categories, values: NDArray[Any], found: str) -> bool:
    """Whether values may be categories of a feature: those of another type are if any of them is spelt as one that is known."""
    if found not in _CATEGORIES:
        return False
    if not part.holds or found in {part.holds, "nothing"}:
        return True
    return not part.values or not tally(part.name, values)[0].keys().isdisjoint(part.values)


def _numeric(profile: Profile, feature: int, columns: Columns, size: int, wanted: Sequence[str]) -> _Counted:
    grid = profile.grid
    name = grid.names[feature]
    values, missing = ordered(name, columns[name], grid.origins[feature]) if name in columns else (np.zeros(0), size)
    below, above = infinities(values)
    finite = inner(values)
    edges = grid.edges_of(feature)
    places = finite.searchsorted(edges)
    cells = np.zeros(grid.cells.shape[1], dtype=np.int64)
    cells[: edges.size] = places
    cells[edges.size] = finite.size
    cells[1 : edges.size + 1] -= places
    return _Counted(
        cells=cells,
        special=(missing, below, above),
        sums=_sums(finite, places[profile.grid.tails.clip[feature]] if edges.size else np.full(2, finite.size)),
        lowest=float(finite[0]) if finite.size else np.inf,
        highest=float(finite[-1]) if finite.size else -np.inf,
        exact=_exact(profile, feature, values, places + below, wanted) if wanted else (),
    )


def _sums(finite: Floats, at: Ints) -> tuple[float, float, float]:
    """The sums of an ascending sample, parted at two positions."""
    low, high = at.tolist()
    return float(finite[:low].sum()), float(finite[low:high].sum()), float(finite[high:].sum())


def _exact(profile: Profile, feature: int, current: Floats, places: Ints, wanted: Sequence[str]) -> tuple[float, ...]:
    reference = profile.samples[feature].whole
    if not reference.values.size or not current.size:
        return (np.nan,) * len(wanted)
    below = around(places, current.size)
    found = {}
    for name in reversed(
        wanted
    ):  # Wasserstein reads all of the reference in order, and the others find it in the cache
        if exact := METHODS[name].exact:
            found[name] = exact(reference, current, below)
    return tuple(found[name] for name in wanted)


def _categorical(part: Categories, columns: Columns, size: int) -> tuple[Ints, Ints, tuple[str, ...]]:
    counted = np.zeros(len(part.values) + 2, dtype=np.int64)
    if part.name not in columns:
        counted[MISSING_CATEGORY] = size
        return counted, np.zeros(GROUPS, dtype=np.int64), ()
    found, missing = tally(part.name, columns[part.name])
    counted[:-2] = [found.pop(value, 0) for value in part.values]
    counted[NEW] = sum(found.values())
    counted[MISSING_CATEGORY] = missing
    return counted, grouped(found), tuple(sorted(found))[:_NAMED] if part.complete else ()
