"""The comparison in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.replay.compare import Comparison, Difference, Verdict
from core.settings.people import People
from functions.services.replay.summary import Header, action, lines, receivers

_SHOWN = 20
_STYLES = {Verdict.ADDED: "bold red", Verdict.REMOVED: "green"}


def print_comparison(header: Header, comparison: Comparison, people: People, console: Console) -> None:
    """Print what would differ: for each channel, then the first messages, merged incidents and actions."""
    for line in lines(header, comparison):
        console.print(Text(line))
    console.print()
    console.print(_receivers(comparison, people))
    if comparison.changed:
        console.print()
        console.print(_changes(comparison))
    for merge in comparison.merges:
        console.print(Text(f"merged   {merge.incident_id} ({merge.target}) into {merge.into} ({merge.into_target})"))
    for request in comparison.new_requests:
        console.print(Text(f"action   {action(request)} would be requested", style="bold red"))
    for request in comparison.gone_requests:
        console.print(Text(f"action   {action(request)} would not be requested", style="green"))


def _receivers(comparison: Comparison, people: People) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("channel")
    for name in ("messages", "would be", "pages", "would be", "out of hours", "would be"):
        table.add_column(name, justify="right")
    for one in receivers(comparison, people):
        who = f"{one.channel} ({', '.join(one.people)})" if one.people else one.channel
        numbers = (one.told, one.would, one.pages, one.would_page, one.woken, one.would_wake)
        table.add_row(Text(who), *(f"{number:,}" for number in numbers))
    return table


def _changes(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "at", "channel", "what"):
        table.add_column(name, no_wrap=True)
    for name in ("target", "title"):
        table.add_column(name, overflow="fold")
    for one in comparison.changed[:_SHOWN]:
        table.add_row(*_row(comparison, one))
    if (rest := len(comparison.changed) - _SHOWN) > 0:
        table.add_row("…", f"and {rest:,} more")
    return table


def _row(comparison: Comparison, one: Difference) -> list[Text]:
    message = one.message
    night = " (out of hours)" if comparison.watch.wakes(message) else ""
    shown = (
        one.verdict.value,
        f"{message.at:%Y-%m-%d %H:%M}{night}",
        message.channel,
        f"{message.change} {message.severity}",
        message.target,
        message.title,
    )
    return [Text(text, style=_STYLES.get(one.verdict, "")) for text in shown]
