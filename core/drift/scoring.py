"""Scoring a window: the statistics of each feature, and one verdict over all of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from core.drift import joint
from core.drift.bins import Bins
from core.drift.categories import GROUPS, MISSING_CATEGORY
from core.drift.cells import Numbers, binned
from core.drift.columns import Columns, Floats, Ints, ProfileError
from core.drift.counts import Counts, examine
from core.drift.evidence import Evidence, either, of_bins, of_numbers
from core.drift.grid import MISSING, Grid
from core.drift.joint import JointDrift
from core.drift.normal import shift_of_rank
from core.drift.profile import Profile
from core.drift.report import DriftReport, FeatureDrift, Kind, Mode, Reason, StatisticResult, TailChange
from core.drift.statistics import DECIDING, Values, chosen, compute
from core.drift.tail import Tails, compare
from core.drift.verdict import Thresholds, benjamini_hochberg, overall, reasons
from core.statistics import DEFAULT

ROW_LIMIT = 2_000_000
"""Windows of more rows are scored from counts."""

_DEFAULT = Thresholds()
_NONE = StatisticResult(None)
# As `_make` of a named tuple, which is a function in Python and takes twice as long.
_RESULT = partial(tuple.__new__, StatisticResult)
_FEATURE = partial(tuple.__new__, FeatureDrift)


def score(
    profile: Profile,
    columns: Columns,
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    statistics: Collection[str] = DEFAULT,
    row_limit: int = ROW_LIMIT,
) -> DriftReport:
    """Compare a window with a reference, by its rows.

    Args:
        profile: of the reference.
        columns: a column by feature name; columns that the profile does not know are passed over, and one that is not
            there is reported as absent, one of another type as such. An empty window, NaN, infinities and new categories are all well.
        thresholds: when a change is called drift.
        slot: of the calendar, as from `hour_of_week`, when the profile is calibrated.
        statistics: the names of those that are reported; the verdict is the same whichever they are.
        row_limit: with more rows, or with a compact profile, the statistics come from counts.

    Raises:
        ProfileError: the columns differ in length, or there is no such statistic.

    >>> rng = np.random.default_rng(3)
    >>> profile = Profile.fit({"age": rng.normal(40, 10, 5000), "plan": rng.choice(["a", "b"], 5000)})
    >>> report = score(profile, {"age": rng.normal(45, 10, 5000), "plan": rng.choice(["a", "b"], 5000)})
    >>> report.drifted, report.mode.value, round(report["age"].shift, 1)
    (('age',), 'exact', 0.5)
    """
    shown = chosen(statistics)
    counts, exact = examine(profile, columns, statistics=_needed(shown), row_limit=row_limit)
    sampled = _sampled(profile, counts, columns, thresholds)
    return _score(profile, counts, thresholds=thresholds, slot=slot, shown=shown, exact=exact, sampled=sampled)


def score_counts(
    profile: Profile,
    counts: Counts,
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    statistics: Collection[str] = DEFAULT,
    sample: Columns | None = None,
) -> DriftReport:
    """Compare a window with a reference, by its counts.

    Args:
        profile: of the reference.
        counts: of the window, counted against this profile or one with the same cells.
        thresholds: when a change is called drift.
        slot: of the calendar, as from `hour_of_week`, when the profile is calibrated.
        statistics: the names of those that are reported; the verdict is the same whichever they are.
        sample: some of its rows, `joint.ROWS` are enough, by which it is seen how features go together; None to leave that alone.

    Returns:
        The report; each statistic carries the bound of its error.

    Raises:
        ProfileError: the counts are of another profile, or there is no such statistic.
    """
    sampled = _sampled(profile, counts, sample, thresholds)
    shown = chosen(statistics)
    return _score(profile, counts, thresholds=thresholds, slot=slot, shown=shown, exact=None, sampled=sampled)


def _sampled(
    profile: Profile, counts: Counts, columns: Columns | None, thresholds: Thresholds
) -> joint.JointSample | None:
    """The rows by which it is seen how features go together in the window; None where there are too few rows or features."""
    known = [name for name in profile.joint.names if name in (columns or ()) and name not in counts.retyped]
    if columns is None or len(known) < 2 or counts.rows < thresholds.minimum_rows:  # noqa: PLR2004 - a pair
        return None
    return joint.sample(columns, known, profile.joint.origins)


def _together(
    profile: Profile, counts: Counts, current: joint.JointSample, p_values: Floats, thresholds: Thresholds
) -> joint.Evidence | None:
    """How features go together in both windows; `p_values` are those of the features by themselves."""
    rows = profile.joint.pairs.rows, current.values.shape[1]
    effect = dict(zip(profile.order, profile.dependence.effect_of_samples(rows, counts.rows).tolist(), strict=True))
    moved = bool((benjamini_hochberg(p_values) <= thresholds.false_alarms).any())
    return joint.compare(profile.joint, current, effect, thresholds.false_alarms, by_classifier=not moved)


def _needed(shown: Collection[str]) -> tuple[str, ...]:
    """The statistics that are computed: those that are reported, and those that the verdict rests on."""
    return chosen({*shown, *DECIDING})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Family:
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


def _score(
    profile: Profile,
    counts: Counts,
    *,
    thresholds: Thresholds,
    slot: int | None,
    shown: tuple[str, ...],
    exact: Mapping[str, Floats] | None,
    sampled: joint.JointSample | None,
) -> DriftReport:
    if counts.fingerprint != profile.fingerprint:
        raise ProfileError(f"counts: must be of profile {profile.fingerprint}, got counts of {counts.fingerprint}")
    whole = profile
    if profile.calibration and profile.calibration.knows(slot):
        profile = profile.independent
    families = _families(profile, counts, thresholds, shown, exact or {})
    names = profile.order
    absent = np.array([name in counts.absent for name in names], dtype=bool)
    retyped = np.array([name in counts.retyped for name in names], dtype=bool)
    compared = np.array([name not in profile.left_out for name in names], dtype=bool)
    judged = compared & ~absent & ~retyped & (min(profile.rows, counts.rows) >= thresholds.minimum_rows)
    p_values = np.where(judged, np.concatenate([family.evidence.p_value for family in families]), 1.0)
    q_values = np.ones(len(names))
    together = None if sampled is None else _together(whole, counts, sampled, p_values[compared], thresholds)
    family = p_values[compared] if together is None else np.append(p_values[compared], together.p_value)
    family = benjamini_hochberg(family)
    q_values[compared] = family[: int(compared.sum())]
    both = None if together is None else _judged(together, float(family[-1]), thresholds)
    strength = np.concatenate([family.evidence.strength for family in families])
    usual = profile.calibration.usual(slot) if profile.calibration else np.zeros(len(names))
    found = reasons(
        q_values=q_values,
        strength=strength,
        usual=usual,
        judged=judged,
        absent=absent,
        retyped=retyped,
        thresholds=thresholds,
    )
    worth = profile.dependence.worth(counts.rows)
    features = _features(profile, families, shown, found, (strength, p_values, q_values, usual, worth))
    if profile.categorical or profile.left_out:
        by_name = {feature.name: feature for feature in features}
        features = [by_name[name] for name in profile.names if name not in profile.left_out]
    return DriftReport(
        features=tuple(features),
        drifted=tuple(feature.name for feature in features if feature.drifted),
        reason=Reason.DRIFT if both and both.drifted else overall(tuple(feature.reason for feature in features)),
        mode=Mode.COUNTS if exact is None and profile.grid.names else Mode.EXACT,
        n_reference=profile.rows,
        n_current=counts.rows,
        shift_threshold=thresholds.shift,
        left_out=profile.left_out,
        joint=both,
    )


def _judged(found: joint.Evidence, q_value: float, thresholds: Thresholds) -> JointDrift:
    return JointDrift(
        drifted=found.enough and q_value <= thresholds.false_alarms,
        p_value=found.p_value,
        q_value=q_value,
        pairs=found.pairs,
        auc=found.auc,
        rows=found.rows,
    )


def _families(
    profile: Profile, counts: Counts, thresholds: Thresholds, shown: tuple[str, ...], exact: Mapping[str, Floats]
) -> list[_Family]:
    """What is said of the numeric features, and of the categorical ones where there are any."""
    effect = profile.dependence.effect(profile.rows, counts.rows)
    size = len(profile.grid.names)
    numeric = _numeric(profile, counts, thresholds, shown, exact=exact, effect=effect[:size])
    return [numeric, _categorical(profile, counts, shown, effect[size:])] if profile.categorical else [numeric]


def _features(
    profile: Profile,
    families: list[_Family],
    shown: tuple[str, ...],
    found: tuple[Reason, ...],
    numbers: tuple[Floats, Floats, Floats, Floats, Floats],
) -> list[FeatureDrift]:
    """The features, numeric ones first, put together column by column in the order of `FeatureDrift`."""
    strength, p_values, q_values, usual, worth = (values.tolist() for values in numbers)
    features: list[FeatureDrift] = []
    for family in families:
        part = slice(len(features), len(features) + len(family.names))
        verdicts = (
            family.names,
            [family.kind] * len(family.names),
            [reason is Reason.DRIFT for reason in found[part]],
            found[part],
            strength[part],
            family.shift,
            p_values[part],
            q_values[part],
            usual[part],
            [shown] * len(family.names),
        )
        sizes = family.rows.tolist(), family.present.tolist()
        rows = (map(tuple, window.tolist()) for window in (family.bins.reference, family.bins.current))
        labels = profile.labels[part]
        told = family.means, family.tails
        columns = zip(*verdicts, family.results, *sizes, worth[part], labels, *rows, *told, strict=True)
        features += map(_FEATURE, columns)
    return features


def _numeric(
    profile: Profile,
    counts: Counts,
    thresholds: Thresholds,
    shown: tuple[str, ...],
    *,
    exact: Mapping[str, Floats],
    effect: Floats,
) -> _Family:
    prepared, grid = profile.prepared, profile.grid
    cumulated = np.cumsum(counts.cells, axis=1)
    tails = _tails(profile, counts, cumulated)
    numbers = Numbers.of(
        prepared=prepared,
        sd=grid.sd,
        cumulated=cumulated,
        special=counts.special,
        tails=tails,
        effect=effect,
        exact=exact,
        inexact=_inexact(profile) if exact else {},
    )
    bins = Bins.of(prepared.bins, binned(grid, cumulated, counts.special), effect)
    found = compute(_needed(shown), bins, numbers)
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
    return _Family(
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


def _categorical(profile: Profile, counts: Counts, shown: tuple[str, ...], effect: Floats) -> _Family:
    parts = profile.categorical
    width = max(part.counts.size for part in parts)
    reference = np.zeros((len(parts), width), dtype=np.int64)
    current = np.zeros_like(reference)
    for k, part in enumerate(parts):
        reference[k, : part.counts.size] = part.counts
        current[k, : part.counts.size] = counts.categories[k]
    by_group, together = _compared(profile, counts, effect)
    found = compute(_needed(shown), by_group)
    return _Family(
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
