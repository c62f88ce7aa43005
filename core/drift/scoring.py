"""Scoring a window: the statistics of each feature, and one verdict over all of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.drift import joint
from core.drift.columns import Columns, Floats, ProfileError
from core.drift.counts import Counts, examine
from core.drift.families import Compared, Family, families, needed
from core.drift.joint import JointDrift, JointSample
from core.drift.profile import Profile
from core.drift.report import DriftReport, FeatureDrift, Mode, Reason
from core.drift.statistics import chosen
from core.drift.verdict import Thresholds, benjamini_hochberg, overall, reasons
from core.statistics import DEFAULT

ROW_LIMIT = 2_000_000
"""Windows of more rows are scored from counts."""

_DEFAULT = Thresholds()


class CountedSample(NamedTuple):
    """A window that was counted.

    Attributes:
        profile: of the reference.
        counts: of the window, counted against this profile or one with the same cells.
        sample: some of its rows, as for `score_counts`; None to leave alone how features go together.
    """

    profile: Profile
    counts: Counts
    sample: Columns | JointSample | None = None


# As `_make` of a named tuple, which is a function in Python and takes twice as long.
_FEATURE = partial(tuple.__new__, FeatureDrift)


class _Asked(NamedTuple):
    """When a change is called drift, the slot of the calendar, and which statistics are reported."""

    thresholds: Thresholds
    slot: int | None
    shown: tuple[str, ...]


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
    report, _ = score_and_count(
        profile, columns, thresholds=thresholds, slot=slot, statistics=statistics, row_limit=row_limit
    )
    return report


def score_and_count(
    profile: Profile,
    columns: Columns,
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    statistics: Collection[str] = DEFAULT,
    row_limit: int = ROW_LIMIT,
) -> tuple[DriftReport, Counts]:
    """The report of `score` and the counts of `count`: both sort the columns, which is done once here."""
    asked = _Asked(thresholds, slot, chosen(statistics))
    counts, exact = examine(profile, columns, statistics=needed(asked.shown), row_limit=row_limit)
    [report] = _score([CountedSample(profile, counts, columns)], [exact], asked)
    return report, counts


def score_counts(
    profile: Profile,
    counts: Counts,
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    statistics: Collection[str] = DEFAULT,
    sample: Columns | JointSample | None = None,
) -> DriftReport:
    """Compare a window with a reference, by its counts.

    Args:
        profile: of the reference.
        counts: of the window, counted against this profile or one with the same cells.
        thresholds: when a change is called drift.
        slot: of the calendar, as from `hour_of_week`, when the profile is calibrated.
        statistics: the names of those that are reported; the verdict is the same whichever they are.
        sample: some of its rows, `joint.ROWS` are enough, by which it is seen how features go together: columns, or what slots keep of
            them; None to leave that alone.

    Returns:
        The report; each statistic carries the bound of its error.

    Raises:
        ProfileError: the counts are of another profile, or there is no such statistic.
    """
    window = CountedSample(profile, counts, sample)
    [report] = score_each_counts([window], thresholds=thresholds, slot=slot, statistics=statistics)
    return report


def score_each_counts(
    windows: Sequence[CountedSample],
    *,
    thresholds: Thresholds = _DEFAULT,
    slot: int | None = None,
    statistics: Collection[str] = DEFAULT,
) -> list[DriftReport]:
    """Compare windows with their references, by their counts: the reports of `score_counts`, in less time than one after the other.

    Args:
        windows: each with its own profile.
        thresholds: as for `score_counts`; of all windows, as what follows.
        slot: of the calendar.
        statistics: the names of those that are reported.

    Raises:
        ProfileError: the counts of a window are of another profile, or there is no such statistic.
    """
    return _score(windows, [None] * len(windows), _Asked(thresholds, slot, chosen(statistics)))


def _sampled(
    profile: Profile, counts: Counts, rows: Columns | JointSample | None, thresholds: Thresholds
) -> JointSample | None:
    """The rows by which it is seen how features go together in the window; None where there are too few rows or features."""
    if rows is None or counts.rows < thresholds.minimum_rows:
        return None
    if isinstance(rows, JointSample):
        found = rows.without(counts.retyped)
    else:
        kept = {name: column for name, column in rows.items() if name not in counts.retyped}
        found = joint.sample(profile.joint, kept)
    return found if len(found.names) > 1 else None


def _together(window: CountedSample, p_values: Floats, thresholds: Thresholds) -> joint.Evidence | None:
    """How features go together in both windows, where there are rows enough; `p_values` are those of the features by themselves."""
    profile, counts, sample = window
    current = _sampled(profile, counts, sample, thresholds)
    if current is None:
        return None
    rows = profile.joint.pairs.rows, current.places.shape[1]
    effect = dict(zip(profile.order, profile.dependence.effect_of_samples(rows, counts.rows).tolist(), strict=True))
    moved = bool((benjamini_hochberg(p_values) <= thresholds.false_alarms).any())
    return joint.compare(profile.joint, current, effect, thresholds.false_alarms, by_classifier=not moved)


def _score(
    windows: Sequence[CountedSample], exact: Sequence[Mapping[str, Floats] | None], asked: _Asked
) -> list[DriftReport]:
    """The reports of windows, of each either with what was computed from its rows or None."""
    for profile, counts, _ in windows:
        if counts.fingerprint != profile.fingerprint:
            raise ProfileError(f"counts: must be of profile {profile.fingerprint}, got counts of {counts.fingerprint}")
    compared = [
        Compared(_in_season(one.profile, asked.slot), one.counts, rows)
        for one, rows in zip(windows, exact, strict=True)
    ]
    found = families(compared, asked.thresholds, asked.shown)
    return [_judged(*one, asked) for one in zip(windows, compared, found, strict=True)]


def _in_season(profile: Profile, slot: int | None) -> Profile:
    """The profile, its rows as if independent where the calibration knows by itself what moves them."""
    return profile.independent if profile.calibration and profile.calibration.knows(slot) else profile


def _judged(window: CountedSample, compared: Compared, found: list[Family], asked: _Asked) -> DriftReport:
    """The verdicts on the features of a window, of which the statistics are there."""
    (profile, counts, exact), thresholds = compared, asked.thresholds
    who = _Features.of(profile, counts, thresholds)
    p_values = np.where(who.judged, np.concatenate([family.p_value for family in found]), 1.0)
    together = _together(window, p_values[who.compared], thresholds)
    q_values, both = _corrected(p_values, who.compared, together, thresholds)
    strength = np.concatenate([family.strength for family in found])
    usual = profile.calibration.usual(asked.slot) if profile.calibration else np.zeros(len(profile.order))
    why = reasons(
        q_values=q_values,
        strength=strength,
        usual=usual,
        judged=who.judged,
        absent=who.absent,
        retyped=who.retyped,
        thresholds=thresholds,
    )
    worth = profile.dependence.worth(counts.rows)
    features = _features(profile, found, asked.shown, why, (strength, p_values, q_values, usual, worth))
    mode = Mode.COUNTS if exact is None and profile.grid.names else Mode.EXACT
    return _report(profile, counts, features, both, mode=mode, shift=thresholds.shift)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Features:
    """Which features are compared, and why others are not: arrays of shape (k,), numeric features first.

    Attributes:
        absent: there is no such column.
        retyped: its column is of another type.
        compared: not left out of the reference.
        judged: compared, there, of the same type, and of enough rows.
    """

    absent: NDArray[np.bool_]
    retyped: NDArray[np.bool_]
    compared: NDArray[np.bool_]
    judged: NDArray[np.bool_]

    @classmethod
    def of(cls, profile: Profile, counts: Counts, thresholds: Thresholds) -> Self:
        names = profile.order
        absent = np.array([name in counts.absent for name in names], dtype=bool)
        retyped = np.array([name in counts.retyped for name in names], dtype=bool)
        compared = np.array([name not in profile.left_out for name in names], dtype=bool)
        enough = min(profile.rows, counts.rows) >= thresholds.minimum_rows
        return cls(absent=absent, retyped=retyped, compared=compared, judged=compared & ~absent & ~retyped & enough)


def _corrected(
    p_values: Floats, compared: NDArray[np.bool_], together: joint.Evidence | None, thresholds: Thresholds
) -> tuple[Floats, JointDrift | None]:
    """P-values corrected for the number of features, and the verdict on how these go together, which counts as one more."""
    family = p_values[compared] if together is None else np.append(p_values[compared], together.p_value)
    family = benjamini_hochberg(family)
    q_values = np.ones(compared.size)
    q_values[compared] = family[: int(compared.sum())]
    return q_values, None if together is None else _joint(together, float(family[-1]), thresholds)


def _report(
    profile: Profile,
    counts: Counts,
    features: list[FeatureDrift],
    both: JointDrift | None,
    *,
    mode: Mode,
    shift: float,
) -> DriftReport:
    """The report, with the features in the order of the profile."""
    if profile.categorical or profile.left_out:
        by_name = {feature.name: feature for feature in features}
        features = [by_name[name] for name in profile.names if name not in profile.left_out]
    return DriftReport(
        features=tuple(features),
        drifted=tuple(feature.name for feature in features if feature.drifted),
        reason=Reason.DRIFT if both and both.drifted else overall(tuple(feature.reason for feature in features)),
        mode=mode,
        n_reference=profile.rows,
        n_current=counts.rows,
        shift_threshold=shift,
        left_out=profile.left_out,
        joint=both,
    )


def _joint(found: joint.Evidence, q_value: float, thresholds: Thresholds) -> JointDrift:
    return JointDrift(
        drifted=found.enough and q_value <= thresholds.false_alarms,
        p_value=found.p_value,
        q_value=q_value,
        pairs=found.pairs,
        auc=found.auc,
        rows=found.rows,
    )


def _features(
    profile: Profile,
    found: list[Family],
    shown: tuple[str, ...],
    why: tuple[Reason, ...],
    numbers: tuple[Floats, Floats, Floats, Floats, Floats],
) -> list[FeatureDrift]:
    """The features, numeric ones first, put together column by column in the order of `FeatureDrift`."""
    strength, p_values, q_values, usual, worth = (values.tolist() for values in numbers)
    features: list[FeatureDrift] = []
    for family in found:
        part = slice(len(features), len(features) + len(family.names))
        verdicts = (
            family.names,
            [family.kind] * len(family.names),
            [reason is Reason.DRIFT for reason in why[part]],
            why[part],
            strength[part],
            family.shift,
            p_values[part],
            q_values[part],
            usual[part],
            [shown] * len(family.names),
        )
        sizes = family.rows.tolist(), family.present.tolist()
        rows = (map(tuple, window.tolist()) for window in (family.reference, family.current))
        labels = profile.labels[part]
        told = family.means, family.tails
        columns = zip(*verdicts, family.results, *sizes, worth[part], labels, *rows, *told, strict=True)
        features += map(_FEATURE, columns)
    return features
