"""Counts of windows that were counted by slots: one row a feature, with its cells side by side."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.drift.categories import GROUPS, MISSING_CATEGORY, NEW
from core.drift.columns import Floats, Ints, ProfileError
from core.drift.counts import Counts
from core.drift.grid import ABOVE, BELOW, MISSING
from core.drift.profile import Profile

_NONE: Mapping[str, str] = MappingProxyType({})
_SPECIAL = np.array([ABOVE, BELOW, MISSING])
"""Where the buckets -3, -2 and -1 are among the special values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCells:
    """A counted feature.

    Attributes:
        feature: its number within the profile.
        buckets: the cells with rows, each once; negative ones as `count_sql` has them.
        counts: their rows, as many.
        totals: the sums of their values, as many; 0 where the feature is categorical or they are not finite.
        lowest: the lowest finite value, where it has any.
        highest: the highest finite value, where it has any.
    """

    feature: int
    buckets: Sequence[int] | Ints
    counts: Sequence[int] | Ints
    totals: Sequence[float] | Floats
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFeature:
    """A feature of a profile as the warehouse keeps it, to count by.

    Attributes:
        feature: its number within the profile.
        name: its column.
        is_numeric: whether it is numeric; else it is categorical.
        origin: what values are measured from.
        edges: ascending, where it is numeric.
        categories: in alphabetical order, where it is categorical.
    """

    feature: int
    name: str
    is_numeric: bool
    origin: int
    edges: list[float]
    categories: list[str]


def features_of(profile: Profile) -> list[ProfileFeature]:
    """The features of a profile, to count by."""
    grid = profile.grid
    numeric = [
        ProfileFeature(
            feature=k,
            name=name,
            is_numeric=True,
            origin=grid.origins[k],
            edges=grid.edges_of(k).tolist(),
            categories=[],
        )
        for k, name in enumerate(grid.names)
    ]
    return numeric + [
        ProfileFeature(feature=k, name=part.name, is_numeric=False, origin=0, edges=[], categories=sorted(part.values))
        for k, part in enumerate(profile.categorical, len(grid.names))
    ]


def counts_from_cells(
    profile: Profile,
    features: Iterable[FeatureCells],
    *,
    absent: Collection[str] = (),
    retyped: Mapping[str, str] = _NONE,
) -> Counts:
    """The counts that counted features hold.

    Args:
        profile: that they were counted by.
        features: each once; one that has no rows may be left out.
        absent: the features of the profile that the table has no column for.
        retyped: what the column holds instead, by the name of each feature whose column is of another type.

    Raises:
        ProfileError: there is a feature, or a cell of one, that the profile does not have.
    """
    grid = profile.grid
    numeric = len(grid.names)
    cells, special = np.zeros_like(grid.cells), np.zeros_like(grid.special)
    sums, clip = np.zeros((numeric, 3)), profile.grid.tails.clip
    lowest, highest = np.full(numeric, np.inf), np.full(numeric, -np.inf)
    categories = [np.zeros_like(part.counts) for part in profile.categorical]
    groups = [np.zeros(GROUPS, dtype=np.int64) for _ in profile.categorical]
    rows = 0
    for one in features:
        buckets, counts = np.asarray(one.buckets, dtype=np.int64), np.asarray(one.counts, dtype=np.int64)
        _check(profile, one.feature, buckets)
        rows = max(rows, int(counts.sum()))
        if one.feature < numeric:
            inside = buckets >= 0
            cells[one.feature, buckets[inside]] = counts[inside]
            region = (buckets[inside, None] > clip[one.feature]).sum(axis=1)
            sums[one.feature] = np.bincount(region, weights=np.asarray(one.totals)[inside], minlength=3)
            special[one.feature, _SPECIAL[buckets[~inside] + 3]] = counts[~inside]
            lowest[one.feature] = np.inf if one.lowest is None else one.lowest
            highest[one.feature] = -np.inf if one.highest is None else one.highest
        else:
            k = one.feature - numeric
            categories[k], groups[k] = _categories(profile, k, buckets, counts)
    return Counts(
        fingerprint=profile.fingerprint,
        rows=rows,
        cells=cells,
        special=special,
        sums=sums,
        lowest=lowest,
        highest=highest,
        categories=tuple(categories),
        groups=tuple(groups),
        new={},
        absent=frozenset(absent),
        retyped=dict(retyped),
    )


def _categories(profile: Profile, k: int, buckets: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Rows of a categorical feature by category and, of those that are not kept, by group."""
    part = profile.categorical[k]
    alphabet = np.argsort(np.array(part.values, dtype=object))
    found, groups = np.zeros_like(part.counts), np.zeros(GROUPS, dtype=np.int64)
    known = (buckets >= 0) & (buckets < alphabet.size)
    other = buckets >= alphabet.size
    found[alphabet[buckets[known]]] = counts[known]
    found[NEW] = counts[other].sum()
    found[MISSING_CATEGORY] = counts[buckets < 0].sum()
    groups[buckets[other] - alphabet.size] = counts[other]
    return found, groups


def _check(profile: Profile, feature: int, buckets: NDArray[Any]) -> None:
    """That the profile has such a feature, and the feature such cells."""
    if not 0 <= feature < len(profile.order):
        raise ProfileError(f"feature: must be 0 to {len(profile.order) - 1}, got {feature}")
    numeric = len(profile.grid.names)
    if feature < numeric:
        least, most = -_SPECIAL.size, int(profile.grid.sizes[feature])
    else:
        least, most = -1, len(profile.categorical[feature - numeric].values) + GROUPS - 1
    if buckets.size and not (least <= buckets.min() and buckets.max() <= most):
        raise ProfileError(
            f"bucket of {profile.order[feature]!r}: must be {least} to {most}, got {buckets.min()} to {buckets.max()}"
        )
