"""What is wrong with the data of a window, whatever its distribution."""

from datetime import datetime

from core.drift import DataQualityIssue, DataQualityIssueKind, QualityThresholds, quality
from functions.adapters.ports import Data, Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.compare import Current
from functions.drift_score.ports import Results
from functions.drift_score.window import Window


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
    return tuple(issue for issue in found if not _usual(issue, baseline, settings.share))


def write(results: Results, window: Window, issues: tuple[DataQualityIssue, ...]) -> None:
    """Write one row a flaw, in place of what an earlier delivery of the tick wrote."""
    results.write_quality(window, issue_rows(issues))


def issue_rows(issues: tuple[DataQualityIssue, ...]) -> list[Data]:
    """One row a flaw, also of those that are not there."""
    found = {flaw: [issue.feature for issue in issues if issue.flaw is flaw] for flaw in DataQualityIssueKind}
    return [
        {"flaw": flaw.value, "issues": len(names), "features": ", ".join(filter(None, names))}
        for flaw, names in found.items()
    ]


def gauges(metrics: Metrics, window: Window, issues: tuple[DataQualityIssue, ...]) -> None:
    """Set one gauge a flaw, also of those that are not there."""
    model, at = window.model.name, window.end
    for row in issue_rows(issues):
        metrics.gauge("aia_data_quality_issues", row["issues"], at=at, model=model, flaw=row["flaw"])


def _usual(issue: DataQualityIssue, baseline: Baseline, share: float) -> bool:
    """Whether the reference had it as badly: a dry week is no fault where weeks were dry before."""
    worst = baseline.flaws.get((issue.flaw, issue.feature))
    return worst is not None and issue.value <= worst + share
