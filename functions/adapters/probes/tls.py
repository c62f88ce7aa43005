"""TLS probe: whether a client trusts the server's certificate, and when it expires."""

import ssl
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from core.health import ProbeReason, ProbeResult, where
from core.settings import TlsProbe
from functions.adapters.net import Deadline, dial, shake, trusting
from functions.adapters.probes.failure import failed, why


def check(probe: TlsProbe) -> ProbeResult:
    """Complete a TLS handshake as a client would; a refused certificate is requested again, for its dates."""
    context = trusting()  # loaded now, because it must not count as latency of the target
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        with dial(probe.host, probe.port, deadline) as plain, shake(plain, probe.host, context, deadline) as secure:
            expires_at = expiry(secure)
    except ssl.SSLCertVerificationError as error:
        result = failed(why(error), where(probe), deadline)
        return replace(result, certificate_expires_at=refused_expiry(probe.host, probe.port, deadline))
    except OSError as error:
        return failed(why(error), where(probe), deadline)
    return ProbeResult(
        ok=True,
        reason=ProbeReason.OK,
        latency=deadline.spent(),
        detail=f"{where(probe)} shows a certificate that is trusted",
        certificate_expires_at=expires_at,
    )


def expiry(secure: ssl.SSLSocket) -> datetime | None:
    """The end of the validity of the certificate that the server showed, in UTC."""
    shown = secure.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None


def refused_expiry(host: str, port: int, deadline: Deadline) -> datetime | None:
    """The same for a refused certificate: OpenSSL does not keep it, so it is requested again and nothing is sent."""
    try:
        with dial(host, port, deadline) as plain, shake(plain, host, _anything(), deadline) as secure:
            return expiry(secure)
    except OSError:
        return None


def _anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
