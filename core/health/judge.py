"""Verdicts on the conditions of a probe: what a result says about its target."""

from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, Observation, Outcome, Verdict
from core.events import Severity
from core.health.result import ProbeResult
from core.settings import Probe, TlsProbe

SOURCE = "health_check"
DAY = timedelta(days=1)


class Kind(StrEnum):
    """What can be noticed about a target from outside."""

    ENDPOINT_DOWN = "endpoint_down"
    SLOW = "slow"
    CERTIFICATE_EXPIRING = "certificate_expiring"


def spec(probe: Probe, kind: Kind) -> ConditionSpec:
    """A condition of a probe; the dates of certificates do not flap, so that one verdict is enough."""
    flaps = kind is not Kind.CERTIFICATE_EXPIRING
    hysteresis = Hysteresis(fire_after=probe.fail_after, recover_after=probe.recover_after) if flaps else Hysteresis()
    return ConditionSpec(
        target=probe.target, kind=kind, source=SOURCE, runbook=f"probes.md#{kind}", hysteresis=hysteresis
    )


def observations(probe: Probe, result: ProbeResult, at: datetime) -> tuple[Observation, ...]:
    """What a result says, condition by condition.

    A condition that the result says nothing about is left out, and stays as it was: a target that does not answer is
    neither slow nor fast, and shows no certificate.

    Args:
        probe: the settings.
        result: what the probe saw.
        at: the instant of the tick, which the validity of a certificate is compared with.
    """
    found = {
        Kind.ENDPOINT_DOWN: _down(probe, result),
        Kind.SLOW: _slow(probe, result),
        Kind.CERTIFICATE_EXPIRING: _certificate(probe, result, at),
    }
    return tuple(
        Observation(spec=spec(probe, kind), verdict=verdict, at=at)
        for kind, verdict in found.items()
        if verdict is not None
    )


def _down(probe: Probe, result: ProbeResult) -> Verdict:
    return Verdict(
        outcome=Outcome.of(bad=not result.ok),
        reason=result.reason,
        summary=f"{probe.name} is {'up' if result.ok else 'down'}: {result.detail}",
        severity=Severity.CRITICAL,
        evidence={"detail": result.detail},
    )


def _slow(probe: Probe, result: ProbeResult) -> Verdict | None:
    limit = probe.expect.latency
    if limit is None or not result.ok:
        return None
    return Verdict(
        outcome=Outcome.of(bad=result.latency > limit.total_seconds()),
        reason=result.reason,
        summary=f"{probe.name} responds in {result.latency:.3g} s, the limit is {limit.total_seconds():g} s",
        value=result.latency,
        threshold=limit.total_seconds(),
        unit="seconds",
        evidence={"detail": result.detail},
    )


def _certificate(probe: Probe, result: ProbeResult, at: datetime) -> Verdict | None:
    if not isinstance(probe, TlsProbe) or result.certificate_expires_at is None:
        return None
    left = result.certificate_expires_at - at
    critical = left <= probe.critical_before
    limit = probe.critical_before if critical else probe.warn_before
    return Verdict(
        outcome=Outcome.of(bad=left <= limit),
        reason=result.reason,
        summary=f"the certificate of {probe.name} {_expires(left)}, on {result.certificate_expires_at:%Y-%m-%d}",
        severity=Severity.CRITICAL if critical else Severity.WARNING,
        value=left.total_seconds(),
        threshold=limit.total_seconds(),
        unit="seconds",
        evidence={"detail": result.detail},
    )


def _expires(left: timedelta) -> str:
    return f"expired {-left / DAY:.1f} days ago" if left <= timedelta() else f"expires in {left / DAY:.1f} days"
