"""A message as Slack's blocks (Block Kit), within Slack's limits whatever the message holds."""

from typing import Any

from core.incidents.messages import Fact, Message
from functions.adapters.notify import chat
from functions.adapters.notify.chat import Button
from functions.adapters.notify.text import paragraph

LONGEST_HEADER = 150
MOST_FIELDS = 10
_ALL_FACTS = 2600
"""Of all facts together: Slack refuses messages of about 12,000 characters, and counts their JSON."""
_SHORT = 60
"""A fact no longer than this stands beside another, a longer one by itself."""
Block = dict[str, Any]


def body(message: Message) -> dict[str, Any]:
    """What is posted: the blocks, and a text for notifications; links are not unfolded."""
    return {
        "text": _escaped(chat.headline(message, 300)),
        "blocks": blocks(message),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def blocks(message: Message) -> list[Block]:
    """A header, what happened, the facts, where it belongs, and buttons."""
    header = {"type": "header", "text": _plain(chat.headline(message, LONGEST_HEADER))}
    shown = [{"type": "section", "text": _plain(text)}] if (text := chat.lead(message)) else []
    facts = chat.facts(message)
    texts = _within(facts[: chat.MOST_FACTS])
    more = [_context(chat.MORE)] if len(texts) < len(facts) else []
    buttons = [_button(button) for button in chat.buttons(message)]
    actions = [{"type": "actions", "elements": buttons}] if buttons else []
    return [header, *shown, *_sections(texts), *more, _context(chat.context(message)), *actions]


def _within(facts: list[Fact]) -> list[str]:
    """The facts as texts of two lines, as many as there is room for."""
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
    """The facts in their order: short ones in two columns, a long one over the whole width."""
    sections: list[Block] = []
    for text in texts:
        if len(text.partition("\n")[2]) > _SHORT:
            sections.append({"type": "section", "text": _plain(text)})
        elif sections and len(sections[-1].get("fields", [None] * MOST_FIELDS)) < MOST_FIELDS:
            sections[-1]["fields"].append(_plain(text))
        else:
            sections.append({"type": "section", "fields": [_plain(text)]})
    return sections


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_plain(text)]}


def _button(button: Button) -> Block:
    made = {"type": "button", "action_id": button.name, "text": _plain(button.text), "url": button.url}
    return made | ({"style": "primary"} if button.primary else {})


def _plain(text: str) -> Block:
    """Text in which Slack reads nothing but characters."""
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
