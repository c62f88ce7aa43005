"""Messages for Slack as Block Kit blocks: the card of an incident, a reply in its thread, and their buttons.

Foreign text appears only in `plain_text` elements, where Slack reads no markup, mention or link; in the fallback text,
which has no such element, `&`, `<` and `>` are escaped.
"""

from typing import Any

from core.events import Verb
from core.incidents.messages import Fact, Message
from functions.adapters.notify import chat
from functions.adapters.notify.chat import Button
from functions.adapters.notify.text import paragraph

LONGEST_HEADER = 150
MOST_FIELDS = 10
_ALL_FACTS = 2600
"""Characters of all facts together: Slack refuses messages of about 12,000 characters, and counts their JSON."""
_SHORT = 60
"""Characters: a shorter fact is placed beside another, a longer one alone."""
_LONGEST_SECTION = 300
"""Characters of the first line of a reply."""
_LONGEST_PLAIN_TEXT = 780
"""Characters: escaped, at most five times as many, and Slack takes 4,000."""
_LONGEST_VALUE = 2000
"""Characters of what a button sends back."""
Block = dict[str, Any]


def body(message: Message, *, answers: bool = False) -> dict[str, Any]:
    """The body of the request: the blocks, and a text for notifications; links are not unfolded.

    Args:
        message: the message.
        answers: whether buttons answer in Slack; else they are links to the page.
    """
    return _posted(message, blocks(message, answers=answers))


def reply(message: Message) -> dict[str, Any]:
    """The body of a reply in the thread: what changed; the card has the rest."""
    shown = [_section(text) for text in (chat.headline(message, _LONGEST_SECTION), chat.lead(message)) if text]
    return _posted(message, [*shown, _context(chat.context(message))])


def plain(message: Message) -> dict[str, Any]:
    """The message as text alone, for a room or an app that takes no blocks."""
    text = escaped(paragraph(chat.plain_text(message), _LONGEST_PLAIN_TEXT))
    return {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def blocks(message: Message, *, answers: bool = False) -> list[Block]:
    """A header, the lead, the facts, the context, and buttons."""
    header = {"type": "header", "text": plain_text(chat.headline(message, LONGEST_HEADER))}
    shown = [_section(text)] if (text := chat.lead(message)) else []
    facts = chat.facts(message)
    texts = _fact_texts(facts[: chat.MOST_FACTS])
    more = [_context(chat.MORE)] if len(texts) < len(facts) else []
    buttons = _answers(message) if answers else []
    buttons += [link(button) for button in chat.buttons(message, answers=bool(buttons))]
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
            sections.append(_section(text))
        elif sections and len(sections[-1].get("fields", [None] * MOST_FIELDS)) < MOST_FIELDS:
            sections[-1]["fields"].append(plain_text(text))
        else:
            sections.append({"type": "section", "fields": [plain_text(text)]})
    return sections


def _context(text: str) -> Block:
    return {"type": "context", "elements": [plain_text(text)]}


def _posted(message: Message, shown: list[Block]) -> dict[str, Any]:
    return {
        "text": escaped(chat.headline(message, 300)),
        "blocks": shown,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> Block:
    return {"type": "section", "text": plain_text(text)}


def _answers(message: Message) -> list[Block]:
    """Buttons whose click Slack sends to `command_intake`: the verbs that the change leaves, each with the incident's id."""
    value = message.incident_id
    if not value.strip() or len(value) > _LONGEST_VALUE or not value.isascii() or not value.isprintable():
        return []
    return [_answer(verb, value) for verb in chat.verbs(message)]


def _answer(verb: Verb, value: str) -> Block:
    text = chat.LABELS[verb]
    made = {"type": "button", "action_id": verb.value, "text": plain_text(text), "value": value}
    if verb is Verb.ACKNOWLEDGE:
        return made | {"style": "primary"}
    if verb not in chat.ENDS:
        return made
    said = {"title": plain_text(f"{text}?"), "text": plain_text(chat.ENDS[verb])}
    return made | {"confirm": said | {"confirm": plain_text(text), "deny": plain_text("Not now")}}


def link(button: Button) -> Block:
    """A button that is a link."""
    made = {"type": "button", "action_id": button.name, "text": plain_text(button.text), "url": button.url}
    return made | ({"style": "primary"} if button.primary else {})


def plain_text(text: str) -> Block:
    """Text without markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Text for the fallback, without markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
