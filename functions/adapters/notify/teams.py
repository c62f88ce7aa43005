"""Microsoft Teams as a channel: an Adaptive Card to the webhook of a workflow.

202                     the workflow has it; whether Teams shows it, only the run history of the workflow says
200                     the same, of a workflow that answers by itself; not where it is a web page: that was a proxy
408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
another 2xx             not now: whoever answered, it was no workflow
no answer in time       not now
anything else           refused, with the code of the workflow's error

Teams has no key by which it could tell a repeated message. Sources: Microsoft Support, "Create incoming webhooks with
Workflows for Microsoft Teams" (the template "Post to a channel when a webhook request is received"); the rates, four
requests a second and 60 in 30 seconds, are those of Microsoft Learn, "Create and send messages".
"""

import re
from datetime import timedelta
from typing import Any

import msgspec

from core.errors import UnavailableError
from core.incidents.messages import Message
from core.settings.channels import TeamsChannel
from functions.adapters.notify.cards import body
from functions.adapters.notify.http_client import Answer, check_passing, post
from functions.adapters.notify.port import ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.ports import Clock

_OK = 200
_ACCEPTED = 202
_CODE = re.compile(r"[A-Z][A-Za-z]{1,60}")
_encoder = msgspec.json.Encoder()


class Teams:
    """Posts each message as a card.

    Args:
        setting: the address of the webhook, a secret.
        clock: to read a `Retry-After`.
        seconds: until an answer counts as none, however slowly it comes.
    """

    def __init__(self, setting: TeamsChannel, clock: Clock, seconds: float) -> None:
        self._name = setting.name
        self._url = setting.url
        self._clock = clock
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """POST the card."""
        answer = post(self._name, self._url, _encoder.encode(body(message)), seconds=self._seconds)
        check_passing(self._name, answer, self._clock())
        if answer.status == _ACCEPTED or (answer.status == _OK and not answer.body.lstrip().startswith(b"<")):
            return Receipt(DeliveryOutcome.DELIVERED)
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            raise UnavailableError(f"channel {self._name}: answered {answer.status}, must be {_ACCEPTED}")
        return Receipt(DeliveryOutcome.REFUSED, _refusal(answer))


class _Refusal(msgspec.Struct):
    error: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(_Refusal)


def _refusal(answer: Answer) -> str:
    try:
        code = _decoder.decode(answer.body).error.get("code")
    except (ValueError, RecursionError):
        code = None
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return f"HTTP {answer.status}: {code}" if known else f"HTTP {answer.status}"


KIND = ChannelKind(open=Teams, gap=timedelta(seconds=0.5))
