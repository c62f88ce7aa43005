"""What a probe saw, and whether that is what was expected."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a probe's result is what it is."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one check of a target from outside saw.

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
    reason: Reason
    latency: float
    detail: str
    certificate_expires_at: datetime | None = None
    status: int | None = None
    body: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.ok is not (self.reason is Reason.OK):
            raise ValueError(f"reason: must be {Reason.OK} exactly when ok, got {self.reason} with ok={self.ok}")


def judge(result: ProbeResult, *, status: int | None = None, body: str | None = None) -> ProbeResult:
    """Compare an HTTP answer with what was expected of it.

    Args:
        result: what the probe saw.
        status: the expected status; where none is given, any from 200 to 299 is right.
        body: a text that the body must contain, if any.

    Returns:
        The result, no longer ok where the answer is not the expected one. What holds no HTTP answer stays as it is.

    >>> seen = ProbeResult(ok=True, reason=Reason.OK, latency=0.1, detail="HTTP 503", status=503)
    >>> judge(seen, status=200).detail
    'status: must be 200, got 503'
    """
    if not result.ok or result.status is None:
        return result
    if status is None and not 200 <= result.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        return _wrong(result, Reason.WRONG_STATUS, f"status: must be 200 to 299, got {result.status}")
    if status is not None and result.status != status:
        return _wrong(result, Reason.WRONG_STATUS, f"status: must be {status}, got {result.status}")
    if body is not None and body not in result.body:
        # Not the body itself: an error page may repeat the request, and with it a secret.
        return _wrong(
            result, Reason.WRONG_BODY, f"body: must contain {body!r}, got {len(result.body)} characters without"
        )
    return result


def _wrong(result: ProbeResult, reason: Reason, detail: str) -> ProbeResult:
    return replace(result, ok=False, reason=reason, detail=detail)
