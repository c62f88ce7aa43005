"""Attribution: which segments of the rows carry the drift of a feature."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.drift.bins import Bins
from core.drift.cells import binned
from core.drift.columns import Column, Columns, Ints, ProfileError, array, spell_all
from core.drift.counts import Counts, count
from core.drift.evidence import of_bins
from core.drift.profile import Profile, SegmentReference
from core.drift.report import DriftReport
from core.drift.statistics import DECIDING, compute

OTHER = "other"
"""The segment of all rows whose own segment is not kept apart."""

_LIMIT = 100
_CERTAIN = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDrift:
    """What one segment has to do with the drift of one feature.

    Attributes:
        feature: the feature.
        by: the column that parts the rows.
        segment: its value, as in `JFK`.
        share: of the movement of the feature's bins, how much is due to the rows of this segment: by their having
            moved, or by there being more or fewer of them. The shares of all segments add up to 1; one that moved
            against the others is negative.
        strength: how far the segment has moved from what it was itself, in sd, chance removed; 0 to 6, and 0 where
            chance explains it (p above 0.01).
        n_reference: rows of the segment in the reference window.
        n_current: rows of the segment in the current window.
    """

    feature: str
    by: str
    segment: str
    share: float
    strength: float
    n_reference: int
    n_current: int


def with_segments(profile: Profile, columns: Columns, by: Iterable[str]) -> Profile:
    """The profile with what the segments of its reference look like, so that drift can be attributed to them.

    Args:
        profile: of the reference.
        columns: the rows it was fitted to, with the columns that part them.
        by: names of the columns that part the rows, as in `("origin",)`.

    Raises:
        ProfileError: `by` names no column.
    """
    return replace(
        profile,
        segments=tuple(
            SegmentReference(by=name, segment=segment, rows=counts.rows, bins=_bins(profile, counts))
            for name in by
            for segment, counts in _counted(profile, columns, split(columns, name, None)).items()
        ),
    )


def count_segments(profile: Profile, columns: Columns, by: str) -> dict[str, Counts]:
    """Count each segment of a window against the profile.

    Args:
        profile: fitted with the segments of `by`.
        columns: the window, with the column `by`.
        by: the name of the column that parts the rows.

    Raises:
        ProfileError: `by` names no column, or the profile has no such segments.
    """
    known = {part.segment for part in profile.segments if part.by == by}
    if not known:
        raise ProfileError(f"by: must be one of {sorted({part.by for part in profile.segments})}, got {by!r}")
    return _counted(profile, columns, split(columns, by, known))


def attribute(
    profile: Profile, counts: Mapping[str, Counts], *, by: str, report: DriftReport
) -> tuple[SegmentDrift, ...]:
    """Say which segments carry the drift of each drifted feature.

    Args:
        profile: fitted with the segments of `by`.
        counts: of the window by segment: from `count_segments`, or from the warehouse.
        by: the name of the column that parts the rows.
        report: of the same window; its drifted features are attributed.

    Returns:
        The strongest feature first, and within it the segment with the largest share first.
    """
    names = tuple(feature.name for feature in report.ranked if feature.drifted)
    old = {part.segment: part for part in profile.segments if part.by == by}
    new = {segment: _bins(profile, part) for segment, part in counts.items()}
    segments = sorted(old.keys() | new.keys())
    found: list[SegmentDrift] = []
    for name in names:
        k = profile.order.index(name)
        blank = np.zeros_like(next(iter((*new.values(), *(part.bins for part in old.values()))))[k])
        reference = np.array([old[segment].bins[k] if segment in old else blank for segment in segments])
        current = np.array([new[segment][k] if segment in new else blank for segment in segments])
        found += _attributed(name, by, segments, reference, current)
    return tuple(found)


def split(columns: Columns, by: str, known: set[str] | None) -> dict[str, NDArray[np.intp]]:
    """The rows of each segment: the largest ones, or those that are known and the largest new ones, and the others.

    Raises:
        ProfileError: the column is missing.
    """
    if by not in columns:
        raise ProfileError(f"by: must name a column of {sorted(columns)}, got {by!r}")
    codes, names = _codes(columns[by])
    sizes = np.bincount(codes, minlength=len(names))
    ranked = [names[k] for k in np.argsort(-sizes, kind="stable").tolist()]
    kept = {*(known or ()), *ranked[:_LIMIT]} if known is None or OTHER not in known else known
    parts: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        parts.setdefault(name if name in kept else OTHER, []).append(k)
    return {segment: np.flatnonzero(np.isin(codes, members)) for segment, members in parts.items()}


def _codes(column: Column) -> tuple[Ints, list[str]]:
    """The segment of each row as a number, and the segments' names."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(word, len(numbers)) for word in spell_all(array("by", column).tolist())]
    return np.array(codes, dtype=np.int64), list(numbers)


def _counted(profile: Profile, columns: Columns, parts: Mapping[str, NDArray[np.intp]]) -> dict[str, Counts]:
    arrays = {name: array(name, columns[name]) for name in profile.names if name in columns}
    return {
        segment: count(profile, {name: column[at] for name, column in arrays.items()}) for segment, at in parts.items()
    }


def _bins(profile: Profile, counts: Counts) -> tuple[Ints, ...]:
    """The bins of every feature, in the order of the profile's arrays."""
    cumulated = np.cumsum(counts.cells, axis=1)
    parts = np.take_along_axis(cumulated, profile.grid.coarse, axis=1)
    numeric = binned(parts, cumulated[:, -1], counts.special)
    return (*numeric, *counts.categories)


def _attributed(name: str, by: str, segments: list[str], reference: Ints, current: Ints) -> list[SegmentDrift]:
    n, m = max(int(reference.sum()), 1), max(int(current.sum()), 1)
    moved = current / m - reference / n
    total = moved.sum(axis=0)
    size = np.abs(total).sum()
    shares = (moved * np.sign(total)).sum(axis=1) / (size or 1.0)
    evidence = of_bins(compute(DECIDING, Bins.of(reference, current)))
    strength = np.where(evidence.p_value <= _CERTAIN, evidence.strength, 0.0)
    rows = zip(
        segments,
        shares.tolist(),
        strength.tolist(),
        reference.sum(axis=1).tolist(),
        current.sum(axis=1).tolist(),
        strict=True,
    )
    found = [
        SegmentDrift(feature=name, by=by, segment=segment, share=share, strength=power, n_reference=a, n_current=b)
        for segment, share, power, a, b in rows
    ]
    return sorted(found, key=lambda part: -part.share)
