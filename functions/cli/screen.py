"""What commands print for people: tables and lines, as wide as the terminal, in colours where it has them and NO_COLOR is not set."""

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from core.text import clean, duration, instant

_PIPED_WIDTH: Final = 140
_LONGEST: Final = 2000
"""Characters of a foreign text that are shown."""
_MINUTE: Final = timedelta(minutes=1)
NOT_KNOWN: Final = "not known"
STYLES: Final = {
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "good": "green",
    "bad": "red",
}
"""The style of a word by what it says; other words have none."""


class _Foreign(Table):
    """A table whose texts are foreign: nothing in them is markup or moves the cursor."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:  # noqa: ANN401 - as of `Table`
        super().add_row(*(_lines(one) if isinstance(one, str) else one for one in cells), **options)


def table_of(*names: str) -> Table:
    """A table with columns of these names."""
    return _Foreign(*(Column(name, overflow="fold") for name in names))


def fields() -> Table:
    """Lines of a name and a text that is wrapped beside it."""
    return Table.grid(Column(no_wrap=True, style="bold"), Column(overflow="fold"), padding=(0, 2))


def cell(text: str, style: str = "") -> Text:
    """Foreign text as one line of a table: nothing in it is markup or moves the cursor."""
    return Text(clean(text, _LONGEST), style=style)


def _lines(text: str) -> Text:
    return Text("\n".join(clean(line, _LONGEST) for line in text.split("\n")))


def word(text: str) -> Text:
    """A word in the style of what it says, as in `critical`."""
    return cell(text, STYLES.get(text, ""))


def console(piped_width: int = _PIPED_WIDTH) -> Console:
    """Where commands print; as wide as the terminal, or as is given where there is none."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else piped_width
    return Console(width=width, markup=False, highlight=False, emoji=False)


def print_table(table: Table, piped_width: int = _PIPED_WIDTH) -> None:
    """Print a table, as wide as the terminal; where there is none, as wide as is given."""
    console(piped_width).print(table)


def instant_of(text: str) -> datetime:
    """An instant as the API gives it."""
    return datetime.fromisoformat(text)


def at(given: str | datetime) -> str:
    """An instant that the API gives, as people read it; the types of its answers have an instant where JSON has text.

    >>> at("2026-01-02T09:00:30.5Z")
    '2026-01-02 09:00 UTC'
    """
    return instant(instant_of(str(given)))


def age(text: str | None, now: datetime | None = None) -> str:
    """How long ago an instant was, to the minute; empty for none.

    >>> now = datetime(2026, 1, 2, 9, 14, 59, tzinfo=UTC)
    >>> age("2026-01-02T09:00:00Z", now), age("2026-01-02T09:14:30Z", now), age(None)
    ('14 min', '29 s', '')
    """
    if not text:
        return ""
    span = (now or datetime.now(UTC)) - instant_of(text)
    return duration(span if span < _MINUTE else span // _MINUTE * _MINUTE)
