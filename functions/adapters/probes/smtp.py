"""SMTP probe: whether a mail server greets, answers EHLO and switches to TLS with a trusted certificate; it sends no mail."""

import contextlib
import smtplib
import ssl
from dataclasses import replace

from core.health import ProbeReason, ProbeResult
from core.settings.channels import Encryption
from core.settings.probes import SmtpProbe
from functions.adapters.net import Deadline, trusting
from functions.adapters.probes import tls
from functions.adapters.probes.failure import failed, failed_by, passed
from functions.adapters.probes.reach import refuses
from functions.adapters.smtp_session import SmtpSession

_NAME = "aia-monitoring.invalid"
"""What EHLO says; the name of the instance, which smtplib would look up, means nothing to a mail server."""
_FINE = 250


def check(probe: SmtpProbe) -> ProbeResult:
    """Greet over TLS as the settings have it, and leave."""
    trusting()  # loaded now, because it must not count as latency of the target
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        with contextlib.ExitStack() as closing:
            return _greeted(probe, deadline, closing)
    except smtplib.SMTPNotSupportedError:
        return failed(ProbeReason.TLS_FAILED, f"{probe.where}: no STARTTLS", deadline)
    except smtplib.SMTPResponseException as error:
        return failed(_why(error), f"{probe.where}: SMTP {error.smtp_code}", deadline)
    except smtplib.SMTPException:
        # smtplib says of a server that is silent that it has disconnected.
        reason = ProbeReason.TIMEOUT if deadline.is_over() else ProbeReason.CLOSED_EARLY
        return failed(reason, probe.where, deadline)
    except OSError as error:
        return failed_by(error, probe.where, deadline)


def _greeted(probe: SmtpProbe, deadline: Deadline, closing: contextlib.ExitStack) -> ProbeResult:
    session = SmtpSession(
        probe.host,
        probe.port,
        deadline,
        closing,
        tls=probe.encryption is Encryption.TLS,
        local_hostname=_NAME,
        refuses=refuses(probe),
    )
    if probe.encryption is Encryption.STARTTLS:
        session.protect()
    code, text = session.ehlo()
    if code != _FINE:
        raise smtplib.SMTPHeloError(code, text)
    result = passed(f"{probe.where} answers EHLO", deadline)
    with contextlib.suppress(smtplib.SMTPException, OSError):
        session.putcmd("QUIT")
    expires_at = tls.expiry(session.secure) if isinstance(session.secure, ssl.SSLSocket) else None
    return replace(result, certificate_expires_at=expires_at)


def _why(error: smtplib.SMTPResponseException) -> ProbeReason:
    return ProbeReason.NOT_SERVING if error.smtp_code > 0 else ProbeReason.BAD_ANSWER
