"""The conditions of a probe, and the verdicts that a result is on them."""

from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.health.limits import worst
from core.health.result import ProbeResult
from core.settings import Probe, TlsProbe
from core.text import number

SOURCE = "health_check"
DAY = timedelta(days=1)


class ProbeKind(StrEnum):
    """Kinds of findings of a probe."""

    ENDPOINT_DOWN = "endpoint_down"
    SLOW = "slow"
    LIMIT_EXCEEDED = "limit_exceeded"
    CERTIFICATE_EXPIRING = "certificate_expiring"


def spec(probe: Probe, kind: ProbeKind) -> ConditionSpec:
    """A condition of a probe; the dates of certificates do not flap, so that one verdict is enough."""
    flaps = kind is not ProbeKind.CERTIFICATE_EXPIRING
    hysteresis = Hysteresis(fire_after=probe.fail_after, recover_after=probe.recover_after) if flaps else Hysteresis()
    watched = kind is ProbeKind.ENDPOINT_DOWN
    return ConditionSpec(
        target=probe.target,
        kind=kind,
        source=SOURCE,
        runbook=f"probes.md#{kind}",
        hysteresis=hysteresis,
        no_verdict=NoVerdict(after=probe.no_verdict_after, severity=probe.no_verdict_severity) if watched else None,
    )


def unknown(probe: Probe, result: ProbeResult, at: datetime) -> Observation:
    """The verdict of a probe that was due and whose result says nothing about its target."""
    summary = f"{probe.name} could not be checked: {result.detail}"
    verdict = Verdict(outcome=Outcome.NOT_KNOWN, reason=result.reason, summary=summary)
    return Observation(spec=spec(probe, ProbeKind.ENDPOINT_DOWN), verdict=verdict, at=at)


def observations(probe: Probe, result: ProbeResult, at: datetime) -> tuple[Observation, ...]:
    """The verdicts of a result, by condition.

    A condition that the result says nothing about is left out, and stays as it was: a target that does not answer is
    neither slow nor fast, and has no certificate.

    Args:
        probe: the settings.
        result: of the probe.
        at: the instant of the tick, which the validity of a certificate is compared with.
    """
    verdicts = {
        ProbeKind.ENDPOINT_DOWN: _down(probe, result),
        ProbeKind.SLOW: _slow(probe, result),
        ProbeKind.LIMIT_EXCEEDED: _limit(probe, result),
        ProbeKind.CERTIFICATE_EXPIRING: _certificate(probe, result, at),
    }
    return tuple(
        Observation(spec=spec(probe, kind), verdict=verdict, at=at)
        for kind, verdict in verdicts.items()
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
        summary=f"{probe.name} responds in {number(result.latency, 'seconds')}, the limit is {number(limit.total_seconds(), 'seconds')}",
        value=result.latency,
        threshold=limit.total_seconds(),
        unit="seconds",
        evidence={"detail": result.detail},
    )


def _limit(probe: Probe, result: ProbeResult) -> Verdict | None:
    found = worst(probe, result)
    if found is None:
        return None
    return Verdict(
        outcome=Outcome.of(bad=found.exceeded),
        reason=result.reason,
        summary=f"{probe.name}: {found.text}",
        severity=probe.limit_severity,
        value=found.value,
        threshold=found.limit,
        unit=found.measure.unit,
        evidence={"detail": result.detail, "measure": found.measure.name},
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
