"""The content of a chat message, independent of its markup: headline, facts, context and buttons."""

from dataclasses import dataclass

from core.events import Change, Severity, Verb
from core.incidents.lifecycle import ENDINGS, RESPONSES
from core.incidents.messages import Fact, Message
from core.text import instant
from functions.adapters.notify.text import fit, paragraph, web

MORE = "More on the page of the incident."
LONGEST_TEXT = 1000
LONGEST_FACT = 600
LONGEST_NAME = 60
MOST_FACTS = 20
_SIGNS = {Severity.INFO: "🔵", Severity.WARNING: "🟡", Severity.ERROR: "🟠", Severity.CRITICAL: "🔴"}
LABELS = {
    Verb.ACKNOWLEDGE: "Acknowledge",
    Verb.MITIGATE: "Mitigated",
    Verb.RESOLVE: "Resolve",
    Verb.CANCEL: "False alarm",
    Verb.REOPEN: "Reopen",
    Verb.TAKE_OVER: "Take over",
    Verb.GIVE_BACK: "Give back",
}
"""The labels of the verbs that people answer with."""
ENDS = {
    Verb.RESOLVE: "It is over: everybody who was notified is notified of that.",
    Verb.CANCEL: "It was a false alarm: everybody who was notified is notified of that, and it does not count in the response times.",
}
"""The verbs that end an incident, and what to know before."""
_ENDED = {Change.RESOLVED: "🟢", Change.EXPIRED: "⚪", Change.MERGED: "🟣"}
_CLOSED = RESPONSES | ENDINGS


@dataclass(frozen=True, slots=True)
class Button:
    """A button with a link.

    Attributes:
        name: identifies the button for programs.
        text: the label.
        url: the target of the link.
        primary: whether it is the suggested action.
    """

    name: str
    text: str
    url: str
    primary: bool = False


def is_open(message: Message) -> bool:
    """Whether nobody has responded yet, and it has not ended."""
    return message.change not in _CLOSED


def headline(message: Message, limit: int) -> str:
    """A symbol and a word for the severity or the change, and the title."""
    sign = _ENDED.get(message.change) or _SIGNS[message.severity]
    state = message.severity if is_open(message) else message.change
    return fit(f"{sign} {state}: {message.title}", limit)


def lead(message: Message) -> str:
    """What happened: one line if the facts have the rest, else the whole text."""
    return paragraph(message.text.partition("\n")[0] if message.facts else message.text, LONGEST_TEXT)


def facts(message: Message) -> list[Fact]:
    """The facts that add to the lead, clean and short; `MOST_FACTS` of them are shown."""
    said = message.text.partition("\n")[0]
    shown = (
        Fact(name=fit(fact.name, LONGEST_NAME) or "Fact", text=fit(fact.text, LONGEST_FACT))
        for fact in message.facts
        if fact.text != said
    )
    return [fact for fact in shown if fact.text]


def context(message: Message) -> str:
    """The context on one line: change, category, target and time, and the runbook if it is not a link."""
    parts = [message.change.value, message.category, fit(message.target, 200), instant(message.at)]
    if message.runbook and not web(message.runbook):
        parts.append(f"runbook {fit(message.runbook, 200)}")
    if message.missed:
        parts.append("earlier messages about it were not sent here")
    parts.append(fit(message.incident_id, 200))
    return fit(" · ".join(part for part in parts if part), LONGEST_TEXT)


def verbs(message: Message) -> tuple[Verb, ...]:
    """The verbs that may follow a change, the suggested one first."""
    match message.change:
        case Change.RESOLVED:
            return (Verb.REOPEN,)
        case Change.MERGED:
            return ()
        case Change.EXPIRED:
            return (Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.REOPEN)
        case Change.MITIGATED:
            return (Verb.RESOLVE, Verb.CANCEL)
        case Change.ACKNOWLEDGED:
            return (Verb.MITIGATE, Verb.RESOLVE, Verb.CANCEL, Verb.TAKE_OVER, Verb.GIVE_BACK)
    return (Verb.ACKNOWLEDGE, Verb.MITIGATE, Verb.RESOLVE, Verb.CANCEL)


def plain_text(message: Message) -> str:
    """The whole message as text without any markup, in a few lines."""
    links = [url for url in (web(message.url), web(message.runbook)) if url]
    parts = (headline(message, 300), *links, paragraph(message.text, LONGEST_TEXT), context(message))
    return "\n".join(part for part in parts if part)


def buttons(message: Message, *, answers: bool = False) -> list[Button]:
    """To the incident, where it is acknowledged unless there are buttons that answer, and to the runbook."""
    unanswered = is_open(message) and not answers
    links = (
        Button("incident", "Acknowledge" if unanswered else "See the incident", web(message.url), primary=unanswered),
        Button("runbook", "Runbook", web(message.runbook)),
    )
    return [button for button in links if button.url]
