"""Every way that a channel sends over the wire, with a local server that stands for its receiver: what the suites run over.

A kind has one case at least, and one more for each other way it sends. A case says what leads a channel to a port, and what
its receiver answers where a message is delivered.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from core.settings import Channel as Setting
from core.settings.channels import (
    EmailChannel,
    Encryption,
    PagerdutyChannel,
    SlackChannel,
    TeamsChannel,
    WebhookChannel,
)
from functions.adapters.notify.channel import Channel, Context, kind_of
from tests.support.builders.letters import NOW
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.servers import slack, teams
from tests.support.servers.pagerduty import PagerDutyServer
from tests.support.servers.receivers import Receiver, Reply
from tests.support.servers.smtp import PASSWORD, USER, MailServer
from tests.support.servers.targets import serving

SECRET = "T0PS3CR3Tofthetests0123456789abc"
MANY = 10_000
"""Messages of one test, far below which no server limits anything by itself."""


class Server(Protocol):
    """The receiver of one case."""

    @property
    def port(self) -> int: ...

    def heard(self) -> list[str]:
        """The texts of the messages that it took, with all that is in them."""
        ...

    def keys(self) -> list[str]:
        """What it tells each message by that it took; nothing where it cannot tell one that is repeated."""
        ...

    def faults(self) -> list[str]:
        """What was wrong with those that it did not take."""
        ...

    def fail(self) -> None:
        """The next message is not taken, this time."""
        ...

    def refuse(self) -> None:
        """The next message is not taken, whenever it is sent."""
        ...


@dataclass(frozen=True)
class Case:
    """One way to send.

    Attributes:
        setting: of a channel named `x` that leads to a port of this machine, by http or https.
        serve: the receiver, while it is used as a context.
        secrets: what may be seen by the receiver only.
        status: of the answer over HTTP that says that a message is delivered; 0 for a case without HTTP.
        body: of that answer, where it must have one.
    """

    setting: Callable[[int, str], Setting]
    serve: Callable[[], AbstractContextManager[Server]]
    secrets: tuple[str, ...]
    status: int = 0
    body: bytes = b""

    def open(self, port: int, seconds: float, scheme: str = "http") -> Channel:
        """The channel, which gives a message so many seconds."""
        setting = self.setting(port, scheme)
        return kind_of(setting).open(
            setting, Context(clock=lambda: NOW, seconds=seconds, store=MemoryStore(Breaking()))
        )


class HttpServer:
    """A receiver of HTTP requests."""

    def __init__(self, receiver: Receiver, key: str = "") -> None:
        self.receiver = receiver
        self._key = key

    @property
    def port(self) -> int:
        return int(self.receiver.server_address[1])

    def heard(self) -> list[str]:
        return [json.dumps(call.body, ensure_ascii=False) for call in self.receiver.log.calls]

    def keys(self) -> list[str]:
        return [call.body[self._key] for call in self.receiver.log.calls if self._key]

    def faults(self) -> list[str]:
        return self.receiver.log.faults

    def fail(self) -> None:
        self.receiver.scripted.append(Reply(503))

    def refuse(self) -> None:
        self.receiver.scripted.append(Reply(400))


class SmtpServer:
    """A receiver of mail; what it is told to answer, it answers once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    @property
    def port(self) -> int:
        return self._server.port

    def heard(self) -> list[str]:
        return [
            "\n".join([str(letter.parsed["Subject"]), *(part.get_content() for part in letter.parsed.iter_parts())])
            for letter in self._server.letters
        ]

    def keys(self) -> list[str]:
        return [str(letter.parsed["Message-ID"]) for letter in self._server.letters]

    def faults(self) -> list[str]:
        return []

    def fail(self) -> None:
        self._server.once["MAIL"] = "451 later"

    def refuse(self) -> None:
        self._server.once["MAIL"] = "550 not you"


class AnyJson(Receiver):
    """Any program that takes JSON objects."""

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.accept(path, json.loads(body.decode()))
        return Reply(204)


@contextmanager
def _http(receiver: Receiver, key: str = "") -> Iterator[HttpServer]:
    with serving(receiver):
        yield HttpServer(receiver, key)


@contextmanager
def _smtp() -> Iterator[SmtpServer]:
    with MailServer(auth=True) as server:
        yield SmtpServer(server)


def _email(port: int, _: str) -> Setting:
    return EmailChannel(
        name="x",
        host="localhost",
        port=port,
        encryption=Encryption.NONE,
        user=USER,
        password=PASSWORD,
        sender="alerts@example.com",
        to=("ann@example.com",),
    )


CASES = {
    "webhook": Case(
        setting=lambda port, scheme: WebhookChannel(
            name="x", url=f"{scheme}://localhost:{port}/{SECRET}", secret=SECRET
        ),
        serve=lambda: _http(AnyJson(), "key"),
        secrets=(SECRET,),
        status=200,
    ),
    "pagerduty": Case(
        setting=lambda port, scheme: PagerdutyChannel(
            name="x", key=SECRET, url=f"{scheme}://localhost:{port}/v2/enqueue"
        ),
        serve=lambda: _http(PagerDutyServer(per_minute=MANY), "dedup_key"),
        secrets=(SECRET,),
        status=202,
    ),
    "slack-webhook": Case(
        setting=lambda port, scheme: SlackChannel(
            name="x", url=f"{scheme}://localhost:{port}/services/T0TEAM/B0HOOK/{SECRET}"
        ),
        serve=lambda: _http(slack.SlackServer(seconds=0)),
        secrets=(SECRET,),
        status=200,
        body=b"ok",
    ),
    "slack-bot": Case(
        setting=lambda port, scheme: SlackChannel(
            name="x", token=slack.TOKEN, room=slack.ROOM, api=f"{scheme}://localhost:{port}/api"
        ),
        serve=lambda: _http(slack.SlackServer(seconds=0)),
        secrets=(slack.TOKEN,),
        status=200,
        body=b'{"ok":true}',
    ),
    "teams": Case(
        setting=lambda port, scheme: TeamsChannel(
            name="x", url=f"{scheme}://localhost:{port}{teams.INVOKE}{teams.SIGNATURE}"
        ),
        serve=lambda: _http(teams.TeamsServer(per_second=0)),
        secrets=(teams.SIGNATURE,),
        status=202,
    ),
    "email": Case(setting=_email, serve=_smtp, secrets=(PASSWORD,)),
}
HTTP = [name for name, case in CASES.items() if case.status]
SECRETS = tuple({secret for case in CASES.values() for secret in case.secrets})
