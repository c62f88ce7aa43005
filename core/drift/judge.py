"""Verdicts on the conditions of a model at one tick."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from core.detection import Outcome, Verdict
from core.drift import (
    DataQualityIssue,
    DataQualityIssueKind,
    DriftReport,
    FeatureDrift,
    PairChange,
    StatisticResult,
)
from core.drift import Reason as DriftReason
from core.events import Severity
from core.statistics import STATISTICS
from core.text import counted, number, percent

MOST_NAMED = 5
"""How many features a finding's evidence tells about."""
_ERROR_SHARE, _ERROR_STRENGTH = 0.25, 0.25
_CRITICAL_SHARE, _CRITICAL_STRENGTH = 0.5, 0.5
_ERROR_CORRELATION = 0.4
_GRAVE = frozenset(
    {
        DataQualityIssueKind.ABSENT,
        DataQualityIssueKind.TYPE_CHANGED,
        DataQualityIssueKind.VOLUME,
        DataQualityIssueKind.STALE,
    }
)
_ERROR_MISSING = 0.5
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Reason(StrEnum):
    """Why the verdict is what it is."""

    DRIFTED = "drifted"
    """At least one feature drifted."""
    STEADY = "steady"
    """No feature drifted."""
    NOTHING_TO_COMPARE = "nothing_to_compare"
    """Every feature is an identifier, a timestamp or a constant: nothing is concluded."""
    INSUFFICIENT_DATA = "insufficient_data"
    """Too few rows: nothing is concluded."""
    QUALITY_ISSUES = "quality_issues"
    """The data has quality issues that the reference did not have."""
    SOUND = "sound"
    """The data has no quality issues beyond those of the reference."""
    REFUSED = "refused"
    """The model could not be scored, and a retry would not help."""
    SCORED = "scored"
    """The model was scored."""


def of_drift(model: str, report: DriftReport, top_segments: Mapping[str, str] = _NOTHING) -> Verdict:
    """Conclude from the drift report of a model's features.

    Args:
        model: the model's name, for the summary.
        report: of the current window.
        top_segments: which segments carry the drift, in words by name.

    Returns:
        The verdict; its value is the share of features that drifted.

    >>> from core.drift import Profile, score
    >>> profile = Profile.fit({"age": [float(n % 50) for n in range(1000)]})
    >>> report = score(profile, {"age": [20.0 + n % 50 for n in range(900)]})
    >>> verdict = of_drift("churn", report)
    >>> verdict.reason.value, verdict.severity.value, verdict.summary[:43]
    ('drifted', 'critical', 'churn: 1 of 1 features drifted; strongest a')
    """
    left_out = _left_out(report)
    if left_out and not report.features:
        text = f"{model}: no feature to compare"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.NOTHING_TO_COMPARE, summary=text, evidence=left_out)
    if report.reason in (DriftReason.INSUFFICIENT_DATA, DriftReason.ABSENT):
        return _too_few(model, report)
    count = len(report.features)
    window = {"window": _window(report)} | left_out
    if report.joint_drifted and not report.drifted:
        return _of_joint(model, report, window)
    if not report.drifted:
        text = f"{model}: no drift in {counted(count, 'feature')}"
        return Verdict(
            outcome=Outcome.GOOD, reason=Reason.STEADY, summary=text, value=0.0, unit="ratio", evidence=window
        )
    worst = report.ranked[0]
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.DRIFTED,
        summary=f"{model}: {len(report.drifted)} of {count} features drifted; strongest {_headline(worst)}",
        severity=drift_severity(report.share, report.strength),
        value=report.share,
        unit="ratio",
        evidence={
            **{part.name: describe(part) for part in report.ranked[:MOST_NAMED] if part.drifted},
            **top_segments,
            **_together(report),
            **window,
        },
    )


def _of_joint(model: str, report: DriftReport, window: Mapping[str, str]) -> Verdict:
    """Each feature is what it was, and they no longer go together as they did."""
    together = _together(report)
    first = next(iter(together.values()))
    largest = (
        max((abs(one.current - one.reference) for one in report.joint.pairs), default=0.0) if report.joint else 0.0
    )
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.DRIFTED,
        summary=f"{model}: no feature drifted by itself, but they no longer go together as they did: {first}",
        severity=Severity.ERROR if largest >= _ERROR_CORRELATION else Severity.WARNING,
        value=report.share,
        unit="ratio",
        evidence={**together, **window},
    )


def _together(report: DriftReport) -> dict[str, str]:
    """How features go together where that changed, as evidence."""
    if report.joint is None or not report.joint.drifted:
        return {}
    pairs = {f"{one.first} and {one.second}": describe_pair(one) for one in report.joint.pairs[:MOST_NAMED]}
    return pairs or {"joint": f"a classifier tells the windows apart (AUC {report.joint.auc:.2f})"}


