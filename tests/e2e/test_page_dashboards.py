"""The dashboards in a browser, over the API with a Prometheus that knows every answer."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.errors import UnavailableError
from functions.api.dashboards import Dashboards
from tests.support import charts, pages
from tests.support.charts import Charts
from tests.support.pages import Office, Rows
from tests.support.viewing import Night

pytest_plugins = ["tests.support.viewing_fixtures"]

PAINTED = """
  () => [...document.querySelectorAll(".tile.chart canvas")].map(({ width, height }, index) => {
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(document.querySelectorAll(".tile.chart canvas")[index], 0, 0);
    return new Set(new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)).size;
  })
"""
UNNAMED = """
  () => [...document.querySelectorAll("button, select, input, a, [tabindex='0'], [role=img], [role=switch], [role=meter]")]
    .filter((node) => node.checkVisibility() && !(node.ariaLabel || node.labels?.length || node.textContent.trim()))
    .map((node) => node.outerHTML.slice(0, 120))
"""
HIDE = """
  (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }
"""
SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))
    .observe({ type: "layout-shift", buffered: true });
"""
DAY = 86_400


@pytest.fixture
def prometheus() -> Charts:
    return charts.charts()


@pytest.fixture
def viewer(browser: Browser, office: Office, prometheus: Charts) -> Iterator[Night]:
    def now() -> datetime:
        return datetime.now(UTC)

    made = pages.deps(office.store, Rows(), office, now)
    every = {"sample": charts.dashboard(), "other": charts.dashboard(displayName="AIA: other", dashboardFilters=[])}
    boards = Dashboards(all=every, prometheus=prometheus, models=["churn", "late"], clock=now)  # type: ignore[arg-type]
    with pages.served(pages.application(replace(made, dashboards=boards))) as url:
        viewer = Night(browser, office, Rows(), url)
        yield viewer
        for page in viewer.opened:
            page.close()
    assert viewer.faults == []


def look(viewer: Night, query: str = "", **more: Any) -> Page:
    return viewer.open(f"dashboards/sample{query}", **{"width": 1440, **more})


def tile(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title, exact=True)


def spans(prometheus: Charts, query: str) -> list[int]:
    """How long each span was that a query was asked about."""
    return [end - start for asked, start, end, _ in prometheus.asked if asked.startswith(query)]


def settled(page: Page) -> None:
    """Return when nothing is waited for."""
    expect(page.locator("#grid [aria-busy]")).to_have_count(0)


def excuse(viewer: Night) -> None:
    """The browser tells of each answer that is an error."""
    viewer.faults[:] = [fault for fault in viewer.faults if "Failed to load resource" not in fault]


def test_every_kind_of_tile_is_drawn(viewer: Night) -> None:
    page = look(viewer)
    expect(page.get_by_role("heading", level=2, name="How it goes")).to_be_visible()
    assert all(colours > 20 for colours in page.evaluate(PAINTED))
    assert len(page.evaluate(PAINTED)) == 4
    expect(tile(page, "Latency").locator(".names button")).to_have_count(2)
    expect(tile(page, "Revenue").locator(".names .name")).to_have_text(["partners", "shop"])
    expect(tile(page, "Runs").locator(".names")).to_contain_text("done3failed1")
    card = tile(page, "Right predictions")
    expect(card.locator(".figure")).to_have_text("81%")
    expect(card.locator(".pill")).to_have_text("critical")
    expect(card.locator(".judged")).to_contain_text("at or below 90%")
    meter = tile(page, "Satisfaction").get_by_role("meter")
    expect(meter).to_have_attribute("aria-valuetext", "62.5%")
    expect(tile(page, "Open incidents").locator("svg path.over")).not_to_have_count(0)
    expect(tile(page, "A pie")).to_contain_text("This page cannot draw that")
    expect(tile(page, "Nothing there")).to_contain_text("No data in this range")


def test_a_table_has_the_columns_and_the_order_of_the_dashboard_and_bars_to_scale(viewer: Night) -> None:
    table = tile(look(viewer), "By company")
    expect(table.get_by_role("columnheader")).to_have_text(["company", "value"])
    expect(table.get_by_role("row").nth(1)).to_contain_text("ours")
    expect(table.get_by_role("row").nth(2)).to_contain_text("Acme")
    expect(table.locator("td.number")).to_have_text(["50%", "25%"])
    first, second = (bar.bounding_box() for bar in table.locator(".share i").all())
    assert first
    assert second
    assert first["width"] == pytest.approx(2 * second["width"], rel=0.02)


