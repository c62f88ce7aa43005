"""Slack as a channel: a message of Block Kit blocks, by an incoming webhook or by a bot's token (`slack_bot`).

200 and `ok`                                  delivered
408, 425, 429, 5xx, `ratelimited`             retried, not before the `Retry-After` of the answer
200 and an error of Slack's own, no `ok`      retried
no answer in time                             retried
anything else                                 refused, with Slack's reason
"""

from datetime import timedelta

from core.errors import UnavailableError
from core.settings.channels import SlackChannel
from functions.adapters.notify.channel import Channel, ChannelKind, Context, DeliveryOutcome, Receipt
from functions.adapters.notify.http_client import Answer
from functions.adapters.notify.slack_blocks import body, plain
from functions.adapters.notify.slack_bot import SlackBot, is_code
from functions.adapters.notify.slack_report import report_body
from functions.adapters.notify.webhook_room import Protocol, WebhookRoom

_OK = 200


def _receipt(name: str, answer: Answer) -> Receipt:
    said = answer.body.strip()
    if answer.status == _OK and said == b"ok":
        return Receipt(DeliveryOutcome.DELIVERED)
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        raise UnavailableError(f"channel {name}: answered {answer.status} without 'ok'")
    code = said.decode(errors="replace")
    return Receipt(
        DeliveryOutcome.REFUSED, f"HTTP {answer.status}: {code}" if is_code(code) else f"HTTP {answer.status}"
    )


WEBHOOK = Protocol(message=body, plain_text=plain, report=report_body, receipt=_receipt)
"""Of incoming webhooks."""


def _open(setting: SlackChannel, context: Context) -> Channel:
    if setting.url:
        return WebhookRoom(setting.name, setting.url, context.clock, context.seconds, WEBHOOK)
    return SlackBot(setting, context)


KIND = ChannelKind(open=_open, gap=timedelta(seconds=1.2))
"""Slack takes a message a second, as it receives them; on the way they may come closer together."""
