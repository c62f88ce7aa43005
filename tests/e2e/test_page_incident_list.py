"""The list of incidents, and the page of one, in a browser."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from core.events import Severity
from core.incidents.model import State
from tests.support.builders import pages
from tests.support.web.accessible import violations
from tests.support.web.viewing import WORST, PageFixture, button, card, commands, fact, saved

pytest_plugins = ["tests.support.web.viewing_fixtures"]

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def titles(page: Page) -> list[str]:
    return page.locator("#list tbody th a").all_inner_texts()


def test_incidents_are_found_by_what_is_chosen_and_written_and_the_address_keeps_it(night: PageFixture) -> None:
    ended = datetime.now(UTC) - timedelta(days=70)
    gone = {"id": "gone", "opened_at": ended - timedelta(hours=2), "resolved_at": ended, "title": "s was down"}
    gone |= {"target": "service/s", "severity_rank": 3, "acknowledged_at": None}
    night.warehouse.answers = {"ops.incident_changes": [gone]}
    page = night.open("incidents")
    expect(page.locator("#summary")).to_contain_text("5 incidents · 2 not over · all since")
    rows = page.locator("#list tbody tr")
    expect(rows.nth(0)).to_contain_text("nobody yet")
    expect(rows.nth(0)).to_contain_text("$4,200/h")
    expect(rows.nth(4)).to_contain_text("category not known")
    expect(rows.nth(4)).to_contain_text("not known")
    assert violations(page) == []
    page.get_by_label("State").select_option("open,acknowledged,mitigated")
    expect(rows).to_have_count(2)
    page.get_by_label("Search").fill("departure")
    expect(rows).to_have_count(1)
    assert parse_qs(urlsplit(page.url).query) == {"state": ["open,acknowledged,mitigated"], "q": ["departure"]}
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("departure")
    expect(rows).to_have_count(1)
    page.get_by_label("Search").fill("nothing says this")
    expect(page.locator(".empty")).to_contain_text("No incident matches.")
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows).to_have_count(5)
    night.warehouse.down = True
    page.reload()
    expect(page.locator("#summary")).to_contain_text("are not known: BigQuery: does not answer")
    expect(rows).to_have_count(4)
    night.faults[:] = [fault for fault in night.faults if "503" not in fault]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
def test_an_incident_has_a_page_with_everything_about_it(night: PageFixture, width: int, scheme: str) -> None:
    page = night.open("incidents", width=width, scheme=scheme)
    assert page.evaluate(WIDE) <= 0
    page.get_by_role("link", name=re.compile("^churn is right")).click()
    expect(page).to_have_url(f"{night.url}/incidents/{WORST}")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^churn is right in 71%"))
    expect(fact(page, "Impact")).to_contain_text("$4,200 an hour")
    expect(card(page).locator(".evidence")).to_contain_text("plan = trial is right in 48%")
    expect(card(page).locator(".timeline li")).to_have_count(4)
    expect(page.get_by_role("region", name="Awaiting approval")).to_contain_text("rollback model")
    assert page.evaluate(WIDE) <= 0
    assert violations(page) == []


def test_an_incident_is_assigned_and_commented_on_and_says_so_at_once(night: PageFixture) -> None:
    now = datetime.now(UTC)
    over = pages.condition("service/s", "down", Severity.ERROR, now, "s was down")
    night.office.keep(pages.incident("over", [over], now, state=State.RESOLVED, resolved_at=now))
    page = night.open(f"incidents/{WORST}")
    button(page, "Assign").click()
    expect(page.get_by_label(re.compile("^Who is assigned"))).to_be_focused()
    page.keyboard.type("Grace")
    button(page, "Assign").click()
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "acknowledged"])
    saved(page)
    expect(fact(page, "Acknowledged by")).to_contain_text("Grace")
    page.goto(f"{night.url}/incidents/over")  # what is over is spoken of as well
    page.get_by_label(re.compile("^Your comment")).fill("it was the disk")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline li").first).to_contain_text("Ada: it was the disk")
    saved(page)
    assert commands(night) == [("take_over", WORST, "Ada", ""), ("comment", "over", "Ada", "it was the disk")]
    assert night.office.published[0][1].to == "Grace"


def test_an_address_of_no_incident_leads_to_the_search(night: PageFixture) -> None:
    page = night.open("incidents/gone")
    expect(page.get_by_role("heading", level=1)).to_have_text("Incident not found")
    expect(page.get_by_role("link", name="Search the incidents")).to_have_attribute("href", "/incidents?q=gone")
    night.faults[:] = [fault for fault in night.faults if "404" not in fault]


def test_all_times_of_a_page_are_in_the_zone_that_it_names(night: PageFixture) -> None:
    context = night.browser.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{night.url}/incidents/{WORST}")
    opened = page.locator("time[data-since]").first
    opened.wait_for()
    opened_at = datetime.fromisoformat(str(opened.get_attribute("datetime")))
    tokyo, utc = (opened_at + timedelta(hours=9)).strftime("%H:%M"), opened_at.strftime("%H:%M")
    expect(page.locator("#zone")).to_have_text("Tokyo")
    expect(opened).to_have_attribute("title", re.compile(rf" {tokyo}$"))
    page.locator("#zone").click()
    expect(page.locator("#zone")).to_have_text("UTC")
    expect(opened).to_have_attribute("title", re.compile(rf" {utc}$"))
    context.close()
