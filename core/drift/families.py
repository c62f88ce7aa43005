"""What the statistics say of the features of a window, those of one kind at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from core.drift.bins import Bins
from core.drift.categories import GROUPS, MISSING_CATEGORY
from core.drift.cells import Numbers, binned
from core.drift.columns import Floats, Ints
from core.drift.counts import Counts
from core.drift.evidence import Evidence, either, of_bins, of_numbers
from core.drift.grid import MISSING, Grid
from core.drift.normal import shift_of_rank
from core.drift.profile import Profile
from core.drift.report import Kind, StatisticResult, TailChange
from core.drift.statistics import DECIDING, Values, chosen, compute
from core.drift.tail import Tails, compare
from core.drift.verdict import Thresholds

_NONE = StatisticResult(None)
# As `_make` of a named tuple, which is a function in Python and takes twice as long.
_RESULT = partial(tuple.__new__, StatisticResult)


def needed(shown: Collection[str]) -> tuple[str, ...]:
    """The statistics that are computed: those that are reported, and those that the verdict rests on."""
    return chosen({*shown, *DECIDING})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """What is said of the k features of one kind: arrays of shape (k,), lists of length k."""

    kind: Kind
    names: tuple[str, ...]
    results: list[tuple[StatisticResult, ...]]
    shift: list[float | None]
    evidence: Evidence
    rows: Ints
    present: Ints
    bins: Bins
    means: list[tuple[float | None, float | None]]
    tails: list[TailChange | None]


def families(
    profile: Profile, counts: Counts, thresholds: Thresholds, shown: tuple[str, ...], exact: Mapping[str, Floats]
) -> list[Family]:
    """What is said of the numeric features, and of the categorical ones where there are any."""
    effect = profile.dependence.effect(profile.rows, counts.rows)
    size = len(profile.grid.names)
    numeric = _numeric(profile, counts, thresholds, shown, exact=exact, effect=effect[:size])
    return [numeric, _categorical(profile, counts, shown, effect[size:])] if profile.categorical else [numeric]


def _numeric(
    profile: Profile,
    counts: Counts,
    thresholds: Thresholds,
    shown: tuple[str, ...],
    *,
    exact: Mapping[str, Floats],
    effect: Floats,
) -> Family:
    prepared, grid = profile.prepared, profile.grid
    cumulated = np.cumsum(counts.cells, axis=1)
    numbers = _numbers(profile, counts, cumulated, exact, effect)
    bins = Bins.of(prepared.constants.bins, binned(grid, cumulated, counts.special), effect)
    found = compute(needed(shown), bins, numbers)
    far = compare(
        grid.tails,
        grid.moments,
        raw=(grid.mean, grid.sd),
        n=prepared.counted,
        cumulated=cumulated,
        sums=counts.sums,
        effect=effect,
    )
    enough = np.minimum(numbers.n, numbers.m) >= thresholds.minimum_rows
    evidence = of_numbers(found, numbers, far, enough=enough, thresholds=thresholds)
    [shift] = _plain(shift_of_rank(numbers.rank)[None] + numbers.blank)
    return Family(
        kind=Kind.NUMERIC,
        names=grid.names,
        results=_results(shown, found, len(grid.names)),
        shift=shift,
        evidence=evidence,
        rows=prepared.rows,
        present=counts.rows - counts.special[:, MISSING],
        bins=bins,
        means=_means(grid, prepared.counted, cumulated[:, -1], counts.sums),
        tails=_changes(grid, far, evidence.by_tails),
    )


def _numbers(profile: Profile, counts: Counts, cumulated: Ints, exact: Mapping[str, Floats], effect: Floats) -> Numbers:
    return Numbers.of(
        prepared=profile.prepared,
        sd=profile.grid.sd,
        cells=counts.cells,
        cumulated=cumulated,
        special=counts.special,
        tails=_tails(profile, counts, cumulated),
        effect=effect,
        exact=exact,
        inexact=_inexact(profile) if exact else {},
    )


def _inexact(profile: Profile) -> dict[str, Floats]:
    """At most how far exact statistics are off because of the reference a sketch was kept."""
    errors = np.array([(one.ks, one.wasserstein) for one in profile.samples.sketches]).reshape(-1, 2)
    return {"ks": errors[:, 0], "wasserstein": errors[:, 1]} if errors.any() else {}


def _means(grid: Grid, n: Ints, m: Ints, sums: Floats) -> list[tuple[float | None, float | None]]:
    now = sums.sum(axis=1) / np.maximum(m, 1)
    origins = np.array(grid.origins, dtype=np.float64)
    means = zip((grid.mean + origins).tolist(), (now + origins).tolist(), n.tolist(), m.tolist(), strict=True)
    return [(old if n else None, new if m else None) for old, new, n, m in means]


def _changes(grid: Grid, tails: Tails, certain: NDArray[np.bool_] | None) -> list[TailChange | None]:
    """What tails and mean say, where they are certain."""
    found: list[TailChange | None] = [None] * len(grid.names)
    for k in np.flatnonzero(certain).tolist() if certain is not None else ():
        edge = int(tails.edge[k])
        threshold = grid.spell(k, float(grid.edges[k, edge])) if edge >= 0 else ""
        old, new = tails.shares[:, k].tolist() if edge >= 0 else (0.0, 0.0)
        found[k] = TailChange(bool(tails.upper[k]), threshold, old, new)
    return found


def _tails(profile: Profile, counts: Counts, cumulated: Ints) -> Floats:
    """Finite rows below the lowest and above the highest edge, each times how far they reach; shape (k, 2)."""
    grid = profile.grid
    if not grid.edges.shape[1]:
        return np.zeros((len(grid.names), 2))
    last = np.maximum(grid.sizes - 1, 0)
    row = np.arange(last.size)
    beyond = cumulated[:, -1] - cumulated[row, last]
    known = grid.sizes > 0
    reach = np.zeros((last.size, 2))
    np.subtract(grid.edges[:, 0], counts.lowest, out=reach[:, 0], where=known & (cumulated[:, 0] > 0))
    np.subtract(counts.highest, grid.edges[row, last], out=reach[:, 1], where=known & (beyond > 0))
    with np.errstate(over="ignore"):  # values near the largest float: as far as can be
        return reach * np.stack((cumulated[:, 0], beyond), axis=1)


def _categorical(profile: Profile, counts: Counts, shown: tuple[str, ...], effect: Floats) -> Family:
    parts = profile.categorical
    width = max(part.counts.size for part in parts)
    reference = np.zeros((len(parts), width), dtype=np.int64)
    current = np.zeros_like(reference)
    for k, part in enumerate(parts):
        reference[k, : part.counts.size] = part.counts
        current[k, : part.counts.size] = counts.categories[k]
    by_group, together = _compared(profile, counts, effect)
    found = compute(needed(shown), by_group)
    return Family(
        kind=Kind.CATEGORICAL,
        names=tuple(part.name for part in parts),
        results=_results(shown, found, len(parts)),
        shift=[None] * len(parts),
        evidence=either(of_bins(found), of_bins(compute(DECIDING, together)), by_group.width > together.width),
        rows=np.array([profile.rows - part.counts[MISSING_CATEGORY] for part in parts]),
        present=np.array([counts.rows - found[MISSING_CATEGORY] for found in counts.categories]),
        bins=Bins.of(reference, current),
        means=[(None, None)] * len(parts),
        tails=[None] * len(parts),
    )


def _compared(profile: Profile, counts: Counts, effect: Floats) -> tuple[Bins, Bins]:
    """The bins by which categorical features are compared, and the same with all groups of rare categories as one bin."""
    width = max(len(part.values) for part in profile.categorical)
    tables = np.zeros((2, len(profile.categorical), width + GROUPS + 1), dtype=np.int64)
    windows = zip(profile.categorical, counts.categories, counts.groups, strict=True)
    for k, (part, current, groups) in enumerate(windows):
        size = len(part.values)
        for table, rows in zip(tables, part.compared(current, groups), strict=True):
            table[k, :size], table[k, width:] = rows[:size], rows[size:]
    rare = tables[..., width:-1].sum(axis=2, keepdims=True)
    together = np.concatenate((tables[..., :width], rare, tables[..., -1:]), axis=2)
    return Bins.of(tables[0], tables[1], effect), Bins.of(together[0], together[1], effect)


def _results(shown: Sequence[str], found: Mapping[str, Values], size: int) -> list[tuple[StatisticResult, ...]]:
    """What the statistics say of each of so many features; all arrays are turned into plain numbers at once."""
    arrays = [array for name in shown if name in found for array in _arrays(found[name]) if array is not None]
    rows = iter(_plain(np.array(arrays)) if arrays else ())
    columns: list[Iterable[StatisticResult]] = []
    for name in shown:
        if name in found:
            parts = (
                repeat(none) if array is None else next(rows)
                for array, none in zip(_arrays(found[name]), _NONE, strict=True)
            )
            columns.append(map(_RESULT, zip(*parts, strict=False)))
        else:
            columns.append(repeat(_NONE, size))
    return list(zip(*columns, strict=True)) if columns else [()] * size


def _arrays(values: Values) -> tuple[Floats | None, ...]:
    """In the order of `StatisticResult`."""
    return values.value, values.p_value, values.excess, values.error


def _plain(table: Floats) -> list[list[float | None]]:
    """As plain numbers, None for NaN."""
    rows: list[list[float | None]] = table.tolist()
    if not np.isnan(table).any():
        return rows
    return [[None if value != value else value for value in row] for row in rows]  # noqa: PLR0124 - so is NaN found
