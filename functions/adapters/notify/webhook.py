"""A webhook as a channel: each message is POSTed as a JSON object, signed if a secret is set.

2xx                     delivered
408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
no answer in time       not now
anything else           refused: sending it again would not help
"""

import hashlib
import hmac

import msgspec

from core.incidents.messages import Message
from core.reports.message import ReportMessage, to_text
from core.settings.channels import WebhookChannel
from functions.adapters.notify.channel import ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.notify.http_client import check_passing, post
from functions.adapters.notify.text import encodable
from functions.adapters.ports import Clock

_encoder = msgspec.json.Encoder()


class Webhook:
    """POSTs each message to one address.

    Args:
        setting: the address, which may have a secret in it, so that it is never logged; and the shared secret that
            signs the messages, if there is one.
        clock: for the signature, and to read a `Retry-After`.
        seconds: the timeout of a request, including a slow answer.
    """

    def __init__(self, setting: WebhookChannel, clock: Clock, seconds: float) -> None:
        self._name = setting.name
        self._url = setting.url
        self._secret = setting.secret
        self._clock = clock
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        return self._post(payload(message))

    def send_report(self, message: ReportMessage) -> Receipt:
        """POST the report."""
        return self._post(report_payload(message))

    def _post(self, body: bytes) -> Receipt:
        said = signed(self._secret, body, int(self._clock().timestamp())) if self._secret else {}
        answer = post(self._name, self._url, body, seconds=self._seconds, says=said, heed=False)
        check_passing(self._name, answer, self._clock())
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            return Receipt(DeliveryOutcome.DELIVERED)
        return Receipt(DeliveryOutcome.REFUSED, f"HTTP {answer.status}")


KIND: ChannelKind[WebhookChannel] = ChannelKind(
    open=lambda setting, context: Webhook(setting, context.clock, context.seconds)
)


def payload(message: Message) -> bytes:
    """The body of the request: every field of the message but `channel`."""
    fields = msgspec.to_builtins(message)
    del fields["channel"]
    return _encoder.encode(encodable(fields))


def report_payload(message: ReportMessage) -> bytes:
    """The body of the request with a report: its text without tables, its page, and unless it is plain the whole document."""
    shown = {
        "type": "report",
        "key": message.key,
        "title": message.title,
        "text": to_text(message.report, tables=False),
        "url": message.url,
        "at": message.at,
    }
    whole = {} if message.plain else {"report": msgspec.to_builtins(message.report)}
    return _encoder.encode(encodable(shown | whole))


def signed(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers that authenticate the body and its timestamp (seconds since 1970)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Aia-Timestamp": str(timestamp), "X-Aia-Signature": f"v1={digest}"}
