"""Results of probes: that completed, or that failed before, with the reason."""

import errno
import math
import socket
import ssl
from dataclasses import replace

from core.health import ProbeReason, ProbeResult
from functions.adapters.identity import NoTokenError
from functions.adapters.net import Deadline, ForbiddenAddressError

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}

# OpenSSL's X509_V_ERR_ numbers, from x509_vfy.h; any other number is an untrusted issuer.
_CERTIFICATE = {
    9: ProbeReason.CERTIFICATE_NOT_YET_VALID,
    10: ProbeReason.CERTIFICATE_EXPIRED,
    18: ProbeReason.CERTIFICATE_SELF_SIGNED,
    62: ProbeReason.CERTIFICATE_WRONG_HOST,
    64: ProbeReason.CERTIFICATE_WRONG_HOST,
}

_KINDS: dict[type[OSError], ProbeReason] = {
    ForbiddenAddressError: ProbeReason.FORBIDDEN_ADDRESS,
    socket.gaierror: ProbeReason.UNKNOWN_NAME,
    TimeoutError: ProbeReason.TIMEOUT,
    ConnectionRefusedError: ProbeReason.REFUSED,
    ConnectionError: ProbeReason.CLOSED_EARLY,
    ssl.SSLError: ProbeReason.TLS_FAILED,
}


def why(error: OSError) -> ProbeReason:
    """The reason of a network error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, ProbeReason.CERTIFICATE_UNTRUSTED)
    for kind, reason in _KINDS.items():
        if isinstance(error, kind):
            return reason
    return ProbeReason.UNREACHABLE if error.errno in _UNREACHABLE else ProbeReason.BAD_ANSWER


def failed_by(error: OSError, where: str, deadline: Deadline) -> ProbeResult:
    """The result of a check that a network error ended."""
    result = failed(why(error), where, deadline)
    if isinstance(error, ForbiddenAddressError):
        return replace(result, detail=f"{result.detail}: {error.strerror}")
    return result


def failed(reason: ProbeReason, where: str, deadline: Deadline) -> ProbeResult:
    """The result of a failed check; it names the address, and nothing that was sent or received."""
    detail = f"{reason.replace('_', ' ')}: {where}"
    return ProbeResult(ok=False, reason=reason, latency=deadline.spent(), detail=detail)


def no_token(error: NoTokenError, where: str, deadline: Deadline) -> ProbeResult:
    """The result of a check for which no token was available."""
    result = failed(ProbeReason.NO_TOKEN, where, deadline)
    return replace(result, detail=f"{result.detail}: {error}")


def passed(detail: str, deadline: Deadline, **measures: float) -> ProbeResult:
    """The result of a check that completed, with what it measured; what a server answers that is no number is not known."""
    known = {name: value for name, value in measures.items() if math.isfinite(value)}
    return ProbeResult(ok=True, reason=ProbeReason.OK, latency=deadline.spent(), detail=detail, measures=known)
