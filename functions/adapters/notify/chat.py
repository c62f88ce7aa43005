"""What a chat shows of any message, whatever its markup: the headline, the facts, where it belongs, and the buttons."""

from dataclasses import dataclass

from core.events import Change, Severity
from core.incidents.messages import Fact, Message
from core.text import instant
from functions.adapters.notify.text import fit, paragraph, web

MORE = "More on the page of the incident."
LONGEST_TEXT = 1000
LONGEST_FACT = 600
LONGEST_NAME = 60
MOST_FACTS = 20
_SIGNS = {Severity.INFO: "🔵", Severity.WARNING: "🟡", Severity.ERROR: "🟠", Severity.CRITICAL: "🔴"}
_TAKEN_CARE_OF = frozenset({Change.RESOLVED, Change.ACKNOWLEDGED, Change.MITIGATED})


@dataclass(frozen=True, slots=True)
class Button:
    """A link to something to do.

    Attributes:
        name: what for, by which a program tells buttons apart.
        text: what people read.
        url: where it leads.
        primary: whether it is what people should do.
    """

    name: str
    text: str
    url: str
    primary: bool = False


def is_open(message: Message) -> bool:
    """Whether somebody still has to take care of it."""
    return message.change not in _TAKEN_CARE_OF


def headline(message: Message, limit: int) -> str:
    """A sign and a word for how bad it is or what became of it, and the title."""
    sign = "🟢" if message.change is Change.RESOLVED else _SIGNS[message.severity]
    state = message.severity if is_open(message) else message.change
    return fit(f"{sign} {state}: {message.title}", limit)


def lead(message: Message) -> str:
    """What happened: one line where facts say the rest, else all of the text."""
    return paragraph(message.text.partition("\n")[0] if message.facts else message.text, LONGEST_TEXT)


def facts(message: Message) -> list[Fact]:
    """The facts that say more than the lead, clean and short; people read `MOST_FACTS` of them."""
    said = message.text.partition("\n")[0]
    shown = (
        Fact(name=fit(fact.name, LONGEST_NAME) or "Fact", text=fit(fact.text, LONGEST_FACT))
        for fact in message.facts
        if fact.text != said
    )
    return [fact for fact in shown if fact.text]


def context(message: Message) -> str:
    """Where it belongs, on one line; the runbook where it is no link."""
    parts = [message.change.value, message.category, fit(message.target, 200), instant(message.at)]
    if message.runbook and not web(message.runbook):
        parts.append(f"runbook {fit(message.runbook, 200)}")
    if message.missed:
        parts.append("in place of earlier messages that could not be sent")
    parts.append(fit(message.incident_id, 200))
    return fit(" · ".join(part for part in parts if part), LONGEST_TEXT)


def buttons(message: Message) -> list[Button]:
    """To the incident, which is where it is acknowledged, and to the runbook."""
    unanswered = is_open(message)
    links = (
        Button("incident", "Acknowledge" if unanswered else "See the incident", web(message.url), primary=unanswered),
        Button("runbook", "Runbook", web(message.runbook)),
    )
    return [button for button in links if button.url]
