"""How the dashboards are looked at in a browser."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.support.web.charts import Charts
from tests.support.web.viewing import PageFixture

PAINTED = """
  () => [...document.querySelectorAll(".tile.chart canvas")].map(({ width, height }, index) => {
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(document.querySelectorAll(".tile.chart canvas")[index], 0, 0);
    return new Set(new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)).size;
  })
"""
"""How many colours each chart has."""


def look(viewer: PageFixture, query: str = "", **more: Any) -> Page:
    return viewer.open(f"dashboards/sample{query}", **{"width": 1440, **more})


def tile(page: Page, title: str) -> Locator:
    return page.get_by_role("article", name=title, exact=True)


def spans(prometheus: Charts, query: str) -> list[int]:
    """How long each span was that a query was asked about."""
    return [end - start for asked, start, end, _ in prometheus.asked if asked.startswith(query)]


def settled(page: Page) -> None:
    """Return when nothing is waited for."""
    expect(page.locator("#grid [aria-busy]")).to_have_count(0)


def excuse(viewer: PageFixture) -> None:
    """The browser tells of each answer that is an error."""
    viewer.faults[:] = [fault for fault in viewer.faults if "Failed to load resource" not in fault]