def test_words_are_a_safe_part_of_markdown(viewer: Night) -> None:
    page = look(viewer)
    text = page.locator(".tile.text")
    expect(text.locator("strong")).to_have_text("Read")
    expect(text.locator("li")).to_have_count(2)
    expect(text.locator("code")).to_have_text("code")
    expect(text.get_by_role("link")).to_have_count(1)
    expect(text.get_by_role("link", name="the web")).to_have_attribute("href", "https://example.com/a")
    expect(text).to_contain_text("nothing")
    expect(text).to_contain_text("<b>bold</b>")
    expect(text.locator("img, b, script")).to_have_count(0)


def test_runbooks_are_linked_where_it_is_known_where_they_are(viewer: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIA_RUNBOOKS_URL", "https://example.com/docs/runbooks")
    link = look(viewer).locator(".tile.text").get_by_role("link", name="runbook")
    expect(link).to_have_attribute("href", "https://example.com/docs/runbooks/models.md#drift")


def test_nothing_that_a_label_says_is_markup(viewer: Night) -> None:
    page = look(viewer)
    expect(tile(page, "Latency").locator(".names")).to_contain_text(charts.HOSTILE)
    tile(page, "Latency").locator(".plot-area").hover()
    expect(page.locator(".note-at:not([hidden])")).to_contain_text(charts.HOSTILE)
    tile(page, "Latency").get_by_role("button", name="Data and queries").click()
    expect(page.get_by_role("dialog")).to_contain_text(charts.HOSTILE)
    expect(page.locator("img")).to_have_count(0)
    assert page.title() != "owned"


def test_tiles_stand_where_the_dashboard_has_them(viewer: Night) -> None:
    page = look(viewer)
    latency, revenue = tile(page, "Latency").bounding_box(), tile(page, "Revenue").bounding_box()
    assert latency
    assert revenue
    assert latency["y"] == revenue["y"]
    assert latency["width"] == pytest.approx(revenue["width"], abs=1)
    assert revenue["x"] > latency["x"] + latency["width"]


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_it_is_one_column_in_reading_order(viewer: Night, width: int) -> None:
    page = look(viewer, width=width)
    boxes = [one.bounding_box() for one in page.locator("#grid > *").all()]
    assert len({round(box["x"]) for box in boxes if box}) == 1
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops)
    assert all(box and box["y"] + box["height"] <= below for box, below in zip(boxes, tops[1:], strict=False))
    titles = page.locator("#grid h2, #grid h3").all_text_contents()
    assert titles[:3] == ["How it goes", "Latency", "Revenue"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_range_is_chosen_by_keyboard_and_stands_in_the_address(viewer: Night, prometheus: Charts) -> None:
    page = look(viewer)
    assert spans(prometheus, "latency") == [DAY]
    page.get_by_role("radio", name="1 day").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    expect(page.get_by_role("radio", name="7 days")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/dashboards/sample\?range=7d$"))
    settled(page)
    assert spans(prometheus, "latency")[-1] == 7 * DAY
    page.reload()
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("radio", name="1 day")).to_be_checked()


def test_columns_are_wide_enough_to_see(viewer: Night, prometheus: Charts) -> None:
    look(viewer, "?range=30d")
    [step] = {step for query, _, _, step in prometheus.asked if query == "runs"}
    assert 20 <= 30 * DAY / step <= 70


def test_every_range_can_be_shared(viewer: Night, prometheus: Charts) -> None:
    lengths = {"1h": 3600, "6h": 6 * 3600, "1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "1y": 365 * DAY}
    for name, seconds in lengths.items():
        look(viewer, f"?range={name}")
        assert spans(prometheus, "latency")[-1] == pytest.approx(seconds, rel=0.01)
    odd = look(viewer, "?range=nonsense&refresh=never")
    expect(odd.get_by_role("radio", name="1 day")).to_be_checked()
    expect(odd.get_by_label("Refresh")).to_have_value("1m")


def test_the_model_is_chosen_by_keyboard_and_can_be_shared(viewer: Night, prometheus: Charts) -> None:
    page = look(viewer)
    choice = page.get_by_label("Model")
    expect(choice.get_by_role("option")).to_have_text(["all", "churn", "late"])
    choice.focus()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"model=churn"))
    settled(page)
    assert prometheus.asked[-1]
    assert 'accuracy{model=~"churn"}' in [query for query, *_ in prometheus.asked]
    other = look(viewer, "?model=gone%22%7D")
    expect(other.get_by_label("Model")).to_have_value('gone"}')
    assert 'accuracy{model=~"gone\\"\\\\}"}' in [query for query, *_ in prometheus.asked]


