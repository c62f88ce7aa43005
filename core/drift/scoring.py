"""Scoring a window: five tests a feature, and one verdict over all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from core.drift.bins import Binned, compare
from core.drift.cells import binned, measure, rank_deviate
from core.drift.columns import Columns, Floats, Ints, ProfileError
from core.drift.counts import MISSING_CATEGORY, Counts, Distances, examine
from core.drift.grid import MISSING
from core.drift.normal import kolmogorov, shift_of_js, shift_of_ks, shift_of_rank, two_sided, without_chance
from core.drift.profile import Profile
from core.drift.report import DriftReport, FeatureDrift, Kind, Mode, Reason, Statistic
from core.drift.verdict import Thresholds, benjamini_hochberg, overall, reasons

ROW_LIMIT = 2_000_000
"""Windows of more rows are scored from counts."""

_DEFAULT = Thresholds()
_NONE = Statistic(None)


def score(
    profile: Profile,
    columns: Columns,
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    row_limit: int = ROW_LIMIT,
) -> DriftReport:
    """Compare a window with a reference, by its rows.

    Args:
        profile: of the reference.
        columns: a column by feature name; columns that the profile does not know are passed over, and one that is not
            there is reported as absent. An empty window, NaN, infinities and new categories are all well.
        thresholds: when a change is called drift.
        slot: of the calendar, as from `hour_of_week`, when the profile is calibrated.
        row_limit: with more rows, or with a compact profile, the tests come from counts.

    Raises:
        ProfileError: the columns differ in length, or one holds what its feature can not be.

    >>> rng = np.random.default_rng(3)
    >>> profile = Profile.fit({"age": rng.normal(40, 10, 5000), "plan": rng.choice(["a", "b"], 5000)})
    >>> report = score(profile, {"age": rng.normal(45, 10, 5000), "plan": rng.choice(["a", "b"], 5000)})
    >>> report.drifted, report.mode.value, round(report["age"].shift, 1)
    (('age',), 'exact', 0.5)
    """
    counts, distances = examine(profile, columns, row_limit=row_limit)
    return _score(profile, counts, thresholds, slot, distances)


def score_counts(
    profile: Profile, counts: Counts, *, thresholds: Thresholds = _DEFAULT, slot: int | None = None
) -> DriftReport:
    """Compare a window with a reference, by its counts.

    Args:
        profile: of the reference.
        counts: of the window, counted against this profile or one with the same cells.
        thresholds: when a change is called drift.
        slot: of the calendar, as from `hour_of_week`, when the profile is calibrated.

    Returns:
        The report; each test carries the bound of its error.

    Raises:
        ProfileError: the counts are of another profile.
    """
    return _score(profile, counts, thresholds, slot, None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Family:
    """What is said of the k features of one kind: arrays of shape (k,), lists of length k."""

    kind: Kind
    names: tuple[str, ...]
    ks: list[Statistic]
    psi: list[Statistic]
    wasserstein: list[Statistic]
    js: list[Statistic]
    chi2: list[Statistic]
    shift: list[float | None]
    strength: Floats
    p_value: Floats
    rows: Ints
    present: Ints
    reference: Ints
    current: Ints


def _score(
    profile: Profile, counts: Counts, thresholds: Thresholds, slot: int | None, distances: Distances | None
) -> DriftReport:
    if counts.fingerprint != profile.fingerprint:
        raise ProfileError(f"counts: must be of profile {profile.fingerprint}, got counts of {counts.fingerprint}")
    families = [_numeric(profile, counts, thresholds, distances)]
    if profile.categorical:
        families.append(_categorical(profile, counts))
    names = profile.order
    absent = np.array([name in counts.absent for name in names], dtype=bool)
    judged = ~absent & (min(profile.rows, counts.rows) >= thresholds.minimum_rows)
    p_values = np.where(judged, np.concatenate([family.p_value for family in families]), 1.0)
    q_values = benjamini_hochberg(p_values)
    strength = np.concatenate([family.strength for family in families])
    usual = profile.calibration.usual(slot) if profile.calibration else np.zeros(len(names))
    found = reasons(
        q_values=q_values, strength=strength, usual=usual, judged=judged, absent=absent, thresholds=thresholds
    )
    features = _features(profile, families, found, (strength, p_values, q_values, usual))
    if profile.categorical:
        by_name = {feature.name: feature for feature in features}
        features = [by_name[name] for name in profile.names]
    return DriftReport(
        features=tuple(features),
        drifted=tuple(feature.name for feature in features if feature.drifted),
        reason=overall(found),
        mode=Mode.EXACT if distances or not profile.grid.names else Mode.COUNTS,
        n_reference=profile.rows,
        n_current=counts.rows,
        shift_threshold=thresholds.shift,
    )


def _features(
    profile: Profile,
    families: list[_Family],
    found: tuple[Reason, ...],
    numbers: tuple[Floats, Floats, Floats, Floats],
) -> list[FeatureDrift]:
    """The features, numeric ones first, put together column by column in the order of `FeatureDrift`."""
    strength, p_values, q_values, usual = (values.tolist() for values in numbers)
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
        )
        tests = family.ks, family.psi, family.wasserstein, family.js, family.chi2
        sizes = family.rows.tolist(), family.present.tolist()
        bins = profile.labels[part], map(tuple, family.reference.tolist()), map(tuple, family.current.tolist())
        features += map(FeatureDrift._make, zip(*verdicts, *tests, *sizes, *bins, strict=True))
    return features


def _numeric(profile: Profile, counts: Counts, thresholds: Thresholds, distances: Distances | None) -> _Family:
    prepared = profile.prepared
    cumulated = np.cumsum(counts.cells, axis=1)
    measured = measure(prepared, cumulated, counts.special, _tails(profile, counts, cumulated))
    if distances:
        measured = measured.exactly(ks=distances.ks, area=distances.area)
    bins = binned(profile.grid, cumulated, counts.special)
    said = compare(prepared.bins, bins)
    present = counts.rows - counts.special[:, MISSING]
    n, m = np.maximum(prepared.rows, 1), np.maximum(present, 1)
    judged = np.minimum(n, m) >= thresholds.minimum_rows
    ks_p = kolmogorov(measured.ks, n * m / (n + m))
    rank_p = two_sided(rank_deviate(prepared, measured.rank, n, m))
    p_value = np.where(judged, np.minimum(3 * np.minimum(np.minimum(ks_p, rank_p), said.pooled_p), 1.0), said.pooled_p)
    sd = np.where(profile.grid.sd > 0, profile.grid.sd, 1.0)
    distance = measured.area / sd
    by_chance = np.sqrt(1 / n + 1 / m)
    ks_excess = without_chance(measured.ks, np.pi / np.sqrt(12) * by_chance)
    area_excess = without_chance(distance, prepared.spread / sd * by_chance)
    blank = np.where((prepared.rows > 0) & (present > 0), 0.0, np.nan)
    distance = distance + np.where((cumulated[:, -1] > 0) & (prepared.counted > 0), 0.0, np.nan)
    table = np.stack((measured.ks, ks_p, ks_excess, distance, area_excess, shift_of_rank(measured.rank))) + blank
    ks, ks_p_values, ks_left, area, area_left, shift = _plain(table)
    psi, js, chi2 = _binned_tests(said)
    return _Family(
        kind=Kind.NUMERIC,
        names=profile.grid.names,
        ks=_statistics(ks, ks_p_values, ks_left, measured.ks_error.tolist()),
        psi=psi,
        wasserstein=_statistics(area, repeat(None), area_left, (measured.area_error / sd).tolist()),
        js=js,
        chi2=chi2,
        shift=shift,
        strength=np.maximum(np.where(judged, shift_of_ks(ks_excess), 0.0), shift_of_js(said.js_excess)),
        p_value=p_value,
        rows=prepared.rows,
        present=present,
        reference=prepared.bins,
        current=bins,
    )


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
    return reach * np.stack((cumulated[:, 0], beyond), axis=1)


def _categorical(profile: Profile, counts: Counts) -> _Family:
    parts = profile.categorical
    width = max(part.counts.size for part in parts)
    reference = np.zeros((len(parts), width), dtype=np.int64)
    current = np.zeros_like(reference)
    for k, part in enumerate(parts):
        reference[k, : part.counts.size] = part.counts
        current[k, : part.counts.size] = counts.categories[k]
    said = compare(reference, current)
    psi, js, chi2 = _binned_tests(said)
    return _Family(
        kind=Kind.CATEGORICAL,
        names=tuple(part.name for part in parts),
        ks=[_NONE] * len(parts),
        psi=psi,
        wasserstein=[_NONE] * len(parts),
        js=js,
        chi2=chi2,
        shift=[None] * len(parts),
        strength=shift_of_js(said.js_excess),
        p_value=said.pooled_p,
        rows=np.array([profile.rows - part.counts[MISSING_CATEGORY] for part in parts]),
        present=np.array([counts.rows - found[MISSING_CATEGORY] for found in counts.categories]),
        reference=reference,
        current=current,
    )


def _binned_tests(said: Binned) -> tuple[list[Statistic], list[Statistic], list[Statistic]]:
    table = np.stack((said.psi, said.psi_excess, said.js, said.js_excess, said.chi2, said.chi2_p))
    psi, psi_left, js, js_left, chi2, chi2_p = _plain(table)
    return (
        _statistics(psi, repeat(None), psi_left, repeat(0.0)),
        _statistics(js, repeat(None), js_left, repeat(0.0)),
        _statistics(chi2, chi2_p, repeat(None), repeat(0.0)),
    )


def _statistics(
    values: list[float | None],
    p_values: Iterable[float | None],
    excesses: Iterable[float | None],
    errors: Iterable[float],
) -> list[Statistic]:
    return list(map(Statistic._make, zip(values, p_values, excesses, errors, strict=False)))


def _plain(table: Floats) -> list[list[float | None]]:
    """As plain numbers, None for NaN."""
    rows: list[list[float | None]] = table.tolist()
    if not np.isnan(table).any():
        return rows
    return [[None if value != value else value for value in row] for row in rows]  # noqa: PLR0124 - so is NaN found
