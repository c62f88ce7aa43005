"""What the dashboards draw in a browser, over the API with a Prometheus that knows every answer."""

import pytest
from playwright.sync_api import expect

from tests.support.web import charts
from tests.support.web.boards import PAINTED, look, tile
from tests.support.web.charts import Charts
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]


def test_every_kind_of_tile_is_drawn(viewer: PageFixture) -> None:
    page = look(viewer)
    expect(page.get_by_role("heading", level=2, name="How it goes")).to_be_visible()
    assert all(colours > 20 for colours in page.evaluate(PAINTED))
    assert len(page.evaluate(PAINTED)) == 4
    expect(tile(page, "Latency").locator(".names button")).to_have_count(2)
    expect(tile(page, "Revenue").locator(".names .name")).to_have_text(["partners", "shop"])
    expect(tile(page, "Runs").locator(".names")).to_contain_text("done3failed1")
    card = tile(page, "Accuracy")
    expect(card.locator(".of")).to_have_text("churn")  # whose it is
    expect(card.locator(".figure")).to_have_text("81%")
    expect(card.locator(".pill")).to_have_text("error")
    expect(card.locator(".judged")).to_contain_text("at or below 90%")
    meter = tile(page, "Satisfaction").get_by_role("meter")
    expect(meter).to_have_attribute("aria-valuetext", "62.5%")
    expect(tile(page, "Open incidents").locator("svg path.over")).not_to_have_count(0)
    expect(tile(page, "A pie")).to_contain_text("This page cannot draw that")
    expect(tile(page, "Nothing there")).to_contain_text("No data in this range")


def test_a_value_that_lacks_a_part_is_the_least_and_not_well_by_that(viewer: PageFixture, prometheus: Charts) -> None:
    values = {"model": "churn", "not_known": "2"}
    prometheus.answers = {**prometheus.answers, "accuracy": [(values, lambda _: 0.99)]}
    card = tile(look(viewer), "Accuracy")
    expect(card.locator(".figure")).to_have_text("at least 99%")
    expect(card.locator(".judged")).to_have_text("not known2 more not known")
    expect(card.locator(".of")).to_have_text("churn")


def test_a_table_has_the_columns_and_the_order_of_the_dashboard_and_bars_to_scale(viewer: PageFixture) -> None:
    table = tile(look(viewer), "By company")
    expect(table.get_by_role("columnheader")).to_have_text(["company", "value"])
    expect(table.get_by_role("row").nth(1)).to_contain_text("ours")
    expect(table.get_by_role("row").nth(2)).to_contain_text("Acme")
    expect(table.locator("td.number")).to_have_text(["50%", "25%"])
    first, second = (bar.bounding_box() for bar in table.locator(".share i").all())
    assert first
    assert second
    assert first["width"] == pytest.approx(2 * second["width"], rel=0.02)


def test_each_figure_has_a_column_in_the_order_of_the_data_sets_and_what_is_not_known_says_so(
    viewer: PageFixture,
) -> None:
    page = viewer.open("dashboards/figures", width=1440)
    table = tile(page, "By action")
    expect(table.get_by_role("columnheader")).to_have_text(["action", "to recovery", "saved"])
    expect(table.get_by_role("row").nth(1).get_by_role("cell")).to_have_text(["restart_service", "not known", "-90 s"])
    expect(table.get_by_role("row").nth(2).get_by_role("cell")).to_have_text(["scale_out", "3 min", "\N{EN DASH}"])
    table.get_by_role("button", name="Data and queries").click()
    details = page.get_by_role("dialog")
    expect(details.get_by_role("columnheader")).to_have_text(["action", "to recovery", "saved"])
    expect(details).to_contain_text("not known")


def test_words_are_a_safe_part_of_markdown(viewer: PageFixture) -> None:
    page = look(viewer)
    text = page.locator(".tile.text")
    expect(text.locator("strong")).to_have_text("Read")
    expect(text.locator("li")).to_have_count(2)
    expect(text.locator("code")).to_have_text("code")
    expect(text.get_by_role("link")).to_have_text(["runbook", "the web"])
    expect(text.get_by_role("link", name="the web")).to_have_attribute("href", "https://example.com/a")
    expect(text).to_contain_text("nothing")
    expect(text).to_contain_text("<b>bold</b>")
    expect(text.locator("img, b, script")).to_have_count(0)


def test_runbooks_are_linked_where_it_is_known_where_they_are(
    viewer: PageFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIA_RUNBOOKS_URL", "https://example.com/docs/runbooks")
    link = look(viewer).locator(".tile.text").get_by_role("link", name="runbook")
    expect(link).to_have_attribute("href", "https://example.com/docs/runbooks/models.md#drift")


def test_nothing_that_a_label_says_is_markup(viewer: PageFixture) -> None:
    page = look(viewer)
    expect(tile(page, "Latency").locator(".names")).to_contain_text(charts.HOSTILE)
    tile(page, "Latency").locator(".plot-area").hover()
    expect(page.locator(".note-at:not([hidden])")).to_contain_text(charts.HOSTILE)
    tile(page, "Latency").get_by_role("button", name="Data and queries").click()
    expect(page.get_by_role("dialog")).to_contain_text(charts.HOSTILE)
    expect(page.locator("img")).to_have_count(0)
    assert page.title() != "owned"


def test_tiles_stand_where_the_dashboard_has_them(viewer: PageFixture) -> None:
    page = look(viewer)
    latency, revenue = tile(page, "Latency").bounding_box(), tile(page, "Revenue").bounding_box()
    assert latency
    assert revenue
    assert latency["y"] == revenue["y"]
    assert latency["width"] == pytest.approx(revenue["width"], abs=1)
    assert revenue["x"] > latency["x"] + latency["width"]


@pytest.mark.parametrize("width", [390, 320])
def test_on_a_phone_it_is_one_column_in_reading_order(viewer: PageFixture, width: int) -> None:
    page = look(viewer, width=width)
    boxes = [one.bounding_box() for one in page.locator("#grid > *").all()]
    assert len({round(box["x"]) for box in boxes if box}) == 1
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops)
    assert all(box and box["y"] + box["height"] <= below for box, below in zip(boxes, tops[1:], strict=False))
    titles = page.locator("#grid h2, #grid h3").all_text_contents()
    assert titles[:3] == ["How it goes", "Latency", "Revenue"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
