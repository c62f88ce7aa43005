"""The page of the inbox, rendered on the server. Every text comes from outside and is escaped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from urllib.parse import urlsplit

from core.events import Change
from infra.local.inbox.messages import Received

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
    shown = f"{total:,} message{'' if total == 1 else 's'}"
    if total > len(messages):
        shown += f", the newest {len(messages):,} shown"
    parts = [f'<p class="soft count">{shown}</p>']
    for day, of_day in groupby(messages, key=lambda message: message.received_at.astimezone(UTC).date()):
        cards = "\n".join(_card(message) for message in of_day)
        parts.append(f"<section>\n<h2>{day:%A, %d %B %Y}</h2>\n{cards}\n</section>")
    return "\n".join(parts)


def _card(message: Received) -> str:
    resolved = message.change is Change.RESOLVED
    tone, pill = ("good", message.change) if resolved else (message.severity.value, message.severity)
    change = f"was {message.severity}" if resolved else message.change.value
    lines = "".join(f"<p>{escape(line)}</p>" for line in message.text.splitlines() if line.strip())
    repeated = f' <span title="kept once">received {message.deliveries} times</span>' if message.deliveries > 1 else ""
    return (
        f'<article class="{tone}">'
        f'<div class="row"><span class="pill">{escape(pill)}</span>'
        f'<span class="change">{escape(change)}</span>{_time(message.received_at)}</div>'
        f"<h3>{escape(message.title)}</h3>"
        f'<div class="text">{lines}</div>'
        f'<footer class="soft">{_link(message)} <span>observed {_time(message.at, day=True)}</span>{repeated}</footer>'
        "</article>"
    )


def _time(instant: datetime, *, day: bool = False) -> str:
    utc = instant.astimezone(UTC)
    shown = f"{utc:%d %b %Y %H:%M} UTC" if day else f"{utc:%H:%M:%S} UTC"
    return f'<time datetime="{utc.isoformat()}">{shown}</time>'


def _link(message: Received) -> str:
    name = escape(message.incident_id)
    if not _is_web(message.url):
        return f"<span>{name}</span>"
    return f'<a href="{escape(message.url)}" rel="noreferrer noopener">{name}</a>'


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
