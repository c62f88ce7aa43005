"""What is concluded about a model at one tick: whether a condition holds, how bad it is, and how to say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.drift import DriftReport, FeatureDrift, Statistic
from core.drift import Reason as DriftReason
from core.events import Severity

MOST_NAMED = 5
"""How many features a finding's evidence tells about."""
_ERROR_SHARE, _ERROR_STRENGTH = 0.25, 0.25
_CRITICAL_SHARE, _CRITICAL_STRENGTH = 0.5, 0.5
_ERROR_BELOW, _CRITICAL_BELOW = 0.05, 0.15


class Reason(StrEnum):
    """Why the verdict is what it is."""

    DRIFTED = "drifted"
    """At least one feature drifted."""
    STEADY = "steady"
    """No feature drifted."""
    BELOW_FLOOR = "below_floor"
    """The accuracy is below what is agreed on."""
    ABOVE_FLOOR = "above_floor"
    """The accuracy is what is agreed on, or better."""
    NO_FLOOR = "no_floor"
    """No accuracy is agreed on."""
    INSUFFICIENT_DATA = "insufficient_data"
    """Too few rows or labels: nothing is concluded."""
    REFUSED = "refused"
    """The model could not be scored, and a retry would not help."""
    SCORED = "scored"
    """The model was scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A conclusion.

    Attributes:
        holds: whether the condition holds, or None where nothing can be concluded.
        reason: why.
        summary: one line for people.
        severity: how bad it is while it holds.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
        evidence: what supports it, as short texts by name.
    """

    holds: bool | None
    reason: Reason
    summary: str
    severity: Severity = Severity.WARNING
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)


def of_drift(model: str, report: DriftReport) -> Verdict:
    """Conclude from a drift report.

    Args:
        model: the model's name, for the summary.
        report: of the current window.

    Returns:
        The verdict; its value is the share of features that drifted.

    >>> from core.drift import Profile, score
    >>> profile = Profile.fit({"age": [float(n % 50) for n in range(1000)]})
    >>> report = score(profile, {"age": [20.0 + n % 50 for n in range(900)]})
    >>> verdict = of_drift("churn", report)
    >>> verdict.reason.value, verdict.severity.value, verdict.summary[:43]
    ('drifted', 'critical', 'churn: 1 of 1 features drifted; strongest a')
    """
    if report.reason in (DriftReason.INSUFFICIENT_DATA, DriftReason.ABSENT):
        text = f"{model}: too few rows to compare, {report.n_current} against {report.n_reference} of the reference"
        return Verdict(holds=None, reason=Reason.INSUFFICIENT_DATA, summary=text)
    count = len(report.features)
    window = {"window": f"{report.n_current} rows against {report.n_reference} of the reference"}
    if not report.drifted:
        text = f"{model}: none of {count} features drifts"
        return Verdict(holds=False, reason=Reason.STEADY, summary=text, value=0.0, unit="ratio", evidence=window)
    worst = report.ranked[0]
    return Verdict(
        holds=True,
        reason=Reason.DRIFTED,
        summary=f"{model}: {len(report.drifted)} of {count} features drifted; strongest {_headline(worst)}",
        severity=drift_severity(report.share, report.strength),
        value=report.share,
        unit="ratio",
        evidence={part.name: describe(part) for part in report.ranked[:MOST_NAMED] if part.drifted} | window,
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
    """What the tests say of a feature, in words, and the part of its range that moved most."""
    tests = ", ".join(_spell(name, test) for name, test in feature.tests.items() if test.value is not None)
    bins = feature.moved[:1]
    moved = "".join(f"; {part.label}: {part.reference:.0%} of rows then, {part.current:.0%} now" for part in bins)
    return f"{_distance(feature)}; {tests}{moved}"


def of_accuracy(model: str, *, accuracy: float | None, labels: int, floor: float | None, minimum: int) -> Verdict:
    """Conclude from the labels that have arrived.

    Args:
        model: the model's name, for the summary.
        accuracy: the share of labelled predictions that were right, 0 to 1, or None without labels.
        labels: how many labels there are.
        floor: the least accuracy that is accepted, if any is agreed on.
        minimum: with fewer labels nothing is concluded.

    >>> of_accuracy("churn", accuracy=0.81, labels=900, floor=0.85, minimum=200).summary
    'churn: right in 81.0% of 900 labelled predictions, agreed is 85.0%'
    >>> of_accuracy("churn", accuracy=0.81, labels=9, floor=0.85, minimum=200).reason
    <Reason.INSUFFICIENT_DATA: 'insufficient_data'>
    """
    if accuracy is None or labels < minimum:
        text = f"{model}: {labels} labels have arrived, {minimum} are needed"
        return Verdict(holds=None, reason=Reason.INSUFFICIENT_DATA, summary=text)
    text = f"{model}: right in {accuracy:.1%} of {labels} labelled predictions"
    if floor is None:
        return Verdict(holds=None, reason=Reason.NO_FLOOR, summary=text)
    return Verdict(
        holds=accuracy < floor,
        reason=Reason.BELOW_FLOOR if accuracy < floor else Reason.ABOVE_FLOOR,
        summary=f"{text}, agreed is {floor:.1%}",
        severity=accuracy_severity(accuracy, floor),
        value=accuracy,
        threshold=floor,
        unit="ratio",
    )


def accuracy_severity(accuracy: float, floor: float) -> Severity:
    """How bad an accuracy is, by how far it lies below the floor.

    >>> [accuracy_severity(value, 0.85).value for value in (0.84, 0.78, 0.6)]
    ['warning', 'error', 'critical']
    """
    below = floor - accuracy
    if below >= _CRITICAL_BELOW:
        return Severity.CRITICAL
    return Severity.ERROR if below >= _ERROR_BELOW else Severity.WARNING


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
        return Verdict(holds=False, reason=Reason.SCORED, summary=f"{model}: is scored again", severity=Severity.ERROR)
    return Verdict(
        holds=True,
        reason=Reason.REFUSED,
        summary=f"{model}: cannot be scored from {table}: {refusal}",
        severity=Severity.ERROR,
        evidence={"table": table, "error": refusal},
    )


def _headline(feature: FeatureDrift) -> str:
    psi = feature.psi.value
    return f"{feature.name} ({_distance(feature)}{'' if psi is None else f', PSI {psi:.2g}'})"


def _distance(feature: FeatureDrift) -> str:
    direction = "" if not feature.shift else " up" if feature.shift > 0 else " down"
    return f"{feature.strength:.2f} sd{direction}"


def _spell(name: str, test: Statistic) -> str:
    title = {"ks": "KS", "psi": "PSI", "wasserstein": "Wasserstein", "js": "JS", "chi2": "chi-square"}[name]
    chance = "" if test.p_value is None else f" (p {test.p_value:.2g})"
    return f"{title} {test.value:.3g}{chance}"
