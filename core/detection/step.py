"""The step of every detector: a verdict is counted, and what that changes is a finding."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.detection.spec import ConditionSpec
from core.detection.state import ConditionState, count
from core.detection.verdict import Outcome, Verdict
from core.events import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A verdict on a condition.

    Attributes:
        spec: the condition.
        verdict: what is concluded.
        at: the instant that it is about: of the tick, of the window's end, of the end of a run.
    """

    spec: ConditionSpec
    verdict: Verdict
    at: datetime


def step(state: ConditionState, observation: Observation) -> tuple[ConditionState, Finding | None]:
    """Count a verdict.

    What is not known changes nothing, and neither does a verdict about an instant that is not newer than the newest
    counted one.

    Args:
        state: what is remembered so far.
        observation: the verdict.

    Returns:
        What to remember from now on, the very same object where nothing changes; and the finding to publish, if any. A
        finding of an end has the severity that the condition had.
    """
    spec, verdict = observation.spec, observation.verdict
    bad = verdict.outcome is Outcome.BAD
    if verdict.outcome is Outcome.NOT_KNOWN or (spec.cumulative and not bad and not state.firing):
        return state, None
    counted = count(state, bad=bad, at=observation.at, hysteresis=spec.hysteresis, corrects=spec.cumulative)
    if counted is state:
        return state, None
    after = replace(counted, severity=verdict.severity if bad else state.severity, reason=verdict.reason.value)
    changed = after.status is not state.status
    again = after.firing and bad and (spec.repeat or after.severity is not state.severity)
    return after, _finding(observation, after) if changed or again else None


def _finding(observation: Observation, state: ConditionState) -> Finding:
    spec, verdict = observation.spec, observation.verdict
    evidence = dict(verdict.evidence)
    evidence.setdefault("reason", verdict.reason.value)
    return Finding(
        target=spec.target,
        kind=spec.kind,
        status=state.status,
        severity=state.severity,
        observed_at=observation.at,
        source=spec.source,
        summary=verdict.summary,
        value=verdict.value,
        threshold=verdict.threshold,
        unit=verdict.unit,
        evidence=evidence,
        runbook=spec.runbook,
    )