def test_it_asks_again_as_often_as_is_chosen_and_not_while_it_is_hidden(viewer: Night) -> None:
    page = look(viewer, prepare=lambda page: page.clock.install())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/tiles/0?" in request.url else None)
    page.get_by_label("Refresh").focus()
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile(r"refresh=10s"))

    def asked_after(seconds: int) -> int:
        settled(page)
        asked.clear()
        page.clock.fast_forward(seconds * 1000)
        page.wait_for_timeout(300)
        settled(page)
        return len(asked)

    assert asked_after(11) == 1
    assert asked_after(5) == 0
    assert asked_after(6) == 1
    page.evaluate(HIDE, arg=True)
    assert asked_after(11) == 1  # what was due when it was hidden
    assert asked_after(600) == 0
    page.evaluate(HIDE, arg=False)
    page.wait_for_timeout(300)
    assert asked_after(1) == 0
    page.get_by_label("Refresh").select_option("off")
    assert asked_after(600) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_system_until_somebody_says_otherwise(viewer: Night, scheme: str) -> None:
    page = look(viewer, scheme=scheme)
    other = {"light": "dark", "dark": "light"}[scheme]
    switch = page.get_by_role("switch", name="Dark colours")
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    expect(switch).to_have_attribute("aria-checked", str(scheme == "dark").lower())
    before = page.locator(".tile.chart canvas").first.evaluate("(canvas) => canvas.toDataURL()")
    switch.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    assert page.locator(".tile.chart canvas").first.evaluate("(canvas) => canvas.toDataURL()") != before
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    page.get_by_role("link", name="Incidents, models, probes").click()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    page.get_by_role("switch", name="Dark colours").press(" ")
    assert page.evaluate("localStorage.getItem('aia.theme')") is None
    page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
    expect(page.locator("html")).to_have_attribute("data-theme", other)


def test_the_data_and_the_queries_of_a_tile_are_there_for_who_cannot_see_it(viewer: Night) -> None:
    page = look(viewer)
    button = tile(page, "Revenue").get_by_role("button", name="Data and queries of Revenue")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Revenue")
    expect(dialog.get_by_role("columnheader")).to_have_text(["Time", "partners", "shop"])
    assert dialog.get_by_role("row").count() > 200
    expect(dialog.get_by_role("row").nth(1)).to_contain_text("$")
    expect(dialog.locator("pre")).to_have_text("revenue")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    tile(page, "Open incidents").get_by_role("button").click()
    expect(page.get_by_role("dialog").get_by_role("columnheader")).to_contain_text(["Series", "Now"])


def test_everything_has_a_name_and_charts_say_what_they_show(viewer: Night) -> None:
    page = look(viewer)
    assert page.evaluate(UNNAMED) == []
    said = page.get_by_role("img", name=re.compile("^Revenue: stacked areas, 2 series"))
    expect(said).to_have_attribute("aria-label", re.compile(r"Newest: partners \$\d+.*, shop \$\d+"))
    expect(page.get_by_role("img", name=re.compile("^Runs: stacked columns, 2 series"))).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(2)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample dashboard")
    assert page.title() == "Sample · aia"


def test_the_focus_goes_in_reading_order(viewer: Night) -> None:
    page = look(viewer)
    page.get_by_label("Refresh").focus()
    order = []
    for _ in range(60):
        page.keyboard.press("Tab")
        title = page.evaluate("document.activeElement.closest('article')?.querySelector('h3')?.textContent")
        if title and title not in order:
            order.append(title)
    assert order == [title for title in page.locator("#grid h3").all_text_contents() if title != "A pie"]


def test_a_crosshair_goes_through_all_charts_and_says_what_was(viewer: Night) -> None:
    page = look(viewer)
    legend = tile(page, "Revenue").locator(".names .value").first
    newest = legend.text_content()
    tile(page, "Latency").locator(".plot-area").hover(position={"x": 200, "y": 60})
    note = page.locator(".note-at:not([hidden])")
    expect(note).to_have_count(1)
    expect(note).to_contain_text("web")
    for title in ("Latency", "Revenue", "Runs", "Rate"):
        assert "translate(0px" not in (
            tile(page, title).locator(".u-cursor-x").get_attribute("style") or "translate(0px"
        )
    expect(legend).not_to_have_text(newest or "")
    page.mouse.move(5, 5)
    expect(note).to_have_count(0)
    expect(legend).to_have_text(newest or "")


def test_a_series_is_switched_off_and_on_in_the_legend(viewer: Night) -> None:
    page = look(viewer)
    chart = tile(page, "Revenue")
    button = chart.get_by_role("button", name=re.compile("^shop"))
    before = chart.locator("canvas").evaluate("(canvas) => canvas.toDataURL()")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_be_focused()
    assert chart.locator("canvas").evaluate("(canvas) => canvas.toDataURL()") != before
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")


