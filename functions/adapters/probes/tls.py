"""TLS probe: whether a client trusts the server's certificate, and when it expires."""

import ssl
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from core.health import ProbeResult
from core.settings import TlsProbe
from functions.adapters.net import Deadline, Refuses, dial, shake, trusting
from functions.adapters.probes.failure import failed_by, passed
from functions.adapters.probes.reach import refuses


def check(probe: TlsProbe) -> ProbeResult:
    """Complete a TLS handshake as a client would; a refused certificate is requested again, for its dates."""
    context = trusting()  # loaded now, because it must not count as latency of the target
    refuse = refuses(probe)
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        with (
            dial(probe.host, probe.port, deadline, refuse) as plain,
            shake(plain, probe.host, context, deadline) as secure,
        ):
            expires_at = expiry(secure)
    except ssl.SSLCertVerificationError as error:
        result = failed_by(error, probe.where, deadline)
        return replace(result, certificate_expires_at=refused_expiry(probe.host, probe.port, deadline, refuse))
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    result = passed(f"{probe.where} shows a certificate that is trusted", deadline)
    return replace(result, certificate_expires_at=expires_at)


def expiry(secure: ssl.SSLSocket) -> datetime | None:
    """The end of the validity of the certificate that the server showed, in UTC."""
    shown = secure.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None


def refused_expiry(host: str, port: int, deadline: Deadline, refuses: Refuses) -> datetime | None:
    """The same for a refused certificate: OpenSSL does not keep it, so it is requested again and nothing is sent."""
    try:
        with dial(host, port, deadline, refuses) as plain, shake(plain, host, _anything(), deadline) as secure:
            return expiry(secure)
    except OSError:
        return None


def _anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
