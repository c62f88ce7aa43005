"""Health checks: the result of a probe, the verdicts on its conditions, and the ticks at which it is due."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from core.detection import ConditionSpec, Hysteresis, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.settings import DnsProbe, HttpProbe, Probe, TlsProbe

SOURCE = "health_check"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class ProbeReason(StrEnum):
    """Reason of a probe's result."""

    OK = "ok"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CLOSED_EARLY = "closed_early"
    UNKNOWN_NAME = "unknown_name"
    NO_ADDRESS = "no_address"
    SERVER_FAILURE = "server_failure"
    BAD_ANSWER = "bad_answer"
    WRONG_STATUS = "wrong_status"
    WRONG_BODY = "wrong_body"
    REDIRECT_LOOP = "redirect_loop"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    REDIRECT_REFUSED = "redirect_refused"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_WRONG_HOST = "certificate_wrong_host"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a reason
    PROBE_BROKEN = "probe_broken"
    NOT_STARTED = "not_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Result of one probe.

    Attributes:
        ok: whether the target answered as it should.
        reason: why, `OK` exactly when `ok`.
        latency: seconds from the first step to the end of the answer, or to the failure.
        detail: one line for people; holds nothing secret.
        certificate_expires_at: the end of the validity of the certificate that was shown, in UTC, if one was.
        status: the status of an HTTP answer.
        body: the beginning of the body of an HTTP answer.
    """

    ok: bool
    reason: ProbeReason
    latency: float
    detail: str
    certificate_expires_at: datetime | None = None
    status: int | None = None
    body: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.ok is not (self.reason is ProbeReason.OK):
            raise ValueError(f"reason: must be {ProbeReason.OK} exactly when ok, got {self.reason} with ok={self.ok}")


def judge(result: ProbeResult, *, status: int | None = None, body: str | None = None) -> ProbeResult:
    """Compare an HTTP response with its expectations.

    Args:
        result: of the probe.
        status: the expected status; where none is given, any from 200 to 299 is right.
        body: a text that the body must contain, if any.

    Returns:
        The result, no longer ok where the answer is not the expected one. What holds no HTTP answer stays as it is.

    >>> seen = ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.1, detail="HTTP 503", status=503)
    >>> judge(seen, status=200).detail
    'status: must be 200, got 503'
    """
    if not result.ok or result.status is None:
        return result
    if status is None and not 200 <= result.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        return _wrong(result, ProbeReason.WRONG_STATUS, f"status: must be 200 to 299, got {result.status}")
    if status is not None and result.status != status:
        return _wrong(result, ProbeReason.WRONG_STATUS, f"status: must be {status}, got {result.status}")
    if body is not None and body not in result.body:
        # Not the body itself: an error page may repeat the request, and with it a secret.
        return _wrong(
            result, ProbeReason.WRONG_BODY, f"body: must contain {body!r}, got {len(result.body)} characters without"
        )
    return result


def _wrong(result: ProbeResult, reason: ProbeReason, detail: str) -> ProbeResult:
    return replace(result, ok=False, reason=reason, detail=detail)


class ProbeKind(StrEnum):
    """Kinds of findings of a probe."""

    ENDPOINT_DOWN = "endpoint_down"
    SLOW = "slow"
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


def unknown(probe: Probe, at: datetime) -> Observation:
    """The verdict of a probe that was due and has no result."""
    summary = f"{probe.name} could not be checked in time"
    verdict = Verdict(outcome=Outcome.NOT_KNOWN, reason=ProbeReason.NOT_STARTED, summary=summary)
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


def due(every: timedelta, at: datetime) -> bool:
    """Whether a periodic check is due at a tick.

    Ticks come each minute. It is due when the minutes since 1970 divide by `every`, so that the answer depends on the
    tick alone: a tick delivered twice, late or by another instance asks for the same probes.

    Args:
        every: a whole number of minutes, at least 1.
        at: the instant the tick is for.

    >>> from datetime import UTC
    >>> due(timedelta(minutes=5), datetime(2026, 1, 2, 3, 10, tzinfo=UTC))
    True
    >>> due(timedelta(minutes=5), datetime(2026, 1, 2, 3, 11, tzinfo=UTC))
    False
    """
    if every < MINUTE or every % MINUTE:
        raise ValueError(f"every: must be a whole number of minutes, got {every}")
    return int(at.timestamp() // 60) % (every // MINUTE) == 0


def where(probe: Probe) -> str:
    """The address that a probe checks, without the credentials, query and fragment of a URL: they may be secret."""
    if isinstance(probe, HttpProbe):
        url = urlsplit(probe.url)
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    if isinstance(probe, DnsProbe):
        return probe.host
    return f"[{probe.host}]:{probe.port}" if ":" in probe.host else f"{probe.host}:{probe.port}"


def availability(up: Sequence[bool]) -> float:
    """The share of checks that found the target up, 0 to 1; 1 where there was no check.

    >>> availability([True, True, False, True])
    0.75
    """
    return sum(up) / len(up) if up else 1.0
