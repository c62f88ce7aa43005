"""Who uses the pages by keyboard, hears them, or holds a phone, in a browser."""

import re

import pytest
from playwright.sync_api import expect

from functions.api import coverage
from functions.services import signals
from tests.support.web.accessible import violations
from tests.support.web.boards import excuse, look
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]

SMALL = """
  () => [...document.querySelectorAll(".tools a, .tools select, .ranges span, .tile button, header a, header button")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 43.5)
    .map((node) => node.outerHTML.slice(0, 100))
"""
PHONE = 390


@pytest.mark.parametrize("path", ["", "dashboards/sample", "runbooks/models.md"])
def test_the_first_key_leads_past_what_is_the_same_on_every_page(viewer: PageFixture, path: str) -> None:
    page = viewer.open(path, width=1200)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_no_heading_of_a_dashboard_stands_above_its_own(viewer: PageFixture) -> None:
    """A tile is below a section, also those before the first one."""
    page = viewer.open("dashboards/bare", width=1440)
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map((one) => Number(one.tagName[1]))")
    assert levels == [1, 2, 3, 2]


@pytest.mark.parametrize("name", ["sample", "other"])
def test_the_open_dashboard_is_seen_on_a_phone(viewer: PageFixture, name: str) -> None:
    page = viewer.open(f"dashboards/{name}", width=PHONE)
    page.locator("#names").evaluate("(nav) => { nav.style.width = '60px'; }")
    page.get_by_role("radio", name="6 hours").check(force=True)
    expect(page).to_have_url(re.compile("range=6h"))
    inside = """
      (nav) => {
        const [all, one] = [nav, nav.querySelector("[aria-current]")].map((node) => node.getBoundingClientRect());
        const middle = one.left + one.width / 2;
        return middle >= all.left && middle <= all.right;
      }
    """
    assert page.locator("#names").evaluate(inside)


def test_what_is_pressed_on_a_phone_is_as_large_as_a_finger(viewer: PageFixture) -> None:
    page = look(viewer, width=PHONE)
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (1200, "light")])
def test_coverage_is_a_list_of_areas_that_open_to_their_signals(viewer: PageFixture, width: int, scheme: str) -> None:
    page = viewer.open("coverage", width=width, scheme=scheme)
    page.locator("body[data-loaded]").wait_for()
    areas = page.locator("details.area")
    expect(areas).to_have_count(len(signals.areas(coverage.FILE)))
    expect(page.locator("#summary")).to_contain_text(f"{areas.count()} areas: {areas.count()} not known")
    expect(page.locator("main .good")).to_have_count(0)
    areas.filter(has_text="Redis").locator("summary").click()
    row = areas.filter(has_text="Redis").get_by_role("row").filter(has_text="redis_googleapis_com")
    expect(row).to_contain_text("Google Cloud")
    expect(row).to_contain_text("RedisMemoryHigh")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []


def test_an_address_of_nothing_is_a_page(viewer: PageFixture) -> None:
    page = viewer.browser.new_page()
    response = page.goto(f"{viewer.url}/runbooks/nope.md")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
    page.get_by_role("link", name="dashboards").last.click()
    expect(page).to_have_url(re.compile("/dashboards"))
    page.close()
    excuse(viewer)
