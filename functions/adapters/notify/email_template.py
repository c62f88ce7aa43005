"""A message as an e-mail: plain text, and the same as simple HTML.

Every attempt to send a message has the same `Message-ID`, and all messages of an incident refer to one that nobody sends,
so that mail clients drop repetitions and show an incident as one conversation.
"""

import hashlib
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from core.events import Change, Severity
from core.incidents.messages import Message
from core.text import instant
from functions.adapters.notify.text import fit, paragraph, web

LONGEST_SUBJECT = 120
_LONGEST_TEXT = 8000
_LONGEST_FACT = 2000
_MOST_FACTS = 40
_POLICY = SMTP.clone(cte_type="7bit")
_COLOURS = {
    Severity.INFO: "#2563eb",
    Severity.WARNING: "#b45309",
    Severity.ERROR: "#c2410c",
    Severity.CRITICAL: "#b91c1c",
}
_OVER = "#15803d"
_ENDS = frozenset({Change.RESOLVED, Change.ACKNOWLEDGED, Change.MITIGATED})
_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px;font:15px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#111827">
<div style="max-width:640px;border-left:4px solid {colour};padding-left:16px">
<p style="margin:0;color:{colour};font-weight:600">{state}</p>
<h1 style="margin:4px 0 12px;font-size:20px;line-height:1.3">{title}</h1>
{paragraphs}
{facts}
{links}
<p style="color:#6b7280;font-size:13px">{footer}</p>
</div></body></html>
"""


def letter(message: Message, *, sender: str, to: Sequence[str]) -> bytes:
    """The e-mail as it is sent.

    Args:
        message: what to tell.
        sender: the address it comes from, with or without a name.
        to: the addresses it goes to.
    """
    made = EmailMessage(policy=_POLICY)
    domain = sender.rpartition("@")[2].strip("> ")
    root = f"<{_hash(message.incident_id)}@{domain}>"
    made["From"] = sender
    made["To"] = ", ".join(to)
    made["Subject"] = subject(message)
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{_hash(message.key)}@{domain}>"
    made["In-Reply-To"] = root
    made["References"] = root
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_plain(message), cte="quoted-printable")
    made.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    return made.as_bytes()


def subject(message: Message) -> str:
    """What is the case, and the title, in which nothing is left that a header's reader would decode (RFC 2047)."""
    return fit(f"[{_state(message)}] {message.title.replace('=?', '= ?')}", LONGEST_SUBJECT)


def _state(message: Message) -> str:
    return message.change.value if message.change in _ENDS else message.severity.value


def _plain(message: Message) -> str:
    facts = "\n".join(f"{name}: {text}" for name, text in _facts(message))
    parts = [
        fit(message.title, 1000),
        paragraph(message.text, _LONGEST_TEXT),
        facts,
        *_links(message),
        _footer(message),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(message: Message) -> str:
    lines = paragraph(message.text, _LONGEST_TEXT).splitlines()
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;padding:2px 16px 2px 0;font-weight:600">{escape(name)}</th>'
        f'<td style="padding:2px 0">{escape(text)}</td></tr>'
        for name, text in _facts(message)
    )
    found = [(web(message.url), "See and acknowledge the incident"), (web(message.runbook), "Runbook")]
    return _HTML.format(
        colour=_OVER if message.change is Change.RESOLVED else _COLOURS[message.severity],
        state=escape(_state(message).capitalize()),
        title=escape(fit(message.title, 1000)),
        paragraphs="\n".join(f'<p style="margin:0 0 8px">{escape(line)}</p>' for line in lines),
        facts=f'<table style="border-collapse:collapse;margin:12px 0">{rows}</table>' if rows else "",
        links="\n".join(f'<p style="margin:8px 0"><a href="{escape(to)}">{text}</a></p>' for to, text in found if to),
        footer=escape(_footer(message)),
    )


def _facts(message: Message) -> list[tuple[str, str]]:
    found = ((fit(fact.name, 200), fit(fact.text, _LONGEST_FACT)) for fact in message.facts[:_MOST_FACTS])
    return [(name, text) for name, text in found if text]


def _links(message: Message) -> list[str]:
    runbook = web(message.runbook) or fit(message.runbook, 1000)
    found = (("The incident", web(message.url)), ("Runbook", runbook))
    return [f"{name}: {there}" for name, there in found if there]


def _footer(message: Message) -> str:
    missed = "in place of earlier messages that could not be sent" if message.missed else ""
    parts = (message.category, message.target, instant(message.at), message.incident_id, missed)
    return " · ".join(shown for part in parts if (shown := fit(part, 300)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]
