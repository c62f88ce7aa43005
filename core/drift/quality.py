"""Data quality issues of a window, whatever its distribution: missing values, unknown categories, volume, age."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.drift.categories import MISSING_CATEGORY, NEW
from core.drift.columns import Floats, Ints
from core.drift.counts import Counts
from core.drift.exclusion import LeftOut
from core.drift.grid import ABOVE, BELOW, MISSING
from core.drift.profile import Profile


class DataQualityIssueKind(StrEnum):
    """What is wrong."""

    ABSENT = "absent"
    """The window has no such column."""

    TYPE_CHANGED = "type_changed"
    """The column holds something else than in the reference, as text where it held numbers."""

    MISSING = "missing"
    """More values are missing than in the reference."""

    INFINITE = "infinite"
    """More values are infinite than in the reference."""

    OUT_OF_RANGE = "out_of_range"
    """Values lie below the lowest or above the highest of the reference."""

    NEW_CATEGORY = "new_category"
    """Values are of categories that the reference does not know."""

    CONSTANT = "constant"
    """All values are one, and were not in the reference."""

    VARIES = "varies"
    """Values differ from the one that all rows of the reference have."""

    VOLUME = "volume"
    """There are far fewer or far more rows than expected."""

    STALE = "stale"
    """The newest row is older than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualityIssue:
    """A data quality issue of a window.

    Attributes:
        kind: the kind of issue.
        feature: of which feature; empty when it is the window's.
        value: the observed number: a share of the rows, rows for the volume, seconds for the age.
        limit: the number it is compared with.
        detail: more for people, as the names of new categories.
    """

    kind: DataQualityIssueKind
    feature: str
    value: float
    limit: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityThresholds:
    """Thresholds of data quality issues.

    Attributes:
        share: by how much a share of the rows may exceed the reference's, beyond three standard errors; 0 to 1.
        volume: by which factor the rows may fall short of the expected number or exceed it, above 1.
        age: how old the newest row may be.
    """

    share: float = 0.01
    volume: float = 2.0
    age: timedelta = timedelta(hours=1)


_DEFAULT = QualityThresholds()
_SKEW = 11 / 6
_SELDOM = 0.001


def quality(
    profile: Profile,
    counts: Counts,
    *,
    expected_rows: float | None = None,
    newest: datetime | None = None,
    now: datetime | None = None,
    thresholds: QualityThresholds = _DEFAULT,
) -> tuple[DataQualityIssue, ...]:
    """Find the data quality issues of a window.

    Args:
        profile: of the reference.
        counts: of the window, from its rows or from the warehouse.
        expected_rows: how many rows a window like this has, or None to leave the volume alone.
        newest: the instant of the newest row, or None to leave its age alone.
        now: the instant that the age is counted to.
        thresholds: of the issues.

    Returns:
        The window's own issues first, then those of the features in the order of the profile.

    >>> from core.drift.counts import count
    >>> profile = Profile.fit({"age": list(range(100)), "plan": ["a", "b"] * 50})
    >>> counts = count(profile, {"age": [50, None, 200, None] * 25, "plan": ["a", "b", "c", "c"] * 25})
    >>> [(issue.feature, issue.kind.value, issue.value) for issue in quality(profile, counts)]
    [('age', 'missing', 0.5), ('age', 'out_of_range', 0.5), ('plan', 'new_category', 0.5)]
    """
    found = [*_window(counts, expected_rows, newest, now, thresholds)]
    if counts.rows:
        found += _columns(profile, counts, thresholds)
    order = {name: k for k, name in enumerate(profile.names)}
    return tuple(sorted(found, key=lambda issue: order.get(issue.feature, -1)))


def type_changed(name: str, was: str, now: str) -> DataQualityIssue:
    """The issue of a column that holds something else than in the reference."""
    detail = f"{was} in the reference, {now} now"
    return DataQualityIssue(kind=DataQualityIssueKind.TYPE_CHANGED, feature=name, value=1.0, limit=0.0, detail=detail)


