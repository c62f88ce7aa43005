"""Microsoft Teams as a channel: an Adaptive Card to the webhook of a workflow.

202                     the workflow accepted it; only the run history of the workflow shows whether Teams displays it
200                     the same, from a workflow that answers by itself; not a web page: that comes from a proxy
408, 425, 429, 5xx      retried, not before the `Retry-After` of the answer
another 2xx             retried: the answer is not a workflow's
no answer in time       retried
anything else           refused, with the code of the workflow's error

Foreign text appears in text runs, which take no Markdown, and in facts, whose Markdown is escaped; cards do not support
HTML. Teams has no key by which it could recognise a repeated message.

Sources: Microsoft Support, "Create incoming webhooks with Workflows for Microsoft Teams" (the template "Post to a
    channel when
a webhook request is received"); Microsoft Learn, "Create and send messages" (four requests a second, 60 in 30 seconds),
"Format cards in Microsoft Teams" (Markdown is read in `TextBlock`, `Fact.title` and `Fact.value`), "Text features" of
Adaptive Cards (`TextRun` has none) and "Create Incoming Webhooks" (28 KB).
"""

import json
import re
from datetime import timedelta
from typing import Any

import msgspec

from core.errors import UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Fact, Message
from core.reports.message import ReportMessage
from core.settings.channels import TeamsChannel
from functions.adapters.notify import chat
from functions.adapters.notify.channel import ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.notify.chat import Button
from functions.adapters.notify.http_client import Answer
from functions.adapters.notify.report_outline import buttons, context, outline, text
from functions.adapters.notify.webhook_room import Protocol, WebhookRoom

_OK = 200
_ACCEPTED = 202
_CODE = re.compile(r"[A-Z][A-Za-z]{1,60}")
VERSION = "1.2"
"""Of the schema; a client that has only an older one shows no card."""
LARGEST = 26_000
"""Of the 28,672 bytes that Teams accepts, counted as Teams counts them; the workflow adds the rest."""
_LONGEST_HEADLINE = 300
_LONGEST_REPORT = 6000
_STYLES = {
    Severity.INFO: "accent",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}
_MARKUP = re.compile(r"[\\`*_\[\]<>&~]|^[-+#]|^\d+(?=[.)])", re.ASCII)
"""Markdown's markup within a line, and at its beginning for lists and headings."""
Element = dict[str, Any]


def _receipt(name: str, answer: Answer) -> Receipt:
    if answer.status == _ACCEPTED or (answer.status == _OK and not answer.body.lstrip().startswith(b"<")):
        return Receipt(DeliveryOutcome.DELIVERED)
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        raise UnavailableError(f"channel {name}: answered {answer.status}, must be {_ACCEPTED}")
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


def body(message: Message) -> dict[str, Any]:
    """The body of the request to the webhook; facts that do not fit are left out."""
    facts = chat.facts(message)
    kept = facts[: chat.MOST_FACTS]
    while size(posted := _posted(message, kept, cut=len(kept) < len(facts))) > LARGEST and kept:
        kept.pop()
    return posted


def plain(message: Message) -> dict[str, Any]:
    """The message as a card of text alone: the webhook of a workflow takes nothing but a card."""
    return _carded([_text(line) for line in chat.plain_text(message).splitlines()])


def report_card(message: ReportMessage) -> dict[str, Any]:
    """A report as a card: its headlines, what each section says, and a link to its page."""
    if message.plain:
        return _carded([_text(line) for line in text(message, _LONGEST_REPORT).splitlines()])
    elements = [
        _text(message.title, weight="bolder", size="large"),
        _text(context(message), isSubtle=True, size="small"),
    ]
    for part in outline(message.report):
        elements += [_text(part.title, weight="bolder"), *(_text(f"• {line}") for line in part.lines)]
    return _carded(elements, [_action(button) for button in buttons(message)])


def size(posted: dict[str, Any]) -> int:
    r"""The bytes that Teams counts, or more.

    It embeds a card as JSON in a string of another JSON: of 24,453 bytes sent it counted 28,897 (issue 11274 of
    MicrosoftDocs/msteams-docs). How it spells characters beyond ASCII is not said; `\uXXXX` is the longest way.

    >>> size({"a": "e"}), size({"a": "é"})
    (16, 22)
    """
    return len(json.dumps(json.dumps(posted)))


def escaped(text: str) -> str:
    r"""One line of text in which Markdown is nothing but characters.

    >>> escaped("*a_b* [x](y)"), escaped("1. x"), escaped("- x")
    ('\\*a\\_b\\* \\[x\\](y)', '1\\. x', '\\- x')
    """
    return _MARKUP.sub(lambda match: match[0] + "\\" if match[0].isdigit() else "\\" + match[0], text)


def _posted(message: Message, facts: list[Fact], *, cut: bool) -> dict[str, Any]:
    elements = _elements(message, facts, [_text(chat.MORE, isSubtle=True)] if cut else [])
    return _carded(elements, [_action(button) for button in chat.buttons(message)])


def _carded(elements: list[Element], actions: list[Element] | None = None) -> dict[str, Any]:
    """The body of the request: a card of some elements and buttons; a card of text alone has no buttons."""
    card: Element = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "body": elements,
    }
    if actions is not None:
        card |= {"msteams": {"width": "Full"}, "actions": actions}
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def _elements(message: Message, facts: list[Fact], more: list[Element]) -> list[Element]:
    headline = _text(chat.headline(message, _LONGEST_HEADLINE), weight="bolder", size="medium")
    shown = [_text(line) for line in chat.lead(message).splitlines()]
    pairs = [{"title": escaped(fact.name), "value": escaped(fact.text)} for fact in facts]
    return [
        {"type": "Container", "style": _style(message), "bleed": True, "items": [headline]},
        *shown,
        *([{"type": "FactSet", "facts": pairs}] if pairs else []),
        *more,
        _text(chat.context(message), isSubtle=True, size="small"),
    ]


def _style(message: Message) -> str:
    if message.change is Change.RESOLVED:
        return "good"
    return _STYLES[message.severity] if chat.is_open(message) else "emphasis"


def _text(text: str, **looks: object) -> Element:
    """A text element without markup."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}


def _action(button: Button) -> Element:
    made = {"type": "Action.OpenUrl", "title": button.text, "url": button.url}
    return made | ({"style": "positive"} if button.primary else {})


WEBHOOK = Protocol(message=body, plain_text=plain, report=report_card, receipt=_receipt)
"""Of a workflow's webhook."""
KIND: ChannelKind[TeamsChannel] = ChannelKind(
    open=lambda setting, context: WebhookRoom(setting.name, setting.url, context.clock, context.seconds, WEBHOOK),
    gap=timedelta(seconds=0.5),
)
