"""The comparison as one HTML page without anything outside it. Every text comes from outside and is escaped."""

from collections.abc import Iterable
from html import escape

from core.replay.compare import Comparison, Difference, Told
from core.settings.people import People
from functions.cli.html_page import bullets, document, section
from functions.services.html import table
from functions.services.replay.summary import Header, action, lines, receivers

_MOST = 2000
"""Messages on a page; JSON has all."""


def page(header: Header, comparison: Comparison, people: People) -> str:
    """The whole page."""
    changed = comparison.changed
    parts = [
        section("Channels", _receivers(comparison, people)),
        section("Messages that would differ", _changes(comparison, changed[:_MOST]) if changed else ""),
        section(
            "Incidents that would be merged",
            bullets(
                f"{one.incident_id} ({one.target}) into {one.into} ({one.into_target})" for one in comparison.merges
            ),
        ),
        section("Actions that would be requested", bullets(map(action, comparison.new_requests))),
        section("Actions that would not be requested", bullets(map(action, comparison.gone_requests))),
    ]
    title = f"{len(changed):,} messages would differ" if changed else "No message would differ"
    whole = f"{title} with {header.settings}"
    sentences = "".join(f'<p class="soft">{escape(line)}</p>' for line in lines(header, comparison))
    head = f'<p class="kind">Replay</p>\n<h1>{escape(whole)}</h1>\n{sentences}'
    return document(title=whole, tone="none" if changed else "good", header=head, parts=parts)


def _receivers(comparison: Comparison, people: People) -> str:
    heads = ("Channel", "People", "Messages", "Would be", "Pages", "Would be", "Out of hours", "Would be")
    return table(
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
    return table(heads, (_row(comparison, one) for one in changed))


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
