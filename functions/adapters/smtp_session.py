"""Conversations with a mail server that end at a deadline: `smtplib` by itself waits anew for every byte."""

import contextlib
import smtplib
import ssl
from typing import cast

from functions.adapters.net import Bounded, Deadline, Refuses, anywhere, dial, shake, trusting

_READY = 220


class SmtpSession(smtplib.SMTP):
    """A conversation.

    Args:
        host: the mail server.
        port: of the server.
        deadline: ends it.
        closing: closes its connections.
        tls: whether TLS comes before the greeting.
        local_hostname: what EHLO says.
        refuses: says which addresses it must not go to.
    """

    def __init__(
        self,
        host: str,
        port: int,
        deadline: Deadline,
        closing: contextlib.ExitStack,
        *,
        tls: bool,
        local_hostname: str,
        refuses: Refuses = anywhere,
    ) -> None:
        self._deadline = deadline
        self._closing = closing
        self._tls = tls
        self._refuses = refuses
        self.secure: ssl.SSLSocket | None = None
        super().__init__(host, port, local_hostname=local_hostname)

    def connect(self, host: str = "localhost", port: int = 0, *_: object, **__: object) -> tuple[int, bytes]:
        """Connect, over TLS where that comes first, and read the greeting."""
        self._host = host
        self._plain_text = self._closing.enter_context(dial(host, port, self._deadline, self._refuses))
        self._use(self._shaken() if self._tls else self._plain_text)
        return self.getreply()

    def protect(self) -> None:
        """Switch to TLS, or fail; everything that the server sent in plain text is discarded."""
        self.ehlo_or_helo_if_needed()
        if self.docmd("STARTTLS")[0] != _READY:
            raise smtplib.SMTPNotSupportedError("STARTTLS")
        self._use(self._shaken())
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def _shaken(self) -> ssl.SSLSocket:
        self.secure = self._closing.enter_context(shake(self._plain_text, self._host, trusting(), self._deadline))
        return self.secure

    def _use(self, stream: object) -> None:
        self.sock = cast("ssl.SSLSocket", Bounded(cast("ssl.SSLSocket", stream), self._deadline))
        self.file = None
