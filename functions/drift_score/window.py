"""A window of a model: what there is in it, read by its rows or counted in the warehouse, compared with its reference."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.drift import (
    Counts,
    DriftReport,
    Profile,
    Thresholds,
    attribute,
    count,
    count_segments,
    counts_by_segment,
    counts_from_rows,
    hour_of_week,
    score,
    score_counts,
)
from core.drift.verdict import overall
from core.settings import Model
from functions.adapters.columns import Columns, read_columns
from functions.adapters.ports import Data, Warehouse
from functions.drift_score import statements
from functions.drift_score.statements import LABEL, SECOND

_LEAST_ROWS = 2
_MOST_CARRIED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which rows are scored: those of a model between two instants, compared with the reference of a version."""

    model: Model
    version: str
    start: datetime
    end: datetime

    @property
    def parameters(self) -> Data:
        """The window as query parameters."""
        return {"model": self.model.name, "window_start": self.start, "window_end": self.end}

    @property
    def length(self) -> timedelta:
        """From its start to its end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look tells before a row is read.

    Attributes:
        version: the row of the version in use at the end of the window, or None.
        rows: in the window; one that was delivered twice counts twice.
        newest: the instant of the newest of them, if there is one.
    """

    version: Data | None
    rows: int
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Current:
    """A window that was compared.

    Attributes:
        features: what is said of the features.
        prediction: what is said of the score, as if it were the only feature.
        counts: of features and score.
        columns: all that was read, or score and label of a sample where the window was counted in the warehouse.
    """

    features: DriftReport
    prediction: DriftReport
    counts: Counts
    columns: Columns


def look(warehouse: Warehouse, model: Model, start: datetime, end: datetime) -> Look:
    """Look at a window."""
    parameters = {"model": model.name, "window_start": start, "window_end": end}
    [row] = warehouse.query(statements.look(model), **parameters)
    used = row if row["version"] is not None else None
    return Look(version=used, rows=row["n_rows"], newest=row["newest"])


def watched(model: Model) -> tuple[str, ...]:
    """The columns that are compared: the features and, last, the score."""
    return tuple(dict.fromkeys((*model.features.names, model.score)))


def read_rows(
    warehouse: Warehouse,
    model: Model,
    start: datetime,
    end: datetime,
    *,
    most: int,
    names: Iterable[str],
    seconds: bool = False,
) -> Columns:
    """Columns of the predictions from `start` to just before `end`, each once, and the labels that arrived by `end`."""
    numbers = {*model.features.numeric, model.score}
    kinds: dict[str, type] = {name: float if name in numbers else str for name in names}
    sql = statements.window(model, kinds, seconds=seconds)
    kinds |= dict.fromkeys((SECOND,) * seconds + (LABEL,) * (model.label is not None), float)
    parameters = {"model": model.name, "window_start": start, "window_end": end, "most": most}
    return read_columns(warehouse, sql, kinds, **parameters)


def thresholds(model: Model) -> Thresholds:
    """When a change is called drift."""
    rows = max(model.minimum_rows, _LEAST_ROWS)
    return Thresholds(shift=model.drift.shift, false_alarms=model.drift.false_alarms, minimum_rows=rows)


def compare(warehouse: Warehouse, window: Window, profile: Profile, rows: int) -> Current:
    """Compare a window with its reference: by its rows, or by counts where there are more than the settings allow."""
    model = window.model
    limits, slot = thresholds(model), hour_of_week(window.end)
    if rows <= model.exact_rows:
        names = dict.fromkeys((*watched(model), *model.segments))
        columns = read_rows(warehouse, model, window.start, window.end, most=model.exact_rows, names=names)
        return _parted(model, score(profile, columns, thresholds=limits, slot=slot), count(profile, columns), columns)
    counts = counts_from_rows(profile, _counted(warehouse, window, profile))
    columns = {}
    if model.label:
        columns = read_rows(warehouse, model, window.start, window.end, most=model.exact_rows, names=(model.score,))
    return _parted(model, score_counts(profile, counts, thresholds=limits, slot=slot), counts, columns)


def by_segment(
    warehouse: Warehouse, window: Window, profile: Profile, current: Current, by: str
) -> Mapping[str, Counts]:
    """The counts of a window that was compared, by the values of one of the model's segment columns."""
    if by in current.columns:
        return count_segments(profile, current.columns, by)
    return counts_by_segment(profile, _counted(warehouse, window, profile, by))


def carriers(
    model: Model, profile: Profile, report: DriftReport, counted: Callable[[str], Mapping[str, Counts]]
) -> dict[str, str]:
    """Which segments carry the drift of the strongest features, in words by column; `counted` is `by_segment` of the window."""
    found = {}
    for by in model.segments if report.drifted else ():
        counts = counted(by)
        leading = {part.feature: part for part in reversed(attribute(profile, counts, by=by, report=report))}
        total = max(sum(part.rows for part in counts.values()), 1)
        texts = [
            f"{part.share:.0%} of the drift of {feature.name} comes from {part.segment} "
            f"({part.n_current / total:.0%} of the rows)"
            for feature in report.ranked[:_MOST_CARRIED]
            if feature.drifted and feature.name != by and (part := leading[feature.name])
        ]
        if texts:
            found[f"by {by}"] = "; ".join(texts)
    return found


def _counted(warehouse: Warehouse, window: Window, profile: Profile, by: str | None = None) -> list[Data]:
    made = statements.counting(window.model, profile, window.start, window.end, by)
    return warehouse.query(made.sql, **made.parameters)


def _parted(model: Model, report: DriftReport, counts: Counts, columns: Columns) -> Current:
    return Current(
        features=_part(report, model.features.names),
        prediction=_part(report, (model.score,)),
        counts=counts,
        columns=columns,
    )


def _part(report: DriftReport, names: tuple[str, ...]) -> DriftReport:
    features = tuple(feature for feature in report.features if feature.name in names)
    return replace(
        report,
        features=features,
        drifted=tuple(feature.name for feature in features if feature.drifted),
        reason=overall(tuple(feature.reason for feature in features)),
    )
