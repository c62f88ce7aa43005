"""Counts of windows that were counted by slots: one row a feature, with its cells side by side."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from core.drift.categories import GROUPS
from core.drift.columns import Ints, ProfileError
from core.drift.counts import SPECIAL, Counts, Filling
from core.drift.profile import Profile

_NONE: Mapping[str, str] = MappingProxyType({})


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
        middle: where the values lie in the reference, where it is compared as to how it goes together with others.
        scale: how far they reach from there, above 0.
    """

    feature: int
    name: str
    is_numeric: bool
    origin: int
    edges: list[float]
    categories: list[str]
    clip_low: int | None = None
    clip_high: int | None = None
    middle: float | None = None
    scale: float | None = None


def features_of(profile: Profile) -> list[ProfileFeature]:
    """The features of a profile, to count by."""
    joint = profile.joint
    places = dict(zip(joint.names, zip(joint.middle.tolist(), joint.scale.tolist(), strict=True), strict=True))
    return [
        replace(one, middle=at[0], scale=at[1]) if (at := places.get(one.name)) else one for one in _cells_of(profile)
    ]


def _cells_of(profile: Profile) -> list[ProfileFeature]:
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
    filling, numeric, most = Filling.of(profile), len(profile.grid.names), _most(profile)
    numbers: list[FeatureCells] = []
    for one in features:
        _check(profile, most, one)
        if one.feature < numeric:
            numbers.append(one)
        else:
            filling.put_categories(one.feature - numeric, one.rows)
    if numbers:
        filling.put_numbers(
            [one.feature for one in numbers],
            rows=[one.rows for one in numbers],
            sums=[one.sums for one in numbers],
            ends=[(one.lowest, one.highest) for one in numbers],
        )
    return filling.counts(filling.rows, absent, retyped)


def _most(profile: Profile) -> list[int]:
    """The last bucket of each feature."""
    return [*profile.grid.sizes.tolist(), *(len(part.values) + GROUPS - 1 for part in profile.categorical)]


def _check(profile: Profile, most: Sequence[int], found: FeatureCells) -> None:
    """That the profile has such a feature, and the feature such cells."""
    if not 0 <= found.feature < len(most):
        raise ProfileError(f"feature: must be 0 to {len(most) - 1}, got {found.feature}")
    last = most[found.feature]
    if not SPECIAL <= found.rows.size <= SPECIAL + last + 1:
        name = profile.order[found.feature]
        raise ProfileError(f"buckets of {name!r}: must be -3 to at most {last}, got {found.rows.size} from -3 on")
