"""What the statistics say of the features of a window, those of one kind at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, repeat
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.bins import Bins
from core.drift.categories import GROUPS, MISSING_CATEGORY
from core.drift.cells import binned
from core.drift.columns import Floats, Ints
from core.drift.counts import Counts
from core.drift.evidence import either, of_bins, of_numbers
from core.drift.grid import MISSING, Grid
from core.drift.joined import joined
from core.drift.normal import shift_of_rank
from core.drift.overlay import Numbers, Overlay
from core.drift.profile import Profile
from core.drift.report import Kind, StatisticResult, TailChange
from core.drift.statistics import DECIDING, Values, chosen, compute
from core.drift.tail import Seen, Tails, compare
from core.drift.verdict import Thresholds

_NONE = StatisticResult(None)
# As `_make` of a named tuple, which is a function in Python and takes twice as long.
_RESULT = partial(tuple.__new__, StatisticResult)


def needed(shown: Collection[str]) -> tuple[str, ...]:
    """The statistics that are computed: those that are reported, and those that the verdict rests on."""
    return chosen({*shown, *DECIDING})


class Compared(NamedTuple):
    """A window to be compared with its reference.

    Attributes:
        profile: of the reference.
        counts: of the window.
        exact: by statistic, what was computed from its rows; None where they were only counted.
    """

    profile: Profile
    counts: Counts
    exact: Mapping[str, Floats] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """What is said of the k features of one kind: arrays of shape (k,), those of bins (k, b), lists of length k."""

    kind: Kind
    names: tuple[str, ...]
    results: list[tuple[StatisticResult, ...]]
    shift: list[float | None]
    strength: Floats
    p_value: Floats
    rows: Ints
    present: Ints
    reference: Ints
    current: Ints
    means: list[tuple[float | None, float | None]]
    tails: list[TailChange | None]


def families(windows: Sequence[Compared], thresholds: Thresholds, shown: tuple[str, ...]) -> list[list[Family]]:
    """What is said of the numeric features of each window, and of the categorical ones where there are any.

    The numeric features of all windows are compared by the same calls of numpy: most of the time goes to the calls.
    """
    found: list[list[Family]] = []
    for _, alike in groupby(windows, key=lambda one: one.profile.prepared.places.shape[1]):  # as many bins
        some = list(alike)
        effects = [one.profile.dependence.effect(one.profile.rows, one.counts.rows) for one in some]
        numeric = _numeric(some, effects, thresholds, shown)
        for (profile, counts, _), effect, family in zip(some, effects, numeric, strict=True):
            size = len(profile.grid.names)
            others = [_categorical(profile, counts, shown, effect[size:])] if profile.categorical else []
            found.append([family, *others])
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Numeric:
    """k numeric features of some windows beside their references: arrays of shape (k, ...).

    Attributes:
        numbers: their values.
        tails: their tails and means.
        rows: reference rows that are not missing.
        present: the same of the current rows.
        reference: rows by bin.
        current: the same of the current rows.
    """

    numbers: Numbers
    tails: Seen
    rows: Ints
    present: Ints
    reference: Ints
    current: Ints

    @classmethod
    def of(cls, window: Compared, effect: Floats) -> Self:
        """Those of one window, with the design effect of each."""
        profile, counts, exact = window
        prepared, grid = profile.prepared, profile.grid
        laid = Overlay.of(prepared, counts.cells, counts.special)
        numbers = Numbers.of(
            prepared,
            laid,
            sd=grid.sd,
            special=counts.special,
            tails=_beyond_edges(grid, counts, laid),
            effect=effect,
            exact=exact or {},
            inexact=_inexact(profile) if exact else {},
        )
        tails = Seen(
            places=grid.tails,
            moments=grid.moments,
            mean=grid.mean,
            sd=grid.sd,
            n=prepared.counted,
            m=laid.total,
            below=laid.tails,
            clipped=laid.clipped,
            sums=counts.sums,
            effect=effect,
            features=np.full(effect.size, effect.size),
        )
        return cls(
            numbers=numbers,
            tails=tails,
            rows=prepared.rows,
            present=counts.rows - counts.special[:, MISSING],
            reference=prepared.constants.bins,
            current=binned(laid.coarse, laid.total, counts.special),
        )


def _numeric(
    windows: Sequence[Compared], effects: Sequence[Floats], thresholds: Thresholds, shown: tuple[str, ...]
) -> list[Family]:
    """What is said of the numeric features of each window."""
    sizes = [len(one.profile.grid.names) for one in windows]
    parts = [_Numeric.of(one, effect[:size]) for one, effect, size in zip(windows, effects, sizes, strict=True)]
    whole = joined(parts)
    numbers = whole.numbers
    found = compute(needed(shown), Bins.of(whole.reference, whole.current, numbers.effect), numbers)
    far = compare(whole.tails)
    enough = np.minimum(numbers.n, numbers.m) >= thresholds.minimum_rows
    evidence = of_numbers(found, numbers, far, features=whole.tails.features, enough=enough, thresholds=thresholds)
    results = _results(shown, found, sum(sizes))
    [shift] = _plain(shift_of_rank(numbers.rank)[None] + numbers.blank)
    grids = [one.profile.grid for one in windows]
    return [
        Family(
            kind=Kind.NUMERIC,
            names=grid.names,
            results=results[at],
            shift=shift[at],
            strength=evidence.strength[at],
            p_value=evidence.p_value[at],
            rows=part.rows,
            present=part.present,
            reference=part.reference,
            current=part.current,
            means=_means(grid, part.tails.n, part.tails.m, part.tails.sums),
            tails=_changes(grid, far, at, evidence.by_tails),
        )
        for grid, part, at in zip(grids, parts, _places(sizes), strict=True)
    ]


def _places(sizes: Sequence[int]) -> list[slice]:
    """Where the features of each window are among those of all, from how many each has."""
    stops = np.cumsum(sizes).tolist()
    return [slice(stop - size, stop) for size, stop in zip(sizes, stops, strict=True)]


def _inexact(profile: Profile) -> dict[str, Floats]:
    """At most how far exact statistics are off because of the reference a sketch was kept."""
    errors = np.array([(one.ks, one.wasserstein) for one in profile.samples.sketches]).reshape(-1, 2)
    return {"ks": errors[:, 0], "wasserstein": errors[:, 1]} if errors.any() else {}


def _means(grid: Grid, n: Ints, m: Ints, sums: Floats) -> list[tuple[float | None, float | None]]:
    now = sums.sum(axis=1) / np.maximum(m, 1)
    origins = np.array(grid.origins, dtype=np.float64)
    means = zip((grid.mean + origins).tolist(), (now + origins).tolist(), n.tolist(), m.tolist(), strict=True)
    return [(old if n else None, new if m else None) for old, new, n, m in means]


def _changes(grid: Grid, tails: Tails, at: slice, certain: NDArray[np.bool_] | None) -> list[TailChange | None]:
    """What tails and mean say, where they are certain, of the features at a place among those of all windows."""
    found: list[TailChange | None] = [None] * len(grid.names)
    for k in np.flatnonzero(certain[at]).tolist() if certain is not None else ():
        edge = int(tails.edge[at][k])
        threshold = grid.spell(k, float(grid.edges[k, edge])) if edge >= 0 else ""
        old, new = tails.shares[:, at][:, k].tolist() if edge >= 0 else (0.0, 0.0)
        found[k] = TailChange(bool(tails.upper[at][k]), threshold, old, new)
    return found


def _beyond_edges(grid: Grid, counts: Counts, laid: Overlay) -> Floats:
    """Finite rows below the lowest and above the highest edge, each times how far they reach; shape (k, 2)."""
    if not grid.edges.shape[1]:
        return np.zeros((len(grid.names), 2))
    last = np.maximum(grid.sizes - 1, 0)
    below, above = laid.ends[:, 0], laid.total - laid.ends[:, 1]
    known = grid.sizes > 0
    reach = np.zeros((last.size, 2))
    np.subtract(grid.edges[:, 0], counts.lowest, out=reach[:, 0], where=known & (below > 0))
    highest = grid.edges[np.arange(last.size), last]
    np.subtract(counts.highest, highest, out=reach[:, 1], where=known & (above > 0))
    with np.errstate(over="ignore"):  # values near the largest float: as far as can be
        return reach * np.stack((below, above), axis=1)


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
    evidence = either(of_bins(found), of_bins(compute(DECIDING, together)), by_group.width > together.width)
    return Family(
        kind=Kind.CATEGORICAL,
        names=tuple(part.name for part in parts),
        results=_results(shown, found, len(parts)),
        shift=[None] * len(parts),
        strength=evidence.strength,
        p_value=evidence.p_value,
        rows=np.array([profile.rows - part.counts[MISSING_CATEGORY] for part in parts]),
        present=np.array([counts.rows - found[MISSING_CATEGORY] for found in counts.categories]),
        reference=reference,
        current=current,
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
