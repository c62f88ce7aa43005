"""Slack as a channel: a message of Block Kit blocks, by an incoming webhook or by a bot's token.

200 and `ok`                                  delivered
408, 425, 429, 5xx, `ratelimited`             retried, not before the `Retry-After` of the answer
200 and an error of Slack's own, no `ok`      retried
no answer in time                             retried
anything else                                 refused, with Slack's reason

Foreign text appears only in `plain_text` elements, where Slack reads no markup, mention or link; in the fallback text,
which has no such element, `&`, `<` and `>` are escaped.
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.errors import UnavailableError
from core.incidents.messages import Fact, Message
from core.settings.channels import SlackChannel
from functions.adapters.notify import chat
from functions.adapters.notify.channel import Channel, ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.notify.chat import Button
from functions.adapters.notify.http_client import TOO_MANY, Answer, check_passing, post
from functions.adapters.notify.text import paragraph
from functions.adapters.ports import Clock

_OK = 200
_CODE = re.compile(r"[a-z][a-z_]{1,60}")
_LIMITED = frozenset({"ratelimited", "rate_limited"})
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_encoder = msgspec.json.Encoder()
LONGEST_HEADER = 150
MOST_FIELDS = 10
_ALL_FACTS = 2600
"""Characters of all facts together: Slack refuses messages of about 12,000 characters, and counts their JSON."""
_SHORT = 60
"""Characters: a shorter fact is placed beside another, a longer one alone."""
Block = dict[str, Any]


class _Said(msgspec.Struct):
    ok: bool
    error: str = ""


_decoder = msgspec.json.Decoder(_Said)


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
        answer = post(self._name, self._url, _encoder.encode(body(message)), seconds=self._seconds)
        check_passing(self._name, answer, self._clock())
        said = answer.body.strip()
        if answer.status == _OK and said == b"ok":
            return Receipt(DeliveryOutcome.DELIVERED)
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            raise UnavailableError(f"channel {self._name}: answered {answer.status} without 'ok'")
        code = said.decode(errors="replace")
        return Receipt(
            DeliveryOutcome.REFUSED, f"HTTP {answer.status}: {code}" if _is_code(code) else f"HTTP {answer.status}"
        )


class SlackBot:
    """Posts to a room by `chat.postMessage`.

    Args:
        setting: the bot's token, a secret, the id or the name of the room, and where Slack's API is.
        clock: to read a `Retry-After`.
        seconds: the timeout of a request, including a slow answer.
    """

    def __init__(self, setting: SlackChannel, clock: Clock, seconds: float) -> None:
        self._name = setting.name
        self._token = setting.token
        self._room = setting.room
        self._url = f"{setting.api.rstrip('/')}/chat.postMessage"
        self._clock = clock
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        request = _encoder.encode({"channel": self._room, **body(message)})
        says = {"Authorization": f"Bearer {self._token}"}
        answer = post(self._name, self._url, request, seconds=self._seconds, says=says)
        check_passing(self._name, answer, self._clock())
        if answer.status != _OK:
            return Receipt(DeliveryOutcome.REFUSED, f"HTTP {answer.status}")
        return self._outcome(answer, self._clock())

    def _outcome(self, answer: Answer, now: datetime) -> Receipt:
        try:
            said = _decoder.decode(answer.body)
        except (ValueError, RecursionError):
            raise UnavailableError(f"channel {self._name}: answered {answer.status} without 'ok'") from None
        if said.ok:
            return Receipt(DeliveryOutcome.DELIVERED)
        if said.error in _LIMITED:
            check_passing(self._name, replace(answer, status=TOO_MANY), now)
        if said.error in _PASSING:
            raise UnavailableError(f"channel {self._name}: answered {said.error}")
        return Receipt(DeliveryOutcome.REFUSED, said.error if _is_code(said.error) else "an error without a name")


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def _open(setting: SlackChannel, clock: Clock, seconds: float) -> Channel:
    return (SlackWebhook if setting.url else SlackBot)(setting, clock, seconds)


KIND = ChannelKind(open=_open, gap=timedelta(seconds=1.2))
"""Slack takes a message a second, as it receives them; on the way they may come closer together."""


def body(message: Message) -> dict[str, Any]:
    """The body of the request: the blocks, and a text for notifications; links are not unfolded."""
    return {
        "text": _escaped(chat.headline(message, 300)),
        "blocks": blocks(message),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def blocks(message: Message) -> list[Block]:
    """A header, the lead, the facts, the context, and buttons."""
    header = {"type": "header", "text": _plain_text(chat.headline(message, LONGEST_HEADER))}
    shown = [{"type": "section", "text": _plain_text(text)}] if (text := chat.lead(message)) else []
    facts = chat.facts(message)
    texts = _fact_texts(facts[: chat.MOST_FACTS])
    more = [_context(chat.MORE)] if len(texts) < len(facts) else []
    buttons = [_button(button) for button in chat.buttons(message)]
    actions = [{"type": "actions", "elements": buttons}] if buttons else []
    return [header, *shown, *_sections(texts), *more, _context(chat.context(message)), *actions]


def _fact_texts(facts: list[Fact]) -> list[str]:
    """The facts as texts of two lines, as many as fit."""
    texts: list[str] = []
    left = _ALL_FACTS
    for fact in facts:
        text = paragraph(f"{fact.name}\n{fact.text}", chat.LONGEST_FACT)
        left -= len(text)
        if left < 0:
            break
        texts.append(text)
    return texts


def _sections(texts: list[str]) -> list[Block]:
    """The facts in order: short ones in two columns, long ones over the full width."""
    sections: list[Block] = []
    for text in texts:
        if len(text.partition("\n")[2]) > _SHORT:
            sections.append({"type": "section", "text": _plain_text(text)})
        elif sections and len(sections[-1].get("fields", [None] * MOST_FIELDS)) < MOST_FIELDS:
            sections[-1]["fields"].append(_plain_text(text))
        else:
            sections.append({"type": "section", "fields": [_plain_text(text)]})
    return sections


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_plain_text(text)]}


def _button(button: Button) -> Block:
    made = {"type": "button", "action_id": button.name, "text": _plain_text(button.text), "url": button.url}
    return made | ({"style": "primary"} if button.primary else {})


def _plain_text(text: str) -> Block:
    """Text without markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
