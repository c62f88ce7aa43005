"""A message as Slack's blocks (Block Kit), within Slack's limits whatever the message holds."""

from typing import Any

from core.events import Change, Severity
from core.incidents.messages import Fact, Message
from core.incidents.text import instant
from functions.adapters.notify.text import fit, paragraph, web

LONGEST_HEADER = 150
MOST_FIELDS = 10
_LONGEST_TEXT = 1000
_LONGEST_FACT = 600
_ALL_FACTS = 2600
"""Of all facts together: Slack refuses messages of about 12,000 characters, and counts their JSON."""
_MOST_FACTS = 20
_SHORT = 60
"""A fact no longer than this stands beside another, a longer one by itself."""
_SIGNS = {Severity.INFO: "🔵", Severity.WARNING: "🟡", Severity.ERROR: "🟠", Severity.CRITICAL: "🔴"}
_TAKEN_CARE_OF = frozenset({Change.RESOLVED, Change.ACKNOWLEDGED, Change.MITIGATED})
Block = dict[str, Any]


def body(message: Message) -> dict[str, Any]:
    """What is posted: the blocks, and a text for notifications; links are not unfolded."""
    return {
        "text": _escaped(fit(f"{_sign(message)} {_headline(message)}", 300)),
        "blocks": blocks(message),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def blocks(message: Message) -> list[Block]:
    """A header, what happened, the facts, where it belongs, and buttons."""
    header = {"type": "header", "text": _plain(fit(f"{_sign(message)} {_headline(message)}", LONGEST_HEADER))}
    told = message.text.partition("\n")[0] if message.facts else message.text
    shown = [{"type": "section", "text": _plain(text)}] if (text := paragraph(told, _LONGEST_TEXT)) else []
    context = {"type": "context", "elements": [_plain(_context(message))]}
    buttons = _buttons(message)
    actions = [{"type": "actions", "elements": buttons}] if buttons else []
    return [header, *shown, *_facts(message.facts), context, *actions]


def _headline(message: Message) -> str:
    return f"{message.change if message.change in _TAKEN_CARE_OF else message.severity}: {message.title}"


def _sign(message: Message) -> str:
    return "🟢" if message.change is Change.RESOLVED else _SIGNS[message.severity]


def _facts(facts: tuple[Fact, ...]) -> list[Block]:
    """The facts in their order: short ones in two columns, a long one over the whole width."""
    sections: list[Block] = []
    texts, cut = _texts(facts)
    for text in texts:
        if len(text.partition("\n")[2]) > _SHORT:
            sections.append({"type": "section", "text": _plain(text)})
        elif sections and len(sections[-1].get("fields", [None] * MOST_FIELDS)) < MOST_FIELDS:
            sections[-1]["fields"].append(_plain(text))
        else:
            sections.append({"type": "section", "fields": [_plain(text)]})
    more = {"type": "context", "elements": [_plain("More stands on the page of the incident.")]}
    return [*sections, more] if cut else sections


def _texts(facts: tuple[Fact, ...]) -> tuple[list[str], bool]:
    """The facts as texts, as many as there is room for, and whether any is left out."""
    texts: list[str] = []
    left = _ALL_FACTS
    for fact in facts:
        text = paragraph(f"{fit(fact.name, _SHORT)}\n{fit(fact.text, _LONGEST_FACT)}", _LONGEST_FACT)
        left -= len(text)
        if left < 0 or len(texts) == _MOST_FACTS:
            return texts, True
        texts += [text] if text else []
    return texts, False


def _context(message: Message) -> str:
    parts = [message.change.value, message.category, fit(message.target, 200), instant(message.at)]
    if message.runbook and not web(message.runbook):
        parts.append(f"runbook {fit(message.runbook, 200)}")
    if message.missed:
        parts.append("in place of earlier messages that could not be sent")
    parts.append(fit(message.incident_id, 200))
    return fit(" · ".join(part for part in parts if part), 1000)


def _buttons(message: Message) -> list[Block]:
    open_still = message.change not in _TAKEN_CARE_OF
    first = "Acknowledge" if open_still else "See the incident"
    found = []
    if url := web(message.url):
        button = {"type": "button", "action_id": "incident", "text": _plain(first), "url": url}
        found.append(button | ({"style": "primary"} if open_still else {}))
    if url := web(message.runbook):
        found.append({"type": "button", "action_id": "runbook", "text": _plain("Runbook"), "url": url})
    return found


def _plain(text: str) -> Block:
    """Text in which Slack reads nothing but characters."""
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
