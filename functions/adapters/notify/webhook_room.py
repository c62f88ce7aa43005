"""A chat room behind a webhook: a message is one POST, whose answer says whether it was taken."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.incidents.messages import Message
from core.reports.message import ReportMessage
from functions.adapters.notify.channel import Receipt
from functions.adapters.notify.http_client import Answer, check_passing, post
from functions.adapters.ports import Clock

Body = dict[str, Any]
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a chat is spoken to.

    Attributes:
        message: renders a message.
        plain_text: renders a message as text alone.
        report: renders a report.
        receipt: reads an answer that asks for no other attempt, by the channel's name; raises `UnavailableError` where it is
            not the room's own.
    """

    message: Callable[[Message], Body]
    plain_text: Callable[[Message], Body]
    report: Callable[[ReportMessage], Body]
    receipt: Callable[[str, Answer], Receipt]


@dataclass(frozen=True, slots=True)
class WebhookRoom:
    """Posts each message to one address; see the port `Channel`.

    Attributes:
        name: of the channel.
        url: the address of the webhook, a secret.
        clock: to read a `Retry-After`.
        seconds: the timeout of a request, including a slow answer.
        protocol: of the chat.
    """

    name: str
    url: str = field(repr=False)
    clock: Clock
    seconds: float
    protocol: Protocol

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        return self._post(self.protocol.message(message))

    def send_plain_text(self, message: Message) -> Receipt:
        """POST the message as text."""
        return self._post(self.protocol.plain_text(message))

    def send_report(self, message: ReportMessage) -> Receipt:
        """POST the report."""
        return self._post(self.protocol.report(message))

    def _post(self, body: Body) -> Receipt:
        answer = post(self.name, self.url, _encoder.encode(body), seconds=self.seconds)
        check_passing(self.name, answer, self.clock())
        return self.protocol.receipt(self.name, answer)
