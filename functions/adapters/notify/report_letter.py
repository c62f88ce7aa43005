"""A report as an e-mail: plain text, and HTML of tables with styles at each element, without images and without anything outside it."""

import hashlib
from collections.abc import Iterable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from core.detection import Outcome
from core.reports.document import NOT_KNOWN, Figure, Number, Part, Report, SectionDocument, Statement, Table
from core.reports.message import CALM, ReportMessage, made, to_text
from functions.adapters.notify.text import fit, web

POLICY = SMTP.clone(cte_type="7bit")
LONGEST_SUBJECT = 120
MOST_ROWS = 10
"""Rows of a table: Gmail shows no more than 102 kB of a mail."""
_COLOURS = {Outcome.GOOD: "#15803d", Outcome.BAD: "#b91c1c", Outcome.NOT_KNOWN: "#92400e", None: "#111827"}
_SOFT = "color:#6b7280"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>
<body style="margin:0;padding:24px 12px;font:15px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#111827;background:#fff">
<div style="max-width:680px;margin:0 auto">
<p style="margin:0;color:#6b7280;font-size:13px">{made}</p>
<h1 style="margin:2px 0 14px;font-size:23px;line-height:1.25">{title}</h1>
{parts}
</div></body></html>
"""


def report_letter(message: ReportMessage, *, sender: str, to: Sequence[str]) -> bytes:
    """The e-mail as it is sent.

    Args:
        message: the report.
        sender: the address it comes from, with or without a name.
        to: the recipients.
    """
    letter = EmailMessage(policy=POLICY)
    letter["From"] = sender
    letter["To"] = ", ".join(to)
    letter["Subject"] = fit(message.title.replace("=?", "= ?"), LONGEST_SUBJECT)
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = message_id(message.key, sender)
    letter["Auto-Submitted"] = "auto-generated"
    link = web(message.url)
    letter.set_content("\n\n".join(filter(None, [link, to_text(message.report)])), cte="quoted-printable")
    if not message.plain:
        letter.add_alternative(to_html(message.report, link), subtype="html", cte="quoted-printable")
    return letter.as_bytes()


def message_id(key: str, sender: str) -> str:
    """The `Message-ID` of what is sent under a key: mail clients drop repetitions."""
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2].strip('> ')}>"


def to_html(report: Report, link: str) -> str:
    """The report as HTML.

    Args:
        report: the report.
        link: the address of its page, to which each number leads; empty where there is none.
    """
    late = _list("Not complete when the report was made", report.late)
    button = (
        f'<p style="margin:16px 0"><a href="{escape(link)}" style="background:#1d4ed8;color:#fff;padding:9px 16px;'
        f'border-radius:6px;text-decoration:none;font-weight:600">Read the report with its charts</a></p>'
        if link
        else ""
    )
    heads = report.headlines or (Statement(parts=(CALM,)),)
    parts = [_statements(heads, link), late, button, _figures(report.figures, link)]
    parts += [_section(section, link) for section in report.sections]
    footer = "Each number leads to its query and date on the page of the report." if link else ""
    parts.append(f'<p style="{_SOFT};font-size:13px;margin:24px 0 0">{footer}</p>')
    return _PAGE.format(
        made=escape(made(report)),
        title=escape(f"{report.title}, {report.period}"),
        parts="\n".join(filter(None, parts)),
    )


def _section(section: SectionDocument, link: str) -> str:
    unknown = _list("", tuple(f"{NOT_KNOWN.capitalize()}: {line}" for line in section.unknown))
    parts = [_statements(section.statements, link), unknown, *(_table(table, link) for table in section.tables)]
    title = f'<h2 style="font-size:17px;margin:26px 0 6px;border-top:1px solid #e5e7eb;padding-top:14px">{escape(section.title)}</h2>'
    return "\n".join([title, *filter(None, parts)])


def _statements(statements: Iterable[Statement], link: str) -> str:
    return "\n".join(
        f'<p style="margin:0 0 6px;padding-left:10px;border-left:3px solid {_COLOURS[one.outcome]}">{_parts(one.parts, link)}</p>'
        for one in statements
    )


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    head = f"<b>{escape(title)}</b><br>" if title else ""
    return f'<p style="margin:8px 0;color:#92400e">{head}{"<br>".join(map(escape, lines))}</p>'


def _figures(figures: Sequence[Figure], link: str) -> str:
    if not figures:
        return ""
    rows = "".join(
        f'<tr><td style="padding:4px 12px 4px 0">{escape(figure.name)}</td><td style="padding:4px 12px 4px 0;text-align:right;'
        f'font-weight:600;color:{_COLOURS[figure.outcome]}">{_part(figure.number, link)}</td>'
        f'<td style="padding:4px 0;{_SOFT};font-size:13px">{_parts(figure.note, link)}</td></tr>'
        for figure in figures
    )
    return f'<table style="border-collapse:collapse;margin:8px 0">{rows}</table>'


def _table(table: Table, link: str) -> str:
    heads = "".join(
        f'<th style="{_SOFT};font-weight:400;text-align:left;padding:2px 10px 2px 0">{escape(name)}</th>'
        for name in table.columns
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="border-top:1px solid #e5e7eb;padding:3px 10px 3px 0">{_part(cell, link)}</td>' for cell in row
        )
        + "</tr>"
        for row in table.rows[:MOST_ROWS]
    )
    more = len(table.rows) - MOST_ROWS
    note = f'<p style="{_SOFT};font-size:12px;margin:2px 0">{more} more rows on the page.</p>' if more > 0 else ""
    title = f'<p style="margin:10px 0 2px;font-weight:600;font-size:13px">{escape(table.title)}</p>'
    return (
        f'{title}<table style="border-collapse:collapse;font-size:13px;width:100%"><tr>{heads}</tr>{rows}</table>{note}'
    )


def _parts(parts: Iterable[Part], link: str) -> str:
    return "".join(_part(part, link) for part in parts)


def _part(part: Part, link: str) -> str:
    if isinstance(part, str):
        return escape(part)
    if not link:
        return escape(part.text)
    return f'<a href="{escape(link)}#{_anchor(part)}" style="color:inherit">{escape(part.text)}</a>'


def _anchor(number: Number) -> str:
    return f"q-{number.query}"
