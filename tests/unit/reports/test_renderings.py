"""One document, several renderings: no number differs, everything foreign is escaped, and nothing comes from outside."""

import json
import re
from dataclasses import replace
from html import unescape

import msgspec
import pytest

from core.reports.document import Number, Report
from core.reports.message import CALM, ReportMessage, address, to_text
from core.settings.people import STAKEHOLDERS
from functions.adapters.notify.report_letter import MOST_ROWS, to_html
from functions.adapters.notify.report_outline import outline
from functions.adapters.notify.slack_report import report_body
from functions.adapters.notify.teams import LARGEST, report_card, size
from functions.services.reports.charts import figure
from functions.services.reports.page import page
from tests.support.builders.reports import MADE_AT, report

URL = address("https://pages.example", "executive", "2026-W47")
HOSTILE = "<script>alert('&')</script>"


def message(made: Report, *, plain: bool = False) -> ReportMessage:
    return ReportMessage(key="k", channel="people", report=made, url=URL, at=MADE_AT, plain=plain)


def numbers(made: Report, *, tables: bool = True) -> list[Number]:
    found = [part for section in made.sections for one in section.statements for part in one.parts]
    if tables:
        found += [
            cell
            for section in made.sections
            for table in section.tables
            for row in table.rows[:MOST_ROWS]
            for cell in row
        ]
    return [one for one in found if isinstance(one, Number)]


def shown(html: str) -> str:
    """The text of HTML."""
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<(sup|style|title)\b.*?</\1>", "", html, flags=re.DOTALL)))


def test_a_section_that_has_only_tables_has_no_heading_where_tables_are_left_out() -> None:
    made = report("executive")
    first, *others = made.sections
    made = replace(made, sections=(replace(first, statements=(), unknown=()), *others))
    heading = f"\n{first.title.upper()}\n"
    assert first.tables
    assert heading in to_text(made)
    assert heading not in to_text(made, tables=False)
    assert first.title not in [part.title for part in outline(made)]
    assert f"\n{others[0].title.upper()}\n" in to_text(made, tables=False)


@pytest.mark.parametrize("name", STAKEHOLDERS)
def test_no_number_differs_between_the_renderings(name: str) -> None:
    made = report(name)
    whole = {"page": shown(page(made)), "mail": shown(to_html(made, URL)), "text": to_text(made)}
    for number in numbers(made):
        assert [form for form, text in whole.items() if number.text not in text] == []
    for section in made.sections:
        for statement in section.statements:
            assert [form for form, text in whole.items() if statement.text not in text] == []
    every = {statement.text for section in made.sections for statement in section.statements}
    for form in (report_body(message(made))["blocks"], report_card(message(made))):
        lines = re.findall(r"• ([^\n\"]*)", json.dumps(form, ensure_ascii=False).replace("\\n", "\n"))
        assert len(lines) > len(made.sections)
        assert {line for line in lines if not line.startswith("Not known: ")} <= every


def test_the_document_is_read_back_from_its_json_as_it_was() -> None:
    made = report()
    assert msgspec.json.decode(msgspec.json.encode(made), type=Report) == made


def test_every_number_of_the_page_leads_to_its_query_and_date() -> None:
    made = report()
    html = page(made, project="my-project")
    anchors = set(re.findall(r'id="(q-\w+)"', html))
    links = re.findall(r'<a class="n[^"]*" href="#(q-\w+)"', html)
    assert len(links) > len(numbers(made))
    assert set(links) <= anchors == {f"q-{query.name}" for query in made.queries}
    for query in made.queries:
        article = html.partition(f'id="q-{query.name}"')[2].partition("</article>")[0]
        assert "complete until 2026-11-23 00:00 UTC" in article
        assert f"SELECT 1 &lt; 2 -- {query.name}" in article
        assert "<dt>@since</dt><dd>2026-11-16T00:00:00+00:00</dd>" in article
        assert ("https://console.cloud.google.com/bigquery?project=my-project" in article) is (
            query.source == "BigQuery"
        )


def test_every_number_of_the_mail_leads_to_the_page() -> None:
    made = report()
    html = to_html(made, URL)
    for number in numbers(made):
        assert f'<a href="{URL}#q-{number.query}" style="color:inherit">' in html
    assert "<img" not in html
    assert "<script" not in html
    assert "href" not in to_html(made, "")  # without a page there is nothing to lead to


def test_the_page_has_nothing_from_outside_and_no_script() -> None:
    html = page(report())
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', html) == []
    assert not re.search(r"<script|<img|<link|@import|url\(", html)


def test_foreign_text_is_escaped_everywhere() -> None:
    made = report(problems={"quality": HOSTILE})
    assert "<b>market</b>" in to_text(made)  # the name of a source
    for html in (page(made), to_html(made, URL)):
        assert "<b>market</b>" not in html
        assert "&lt;b&gt;market&lt;/b&gt;" in html
        assert "<script>" not in html
        assert "Churn drifted &lt;1&gt;" in html


def test_a_report_without_headlines_says_that_nothing_is_unusual() -> None:
    made = report("business", revenue_days=[], daily_metrics=[], forecast_total=[])
    assert made.headlines == ()
    for text in (shown(page(made)), shown(to_html(made, URL)), to_text(made), outline(made)[0].lines[0]):
        assert CALM in text


def test_what_is_not_complete_is_named_in_every_rendering() -> None:
    late = "marts.revenue_hourly is not written yet; the week ends 2026-11-23 00:00 UTC"
    made = replace(report(), late=(late,))
    for text in (shown(page(made)), shown(to_html(made, URL)), to_text(made), str(outline(made)[0].lines)):
        assert late in text


def test_a_card_of_teams_is_small_enough() -> None:
    assert size(report_card(message(report()))) < LARGEST


def test_gmail_shows_the_whole_mail() -> None:
    assert len(to_html(report(), URL).encode()) < 102_000


def test_charts_show_values_and_what_is_missing() -> None:
    made = report()
    for section in made.sections:
        for chart in section.charts:
            html = figure(chart)
            assert f'href="#q-{chart.query}"' in html
            assert "nan" not in html
            assert "None" not in html
