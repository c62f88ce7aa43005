"""A report for chats: its headlines and what each section says, without tables and charts."""

from dataclasses import dataclass

from core.reports.document import NOT_KNOWN, Report
from core.reports.message import ReportMessage, headlines, made, to_text
from functions.adapters.notify.chat import Button
from functions.adapters.notify.text import fit, paragraph, web

LONGEST_LINE = 300
LONGEST_TEXT = 9000
"""Characters of all parts together; what is beyond is on the page."""
_STATEMENTS = 3
_UNKNOWN = 2
_MORE = "The rest is on the page."


@dataclass(frozen=True, slots=True)
class OutlinePart:
    """A heading and the lines below it."""

    title: str
    lines: tuple[str, ...]


def outline(report: Report) -> list[OutlinePart]:
    """The parts, clean and short; where they are too long together, the last ones are left out, which a line says."""
    late = tuple(f"Not complete: {line}" for line in report.late)
    parts = [OutlinePart("Headlines", _fit((*headlines(report), *late)))]
    left = LONGEST_TEXT
    for section in report.sections:
        lines = [statement.text for statement in section.statements[:_STATEMENTS]]
        lines += [f"{NOT_KNOWN.capitalize()}: {line}" for line in section.unknown[:_UNKNOWN]]
        if not lines:  # it has only tables
            continue
        part = OutlinePart(fit(section.title, LONGEST_LINE), _fit(lines))
        left -= len(part.title) + sum(map(len, part.lines))
        if left < 0:
            return [*parts, OutlinePart("More", (_MORE,))]
        parts.append(part)
    return parts


def context(message: ReportMessage) -> str:
    """Which week, and when it was made."""
    return fit(made(message.report), LONGEST_LINE)


def buttons(message: ReportMessage) -> list[Button]:
    """To the page, where there is one."""
    url = web(message.url)
    return [Button("report", "Read the report", url, primary=True)] if url else []


def text(message: ReportMessage, limit: int) -> str:
    """The report as text without tables."""
    link = web(message.url)
    return paragraph("\n".join(filter(None, [link, to_text(message.report, tables=False)])), limit)


def _fit(lines: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(fit(line, LONGEST_LINE) for line in lines)
