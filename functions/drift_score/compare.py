"""Compares a window with its reference: by its rows, or counted in the warehouse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.drift import (
    CountedSample,
    Counts,
    DriftReport,
    Mode,
    Profile,
    Reason,
    attribute,
    count_segments,
    hour_of_week,
    score_and_count,
    score_each_counts,
)
from core.drift.verdict import overall
from core.settings import Model
from core.text import percent
from functions.adapters.columns import Columns
from functions.drift_score.ports import Predictions
from functions.drift_score.rows import beside
from functions.drift_score.window import Window, thresholds, watched

_MOST_CARRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Current:
    """A window that was compared.

    Attributes:
        features: what is said of the features.
        prediction: what is said of the score, as if it were the only feature.
        counts: of features and score.
        columns: all that was read, or what performance is measured from, of a sample, where the window was counted in the warehouse.
    """

    features: DriftReport
    prediction: DriftReport
    counts: Counts
    columns: Columns


def compare(predictions: Predictions, window: Window, profile: Profile, rows: int) -> Current:
    """Compare a window with its reference: by its rows, or by counts where there are more than the settings allow."""
    model = window.model
    limits, slot, names = thresholds(model), hour_of_week(window.end), model.statistics
    if rows <= model.exact_rows:
        wanted = dict.fromkeys((*watched(model), *model.segments, *beside(model)))
        columns = predictions.rows(model, window.start, window.end, most=model.exact_rows, names=wanted)
        report, counts = score_and_count(profile, columns, thresholds=limits, slot=slot, statistics=names)
        return _parted(model, report, counts, columns)
    counted = counted_sample(predictions, window, profile)
    columns = {}
    if names_read := beside(model):
        columns = predictions.rows(model, window.start, window.end, most=model.exact_rows, names=names_read)
    [current] = compare_counted([(window, counted)])
    return replace(current, columns=columns)


def counted_sample(predictions: Predictions, window: Window, profile: Profile) -> CountedSample:
    """A window as counts, and some of its rows where features are compared as to how they go together."""
    counts = predictions.counts(window, profile)
    sample = predictions.sample(window, profile) if len(profile.joint.names) > 1 else None
    return CountedSample(profile, counts, sample)


def compare_counted(windows: Sequence[tuple[Window, CountedSample]]) -> list[Current]:
    """Compare windows that end at the same instant with their references, by their counts: those with the same settings together."""
    alike: dict[object, list[int]] = {}
    for k, (window, _) in enumerate(windows):
        alike.setdefault((thresholds(window.model), window.model.statistics), []).append(k)
    found: dict[int, Current] = {}
    for places in alike.values():
        window, _ = windows[places[0]]
        limits, slot = thresholds(window.model), hour_of_week(window.end)
        some = [windows[k][1] for k in places]
        reports = score_each_counts(some, thresholds=limits, slot=slot, statistics=window.model.statistics)
        for k, report in zip(places, reports, strict=True):
            found[k] = _parted(windows[k][0].model, report, windows[k][1].counts, {})
    return [found[k] for k in range(len(windows))]


def is_asking(model: Model, rows: int) -> bool:
    """Whether comparing a window whose counts are there asks the warehouse: for rows, or for counts by segments."""
    return rows <= model.exact_rows or bool(beside(model)) or bool(model.segments)


def by_segment(
    predictions: Predictions, window: Window, profile: Profile, current: Current, by: str
) -> Mapping[str, Counts]:
    """The counts of a window that was compared, by the values of one of the model's segment columns."""
    # Of a window that was counted in the warehouse, the columns are a sample.
    if current.features.mode is Mode.EXACT and by in current.columns:
        return count_segments(profile, current.columns, by)
    return predictions.counts_by(window, profile, by)


def top_segments(
    model: Model, profile: Profile, report: DriftReport, counted: Callable[[str], Mapping[str, Counts]]
) -> dict[str, str]:
    """Which segments carry the drift of the strongest features, in words by column; `counted` is `by_segment` of the window."""
    found = {}
    for by in model.segments if report.drifted else ():
        if not (counts := counted(by)):
            continue
        leading = {part.feature: part for part in reversed(attribute(profile, counts, by=by, report=report))}
        total = max(sum(part.rows for part in counts.values()), 1)
        texts = [
            f"{percent(part.share)} of the drift of {feature.name} comes from {part.segment} "
            f"({percent(part.n_current / total)} of the rows)"
            for feature in report.ranked[:_MOST_CARRIED]
            if feature.drifted and feature.name != by and (part := leading[feature.name])
        ]
        if texts:
            found[f"by {by}"] = "; ".join(texts)
    return found


def _parted(model: Model, report: DriftReport, counts: Counts, columns: Columns) -> Current:
    return Current(
        features=_part(report, model.features.names),
        prediction=_part(replace(report, joint=None), (model.score,)),
        counts=counts,
        columns=columns,
    )


def _part(report: DriftReport, names: tuple[str, ...]) -> DriftReport:
    features = tuple(feature for feature in report.features if feature.name in names)
    return replace(
        report,
        features=features,
        drifted=tuple(feature.name for feature in features if feature.drifted),
        left_out={name: why for name, why in report.left_out.items() if name in names},
        reason=Reason.DRIFT if report.joint_drifted else overall(tuple(feature.reason for feature in features)),
    )
