"""The runbooks in a browser: where the links of the other pages lead."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from functions.api import runbooks
from functions.services.reports.archive import Archive
from infra.lint import runbooks as lint
from tests.support.builders.reports import report
from tests.support.web.accessible import violations
from tests.support.web.boards import look
from tests.support.web.viewing import WORST, PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]

HOSTILE = """# About

## Same `code`
## Same `code`

<img src=x onerror="document.title='owned'"> [down](#same-code-1) [beside](system.md#channels)
[above](../api.md#reading) [script](javascript:alert(1)) [elsewhere](//example.com/a.md) [web](https://example.com/a)

| a | b |
|---|---|
| 1 | 2 |
"""


def anchors(path: Path) -> set[str]:
    """The sections of a file, also those below others."""
    titles = re.findall(r"^#{1,3} (.+)$", path.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-") for title in titles]
    return {*plain, *lint.anchors(path)}


def at_top(page: Page, anchor: str) -> None:
    """Return when the section is where the browser has been scrolled to, as far as the text is long enough."""
    page.wait_for_function(
        "(id) => { const top = document.getElementById(id)?.getBoundingClientRect().top;"
        " return scrollY > 0 && top >= -1 && top < innerHeight; }",
        arg=anchor,
    )


def test_a_link_of_a_dashboard_leads_to_the_section(viewer: PageFixture) -> None:
    page = look(viewer)
    faults: list[str] = []
    page.context.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    link = page.locator(".tile.text").get_by_role("link", name="runbook")
    expect(link).to_have_attribute("href", "/runbooks/models.md#drift")
    with page.expect_popup() as opened:
        link.click()
    runbook = opened.value
    runbook.locator("body[data-loaded]").wait_for()
    expect(runbook).to_have_title("Runbook: models · aia")
    expect(runbook.locator(":target")).to_have_text("drift")
    expect(runbook.locator(":target")).to_be_in_viewport()
    assert faults == []


@pytest.mark.parametrize("anchor", ["scoring_failed", "no-new-drift-report"])
def test_a_section_further_down_is_scrolled_to(viewer: PageFixture, anchor: str) -> None:
    def low(page: Page) -> None:
        page.set_viewport_size({"width": 1200, "height": 400})

    at_top(viewer.open(f"runbooks/models.md#{anchor}", prepare=low), anchor)


@pytest.mark.parametrize("path", sorted(runbooks.FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_every_section_is_there_and_every_link_leads_somewhere(viewer: PageFixture, path: Path) -> None:
    page = viewer.open(f"runbooks/{path.name}")
    found = page.locator("#runbook :is(h1, h2, h3)").evaluate_all("all => all.map((one) => one.id)")
    assert lint.anchors(path) <= set(found)
    folders = {"runbooks": runbooks.FOLDER, "guides": runbooks.FOLDER.parent}
    for href in page.locator("#runbook a:not([target])").evaluate_all("all => all.map((one) => one.href)"):
        address, _, anchor = href.removeprefix(f"{viewer.url}/").partition("#")
        kind, _, name = address.partition("/")
        assert not anchor or anchor in anchors(folders[kind] / name)
    assert page.locator("#runbook span[title*='.md']").count() == 0, "a link that leads nowhere"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200


def test_what_a_runbook_says_is_no_markup_and_leads_only_where_it_may(
    viewer: PageFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made.md").write_text(HOSTILE)
    monkeypatch.setattr(runbooks.named, "__defaults__", (tmp_path,))
    page = viewer.open("runbooks/made.md")
    assert page.locator("#runbook h2").evaluate_all("all => all.map((one) => one.id)") == ["same-code", "same-code-1"]
    links = page.locator("#runbook a").evaluate_all(
        "all => all.map((one) => [one.textContent, one.getAttribute('href')])"
    )
    assert links == [
        ["down", "#same-code-1"],
        ["beside", "/runbooks/system.md#channels"],
        ["above", "/guides/api.md#reading"],
        ["web", "https://example.com/a"],
    ]
    expect(page.locator("#runbook")).to_contain_text("<img src=x onerror")
    expect(page.locator("#runbook td")).to_have_text(["1", "2"])
    expect(page.locator("img, #runbook script")).to_have_count(0)
    assert page.title() == "About · aia"


def test_an_incident_leads_to_its_runbook(night: PageFixture) -> None:
    link = night.open(f"incidents/{WORST}").locator("[data-fact='Next step'] a").first
    expect(link).to_have_attribute("href", "/runbooks/models.md#accuracy")


@pytest.mark.parametrize("name", ["models.md", "system.md"])
def test_on_a_phone_it_is_as_wide_as_the_screen(viewer: PageFixture, name: str) -> None:
    page = viewer.open(f"runbooks/{name}", width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_guide_leads_to_other_guides_and_back_to_runbooks(viewer: PageFixture) -> None:
    page = viewer.open("runbooks/system.md")
    page.get_by_role("link", name="the guard rails").click()
    page.locator("body[data-loaded]").wait_for()
    expect(page).to_have_url(re.compile(r"/guides/actions\.md#the-guard-rails$"))
    expect(page.locator(":target")).to_be_in_viewport()
    hrefs = page.locator("#runbook a:not([target])").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert hrefs
    assert all(re.match(r"(/guides/|/runbooks/|#)", href) for href in hrefs), hrefs


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_a_weekly_report_fits_the_screen_and_its_numbers_lead_to_their_queries(
    night: PageFixture, width: int, scheme: str
) -> None:
    archive = Archive(night.office.store)
    archive.keep(report())
    page = night.page(width=width, scheme=scheme)
    page.goto(f"{night.url}/reports")
    expect(page.locator("#kept")).to_contain_text("not sent yet")
    assert violations(page) == []
    page.get_by_role("link", name="Executive report, 2026-W47").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Executive report")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('a.n')].every((one) => document.querySelector(one.hash))")
    page.locator("#revenue a.n").first.click()
    expect(page.locator("#q-revenue_days")).to_be_in_viewport()
    expect(page.locator("#q-revenue_days")).to_contain_text("complete until 2026-11-23 00:00 UTC")
    page.emulate_media(media="print", color_scheme=None)
    expect(page.locator("#revenue sup.ref").first).to_be_visible()
