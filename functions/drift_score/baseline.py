"""What a current window is held against: all that is learnt of a reference window, once a version."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import numpy as np

from core.drift import (
    Calibrator,
    Classifier,
    Counts,
    DataQualityIssueKind,
    DriftReport,
    Estimate,
    Profile,
    ProfileError,
    Regressor,
    classifier,
    count,
    hour_of_week,
    quality,
    regressor,
    score,
    with_segments,
)
from core.drift.columns import Column, holds
from core.drift.storage import dump_profile, load_profile
from core.settings import Model, Task
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score.statements import LABEL, SECOND
from functions.drift_score.window import Window, thresholds, watched

LARGEST = 900_000
"""Characters of a profile as the store keeps it; a document of Firestore may have 1 MiB."""
_SAMPLES = (50_000, 20_000, 5_000, 2_000, 1_000, 500, 0)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
Measures = Classifier | Regressor
"""Performance metrics of a model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What is kept of a reference.

    Attributes:
        profile: of the features and the score, with its segments and, where the settings say so, its seasons.
        rows: of the reference window, all of them.
        measures: performance metrics from the labels that arrived within the window, if the model has labels.
        calibrator: turns a classifier's scores into probabilities, learnt from those labels.
        issues: by kind of issue and column, the worst value of a window within the reference; up to that value is usual.
    """

    profile: Profile
    rows: int
    measures: Measures | None
    calibrator: Calibrator | None
    issues: dict[tuple[DataQualityIssueKind, str], float]

    def to_data(self) -> Data:
        """As the store keeps it."""
        return {
            "profile": base64.b64encode(dump_profile(self.profile)).decode(),
            "rows": self.rows,
            "measures": self.measures and {name: one._asdict() for name, one in self.measures._asdict().items()},
            "calibrator": self.calibrator
            and {"edges": self.calibrator.edges.tolist(), "levels": self.calibrator.levels.tolist()},
            "issues": [
                {"issue": kind.value, "column": name, "worst": worst} for (kind, name), worst in self.issues.items()
            ],
        }

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """What the store kept."""
        measures, steps = data["measures"], data["calibrator"]
        kind = Classifier if measures and "accuracy" in measures else Regressor
        return cls(
            profile=load_profile(base64.b64decode(data["profile"])),
            rows=data["rows"],
            measures=kind(**{name: Estimate(**one) for name, one in measures.items()}) if measures else None,
            calibrator=Calibrator(edges=np.array(steps["edges"]), levels=np.array(steps["levels"])) if steps else None,
            issues={(DataQualityIssueKind(one["issue"]), one["column"]): one["worst"] for one in data["issues"]},
        )


def learn(window: Window, columns: Columns, rows: int) -> Baseline:
    """Learn from the rows of a reference window.

    Args:
        window: the reference.
        columns: its features, score, segments and instants, and its labels where the model has any.
        rows: how many rows it has, of which the columns may hold a sample.

    Raises:
        ProfileError: a score or a label is not what the model's task says.
    """
    model = window.model
    profile = _fit(model, columns, rows)
    past = list(_past(window, profile.independent, columns))
    if model.drift.seasonal and past:
        profile = profile.calibrated((hour_of_week(end), report) for end, report, _ in past)
    scores, labels = columns[model.score], columns.get(LABEL)
    measures = None if labels is None else measure(model, scores, labels)
    sure = isinstance(measures, Classifier) and measures.accuracy.rows > 0
    return Baseline(
        profile=profile,
        rows=rows,
        measures=measures,
        calibrator=Calibrator.learn(scores, labels) if sure and labels is not None else None,
        issues=_issues(profile, past),
    )


def measure(model: Model, scores: Column, labels: Column) -> Measures:
    """Performance metrics of a model.

    Raises:
        ProfileError: a score or a label is not what the model's task says.
    """
    if model.task is Task.REGRESSION:
        return regressor(scores, labels)
    return classifier(scores, labels, threshold=model.decision)


def _fit(model: Model, columns: Columns, rows: int) -> Profile:
    """A profile that the store can hold: its sample is thinned until it is small enough.

    Every process compares with what the store would give it, so that a window's scores do not depend on who scores it.
    """
    for name in (*watched(model), *model.segments):
        if name not in columns:
            raise ProfileError(
                f"column {name!r}: must be a column of {model.table}, which the reference is learned from"
            )
        if name in {*model.features.numeric, model.score} and holds(columns[name]) not in {"numbers", "nothing"}:
            raise ProfileError(
                f"column {name!r}: must hold numbers in {model.table}, which the reference is learned from"
            )
    in_time = np.argsort(columns[SECOND], kind="stable")
    features = {name: columns[name][in_time] for name in watched(model)}
    fitted = Profile.fit(
        features, categorical=model.features.categorical, together=model.features.names, population=rows
    )
    whole = with_segments(fitted, columns, model.segments)
    for keep in _SAMPLES:
        profile = whole.thinned(keep)
        if len(dump_profile(profile)) * 4 // 3 + 4 <= LARGEST:
            break
    return profile


def _past(window: Window, profile: Profile, columns: Columns) -> Iterator[tuple[datetime, DriftReport, Counts]]:
    """The windows within the reference, as long as the current one will be; those of too few rows are left out.

    There is one a day, and one an hour where the hours of a day are told apart: the season is that of the hour of the week.
    """
    model, end = window.model, window.end
    limits = thresholds(model)
    every = _HOUR if model.drift.seasonal and model.window < _DAY else _DAY
    while (start := end - model.window) >= window.start:
        inside = (columns[SECOND] >= start.timestamp()) & (columns[SECOND] < end.timestamp())
        if inside.sum() >= limits.minimum_rows:
            part = {name: columns[name][inside] for name in profile.order}
            yield end, score(profile, part, thresholds=limits), count(profile, part)
        end -= every


def _issues(
    profile: Profile, past: list[tuple[datetime, DriftReport, Counts]]
) -> dict[tuple[DataQualityIssueKind, str], float]:
    worst: dict[tuple[DataQualityIssueKind, str], float] = {}
    for issue in (issue for _, _, counts in past for issue in quality(profile, counts)):
        worst[issue.kind, issue.feature] = max(worst.get((issue.kind, issue.feature), 0.0), issue.value)
    return worst
