"""Slack as a channel: a message of Block Kit blocks, by an incoming webhook or by a bot's token (`slack_bot`).

200 and `ok`                                  delivered
408, 425, 429, 5xx, `ratelimited`             retried, not before the `Retry-After` of the answer
200 and an error of Slack's own, no `ok`      retried
no answer in time                             retried
anything else                                 refused, with Slack's reason
"""

from datetime import timedelta
from typing import Any

import msgspec

from core.errors import UnavailableError
from core.incidents.messages import Message
from core.reports.message import ReportMessage
from core.settings.channels import SlackChannel
from functions.adapters.notify.channel import Channel, ChannelKind, Context, DeliveryOutcome, Receipt
from functions.adapters.notify.http_client import check_passing, post
from functions.adapters.notify.slack_blocks import body, plain
from functions.adapters.notify.slack_bot import SlackBot, is_code
from functions.adapters.notify.slack_report import report_body
from functions.adapters.ports import Clock

_OK = 200
_encoder = msgspec.json.Encoder()


class SlackWebhook:
    """Posts to the room of an incoming webhook.

    Args:
        setting: the address of the webhook, a secret.
        clock: to read a `Retry-After`.
        seconds: the timeout of a request, including a slow answer.
    """

    def __init__(self, setting: SlackChannel, clock: Clock, seconds: float) -> None:
        self._name = setting.name
        self._url = setting.url
        self._clock = clock
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        return self._post(body(message))

    def send_plain_text(self, message: Message) -> Receipt:
        """POST the message as text."""
        return self._post(plain(message))

    def send_report(self, message: ReportMessage) -> Receipt:
        """POST the report."""
        return self._post(report_body(message))

    def _post(self, request: dict[str, Any]) -> Receipt:
        answer = post(self._name, self._url, _encoder.encode(request), seconds=self._seconds)
        check_passing(self._name, answer, self._clock())
        said = answer.body.strip()
        if answer.status == _OK and said == b"ok":
            return Receipt(DeliveryOutcome.DELIVERED)
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            raise UnavailableError(f"channel {self._name}: answered {answer.status} without 'ok'")
        code = said.decode(errors="replace")
        return Receipt(
            DeliveryOutcome.REFUSED, f"HTTP {answer.status}: {code}" if is_code(code) else f"HTTP {answer.status}"
        )


def _open(setting: SlackChannel, context: Context) -> Channel:
    if setting.url:
        return SlackWebhook(setting, context.clock, context.seconds)
    return SlackBot(setting, context)


KIND = ChannelKind(open=_open, gap=timedelta(seconds=1.2))
"""Slack takes a message a second, as it receives them; on the way they may come closer together."""
