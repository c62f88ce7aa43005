"""What a browser reports of the page: loads, requests, frames while it moves, and nothing of who looks at it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]
HIDE = """
  Object.defineProperty(document, "hidden", {value: true, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
"""
SHOW = """
  Object.defineProperty(document, "hidden", {value: false, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
"""

MEASURED = """
  (path) => new Promise((done) => {
    const look = new PerformanceObserver((list) => {
      if (list.getEntries().some((entry) => entry.name.endsWith(path))) setTimeout(done);
    });
    look.observe({ type: "resource", buffered: true });
  })
"""
"""Until the browser has told the observers of the page of a request."""


def reported(night: PageFixture, page: Page, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """What has been reported once the page is left; waits for it a while."""
    page.evaluate(HIDE)
    deadline = time.monotonic() + 10
    while not done(night.office.reported) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    return list(night.office.reported)


def test_the_page_reports_its_load_its_requests_and_that_somebody_is_there(night: PageFixture) -> None:
    page = night.open()
    rows = reported(night, page, bool)
    kinds = {row["kind"] for row in rows}
    assert kinds >= {"view", "load", "request"}
    assert {(row["service"], row["device"]) for row in rows} == {("aia", "desktop")}
    assert len({row["session_id"] for row in rows}) == 1
    [load] = [row["value"] for row in rows if row["kind"] == "load"]
    assert 0 < load < 60
    requests = [row for row in rows if row["kind"] == "request"]
    assert requests
    assert not [row for row in requests if row["failed"]]


def test_the_page_of_a_runbook_reports_its_load(night: PageFixture) -> None:
    assert loads(night, "runbooks/experience.md") == ["aia"]


def test_a_dashboard_reports_its_load(viewer: PageFixture) -> None:
    assert loads(viewer, "dashboards/sample") == ["aia"]


def loads(night: PageFixture, path: str) -> list[str]:
    """Of which services a page that is opened and left reports that it was loaded."""
    page = night.open(path)
    rows = reported(night, page, lambda found: any(row["kind"] == "load" for row in found))
    return [row["service"] for row in rows if row["kind"] == "load"]


def test_a_request_that_fails_is_reported_as_failed(night: PageFixture) -> None:
    page = night.open()
    reported(
        night, page, bool
    )  # of many requests a sample is reported, so those of the load must not stand beside this one
    page.evaluate(SHOW)
    page.evaluate("fetch('/v1/incidents/no-such-incident').then((answer) => answer.text())")
    page.evaluate(MEASURED, "/v1/incidents/no-such-incident")
    rows = reported(night, page, lambda found: any(row["failed"] for row in found))
    assert [row["kind"] for row in rows if row["failed"]] == ["request"]
    night.faults.clear()  # the browser's own line about the answer 404


def test_a_request_that_the_page_itself_gives_up_is_not_reported(night: PageFixture) -> None:
    page = night.open()
    page.route("**/v1/slow*", lambda _route: None)  # never answered
    page.evaluate("""async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        const given = new AbortController();
        const answer = fetch(`/v1/slow?${turn}`, {signal: given.signal}).catch(() => {});
        setTimeout(() => given.abort(), 20);
        await answer;
      }
    }""")
    page.wait_for_timeout(300)
    seen = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/slow')).map((one) => one.responseStatus)"
    assert page.evaluate(seen) == [0] * 5
    rows = reported(night, page, bool)
    assert [row for row in rows if row["kind"] == "request"]
    assert not [row for row in rows if row["failed"]]


def test_frames_are_timed_while_something_moves_and_only_then(night: PageFixture) -> None:
    page = night.open()
    page.wait_for_timeout(300)
    still = reported(night, page, bool)
    assert not [row for row in still if row["kind"] == "frame"]
    page.evaluate(SHOW)
    page.evaluate("""
      new Promise((done) => {
        let left = 40;
        const turn = () => { window.experience.moving(); left -= 1; left ? requestAnimationFrame(turn) : done(); };
        requestAnimationFrame(turn);
      })
    """)
    before = len(night.office.reported)
    rows = reported(night, page, lambda found: len(found) > before)[before:]
    frames = [row["value"] for row in rows if row["kind"] == "frame"]
    assert len(frames) >= 20
    assert all(0 < value < 10 for value in frames)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", "tablet"),
    ],
)
def test_the_device_is_told_by_its_kind_alone(night: PageFixture, agent: str, device: str) -> None:
    context = night.browser.new_context(user_agent=agent)
    page = context.new_page()
    page.goto(f"{night.url}/")
    page.locator("body[data-loaded]").wait_for(timeout=30_000)
    rows = reported(night, page, bool)
    context.close()
    assert {row["device"] for row in rows} == {device}
    assert agent not in str(rows)


def test_a_visit_goes_on_when_the_page_is_loaded_again(night: PageFixture) -> None:
    page = night.open()
    reported(night, page, bool)
    page.reload()
    page.locator("body[data-loaded]").wait_for(timeout=30_000)
    before = len(night.office.reported)
    rows = reported(night, page, lambda found: len(found) > before)
    assert len({row["session_id"] for row in rows}) == 1
    assert len({row["event_id"] for row in rows}) == len(rows)