def describe_pair(change: PairChange) -> str:
    """How two features went together, and how they do now.

    >>> describe_pair(PairChange("age", "income", 0.9, -0.9))
    'rank correlation of age and income 0.90 then, -0.90 now'
    """
    names = f"{change.first} and {change.second}"
    what = {
        "ranks": f"rank correlation of {names}",
        "first": f"correlation of the distance of {change.first} from its median with {change.second}",
        "both": f"correlation of the distances of {names} from their medians",
    }[change.of]
    return f"{what} {change.reference:.2f} then, {change.current:.2f} now"


def of_prediction(model: str, report: DriftReport, top_segments: Mapping[str, str] = _NOTHING) -> Verdict:
    """Conclude from the drift report of the scores that a model gives.

    Args:
        model: the model's name, for the summary.
        report: of the current window, with the score as its only feature.
        top_segments: which segments carry the drift, in words by name.

    Returns:
        The verdict; its value is how far the scores have moved, in sd.

    >>> from core.drift import Profile, score
    >>> profile = Profile.fit({"risk": [n / 1000 for n in range(1000)]})
    >>> of_prediction("churn", score(profile, {"risk": [0.3 + n / 3000 for n in range(900)]})).summary[:37]
    'churn: predictions have drifted: risk'
    """
    if not report.features and (left_out := _left_out(report)):
        text = f"{model}: predictions are not compared: {left_out['left out']}"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.NOTHING_TO_COMPARE, summary=text)
    if report.reason in (DriftReason.INSUFFICIENT_DATA, DriftReason.ABSENT):
        return _too_few(model, report)
    [found] = report.features
    return Verdict(
        outcome=Outcome.of(bad=found.drifted),
        reason=Reason.DRIFTED if found.drifted else Reason.STEADY,
        summary=f"{model}: predictions {'have drifted' if found.drifted else 'have not drifted'}: {_headline(found)}",
        severity=Severity.ERROR if found.strength >= _CRITICAL_STRENGTH else Severity.WARNING,
        value=found.strength,
        threshold=found.usual + report.shift_threshold,
        unit="sd",
        evidence={found.name: describe(found), **top_segments, "window": _window(report)},
    )


def drift_severity(share: float, strength: float) -> Severity:
    """How bad drift is: many features, and far, is worse than either.

    Args:
        share: of the features that drifted, 0 to 1.
        strength: of the strongest drift, in sd.

    >>> [drift_severity(0.1, 0.1).value, drift_severity(0.1, 0.3).value, drift_severity(0.6, 0.9).value]
    ['warning', 'error', 'critical']
    """
    if share >= _CRITICAL_SHARE and strength >= _CRITICAL_STRENGTH:
        return Severity.CRITICAL
    return Severity.ERROR if share >= _ERROR_SHARE or strength >= _ERROR_STRENGTH else Severity.WARNING


def describe(feature: FeatureDrift) -> str:
    """What the statistics say of a feature, in words, the part of its range that moved most, and what its rows are worth."""
    tests = ", ".join(_spell(name, result) for name, result in feature.tests.items() if result.value is not None)
    bins = feature.moved[:1]
    moved = "".join(
        f"; {part.label}: {percent(part.reference)} of rows then, {percent(part.current)} now" for part in bins
    )
    worth = (
        f"; {feature.n_current:,} rows, effective sample size {feature.n_effective:,.0f}" if feature.dependent else ""
    )
    return f"{_distance(feature)}; {tests}{moved}{describe_tail(feature)}{worth}"


def describe_tail(feature: FeatureDrift) -> str:
    """What tails and mean say, in words: empty where they are no evidence by themselves."""
    if feature.tail is None:
        return ""
    old, new = feature.means
    means = (
        f"; mean {number(old, digits=4)} then, {number(new, digits=4)} now"
        if old is not None and new is not None
        else ""
    )
    if not feature.tail.threshold:
        return means
    place = f"{'at or above' if feature.tail.upper else 'below'} {feature.tail.threshold}"
    return f"; {place}: {percent(feature.tail.reference)} of rows then, {percent(feature.tail.current)} now{means}"


