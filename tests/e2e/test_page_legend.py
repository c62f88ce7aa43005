"""Which line is whose on a chart with many, in a browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.web.boards import look, settled, tile
from tests.support.web.charts import Charts, Values
from tests.support.web.viewing import PageFixture, go

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]

TITLE = "Nothing there"
"""The tile whose query has no answer yet."""
MANY = 21
DRAWN = """
  (legend) => Object.fromEntries([...legend.querySelectorAll("li button")].map((button) => {
    const line = button.querySelector("line");
    return [button.title, [line.getAttribute("stroke"), line.getAttribute("stroke-dasharray") ?? ""].join(" ")];
  }))
"""


def same(value: float) -> Values:
    return lambda _: value


def answers(names: list[str], **labels: str) -> list[tuple[dict[str, str], Values]]:
    return [({"queue": name, **labels}, same(float(number))) for number, name in enumerate(names)]


@pytest.fixture
def queues(prometheus: Charts) -> list[str]:
    names = [f"queue-{number:02}" for number in range(MANY)]
    prometheus.answers = {**prometheus.answers, "nothing": answers(names, model="late")}
    return names


def drawn(page: Page) -> dict[str, str]:
    settled(page)
    made: dict[str, str] = tile(page, TITLE).locator(".names").evaluate(DRAWN)
    return made


def again(viewer: PageFixture, page: Page, span: str) -> Page:
    return go(page, f"{viewer.url}/dashboards/sample?range={span}")


def test_no_two_lines_are_drawn_alike_and_the_legend_shows_how(viewer: PageFixture, queues: list[str]) -> None:
    made = drawn(look(viewer))
    assert len(made) == len(set(made.values())) == MANY
    assert len({colour.split()[0] for colour in made.values()}) == 8


def test_a_name_is_drawn_alike_in_every_load_whatever_came_first(
    viewer: PageFixture, prometheus: Charts, queues: list[str]
) -> None:
    page = look(viewer)
    first = drawn(page)
    prometheus.answers = {**prometheus.answers, "nothing": answers(queues[::-1], model="late")}
    assert drawn(again(viewer, page, "6h")) == first
    few: dict[str, Any] = {"nothing": answers(queues[3:4], model="late")}
    prometheus.answers = {**prometheus.answers, **few}
    [alone] = drawn(again(viewer, page, "7d")).values()
    assert alone.split()[0] in {one.split()[0] for one in first.values()}


def test_the_legend_shows_every_line_on_demand_the_highest_first(viewer: PageFixture, queues: list[str]) -> None:
    page = look(viewer)
    chart = tile(page, TITLE)
    entries = chart.locator(".names li button")
    expect(entries.first).to_have_attribute("title", f"queue={queues[-1]}")
    every = chart.get_by_role("button", name=f"all {MANY}")
    expect(every).to_have_attribute("aria-expanded", "false")
    height = chart.locator(".plot-area").bounding_box()
    every.scroll_into_view_if_needed()
    every.press("Enter")
    fewer = chart.get_by_role("button", name="fewer")
    expect(fewer).to_have_attribute("aria-expanded", "true")
    assert chart.locator(".names").evaluate("(names) => names.scrollHeight <= names.clientHeight")
    for one in (entries.first, entries.last):
        expect(one).to_be_in_viewport(ratio=1)
    assert height is not None
    after = chart.locator(".plot-area").bounding_box()
    assert after is not None
    assert after["height"] == pytest.approx(height["height"], abs=1), "the chart stays as large as it was"
    fewer.press("Enter")
    expect(every).to_be_visible()


def test_a_model_that_is_the_same_everywhere_stands_in_no_name(
    viewer: PageFixture, prometheus: Charts, queues: list[str]
) -> None:
    page = look(viewer)
    expect(tile(page, TITLE).locator(".names")).not_to_contain_text("late")
    two = [*answers(queues[:1], model="late"), *answers(queues[:1], model="churn")]
    prometheus.answers = {**prometheus.answers, "nothing": two}
    names = tile(again(viewer, page, "6h"), TITLE).locator(".names .name")
    expect(names).to_have_text([re.compile("churn"), re.compile("late")])
