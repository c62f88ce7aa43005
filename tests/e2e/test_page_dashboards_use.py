"""How people use the dashboards in a browser: by mouse and keyboard, in time, and while Prometheus is away."""

import re
import threading

import pytest
from playwright.sync_api import expect

from core.errors import UnavailableError
from tests.support.web import charts
from tests.support.web.accessible import violations
from tests.support.web.boards import PAINTED, excuse, look, settled, spans, tile
from tests.support.web.charts import Charts
from tests.support.web.viewing import PageFixture, go

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]

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
NONE = "\N{EN DASH}"


def test_the_range_is_chosen_by_keyboard_and_stands_in_the_address(viewer: PageFixture, prometheus: Charts) -> None:
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


@pytest.mark.parametrize(
    ("span", "seconds", "step"),
    [
        ("1h", 3600, 300),
        ("6h", 6 * 3600, 1800),
        ("1d", DAY, 7200),
        ("7d", 7 * DAY, 21_600),
        ("30d", 30 * DAY, DAY),
        ("1y", 365 * DAY, 14 * DAY),
    ],
)
def test_every_range_can_be_shared_and_its_columns_are_wide_enough_to_see_and_of_a_round_time(
    viewer: PageFixture, prometheus: Charts, span: str, seconds: int, step: int
) -> None:
    look(viewer, f"?range={span}")
    assert spans(prometheus, "latency")[-1] == pytest.approx(seconds, rel=0.01)
    assert {step for query, _, _, step in prometheus.asked if query == "runs"} == {step}


def test_what_an_address_asks_for_that_there_is_not_is_as_if_it_asked_nothing(viewer: PageFixture) -> None:
    odd = look(viewer, "?range=nonsense&refresh=never")
    expect(odd.get_by_role("radio", name="1 day")).to_be_checked()
    expect(odd.get_by_label("Refresh")).to_have_value("1m")


def test_the_model_is_chosen_by_keyboard_and_can_be_shared(viewer: PageFixture, prometheus: Charts) -> None:
    page = look(viewer)
    choice = page.get_by_label("Model")
    expect(choice.get_by_role("option")).to_have_text(["all", "churn", "late"])
    choice.focus()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"model=churn"))
    settled(page)
    assert prometheus.asked[-1]
    assert 'accuracy{model=~"churn"}' in [query for query, *_ in prometheus.asked]
    go(page, f"{viewer.url}/dashboards/sample?model=gone%22%7D")
    expect(page.get_by_label("Model")).to_have_value('gone"}')
    assert 'accuracy{model=~"gone\\"\\\\}"}' in [query for query, *_ in prometheus.asked]


def test_it_asks_again_as_often_as_is_chosen_and_not_while_it_is_hidden(viewer: PageFixture) -> None:
    page = look(viewer, clock=True)
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
def test_it_is_light_or_dark_as_the_system_until_somebody_says_otherwise(viewer: PageFixture, scheme: str) -> None:
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
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Incidents")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", other)
    page.get_by_role("switch", name="Dark colours").press(" ")
    assert page.evaluate("localStorage.getItem('aia.theme')") is None
    page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
    expect(page.locator("html")).to_have_attribute("data-theme", other)


def test_the_data_and_the_queries_of_a_tile_are_there_for_who_cannot_see_it(viewer: PageFixture) -> None:
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


def test_everything_has_a_name_and_charts_say_what_they_show(viewer: PageFixture) -> None:
    page = look(viewer)
    assert page.evaluate(UNNAMED) == []
    said = page.get_by_role("img", name=re.compile("^Revenue: stacked areas, 2 series"))
    expect(said).to_have_attribute("aria-label", re.compile(r"Newest: partners \$\d+.*, shop \$\d+"))
    expect(page.get_by_role("img", name=re.compile("^Runs: stacked columns, 2 series"))).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(2)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample dashboard")
    assert page.title() == "Sample · aia"


def test_the_focus_goes_in_reading_order(viewer: PageFixture) -> None:
    page = look(viewer)
    page.get_by_label("Refresh").focus()
    order = []
    for _ in range(60):
        page.keyboard.press("Tab")
        title = page.evaluate("document.activeElement.closest('article')?.querySelector('h3')?.textContent")
        if title and title not in order:
            order.append(title)
    assert order == [title for title in page.locator("#grid h3").all_text_contents() if title != "A pie"]


def test_a_crosshair_goes_through_all_charts_and_says_what_was(viewer: PageFixture) -> None:
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


def test_a_series_is_switched_off_and_on_in_the_legend(viewer: PageFixture) -> None:
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


