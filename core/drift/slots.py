"""Counts of windows that were counted by slots: one row a feature, with its cells side by side."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from core.drift.categories import GROUPS, MISSING_CATEGORY, NEW, Categories
from core.drift.columns import Ints, ProfileError
from core.drift.counts import Counts
from core.drift.grid import ABOVE, BELOW, MISSING
from core.drift.profile import Profile

_NONE: Mapping[str, str] = MappingProxyType({})
_SPECIAL = [ABOVE, BELOW, MISSING]
"""The buckets -3, -2 and -1, by which the rows of a feature begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCells:
    """A counted feature.

    Attributes:
        feature: its number within the profile.
        rows: by bucket, those that `count_sql` has, from -3 on; up to the last one with rows, or further.
        sums: of the finite values below, between and above the two places where values are clipped for the mean.
        lowest: the lowest finite value, where it has any.
        highest: the highest finite value, where it has any.
    """

    feature: int
    rows: Ints
    sums: tuple[float, float, float]
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
        clip_low: the edge below which values are clipped for the mean, where it is numeric.
        clip_high: the edge above which they are.
    """

    feature: int
    name: str
    is_numeric: bool
    origin: int
    edges: list[float]
    categories: list[str]
    clip_low: int | None = None
    clip_high: int | None = None


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
            clip_low=int(grid.tails.clip[k, 0]),
            clip_high=int(grid.tails.clip[k, 1]),
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
    sums = np.zeros((numeric, 3))
    lowest, highest = np.full(numeric, np.inf), np.full(numeric, -np.inf)
    categories = [np.zeros_like(part.counts) for part in profile.categorical]
    groups = [np.zeros(GROUPS, dtype=np.int64) for _ in profile.categorical]
    rows = 0
    for one in features:
        _check(profile, one)
        rows = max(rows, int(one.rows.sum()))
        found = one.rows[len(_SPECIAL) :]
        if one.feature < numeric:
            cells[one.feature, : found.size] = found
            special[one.feature, _SPECIAL] = one.rows[: len(_SPECIAL)]
            sums[one.feature] = one.sums
            lowest[one.feature] = np.inf if one.lowest is None else one.lowest
            highest[one.feature] = -np.inf if one.highest is None else one.highest
        else:
            k = one.feature - numeric
            values = len(profile.categorical[k].values)
            categories[k][_alphabet(profile.categorical[k])[: found.size]] = found[:values]
            groups[k][: max(found.size - values, 0)] = found[values:]
            categories[k][NEW] = groups[k].sum()
            categories[k][MISSING_CATEGORY] = one.rows[len(_SPECIAL) - 1]
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


def _alphabet(part: Categories) -> Ints:
    """Where each category is among those that are kept, in alphabetical order."""
    return np.argsort(np.array(part.values, dtype=object))


def _check(profile: Profile, found: FeatureCells) -> None:
    """That the profile has such a feature, and the feature such cells."""
    if not 0 <= found.feature < len(profile.order):
        raise ProfileError(f"feature: must be 0 to {len(profile.order) - 1}, got {found.feature}")
    numeric, least = len(profile.grid.names), len(_SPECIAL)
    if found.feature < numeric:
        most = int(profile.grid.sizes[found.feature])
    else:
        most = len(profile.categorical[found.feature - numeric].values) + GROUPS - 1
    if not least <= found.rows.size <= least + most + 1:
        name = profile.order[found.feature]
        raise ProfileError(f"buckets of {name!r}: must be -3 to at most {most}, got {found.rows.size} from -3 on")
