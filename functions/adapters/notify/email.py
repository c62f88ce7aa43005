"""E-mail as a channel: a message of plain text and HTML through a mail server, over a protected connection.

delivered to some or all       delivered, with the addresses that were refused
an answer from 500 on          refused, with the server's code and words
an answer from 400 on          not now
no answer, no TLS, no trust    not now
"""

import base64
import contextlib
import ipaddress
import smtplib
import ssl
from email.utils import parseaddr
from typing import cast

from core.errors import UnavailableError
from core.incidents.messages import Message
from core.settings.channels import EmailChannel, Encryption
from functions.adapters.net import Bounded, Deadline, dial, shake, trusting
from functions.adapters.notify.email_template import letter
from functions.adapters.notify.port import ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.notify.text import fit, redacted

_FINAL = range(500, 600)
_READY = 220


class Email:
    """Sends each message to all addresses at once.

    Args:
        setting: the server, the addresses, and how the connection is protected; the password is a secret.
        seconds: for all of a delivery, however slowly the server answers.
    """

    def __init__(self, setting: EmailChannel, seconds: float) -> None:
        self._setting = setting
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """Send the message."""
        setting = self._setting
        if setting.encryption is Encryption.NONE and setting.user and not _is_here(setting.host):
            return Receipt(
                DeliveryOutcome.REFUSED, "encryption: must not be none where there is a password, the server is remote"
            )
        try:
            with contextlib.ExitStack() as closing:
                return self._deliver(message, _Session(setting, Deadline(self._seconds), closing))
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(min((code for code, _ in error.recipients.values()), default=0), "every recipient")
        except smtplib.SMTPAuthenticationError as error:
            # The words of the answer may repeat what was sent.
            return self._refused(error.smtp_code, "user and password")
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, _words(error.smtp_error))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise UnavailableError(f"channel {setting.name}: no delivery ({type(error).__name__})") from None

    def _deliver(self, message: Message, session: "_Session") -> Receipt:
        setting = self._setting
        if setting.encryption is Encryption.STARTTLS:
            session.protect()
        if setting.user:
            session.login(setting.user, setting.password)
        body = letter(message, sender=setting.sender, to=setting.to)
        refused = session.sendmail(
            parseaddr(setting.sender)[1], [parseaddr(address)[1] for address in setting.to], body
        )
        with contextlib.suppress(smtplib.SMTPException, OSError):
            session.putcmd("QUIT")
        shown = ", ".join(f"{address}: {code}" for address, (code, _) in refused.items())
        return Receipt(DeliveryOutcome.DELIVERED, fit(f"not to {shown}", 300) if shown else "")

    def _refused(self, code: int, what: str) -> Receipt:
        """The receipt of an answer that is final; `UnavailableError` for one that is not."""
        if code not in _FINAL:
            raise UnavailableError(f"channel {self._setting.name}: answered {code}") from None
        secrets = (self._setting.password, _base64(self._setting.password))
        return Receipt(DeliveryOutcome.REFUSED, fit(redacted(f"SMTP {code}: {what}", *secrets), 300))


class _Session(smtplib.SMTP):
    """A conversation that ends at a deadline: `smtplib` by itself waits anew for every byte."""

    def __init__(self, setting: EmailChannel, deadline: Deadline, closing: contextlib.ExitStack) -> None:
        self._deadline = deadline
        self._closing = closing
        self._tls = setting.encryption is Encryption.TLS
        # The name of this machine, which smtplib would look up, means nothing to a mail server; the sender's domain does.
        super().__init__(setting.host, setting.port, local_hostname=setting.sender.rpartition("@")[2].strip("> "))

    def connect(self, host: str = "localhost", port: int = 0, *_: object, **__: object) -> tuple[int, bytes]:
        """Connect, over TLS where that comes first, and read the greeting."""
        self._host = host
        self._plain = self._closing.enter_context(dial(host, port, self._deadline))
        self._use(self._shaken() if self._tls else self._plain)
        return self.getreply()

    def protect(self) -> None:
        """Go on over TLS, or not at all; what the server said in the clear is forgotten, with whatever came behind it."""
        self.ehlo_or_helo_if_needed()
        if self.docmd("STARTTLS")[0] != _READY:
            raise smtplib.SMTPNotSupportedError("STARTTLS")
        self._use(self._shaken())
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def _shaken(self) -> ssl.SSLSocket:
        return self._closing.enter_context(shake(self._plain, self._host, trusting(), self._deadline))

    def _use(self, stream: object) -> None:
        self.sock = cast("ssl.SSLSocket", Bounded(cast("ssl.SSLSocket", stream), self._deadline))
        self.file = None


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _words(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


KIND: ChannelKind[EmailChannel] = ChannelKind(open=lambda setting, _, seconds: Email(setting, seconds), seconds=15.0)
"""A mail server may take its time, and the lease of an effect is longer."""
