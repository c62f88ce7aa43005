"""Verdicts on capacity: whether a limit is reached or will be within the hour, and whether a metric is unusual."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from core.capacity.anomaly import RISK, Surprise
from core.capacity.forecast import HOUR, STEP, CapacityForecast
from core.capacity.scaling import Proposal
from core.detection import ConditionSpec, Hysteresis, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.settings.capacity import CapacityResource, Crosses
from core.text import number

SOURCE = "capacity"
_MINUTES = int(STEP.total_seconds()) // 60


class CapacityKind(StrEnum):
    """Kinds of findings."""

    LIMIT = "capacity_limit"
    ANOMALY = "metric_anomaly"
    EXCESS = "replica_cost"


class CapacityReason(StrEnum):
    """Reason of a verdict."""

    WITHIN_LIMIT = "within_limit"
    CROSSING_PREDICTED = "crossing_predicted"
    AT_LIMIT = "at_limit"
    TOO_FEW_VALUES = "too_few_values"
    NO_ANSWER = "no_answer"
    USUAL = "usual"
    UNUSUAL = "unusual"
    FEWER_SUFFICE = "fewer_suffice"
    ALL_NEEDED = "all_needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A predicted crossing of a limit.

    Attributes:
        probability: that the limit is reached within the hour.
        minutes: time within which it is reached with the probability of the settings; None where that is longer than an hour.
    """

    probability: float
    minutes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is known of a resource at an instant.

    Attributes:
        value: the newest one; None where it is not known.
        forecast: of the next hour; None where it is not known.
        problem: why nothing is known, where a query was not answered or refused; else empty.
    """

    value: float | None = None
    forecast: CapacityForecast | None = None
    problem: str = ""


def share_of_limit(resource: CapacityResource, value: float) -> float:
    """How much of a limit is used: 1 at the limit, more beyond it.

    Args:
        resource: with the limit.
        value: in its unit; what is left of something, where it crosses below, counts as at least a millionth of the limit.
    """
    if resource.crosses is Crosses.ABOVE:
        return value / resource.limit
    return resource.limit / max(value, resource.limit * 1e-6)


def crossing(resource: CapacityResource, forecast: CapacityForecast) -> Crossing:
    """The predicted crossing of the limit of a resource."""
    probability = forecast.crossing(resource.limit, above=resource.crosses is Crosses.ABOVE)
    sure = np.flatnonzero(probability >= resource.sure)
    return Crossing(probability=float(probability[-1]), minutes=(int(sure[0]) + 1) * _MINUTES if sure.size else None)


def limit_observation(resource: CapacityResource, usage: Usage, at: datetime) -> Observation:
    """The verdict on a resource: bad at the limit, or where it is predicted to be reached within the hour.

    Args:
        resource: the settings.
        usage: what is known.
        at: the instant that it is about.
    """
    spec = ConditionSpec(
        target=resource.target,
        kind=_kind(CapacityKind.LIMIT, resource),
        source=SOURCE,
        runbook=f"infrastructure.md#{CapacityKind.LIMIT}",
        hysteresis=Hysteresis(fire_after=resource.fail_after, recover_after=resource.recover_after),
        no_verdict=NoVerdict(after=resource.no_verdict_after, kind=_kind("no_verdict", resource)),
    )
    return Observation(spec=spec, verdict=_limit_verdict(resource, usage), at=at)


def _limit_verdict(resource: CapacityResource, usage: Usage) -> Verdict:
    if usage.problem:
        return _unknown(CapacityReason.NO_ANSWER, f"{resource.name}: {usage.problem}")
    if usage.value is None:
        return _unknown(CapacityReason.TOO_FEW_VALUES, f"{resource.name}: no current value")
    if share_of_limit(resource, usage.value) >= 1:
        text = f"{number(usage.value, resource.unit)}, the limit is {number(resource.limit, resource.unit)}"
        return _judged(resource, usage.value, CapacityReason.AT_LIMIT, text)
    if usage.forecast is None:
        unknown = _unknown(CapacityReason.TOO_FEW_VALUES, f"{resource.name}: too few values for a forecast")
        return replace(unknown, value=usage.value, threshold=resource.limit, unit=resource.unit)
    return _predicted(resource, usage.value, usage.forecast)


def _predicted(resource: CapacityResource, value: float, forecast: CapacityForecast) -> Verdict:
    found = crossing(resource, forecast)
    probability, sure = (number(round(share, 2), "ratio") for share in (found.probability, resource.sure))
    evidence = {
        "in an hour": number(float(forecast.middle[-1]), resource.unit),
        "90% interval": " to ".join(number(float(end[-1]), resource.unit) for end in (forecast.low, forecast.high)),
        "probability": f"{probability} within the hour",
    }
    limit = number(resource.limit, resource.unit)
    if found.minutes is None:
        text = f"{number(value, resource.unit)}, {probability} to reach {limit} within the hour"
        return _judged(resource, value, CapacityReason.WITHIN_LIMIT, text, evidence)
    text = f"reaches {limit} within {found.minutes} min, {sure} sure; now {number(value, resource.unit)}"
    return _judged(resource, value, CapacityReason.CROSSING_PREDICTED, text, evidence)


def _judged(
    resource: CapacityResource,
    value: float,
    reason: CapacityReason,
    text: str,
    evidence: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    severities = [resource.severity, *([Severity.ERROR] if reason is CapacityReason.AT_LIMIT else [])]
    return Verdict(
        outcome=Outcome.of(bad=reason is not CapacityReason.WITHIN_LIMIT),
        reason=reason,
        summary=f"{resource.name}: {text}",
        severity=max(severities, key=lambda one: one.rank),
        value=value,
        threshold=resource.limit,
        unit=resource.unit,
        evidence=evidence,
    )


def _unknown(reason: CapacityReason, text: str) -> Verdict:
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=reason, summary=text)


def excess_observation(resource: CapacityResource, proposal: Proposal, at: datetime) -> Observation:
    """The verdict on the number of replicas: bad where the next hour needs fewer, which fires after an hour of that.

    Args:
        resource: the settings.
        proposal: for the next hour.
        at: the instant that it is about.
    """
    spec = ConditionSpec(
        target=resource.target,
        kind=_kind(CapacityKind.EXCESS, resource),
        source=SOURCE,
        runbook=f"infrastructure.md#{CapacityKind.EXCESS}",
        hysteresis=Hysteresis(fire_after=HOUR),
    )
    return Observation(spec=spec, verdict=_excess_verdict(resource, proposal), at=at)


def _excess_verdict(resource: CapacityResource, proposal: Proposal) -> Verdict:
    replicas, needed = proposal.replicas, proposal.needed
    if replicas is None or needed is None:
        return _unknown(CapacityReason.TOO_FEW_VALUES, f"{resource.name}: how many replicas are needed is not known")
    fewer = needed < replicas
    return Verdict(
        outcome=Outcome.of(bad=fewer),
        reason=CapacityReason.FEWER_SUFFICE if fewer else CapacityReason.ALL_NEEDED,
        summary=f"{resource.name}: {replicas} replicas, {needed} needed in the next hour",
        severity=Severity.INFO,
        value=float(replicas),
        threshold=float(needed),
        unit="replicas",
    )


def _kind(kind: str, resource: CapacityResource) -> str:
    return f"{kind}_{resource.name.replace('-', '_')}"


def anomaly_observation(
    name: str, found: Mapping[str, Surprise | None], at: datetime, problem: str = ""
) -> Observation:
    """The verdict on a metric: bad where one of its series is unusual; it ends after an hour in which none is.

    Args:
        name: of the metric.
        found: by the labels of each series, as text; None where it is not known.
        at: the instant that it is about.
        problem: why nothing is known, where the query was not answered or refused.
    """
    spec = ConditionSpec(
        target=f"metric/{name}",
        kind=CapacityKind.ANOMALY,
        source=SOURCE,
        runbook=f"infrastructure.md#{CapacityKind.ANOMALY}",
        hysteresis=Hysteresis(recover_after=HOUR),
    )
    return Observation(spec=spec, verdict=_anomaly_verdict(name, found, problem), at=at)


def _anomaly_verdict(name: str, found: Mapping[str, Surprise | None], problem: str) -> Verdict:
    known = {labels: one for labels, one in found.items() if one is not None}
    if problem:
        return _unknown(CapacityReason.NO_ANSWER, f"{name}: {problem}")
    if not known:
        return _unknown(CapacityReason.TOO_FEW_VALUES, f"{name}: too few values")
    labels, worst = max(known.items(), key=lambda one: one[1].digits)
    of = f"{name}{{{labels}}}" if labels else name
    return Verdict(
        outcome=Outcome.of(bad=worst.is_anomaly),
        reason=CapacityReason.UNUSUAL if worst.is_anomaly else CapacityReason.USUAL,
        summary=f"{of}: {worst.deviation}" if worst.is_anomaly else f"{name}: as usual",
        value=10.0 ** -min(worst.digits, 300.0),
        threshold=RISK,
        evidence={"series": of, "unusual series": str(sum(one.is_anomaly for one in known.values()))},
    )
