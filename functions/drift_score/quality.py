"""Data quality issues of a window, whatever its distribution."""

from datetime import datetime

from core.drift import DataQualityIssue, DataQualityIssueKind, QualityThresholds, quality
from functions.adapters.ports import Data, Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.compare import Current
from functions.drift_score.ports import Results
from functions.drift_score.window import Window

_MISSING = (DataQualityIssueKind.MISSING, DataQualityIssueKind.ABSENT)
_BY_THEMSELVES = (DataQualityIssueKind.STALE, DataQualityIssueKind.ABSENT)
"""Issues that are found without a row of the reference."""


def inspect(
    window: Window, reference: Window, baseline: Baseline, current: Current, newest: datetime | None
) -> tuple[DataQualityIssue, ...]:
    """The issues of a window, without those that windows within the reference show as well."""
    settings = window.model.quality
    found = quality(
        baseline.profile,
        current.counts,
        expected_rows=baseline.rows * (window.length / reference.length),
        newest=newest,
        now=window.end,
        thresholds=QualityThresholds(share=settings.share, volume=settings.volume, age=settings.age),
    )
    if not baseline.rows:
        return tuple(issue for issue in found if issue.kind in _BY_THEMSELVES)
    return tuple(issue for issue in found if not _usual(issue, baseline, settings.share))


def write(results: Results, window: Window, issues: tuple[DataQualityIssue, ...]) -> None:
    """Gather one row per kind of issue for the tables of results."""
    results.write_quality(window, issue_rows(issues))


def issue_rows(issues: tuple[DataQualityIssue, ...]) -> list[Data]:
    """One row per kind of issue, with 0 for those that were not found."""
    found = {kind: [issue.feature for issue in issues if issue.kind is kind] for kind in DataQualityIssueKind}
    return [
        {"issue": kind.value, "issues": len(names), "features": ", ".join(filter(None, names))}
        for kind, names in found.items()
    ]


def gauges(metrics: Metrics, window: Window, issues: tuple[DataQualityIssue, ...]) -> None:
    """Set the gauges of all issues and of missing values, to 0 where nothing was found."""
    model, at = window.model.name, window.end
    missing = sum(issue.kind in _MISSING for issue in issues)
    metrics.gauge("aia_data_quality_issues", len(issues), at=at, model=model)
    metrics.gauge("aia_data_quality_missing_columns", missing, at=at, model=model)


def _usual(issue: DataQualityIssue, baseline: Baseline, share: float) -> bool:
    """Whether the reference had it as badly: a dry week is no fault where weeks were dry before."""
    worst = baseline.issues.get((issue.kind, issue.feature))
    return worst is not None and issue.value <= worst + share