def test_while_prometheus_is_away_tiles_say_so_and_keep_what_they_showed(viewer: Night, prometheus: Charts) -> None:
    page = look(viewer, prepare=lambda page: page.clock.install())
    prometheus.fault = UnavailableError("Prometheus: does not answer (ConnectionError)")
    page.clock.fast_forward(61_000)
    expect(tile(page, "Latency")).to_contain_text("Prometheus: does not answer (ConnectionError)")
    assert all(colours > 20 for colours in page.evaluate(PAINTED))
    expect(tile(page, "Right predictions").locator(".figure")).to_have_text("81%")
    expect(page.locator("#updated")).to_contain_text("not up to date")
    prometheus.fault = None
    page.clock.fast_forward(16_000)
    expect(page.locator("#updated")).to_contain_text("as of")
    expect(page.locator(".message:visible").first).not_to_contain_text("Prometheus")
    excuse(viewer)


def test_where_it_is_away_from_the_start_every_tile_says_so(viewer: Night, prometheus: Charts) -> None:
    prometheus.fault = UnavailableError("Prometheus: does not answer within 15 s")
    page = look(viewer)
    for title in ("Latency", "Right predictions", "By company"):
        expect(tile(page, title)).to_contain_text("Prometheus: does not answer within 15 s")
    expect(page.locator(".tile.text")).to_contain_text("Read the")
    excuse(viewer)


def test_nothing_moves_while_data_comes(viewer: Night, prometheus: Charts) -> None:
    prometheus.delay = threading.Event()
    page = viewer.browser.new_page(viewport={"width": 1440, "height": 900})
    viewer.opened.append(page)
    page.add_init_script(SHIFTS)
    page.goto(f"{viewer.url}/dashboards/sample")
    page.locator(".tile.waiting").first.wait_for()
    waiting = [one.bounding_box() for one in page.locator("#grid > *").all()]
    prometheus.delay.set()
    page.locator("body[data-loaded]").wait_for()
    assert [one.bounding_box() for one in page.locator("#grid > *").all()] == waiting
    assert sum(page.evaluate("window.shifts")) < 0.02


def test_whoever_goes_on_before_all_has_come_sees_what_was_chosen_last(viewer: Night, prometheus: Charts) -> None:
    prometheus.delay = threading.Event()
    page = viewer.browser.new_page(viewport={"width": 1440, "height": 900})
    viewer.opened.append(page)
    page.goto(f"{viewer.url}/dashboards/sample?range=1h")
    page.locator(".tile.waiting").first.wait_for()
    page.get_by_role("radio", name="30 days").check(force=True)
    prometheus.delay.set()
    page.locator("body[data-loaded]").wait_for()
    label = tile(page, "Latency").get_by_role("img").get_attribute("aria-label") or ""
    start, end = re.findall(r"(\w+ \d+), 20\d\d", label)
    assert start != end
    assert spans(prometheus, "latency")[-1] == 30 * DAY


def test_dashboards_are_gone_to_and_back_from_without_the_page_being_loaded_again(viewer: Night) -> None:
    page = look(viewer, "?range=6h&model=churn")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Other").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Other dashboard")
    expect(page).to_have_url(re.compile(r"/dashboards/other\?range=6h$"))
    expect(page.get_by_role("link", name="Other")).to_have_attribute("aria-current", "page")
    expect(page.get_by_label("Model")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample dashboard")
    expect(page.get_by_label("Model")).to_have_value("churn")
    assert page.evaluate("window.same") is True


def test_without_a_name_it_is_the_first_and_one_that_is_none_is_told(viewer: Night) -> None:
    page = viewer.open("dashboards", width=1440)
    expect(page).to_have_url(re.compile("/dashboards/sample$"))
    page = viewer.open("dashboards/nothing", width=1440)
    expect(page.get_by_role("alert")).to_have_text("dashboard: must be one of sample, other, got 'nothing'")
    page.get_by_role("link", name="Sample").click()
    expect(tile(page, "Right predictions").locator(".figure")).to_have_text("81%")
    expect(page.get_by_role("alert")).to_be_hidden()
    excuse(viewer)


def test_series_that_are_cut_off_are_told(viewer: Night, prometheus: Charts) -> None:
    many = [({"probe": f"p{number:02}"}, charts.rising(number)) for number in range(70)]
    prometheus.answers = {**prometheus.answers, "latency": many}
    expect(tile(look(viewer), "Latency").locator(".cut")).to_have_text("20 more series are not shown")


def test_the_pages_lead_to_each_other(viewer: Night) -> None:
    page = viewer.open()
    page.get_by_role("link", name="Dashboards").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample dashboard")
    page.get_by_role("link", name="Incidents, models, probes").click()
    expect(page.get_by_role("heading", level=2, name="Incidents")).to_be_visible()
