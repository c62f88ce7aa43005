"""What a probe's result says about its target, and when that is worth telling."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import Finding, Severity, Status
from core.health.result import ProbeResult
from core.hysteresis import Condition, observe
from core.settings import Probe, TlsProbe

SOURCE = "health_check"
DAY = timedelta(days=1)


class Kind(StrEnum):
    """What can be noticed about a target from outside."""

    ENDPOINT_DOWN = "endpoint_down"
    SLOW = "slow"
    CERTIFICATE_EXPIRING = "certificate_expiring"


class Transition(StrEnum):
    """Why a finding is worth telling."""

    STARTED = "started"
    WORSENED = "worsened"
    EASED = "eased"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one result says about one condition.

    Attributes:
        kind: which condition.
        holds: whether it is observed to hold.
        severity: how bad that is, while it holds.
        summary: one line for people.
        fire_after: how many observations in a row make it firing.
        recover_after: how many in a row make it resolved.
        value: the observed number, if there is one.
        threshold: the number it is compared with, if there is one.
        unit: of both.
    """

    kind: Kind
    holds: bool
    severity: Severity
    summary: str
    fire_after: int = 1
    recover_after: int = 1
    value: float | None = None
    threshold: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered of a condition of a probe.

    Attributes:
        condition: whether it holds, and since when.
        severity: as it was last told.
    """

    condition: Condition = field(default_factory=Condition)
    severity: Severity = Severity.INFO


def observations(probe: Probe, result: ProbeResult, at: datetime) -> tuple[Observation, ...]:
    """What a result says, condition by condition.

    A condition that the result says nothing about is left out, and stays as it was: a target that does not answer is
    neither slow nor fast, and shows no certificate.

    Args:
        probe: the settings.
        result: what the probe saw.
        at: the instant of the tick, which the validity of a certificate is compared with.
    """
    return (_down(probe, result), *_slow(probe, result), *_certificate(probe, result, at))


def _down(probe: Probe, result: ProbeResult) -> Observation:
    return Observation(
        kind=Kind.ENDPOINT_DOWN,
        holds=not result.ok,
        severity=Severity.CRITICAL,
        summary=f"{probe.name} is {'up' if result.ok else 'down'}: {result.detail}",
        fire_after=probe.fail_after,
        recover_after=probe.recover_after,
    )


def _slow(probe: Probe, result: ProbeResult) -> Iterator[Observation]:
    limit = probe.expect.latency
    if limit is None or not result.ok:
        return
    yield Observation(
        kind=Kind.SLOW,
        holds=result.latency > limit.total_seconds(),
        severity=Severity.WARNING,
        summary=f"{probe.name} answers within {result.latency:.3g} s, allowed are {limit.total_seconds():g} s",
        fire_after=probe.fail_after,
        recover_after=probe.recover_after,
        value=result.latency,
        threshold=limit.total_seconds(),
        unit="seconds",
    )


def _certificate(probe: Probe, result: ProbeResult, at: datetime) -> Iterator[Observation]:
    """Dates do not flap, so that one observation is enough."""
    if not isinstance(probe, TlsProbe) or result.certificate_expires_at is None:
        return
    left = result.certificate_expires_at - at
    critical = left <= probe.critical_before
    limit = probe.critical_before if critical else probe.warn_before
    yield Observation(
        kind=Kind.CERTIFICATE_EXPIRING,
        holds=left <= limit,
        severity=Severity.CRITICAL if critical else Severity.WARNING,
        summary=f"the certificate of {probe.name} {_expires(left)}, on {result.certificate_expires_at:%Y-%m-%d}",
        value=left.total_seconds(),
        threshold=limit.total_seconds(),
        unit="seconds",
    )


def _expires(left: timedelta) -> str:
    return f"expired {-left / DAY:.1f} days ago" if left <= timedelta() else f"expires in {left / DAY:.1f} days"


def step(state: State, observation: Observation, at: datetime) -> tuple[State, Transition | None]:
    """Count one observation.

    Args:
        state: what is remembered so far.
        observation: what was observed.
        at: the instant of the tick; one that is not newer than the newest counted one changes nothing.

    Returns:
        What to remember from now on, and what is worth telling, if anything is.
    """
    before = state.condition
    after = observe(
        before,
        holds=observation.holds,
        at=at,
        fire_after=observation.fire_after,
        recover_after=observation.recover_after,
    )
    if after.at == before.at:
        return state, None
    severity = observation.severity if observation.holds else state.severity
    transition = _transition(before.status, after.status, state.severity, severity)
    return State(condition=after, severity=severity), transition


def _transition(before: Status, after: Status, was: Severity, severity: Severity) -> Transition | None:
    if after is not before:
        return Transition.STARTED if after is Status.FIRING else Transition.ENDED
    if after is Status.FIRING and severity is not was:
        return Transition.WORSENED if severity.rank > was.rank else Transition.EASED
    return None


def finding(
    probe: Probe, result: ProbeResult, observation: Observation, state: State, transition: Transition
) -> Finding:
    """The finding that tells of a transition.

    Args:
        probe: the settings.
        result: what the probe saw.
        observation: what that says about the condition.
        state: as it is after the observation.
        transition: what `step` found worth telling.
    """
    at = state.condition.at
    if at is None:
        raise ValueError("state: must have counted an observation, got a new one")
    return Finding(
        target=probe.target,
        kind=observation.kind,
        status=state.condition.status,
        severity=state.severity,
        observed_at=at,
        source=SOURCE,
        summary=observation.summary,
        value=observation.value,
        threshold=observation.threshold,
        unit=observation.unit,
        evidence={"transition": transition, "reason": result.reason, "detail": result.detail},
        runbook=f"probes.md#{observation.kind}",
    )
