"""A mail server (aiosmtpd) with TLS, STARTTLS and AUTH that keeps what it takes, and answers what it is told to.

`python -m tests.support.servers.smtp --port 0` prints its port, without TLS or AUTH, and on the next line that of `GET /log`.
"""

import argparse
import asyncio
import email
import email.policy
import logging
import ssl
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.servers.receivers import Receiver, run

USER, PASSWORD = "alerts", "T0PS3CR3T"
# It logs every line of every message, which takes longer than the message.
logging.getLogger("mail.log").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Letter:
    """One e-mail that was taken."""

    sender: str
    to: list[str]
    raw: bytes
    tls: bool
    user: str

    @property
    def parsed(self) -> EmailMessage:
        made = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        return made


@dataclass
class MailServer:
    """Listens on a free port while it is used as a context.

    Attributes:
        context: for TLS, or None.
        at_once: whether TLS comes before the greeting; else by STARTTLS.
        replies: what is answered instead, by verb or by recipient; `drop` hangs up, `hang` says nothing.
        once: the same, for the next time only.
        letters: what was taken.
    """

    context: ssl.SSLContext | None = None
    at_once: bool = False
    auth: bool = False
    replies: dict[str, str] = field(default_factory=dict)
    once: dict[str, str] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)
    protocols: list[SMTP] = field(default_factory=list)
    port: int = 0
    log: Receiver | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._do(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd looks for it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._reply(server, "MAIL")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd looks for it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._reply(server, address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = await self._reply(server, "DATA")
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            user = session.auth_data.login.decode() if session.auth_data else ""
            sender = envelope.mail_from or ""
            tls = self.at_once or session.ssl is not None
            self.letters.append(Letter(sender, envelope.rcpt_tos, envelope.content, tls, user))
            if self.log:
                self.log.accept(sender, {"to": envelope.rcpt_tos, "id": self.letters[-1].parsed["Message-ID"]})
        return reply

    async def _reply(self, server: SMTP, what: str) -> str:
        reply = self.once.pop(what, "") or self.replies.get(what, "250 OK")
        if reply == "hang":
            await asyncio.sleep(60)
        if reply == "drop":
            cast("asyncio.Transport", server.transport).abort()
        return reply if reply[:3].isdigit() else "421 gone"

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(right)
        return AuthResult(success=right, handled=False, auth_data=data)

    def _protocol(self) -> SMTP:
        starttls = None if self.at_once else self.context
        made = SMTP(
            self,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=self._login,
            auth_required=self.auth and starttls is not None,
            auth_require_tls=starttls is not None,
            loop=self._loop,
        )
        self.protocols.append(made)
        return made

    async def _listen(self) -> asyncio.Server:
        secure = self.context if self.at_once else None
        return await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=secure)

    async def _stop(self) -> None:
        self._server.close()
        for protocol in self.protocols:
            if protocol.transport is not None:
                cast("asyncio.Transport", protocol.transport).abort()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)


def main() -> int:
    with MailServer() as server:
        print(server.port, flush=True)

        def make(options: argparse.Namespace) -> Receiver:
            server.log = Receiver()
            return server.log

        return run(make, argparse.ArgumentParser(prog="python -m tests.support.servers.smtp"))


if __name__ == "__main__":
    raise SystemExit(main())