def _window(
    counts: Counts,
    expected: float | None,
    newest: datetime | None,
    now: datetime | None,
    thresholds: QualityThresholds,
) -> Iterator[DataQualityIssue]:
    if expected is not None and not expected / thresholds.volume <= counts.rows <= expected * thresholds.volume:
        limit = expected / thresholds.volume if counts.rows < expected else expected * thresholds.volume
        detail = f"{counts.rows} rows, {expected:g} expected"
        yield DataQualityIssue(
            kind=DataQualityIssueKind.VOLUME, feature="", value=float(counts.rows), limit=limit, detail=detail
        )
    if newest is not None and now is not None and now - newest > thresholds.age:
        age, limit = (now - newest).total_seconds(), thresholds.age.total_seconds()
        yield DataQualityIssue(
            kind=DataQualityIssueKind.STALE, feature="", value=age, limit=limit, detail=f"newest row at {newest}"
        )


def _columns(profile: Profile, counts: Counts, thresholds: QualityThresholds) -> Iterator[DataQualityIssue]:
    for name in sorted(counts.absent):
        yield DataQualityIssue(kind=DataQualityIssueKind.ABSENT, feature=name, value=1.0, limit=0.0)
    held = dict.fromkeys(profile.grid.names, "numbers") | {part.name: part.holds for part in profile.categorical}
    for name, now in sorted(counts.retyped.items()):
        yield type_changed(name, held.get(name) or "categories", now)
    passed_over = counts.absent | counts.retyped.keys()
    for k in np.flatnonzero(_suspicious(profile, counts, thresholds)).tolist():
        if profile.grid.names[k] not in passed_over:
            yield from _numeric(profile, counts, k, thresholds)
    for k, part in enumerate(profile.categorical):
        if part.name not in passed_over:
            yield from _categorical(profile, counts, k, thresholds)


def _suspicious(profile: Profile, counts: Counts, thresholds: QualityThresholds) -> NDArray[np.bool_]:
    """Which numeric features are looked at one by one: most have no missing or infinite value, no more out of range than usual, and vary."""
    grid, cells = profile.grid, counts.cells
    finite = cells.sum(axis=1)
    outside = cells[:, 0] + cells[np.arange(len(cells)), grid.sizes]
    known = profile.prepared.counted
    with np.errstate(invalid="ignore"):  # no value is known
        limit = _limits((2, known + 1), (outside, np.maximum(finite, 1)), thresholds)
    left_out = np.array([name in profile.left_out for name in grid.names], dtype=bool)
    odd = counts.special.any(axis=1) | (counts.lowest == counts.highest) | left_out
    found: NDArray[np.bool_] = odd | (outside / np.maximum(finite, 1) > limit)
    return found


def _numeric(profile: Profile, counts: Counts, k: int, thresholds: QualityThresholds) -> Iterator[DataQualityIssue]:
    grid, name = profile.grid, profile.grid.names[k]
    old, new = grid.special[k].tolist(), counts.special[k].tolist()
    yield from _more(
        DataQualityIssueKind.MISSING,
        name,
        thresholds,
        reference=(old[MISSING], profile.rows),
        current=(new[MISSING], counts.rows),
    )
    if profile.left_out.get(name) is LeftOut.CONSTANT:
        always = f"always {grid.spell(k, grid.edges[k, 0])}" if grid.sizes[k] else "always missing or infinite"
        differ = int(counts.cells[k][grid.cells[k] == 0].sum()) + sum(
            new[end] for end in (BELOW, ABOVE) if not old[end]
        )
        rows = (0, profile.rows), (differ, counts.rows)
        kind = DataQualityIssueKind.VARIES
        yield from _more(kind, name, thresholds, reference=rows[0], current=rows[1], detail=always)
        return
    infinite = (old[BELOW] + old[ABOVE], profile.rows), (new[BELOW] + new[ABOVE], counts.rows)
    yield from _more(DataQualityIssueKind.INFINITE, name, thresholds, reference=infinite[0], current=infinite[1])
    known, finite = int(profile.prepared.counted[k]), int(counts.cells[k].sum())
    if known and finite:
        outside = int(counts.cells[k, 0] + counts.cells[k, grid.sizes[k] :].sum())
        detail = f"reference {grid.spell(k, grid.edges[k, 0])} to {grid.spell(k, grid.edges[k, grid.sizes[k] - 1])}"
        # Of a sample like the reference, two rows in n + 1 are expected to lie beyond its ends.
        beyond = (2, known + 1), (outside, finite)
        yield from _more(
            DataQualityIssueKind.OUT_OF_RANGE, name, thresholds, reference=beyond[0], current=beyond[1], detail=detail
        )
    constant = finite > 1 and counts.lowest[k] == counts.highest[k] and grid.sd[k] > 0
    if constant and not _is_chance(int(grid.cells[k].max()), known, finite):
        yield DataQualityIssue(
            kind=DataQualityIssueKind.CONSTANT,
            feature=name,
            value=1.0,
            limit=0.0,
            detail=f"always {grid.spell(k, counts.lowest[k])}",
        )


