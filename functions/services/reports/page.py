"""A report as one HTML page without anything outside it: light and dark, on a phone, and on paper. Every text is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from core.reports.document import (
    NOT_KNOWN,
    Figure,
    Number,
    Part,
    QueryRecord,
    Report,
    SectionDocument,
    Statement,
    Table,
)
from core.reports.message import CALM, made
from core.reports.queries import BIGQUERY
from core.text import instant
from functions.services import html
from functions.services.reports.charts import figure

_STYLE = Path(__file__).with_name("page.css")


def document(title: str, body: str) -> str:
    """A page.

    Args:
        title: escaped here.
        body: HTML.
    """
    return html.document(title=title, style=_STYLE.read_text(encoding="utf-8"), body=body)


def page(report: Report, *, project: str = "", kept: bool = True) -> str:
    """The page of a report.

    Args:
        report: the report.
        project: of BigQuery, to link its console; empty where there is none.
        kept: whether it is kept: what anybody reads later is the same.
    """
    order = {query.name: number for number, query in enumerate(report.queries, 1)}
    return document(f"{report.title}, {report.period}", "\n".join(_parts_of(report, order, project, kept=kept)))


def _parts_of(report: Report, order: dict[str, int], project: str, *, kept: bool) -> Iterable[str]:
    state = "" if kept else " · preview: it is made anew at each look"
    yield (
        f'<header><p class="kind">Weekly report · {escape(made(report))}{state}</p>'
        f'<h1>{escape(report.title)}</h1><p class="period">{escape(report.period)}</p></header>\n<main>'
    )
    heads = report.headlines or (Statement(parts=(CALM,)),)
    yield f'<section class="heads"><h2>Headlines</h2>{_statements(heads, order)}</section>'
    yield _notice("Not complete when the report was made", report.late)
    yield f'<section class="figures" aria-label="Key figures">{"".join(_figure(one, order) for one in report.figures)}</section>'
    yield from (_section(section, order) for section in report.sections)
    yield _unknown(report)
    yield _queries(report.queries, project)
    yield "</main>"


def _section(section: SectionDocument, order: dict[str, int]) -> str:
    unknown = "".join(f'<p class="nk">{NOT_KNOWN.capitalize()}: {escape(line)}.</p>' for line in section.unknown)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in section.notes)
    inner = (
        _statements(section.statements, order),
        unknown,
        *(figure(chart) for chart in section.charts),
        *(_table(table, order) for table in section.tables),
        notes,
    )
    return f'<section id="{escape(section.name)}"><h2>{escape(section.title)}</h2>\n{"".join(filter(None, inner))}</section>'


def _statements(statements: Iterable[Statement], order: dict[str, int]) -> str:
    return "".join(
        f'<p class="say {one.outcome.value if one.outcome else "plain"}">{_parts(one.parts, order)}</p>'
        for one in statements
    )


def _notice(title: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<section class="notice"><h2>{escape(title)}</h2><ul>{items}</ul></section>' if lines else ""


def _unknown(report: Report) -> str:
    return _notice("What is not known", report.unknown)


def _figure(one: Figure, order: dict[str, int]) -> str:
    tone = one.outcome.value if one.outcome else "plain"
    main = _number(one.number, order, shown=_without_interval(one.number))
    interval = f'<span class="interval">{escape(one.number.interval)}</span>' if one.number.interval else ""
    return (
        f'<div class="figure {tone}"><p class="name">{escape(one.name)}</p><p class="value">{main}</p>{interval}'
        f'<p class="small">{_parts(one.note, order)}</p></div>'
    )


def _without_interval(number: Number) -> str:
    return number.text.removesuffix(f" ({number.interval})") if number.interval else number.text


def _table(table: Table, order: dict[str, int]) -> str:
    numeric = [any(isinstance(row[column], Number) for row in table.rows) for column in range(len(table.columns))]
    heads = "".join(
        f"<th{_side(right)}>{escape(name)}</th>" for name, right in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(f"<td{_side(right)}>{_part(cell, order)}</td>" for cell, right in zip(row, numeric, strict=True))
        + "</tr>\n"
        for row in table.rows
    )
    return (
        f'<div class="table"><table><caption>{escape(table.title)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _side(right: bool) -> str:  # noqa: FBT001 - of a cell
    return ' class="right"' if right else ""


def _parts(parts: Iterable[Part], order: dict[str, int]) -> str:
    return "".join(_part(part, order) for part in parts)


def _part(part: Part, order: dict[str, int]) -> str:
    return escape(part) if isinstance(part, str) else _number(part, order, shown=part.text)


def _number(number: Number, order: dict[str, int], *, shown: str) -> str:
    """A number that leads to its query; on paper, with the number of the query."""
    said = [
        number.basis,
        f"{NOT_KNOWN.capitalize()}: {number.reason}." if not number.is_known and number.reason else "",
    ]
    said += [f"As of {instant(number.at)}." if number.at else ""]
    tone = "n" if number.is_known else "n nk"
    reference = f'<sup class="ref">{order[number.query]}</sup>' if number.query in order else ""
    title = escape(" ".join(filter(None, said)))
    return f'<a class="{tone}" href="#q-{escape(number.query)}" title="{title}">{escape(shown)}</a>{reference}'


def _queries(queries: Sequence[QueryRecord], project: str) -> str:
    items = "".join(_query(number, query, project) for number, query in enumerate(queries, 1))
    return f'<section class="queries"><h2>Sources of the numbers</h2>{items}</section>'


def _query(number: int, query: QueryRecord, project: str) -> str:
    until = f"complete until {instant(query.complete_until)}" if query.complete_until else "as it was read"
    rows = "1 row" if query.rows == 1 else f"{query.rows:,} rows"
    problem = f'<p class="nk">{escape(query.problem)}</p>' if query.problem else ""
    parameters = "".join(
        f"<dt>@{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in query.parameters.items()
    )
    link = _console(project) if project and query.source == BIGQUERY else ""
    return (
        f'<article id="q-{escape(query.name)}"><h3>{number}. {escape(query.title)}</h3>'
        f'<p class="note">{escape(query.name)} · {escape(query.source)}, {escape(until)}; read at {instant(query.read_at)}, {rows}{link}</p>'
        f"{problem}<pre>{escape(query.text)}</pre>{f'<dl>{parameters}</dl>' if parameters else ''}</article>"
    )


def _console(project: str) -> str:
    return (
        f' · <a href="https://console.cloud.google.com/bigquery?project={quote(project, safe="")}">BigQuery console</a>'
    )
