"""The comparison as one HTML page without anything outside it. Every text comes from outside and is escaped."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from core.replay.compare import Comparison, Difference, Told
from core.settings.people import People
from functions.cli.replay.summary import Header, action, lines, receivers

_STYLE = Path(__file__).parents[1] / "drift" / "style.css"
_MOST = 2000
"""Messages on a page; JSON has all."""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header class="{tone}">
<p class="kind">Replay</p>
<h1>{title}</h1>
{sentences}
</header>
<main>
{main}
</main>
</body>
</html>
"""


def page(header: Header, comparison: Comparison, people: People) -> str:
    """The whole page."""
    changed = comparison.changed
    parts = [
        _section("Channels", _receivers(comparison, people)),
        _section("Messages that would differ", _changes(comparison, changed[:_MOST]) if changed else ""),
        _section(
            "Incidents that would be merged",
            _list(f"{one.incident_id} ({one.target}) into {one.into} ({one.into_target})" for one in comparison.merges),
        ),
        _section("Actions that would be requested", _list(map(action, comparison.new_requests))),
        _section("Actions that would not be requested", _list(map(action, comparison.gone_requests))),
    ]
    title = f"{len(changed):,} messages would differ" if changed else "No message would differ"
    return _PAGE.format(
        title=escape(f"{title} with {header.settings}"),
        style=_STYLE.read_text(encoding="utf-8"),
        tone="none" if changed else "good",
        sentences="".join(f'<p class="soft">{escape(line)}</p>' for line in lines(header, comparison)),
        main="\n".join(part for part in parts if part),
    )


def _section(title: str, inner: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{inner}\n</section>" if inner else ""


def _list(found: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in found)
    return f"<ul>{items}</ul>" if items else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _receivers(comparison: Comparison, people: People) -> str:
    heads = ("Channel", "People", "Messages", "Would be", "Pages", "Would be", "Out of hours", "Would be")
    return _table(
        heads,
        (
            (
                one.channel,
                ", ".join(one.people),
                *map(str, (one.told, one.would, one.pages, one.would_page, one.woken, one.would_wake)),
            )
            for one in receivers(comparison, people)
        ),
    )


def _changes(comparison: Comparison, changed: Iterable[Difference]) -> str:
    heads = ("", "Sent", "Would be sent", "Channel", "What", "Target", "Title", "")
    return _table(heads, (_row(comparison, one) for one in changed))


def _row(comparison: Comparison, one: Difference) -> tuple[str, ...]:
    message = one.message
    return (
        one.verdict.value,
        _at(one.told),
        _at(one.would),
        message.channel,
        f"{message.change} {message.severity}",
        message.target,
        message.title,
        "out of hours" if comparison.watch.wakes(message) else "",
    )


def _at(told: Told | None) -> str:
    return f"{told.at:%Y-%m-%d %H:%M}" if told else ""
