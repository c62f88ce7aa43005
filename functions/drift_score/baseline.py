"""What a current window is held against: all that is learnt of a reference window, once a version."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import msgspec
import numpy as np

from core.drift import (
    Counts,
    DataQualityIssueKind,
    DriftReport,
    Profile,
    ProfileError,
    hour_of_week,
    quality,
    score_and_count,
    with_segments,
)
from core.drift.columns import holds
from core.drift.storage import dump_profile, load_profile
from core.performance import PerformanceReference, learn_performance
from core.performance.attributions import Attribution, learn_attributions
from core.settings import Model
from functions.adapters.columns import Columns
from functions.adapters.ports import Data
from functions.drift_score.rows import meter_of, rows_of
from functions.drift_score.statements import SECOND
from functions.drift_score.window import Window, thresholds, watched

LARGEST = 900_000
"""Characters of a profile as the store keeps it; a document of Firestore may have 1 MiB."""
_SAMPLES = (50_000, 20_000, 5_000, 2_000, 1_000, 500, 0)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What is kept of a reference.

    Attributes:
        profile: of the features and the score, with its segments and, where the settings say so, its seasons.
        rows: of the reference window, all of them.
        performance: by the labels that arrived within the window, if the model has labels.
        attributions: by feature, what is usual, where the model logs attributions.
        issues: by kind of issue and column, the worst value of a window within the reference; up to that value is usual.
    """

    profile: Profile
    rows: int
    performance: PerformanceReference | None
    attributions: dict[str, Attribution]
    issues: dict[tuple[DataQualityIssueKind, str], float]

    def to_data(self) -> Data:
        """As the store keeps it."""
        return {
            "profile": base64.b64encode(dump_profile(self.profile)).decode(),
            "rows": self.rows,
            "performance": self.performance and json.dumps(self.performance.to_data()),
            "attributions": {name: list(one) for name, one in self.attributions.items()},
            "issues": [
                {"issue": kind.value, "column": name, "worst": worst} for (kind, name), worst in self.issues.items()
            ],
        }

    @classmethod
    def from_data(cls, model: Model, data: Data) -> Self:
        """What the store kept."""
        performance = data["performance"] and json.loads(data["performance"])
        return cls(
            profile=load_profile(_decoded(data["profile"])),
            rows=int(data["rows"]),
            performance=PerformanceReference.from_data(meter_of(model), performance) if performance else None,
            attributions={name: Attribution(*one) for name, one in data["attributions"].items()},
            issues={(DataQualityIssueKind(one["issue"]), one["column"]): one["worst"] for one in data["issues"]},
        )


def _decoded(text: str) -> bytes:
    """Base64 as bytes, in a fifth of the time that the module `base64` takes.

    Raises:
        ProfileError: it is none.
    """
    try:
        return msgspec.convert(text, bytes)
    except msgspec.ValidationError as error:
        raise ProfileError(f"profile: must be base64, got {len(text)} characters: {error}") from error


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
    return Baseline(
        profile=profile,
        rows=rows,
        performance=_performance(model, columns),
        attributions=_attributions(model, columns),
        issues=_issues(profile, past),
    )


def _performance(model: Model, columns: Columns) -> PerformanceReference | None:
    if model.label is None and model.generation is None:
        return None
    rows = rows_of(model, columns)
    return learn_performance(meter_of(model), rows, columns[SECOND], window=model.window.total_seconds())


def _attributions(model: Model, columns: Columns) -> dict[str, Attribution]:
    if model.attributions is None:
        return {}
    window = model.window.total_seconds()
    return learn_attributions(columns[model.attributions], columns[SECOND], window=window)


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
            yield end, *score_and_count(profile, part, thresholds=limits)
        end -= every


def _issues(
    profile: Profile, past: list[tuple[datetime, DriftReport, Counts]]
) -> dict[tuple[DataQualityIssueKind, str], float]:
    worst: dict[tuple[DataQualityIssueKind, str], float] = {}
    for issue in (issue for _, _, counts in past for issue in quality(profile, counts)):
        worst[issue.kind, issue.feature] = max(worst.get((issue.kind, issue.feature), 0.0), issue.value)
    return worst