def _categorical(profile: Profile, counts: Counts, k: int, thresholds: QualityThresholds) -> Iterator[DataQualityIssue]:
    part, found = profile.categorical[k], counts.categories[k]
    missing = (part.counts[MISSING_CATEGORY], profile.rows), (found[MISSING_CATEGORY], counts.rows)
    yield from _more(DataQualityIssueKind.MISSING, part.name, thresholds, reference=missing[0], current=missing[1])
    if profile.left_out.get(part.name) is LeftOut.CONSTANT:
        always = f"always {part.values[0]}" if part.values else "always missing"
        differ = int(found[:MISSING_CATEGORY][part.counts[:MISSING_CATEGORY] == 0].sum())
        rows = (0, profile.rows), (differ, counts.rows)
        kind = DataQualityIssueKind.VARIES
        yield from _more(kind, part.name, thresholds, reference=rows[0], current=rows[1], detail=always)
        return
    if part.complete:
        detail = ", ".join(counts.new.get(part.name, ()))
        # As many rows are of categories that are new as were of categories seen once (Good 1953).
        unknown = (part.once, profile.rows), (found[NEW], counts.rows)
        yield from _more(
            DataQualityIssueKind.NEW_CATEGORY,
            part.name,
            thresholds,
            reference=unknown[0],
            current=unknown[1],
            detail=detail,
        )
    present = counts.rows - found[MISSING_CATEGORY]
    most, known = int(part.counts[:NEW].max(initial=0)), profile.rows - int(part.counts[MISSING_CATEGORY])
    constant = present > 1 and found[:NEW].max(initial=0) == present and np.count_nonzero(part.counts[:-1]) > 1
    if constant and not _is_chance(most, known, present):
        yield DataQualityIssue(kind=DataQualityIssueKind.CONSTANT, feature=part.name, value=1.0, limit=0.0)


def _is_chance(most: int, rows: int, current: int) -> bool:
    """Whether chance makes all current rows one value, the most frequent of the reference, more often than once in a thousand."""
    return current * math.log(most / rows) > math.log(_SELDOM)


def _more(
    kind: DataQualityIssueKind,
    name: str,
    thresholds: QualityThresholds,
    *,
    reference: tuple[int, int],
    current: tuple[int, int],
    detail: str = "",
) -> Iterator[DataQualityIssue]:
    """An issue when the current share exceeds the reference's by more than chance and threshold; each is (part, rows)."""
    (old, n), (new, m) = reference, current
    if not new:
        return
    share, limit = new / m, float(_limits((old, n), (new, m), thresholds))
    if share > limit:
        yield DataQualityIssue(kind=kind, feature=name, value=float(share), limit=float(limit), detail=detail)


def _limits(
    reference: tuple[Ints | int, Ints | int], current: tuple[Ints | int, Ints | int], thresholds: QualityThresholds
) -> Floats:
    """The largest share of the current rows that chance and threshold allow; each is (part, rows)."""
    (old, n), (new, m) = reference, current
    some = np.maximum(n, 1)
    both = (old + new) / (n + m)
    # Three standard errors, and what a few rows are skewed by beyond them: (9 - 1) / 6 + 1 / 2 rows (Cornish and Fisher 1938).
    chance = 3 * np.sqrt(both * (1 - both) * (1 / some + 1 / m)) + _SKEW / m
    limit: Floats = old / some + thresholds.share + chance
    return limit