def test_while_prometheus_is_away_all_is_told_at_once_and_no_card_looks_well(
    viewer: PageFixture, prometheus: Charts
) -> None:
    page = look(viewer, clock=True)
    expect(tile(page, "Open incidents").locator(".pill")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/tiles/" in request.url else None)
    prometheus.fault = UnavailableError("Prometheus: does not answer (ConnectionError)")
    page.clock.fast_forward(61_000)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("Prometheus: does not answer (ConnectionError). The data shown is from ")
    settled(page)
    assert len(asked) < 9 == page.locator("[data-tile]").count(), "whoever does not answer is not asked on and on"
    assert all(colours > 20 for colours in page.evaluate(PAINTED))
    expect(tile(page, "Latency")).to_contain_text("Prometheus: does not answer (ConnectionError)")
    for title, was in (("Accuracy", "was 81% at"), ("Satisfaction", "was 62.5% at")):
        expect(tile(page, title).locator(".figure")).to_have_text(NONE)
        expect(tile(page, title).locator(".pill")).to_have_text("not known")
        expect(tile(page, title)).to_contain_text(was)
    expect(page.locator(".scorecard .good, .scorecard .error, .scorecard .warning")).to_have_count(0)
    expect(page.locator("#updated")).to_have_text(re.compile("^as of .*, out of date$"))
    prometheus.fault = None
    page.clock.fast_forward(16_000)
    expect(page.locator("#updated")).to_have_text(re.compile(r"^as of [^,]*$"))
    expect(problem).to_be_hidden()
    expect(page.locator("#said")).to_have_text("Up to date again")
    expect(tile(page, "Accuracy").locator(".figure")).to_have_text("81%")
    expect(page.locator(".message:visible").first).not_to_contain_text("Prometheus")
    excuse(viewer)


def test_one_tile_that_has_no_answer_does_not_silence_the_others(viewer: PageFixture) -> None:
    page = look(viewer, clock=True)
    refused = {"status": 503, "json": {"detail": "Prometheus: refuses the query: too many"}}
    page.route(re.compile("/tiles/4"), lambda route: route.fulfill(**refused))  # type: ignore[arg-type]
    page.clock.fast_forward(61_000)
    expect(tile(page, "Accuracy").locator(".pill")).to_have_text("not known")
    expect(tile(page, "Accuracy")).to_contain_text("refuses the query")
    expect(tile(page, "Satisfaction").locator(".figure")).to_have_text("62.5%")
    expect(page.locator("#updated")).to_have_text(re.compile("^as of .*, 1 tile not up to date$"))
    expect(page.get_by_role("alert")).to_be_hidden()
    excuse(viewer)


def test_who_hangs_is_told_of_after_one_patience(viewer: PageFixture, prometheus: Charts) -> None:
    """Not after one for every few tiles."""
    page = look(viewer)
    prometheus.delay = threading.Event()
    page.get_by_role("radio", name="6 hours").check(force=True)
    expect(page.get_by_role("alert")).to_contain_text("The request timed out", timeout=12_000)
    expect(page.locator("#grid [aria-busy]")).to_have_count(0, timeout=2000)
    expect(tile(page, "Open incidents").locator(".pill")).to_have_text("not known")
    prometheus.delay.set()
    excuse(viewer)


def test_the_page_says_of_which_instant_its_data_is(viewer: PageFixture, prometheus: Charts) -> None:
    page = look(viewer)
    newest = max(end for _, _, end, _ in prometheus.asked)
    said = page.evaluate(
        "(second) => new Date(1000 * second).toLocaleTimeString('en-US', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })",
        newest,
    )
    expect(page.locator("#updated")).to_have_text(f"as of {said}")


def test_where_it_is_away_from_the_start_every_tile_says_so(viewer: PageFixture, prometheus: Charts) -> None:
    prometheus.fault = UnavailableError("Prometheus: does not answer within 15 s")
    page = look(viewer)
    for title in ("Latency", "Accuracy", "By company"):
        expect(tile(page, title)).to_contain_text("Prometheus: does not answer within 15 s")
    expect(page.locator(".tile.text")).to_contain_text("Read the")
    excuse(viewer)


def test_nothing_moves_while_data_comes(viewer: PageFixture, prometheus: Charts) -> None:
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


def test_whoever_goes_on_before_all_has_come_sees_what_was_chosen_last(viewer: PageFixture, prometheus: Charts) -> None:
    prometheus.delay = threading.Event()
    page = viewer.browser.new_page(viewport={"width": 1440, "height": 900})
    viewer.opened.append(page)
    page.goto(f"{viewer.url}/dashboards/sample?range=1h")
    page.locator(".tile.waiting").first.wait_for()
    page.get_by_role("radio", name="30 days").check(force=True)
    prometheus.delay.set()
    page.locator("body[data-loaded]").wait_for()
    label = tile(page, "Latency").get_by_role("img").get_attribute("aria-label") or ""
    start, end = re.findall(r"20\d\d-\d\d-\d\d", label)
    assert start != end
    assert spans(prometheus, "latency")[-1] == 30 * DAY


def test_dashboards_are_gone_to_and_back_from_without_the_page_being_loaded_again(viewer: PageFixture) -> None:
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


def test_without_a_name_it_is_the_first_and_one_that_is_none_is_told(viewer: PageFixture) -> None:
    page = viewer.open("dashboards", width=1440)
    expect(page).to_have_url(re.compile("/dashboards/sample$"))
    go(page, f"{viewer.url}/dashboards/nothing")
    expect(page.get_by_role("alert")).to_have_text(
        "dashboard: must be one of sample, other, bare, figures, got 'nothing'"
    )
    page.get_by_role("link", name="Sample").click()
    expect(tile(page, "Accuracy").locator(".figure")).to_have_text("81%")
    expect(page.get_by_role("alert")).to_be_hidden()
    excuse(viewer)


def test_series_that_are_cut_off_are_told(viewer: PageFixture, prometheus: Charts) -> None:
    many = [({"probe": f"p{number:02}"}, charts.rising(number)) for number in range(70)]
    prometheus.answers = {**prometheus.answers, "latency": many}
    expect(tile(look(viewer), "Latency").locator(".cut")).to_have_text("20 more series are not shown")


def test_the_pages_lead_to_each_other(viewer: PageFixture) -> None:
    page = viewer.open()
    page.get_by_role("link", name="Dashboards").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sample dashboard")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=2, name="Incidents")).to_be_visible()


def test_a_range_is_drawn_over_a_chart_and_links_keep_it(viewer: PageFixture, prometheus: Charts) -> None:
    page = look(viewer)
    settled(page)
    over = tile(page, "Latency").locator(".u-over").bounding_box()
    assert over is not None
    prometheus.asked.clear()
    page.mouse.move(over["x"] + over["width"] / 4, over["y"] + 20)
    page.mouse.down()
    page.mouse.move(over["x"] + over["width"] / 2, over["y"] + 30, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\dT\d\d%3A\d\dZ&to="))
    settled(page)
    [long] = set(spans(prometheus, "latency"))
    assert 5 * 3600 < long < 7 * 3600, "a quarter of a day"
    expect(page.locator("#own-title")).to_contain_text(re.compile(r"\d\d:\d\d"))
    expect(page.locator("#ranges input:checked")).to_have_count(0)
    expect(page.get_by_role("link", name="Other")).to_have_attribute("href", re.compile("from=.*&to="))
    page.get_by_role("link", name="Other").click()
    expect(page).to_have_url(re.compile("other.*from=.*&to="))
    page.get_by_role("button", name="Back to 1 day").click()
    expect(page).to_have_url(re.compile(r"other\?range=1d$"))
    settled(page)


def test_escape_closes_a_range_of_ones_own_and_leaves_the_focus_where_it_was_opened(viewer: PageFixture) -> None:
    page = look(viewer)
    settled(page)
    page.locator("#own > summary").press("Enter")
    page.get_by_label("From", exact=True).focus()
    page.keyboard.press("Escape")
    expect(page.locator("#own")).not_to_have_attribute("open", "")
    expect(page.locator("#own > summary")).to_be_focused()


def test_the_number_of_a_row_is_seen_where_a_table_is_wider_than_its_tile(viewer: PageFixture) -> None:
    page = look(viewer)
    settled(page)
    seen = """() => {
      const cell = document.querySelector(".tile.table tbody tr > .number:last-child");
      const body = cell.closest(".scroll");
      body.style.width = "1px";
      body.style.width = `${body.scrollWidth - 20}px`;  // a little less than its cells need
      return [body.scrollWidth > body.clientWidth, cell.getBoundingClientRect().right <= body.getBoundingClientRect().right + 1];
    }"""
    assert page.evaluate(seen) == [True, True]


def test_a_range_of_ones_own_is_chosen_and_a_wrong_one_is_refused(viewer: PageFixture, prometheus: Charts) -> None:
    page = look(viewer)
    settled(page)
    page.locator("#own > summary").click()
    page.get_by_label("From", exact=True).fill("2026-03-01T12:00")
    page.get_by_label("To", exact=True).fill("2026-03-01T11:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#own-fault")).to_have_text("From must be before To, by 5 minutes to 399 days")
    page.get_by_label("To", exact=True).fill("2026-03-01T14:00")
    prometheus.asked.clear()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("from=2026-03-01T12%3A00Z&to=2026-03-01T14%3A00Z"))
    settled(page)
    assert {end for asked, _, end, _ in prometheus.asked if asked.startswith("latency")} == {1_772_373_600}
    assert set(spans(prometheus, "latency")) == {7200}
    assert violations(page) == []
