"""A report as a message to one channel, and its text for channels that take no markup."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.reports.document import NOT_KNOWN, Report, SectionDocument, Table, sentence
from core.text import instant

CALM = "No figure differs from what is usual by more than chance explains."
"""In the place of headlines where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMessage:
    """A report to one channel.

    Attributes:
        key: the same for every attempt to send it.
        channel: the channel's name.
        report: the report.
        url: the address of its page; empty where there is none.
        at: when it was due, in UTC.
        plain: whether it is sent as text alone.
    """

    key: str
    channel: str
    report: Report
    url: str
    at: datetime
    plain: bool = False

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.report.title}, {self.report.period}"


def address(base: str, name: str, week: str) -> str:
    """The page of a report; empty without an address of the pages.

    >>> address("http://pages/", "executive", "2026-W47")
    'http://pages/reports/executive/2026-W47'
    """
    return f"{base.rstrip('/')}/reports/{name}/{week}" if base else ""


def key_of(name: str, week: str, channel: str) -> str:
    """The key of a report of a week to a channel: sent once under it."""
    return f"report:{name}:{week}:{channel}"


def headlines(report: Report) -> tuple[str, ...]:
    """The headlines as text, or that there are none."""
    return tuple(one.text for one in report.headlines) or (CALM,)


def made(report: Report) -> str:
    """Which week it is about, and when it was made."""
    return f"Week {report.week} ({report.time_zone}), made on {instant(report.made_at)}"


def to_text(report: Report, *, tables: bool = True) -> str:
    """The whole report as plain text.

    Args:
        report: the report.
        tables: whether its tables and queries are there as well.
    """
    lines = [f"{report.title}, {report.period}", made(report), ""]
    lines += [f"- {line}" for line in headlines(report)]
    if report.late:
        lines += ["", "Not complete when the report was made:", *(f"- {line}" for line in report.late)]
    for section in report.sections:
        if said := [*_section(section, tables=tables)]:  # without its tables there may be nothing
            lines += ["", section.title.upper(), *said]
    if tables:
        lines += ["", "QUERIES", *_queries(report)]
    return "\n".join(lines) + "\n"


def _section(section: SectionDocument, *, tables: bool) -> Iterator[str]:
    yield from (statement.text for statement in section.statements)
    yield from (f"{NOT_KNOWN.capitalize()}: {line}" for line in section.unknown)
    if tables:
        for table in section.tables:
            yield from ("", table.title, *_table(table))


def _table(table: Table) -> Iterator[str]:
    rows = [table.columns, *(tuple(sentence((cell,)) for cell in row) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _queries(report: Report) -> Iterator[str]:
    for query in report.queries:
        until = (
            f"complete until {instant(query.complete_until)}"
            if query.complete_until
            else f"as read at {instant(query.read_at)}"
        )
        yield f"{query.name}: {query.title}; {query.source}, {until}" + (f"; {query.problem}" if query.problem else "")
