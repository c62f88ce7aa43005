"""The result of a probe, and the comparison of an HTTP response with what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


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
    FORBIDDEN_ADDRESS = "forbidden_address"
    NOT_SERVING = "not_serving"
    NOT_AUTHENTICATED = "not_authenticated"
    QUERY_FAILED = "query_failed"
    WRONG_VALUE = "wrong_value"
    NOT_CAPTURED = "not_captured"
    NO_DATA = "no_data"
    NO_TOKEN = "no_token"  # noqa: S105 - the name of a reason
    PROBE_BROKEN = "probe_broken"
    NOT_STARTED = "not_started"


NOT_KNOWN = frozenset({ProbeReason.NO_DATA, ProbeReason.NOT_STARTED})
"""The reasons of results that say nothing about the target."""


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
        measures: what was measured, by its name in `core.health.limits.MEASURES`.
    """

    ok: bool
    reason: ProbeReason
    latency: float
    detail: str
    certificate_expires_at: datetime | None = None
    status: int | None = None
    body: str = field(default="", repr=False)
    measures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ok is not (self.reason is ProbeReason.OK):
            raise ValueError(f"reason: must be {ProbeReason.OK} exactly when ok, got {self.reason} with ok={self.ok}")

    @property
    def is_known(self) -> bool:
        """Whether it says anything about the target."""
        return self.reason not in NOT_KNOWN


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
