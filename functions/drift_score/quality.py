"""What is wrong with the data of a window, whatever its distribution."""

from collections import Counter
from datetime import datetime

from core.drift import Flaw, QualityIssue, QualityThresholds, quality
from functions.adapters.ports import Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.window import Current, Window


def inspect(
    window: Window, reference: Window, baseline: Baseline, current: Current, newest: datetime | None
) -> tuple[QualityIssue, ...]:
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


def gauges(metrics: Metrics, window: Window, issues: tuple[QualityIssue, ...]) -> None:
    """Set one gauge a flaw, also of those that are not there."""
    counted = Counter(issue.flaw for issue in issues)
    for flaw in Flaw:
        metrics.gauge("aia_data_quality_issues", counted[flaw], at=window.end, model=window.model.name, flaw=flaw.value)


def _usual(issue: QualityIssue, baseline: Baseline, share: float) -> bool:
    """Whether the reference had it as badly: a dry week is no fault where weeks were dry before."""
    worst = baseline.flaws.get((issue.flaw, issue.feature))
    return worst is not None and issue.value <= worst + share