def of_quality(model: str, issues: Sequence[DataQualityIssue]) -> Verdict:
    """Conclude from the data quality issues of a window.

    Args:
        model: the model's name, for the summary.
        issues: the data quality issues, beyond those of the reference.

    Returns:
        The verdict; its value is the number of issues.

    >>> stale = DataQualityIssue(kind=DataQualityIssueKind.STALE, feature="", value=7200.0, limit=3600.0)
    >>> of_quality("churn", [stale]).summary
    'churn: the newest row is 2 h 0 min old, at most 1 h 0 min is usual'
    >>> of_quality("churn", []).summary
    'churn: no data quality issues'
    """
    if not issues:
        text = f"{model}: no data quality issues"
        return Verdict(outcome=Outcome.GOOD, reason=Reason.SOUND, summary=text, value=0.0, unit="issues")
    first = spell_issue(issues[0])
    grave = any(
        issue.kind in _GRAVE or (issue.kind is DataQualityIssueKind.MISSING and issue.value > _ERROR_MISSING)
        for issue in issues
    )
    texts: dict[str, str] = {}
    for issue in issues:
        name = issue.feature or "window"
        text = spell_issue(issue).removeprefix(f"{issue.feature}: ")
        texts[name] = f"{texts[name]}; {text}" if name in texts else text
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.QUALITY_ISSUES,
        summary=f"{model}: {first}"
        if len(issues) == 1
        else f"{model}: {len(issues)} data quality issues; first, {first}",
        severity=Severity.ERROR if grave else Severity.WARNING,
        value=float(len(issues)),
        unit="issues",
        evidence=texts,
    )


def spell_issue(issue: DataQualityIssue) -> str:
    """An issue in words.

    >>> spell_issue(DataQualityIssue(kind=DataQualityIssueKind.NEW_CATEGORY, feature="plan", value=0.25, limit=0.01, detail="gold"))
    'plan: 25% of the rows are of unknown categories, at most 1% is usual (gold)'
    """
    share = f"{percent(issue.value)} of the rows"
    usual = f"at most {percent(issue.limit)} is usual"
    texts = {
        DataQualityIssueKind.ABSENT: "the column is missing",
        DataQualityIssueKind.TYPE_CHANGED: "the type of the column changed",
        DataQualityIssueKind.MISSING: f"{share} are missing, {usual}",
        DataQualityIssueKind.INFINITE: f"{share} are infinite, {usual}",
        DataQualityIssueKind.OUT_OF_RANGE: f"{share} are out of range, {usual}",
        DataQualityIssueKind.NEW_CATEGORY: f"{share} are of unknown categories, {usual}",
        DataQualityIssueKind.CONSTANT: "every row has the same value",
        DataQualityIssueKind.VARIES: f"{share} differ from the one value of the reference, {usual}",
        DataQualityIssueKind.VOLUME: "far fewer rows than usual"
        if issue.value < issue.limit
        else "far more rows than usual",
        DataQualityIssueKind.STALE: f"the newest row is {_hours(issue.value)} old, at most {_hours(issue.limit)} is usual",
    }
    name = f"{issue.feature}: " if issue.feature else ""
    return f"{name}{texts[issue.kind]}{f' ({issue.detail})' if issue.detail else ''}"


def of_scoring(model: str, table: str, refusal: str | None) -> Verdict:
    """Conclude from whether the model could be scored at all.

    Args:
        model: the model's name, for the summary.
        table: the table of its predictions.
        refusal: what the warehouse said, or None when the model was scored.

    >>> of_scoring("churn", "telemetry.churn", "no such column: age").summary
    'churn: cannot be scored from telemetry.churn: no such column: age'
    """
    if refusal is None:
        return Verdict(outcome=Outcome.GOOD, reason=Reason.SCORED, summary=f"{model}: is scored again")
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.REFUSED,
        summary=f"{model}: cannot be scored from {table}: {refusal}",
        severity=Severity.ERROR,
        evidence={"table": table, "error": refusal},
    )


def _too_few(model: str, report: DriftReport) -> Verdict:
    text = f"{model}: too few rows to compare, {report.n_current} against {report.n_reference} of the reference"
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)


def _left_out(report: DriftReport) -> dict[str, str]:
    named = [f"{name} ({why})" for name, why in list(report.left_out.items())[:MOST_NAMED]]
    more = len(report.left_out) - len(named)
    return {"left out": ", ".join(named) + (f" and {more} more" if more else "")} if named else {}


def _window(report: DriftReport) -> str:
    return f"{report.n_current:,} rows against {report.n_reference:,} of the reference"


def _hours(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _headline(feature: FeatureDrift) -> str:
    psi = feature.tests.get("psi")
    value = "" if psi is None or psi.value is None else f", PSI {psi.value:.2g}"
    return f"{feature.name} ({_distance(feature)}{value})"


def _distance(feature: FeatureDrift) -> str:
    direction = "" if not feature.shift else " up" if feature.shift > 0 else " down"
    return f"{feature.strength:.2f} sd{direction}"


def _spell(name: str, result: StatisticResult) -> str:
    chance = "" if result.p_value is None else f" (p {result.p_value:.2g})" if result.p_value else " (p < 1e-300)"
    value = "not known" if result.value is None else number(result.value)
    return f"{STATISTICS[name].label} {value}{chance}"
