"""The page of the inbox, rendered on the server. Every foreign text is escaped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from urllib.parse import urlsplit

from core.events import Change
from core.incidents.lifecycle import ENDINGS, RESPONSES
from core.text import counted, day, instant
from infra.local.inbox.alerts import CHANNEL
from infra.local.inbox.messages import REPORT, Received

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Inbox</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<noscript><meta http-equiv="refresh" content="10"></noscript>
<script src="/refresh.js" defer></script>
</head>
<body>
<header>
<h1>Inbox</h1>
<p id="state" role="status"></p>
</header>
<main id="messages">
{main}
</main>
</body>
</html>
"""
_EMPTY = """<section class="empty">
<p><strong>No messages yet.</strong></p>
<p>What the incident router tells people arrives here within seconds.</p>
</section>"""


def page(messages: Sequence[Received], total: int) -> str:
    """The whole page.

    Args:
        messages: the newest first.
        total: how many there are.
    """
    return _PAGE.format(main=_days(messages, total) if messages else _EMPTY)


def _days(messages: Sequence[Received], total: int) -> str:
    shown = counted(total, "message")
    if total > len(messages):
        shown += f", the newest {len(messages):,} shown"
    parts = [f'<p class="soft count">{shown}</p>']
    for one, of_day in groupby(messages, key=lambda message: message.received_at.astimezone(UTC).date()):
        cards = "\n".join(_card(message) for message in of_day)
        parts.append(f"<section>\n<h2>{one:%A}, {day(one)}</h2>\n{cards}\n</section>")
    return "\n".join(parts)


_ENDED = {Change.RESOLVED: "good", Change.EXPIRED: "info", Change.MERGED: "info"}


def _card(message: Received) -> str:
    ended = message.change in ENDINGS
    tone = _ENDED.get(message.change, message.severity.value)
    shown: str = message.change if ended else message.severity
    change = f"was {message.severity}" if ended else message.change.value
    if message.category == REPORT:
        shown, change = REPORT, "weekly"
    return (
        f'<article class="{tone}">'
        f'<div class="row"><span class="pill">{escape(shown)}</span><span class="change">{escape(change)}</span>'
        f"{_channel(message)}{_time(message.received_at)}</div>"
        f"<h3>{escape(message.title)}</h3>{_about(message)}{_missed(message)}{_says(message)}{_links(message)}"
        f'<footer class="soft"><span class="id">{escape(message.incident_id)}</span>'
        f" <span>observed {_time(message.at, day=True)}</span>{_repeated(message)}</footer>"
        "</article>"
    )


def _channel(message: Received) -> str:
    return f'<span class="chip" title="channel">{escape(message.channel)}</span>' if message.channel else ""


def _about(message: Received) -> str:
    parts = [escape(part) for part in (message.category.replace("_", " "), message.target) if part]
    return f'<p class="soft about">{" &middot; ".join(parts)}</p>' if parts else ""


def _missed(message: Received) -> str:
    said = "Earlier notifications of this incident could not be sent."
    return f'<p class="missed">{said}</p>' if message.missed else ""


def _says(message: Received) -> str:
    """The facts, or the text where there are none: it says the same."""
    if message.facts:
        facts = "".join(f"<dt>{escape(fact.name)}</dt><dd>{escape(fact.text)}</dd>" for fact in message.facts)
        return f"<dl>{facts}</dl>"
    lines = "".join(f"<p>{escape(line)}</p>" for line in message.text.splitlines() if line.strip())
    return f'<div class="text">{lines}</div>'


def _links(message: Received) -> str:
    links = _link(message.url, _leads_to(message))
    links += _link(message.runbook, "Runbook")
    return f'<p class="links">{links}</p>' if links else ""


def _leads_to(message: Received) -> str:
    if message.channel == CHANNEL:
        return "Show in Prometheus"
    if message.category == REPORT:
        return "Read the report"
    over = message.change in RESPONSES | ENDINGS
    return "Show the incident" if over else "Show or acknowledge"


def _repeated(message: Received) -> str:
    many = message.deliveries > 1
    return f' <span title="kept once">received {message.deliveries} times</span>' if many else ""


def _time(at: datetime, *, day: bool = False) -> str:
    utc = at.astimezone(UTC)
    shown = instant(utc) if day else f"{utc:%H:%M:%S} UTC"
    return f'<time datetime="{utc.isoformat()}">{shown}</time>'


def _link(url: str, name: str) -> str:
    return f'<a href="{escape(url)}" rel="noreferrer noopener">{name}</a>' if _is_web(url) else ""


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
