"""The page while the server tells what changes, while it does not, and while nobody answers."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from core.events import Severity
from core.maintenance.task import Progress, finished
from functions.api import live_hub
from functions.services.maintenance import save
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.live import FakeChanges
from tests.support.web.viewing import PageFixture, Tab

pytest_plugins = ["tests.support.web.viewing_fixtures"]


@pytest.fixture
def changes() -> FakeChanges:
    return FakeChanges()


@pytest.fixture
def watched(
    tab: Tab, office: ApiFixture, changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PageFixture]:
    monkeypatch.setattr(live_hub, "BEAT_SECONDS", 0.5)
    made = pages.services(office.store, Rows(), office, lambda: datetime.now(UTC))
    with pages.served(pages.application(made, changes=changes)) as url:
        viewer = PageFixture(tab, office, Rows(), url, made)
        yield viewer
        viewer.close()


def happen(office: ApiFixture, changes: FakeChanges, name: str) -> None:
    """An incident is opened as the router does, and told of."""
    now = datetime.now(UTC)
    found = pages.condition(f"probe/{name}", "down", Severity.CRITICAL, now, f"{name} does not answer")
    office.keep(pages.incident(f"probe-{name}-20261201-aaaa0009", [found], now))
    changes.tell(f"probe-{name}-20261201-aaaa0009")


def test_an_incident_is_shown_when_it_is_told_of_and_a_page_says_whether_anybody_tells(
    watched: PageFixture, office: ApiFixture, changes: FakeChanges
) -> None:
    page = watched.open()
    expect(page.locator("#live")).to_have_text("live")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    happen(office, changes, "shop")
    expect(page.locator("#open")).to_contain_text("shop does not answer", timeout=2000)
    assert not [url for url in asked if "/v1/probes" in url], "what did not change is not asked for"
    changes.bus_down = True
    expect(page.locator("#live")).to_have_text("polling")
    changes.bus_down = False
    expect(page.locator("#live")).to_have_text("live")
    assert watched.faults == []
    page.route("**/v1/**", lambda route: route.abort())
    page.reload()
    expect(page.locator("#live")).to_have_text(re.compile(r"^not connected since \d"))
    page.unroute_all()
    page.reload()
    expect(page.locator("#live")).to_have_text("live")


@pytest.mark.parametrize("path", ["incidents", "probes", "pipelines", "events"])
def test_what_a_page_sums_up_is_pale_while_nobody_answers_and_the_reason_is_in_words(
    watched: PageFixture, path: str
) -> None:
    page = watched.open(path)
    page.clock.install()
    page.reload()
    expect(page.locator("body[data-loaded]")).to_have_count(1)
    expect(page.locator("#summary")).not_to_have_class(re.compile("stale"))
    page.route("**/v1/**", lambda route: route.abort())
    page.clock.fast_forward(130_000)
    expect(page.locator("#problem")).to_have_text("Some data is missing or out of date: the server does not answer")
    expect(page.locator("#summary")).to_have_class(re.compile("stale"))
    watched.faults.clear()  # of what was not reached


def test_upkeep_and_models_are_told_of_and_of_metrics_a_page_says_that_it_asks(
    watched: PageFixture, office: ApiFixture, changes: FakeChanges
) -> None:
    page = watched.open("maintenance")
    expect(page.locator("#live")).to_have_text("live")
    now = datetime.now(UTC)
    save(office.store, "backup", finished(Progress(due=now), at=now, tick=now, fault="ops.a differs"))
    changes.tell("task:backup", topic="maintenance")
    expect(page.locator("#state")).to_contain_text("backup failed")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{watched.url}/models/churn")
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("body")).to_have_attribute("data-loaded", "true")
    asked.clear()
    changes.tell("2026-12-01T00:00:00Z:0a", topic="models")
    with page.expect_request("**/distributions"):
        pass
    assert not [url for url in asked if "/experiment" in url], "what did not change is not asked for"
    page.goto(f"{watched.url}/coverage")
    expect(page.locator("#live")).to_have_text("updates every minute")
    assert not [url for url in asked if "topics=&" in url or url.endswith("topics=")]


def at_a_standstill(watched: PageFixture, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, list[str]]:
    """A live page whose clock stands, over a server that announces every change, and what the page asks for from then on."""
    monkeypatch.setattr(live_hub, "PACE_SECONDS", 0.0)
    page, asked = watched.open(clock=True), list[str]()
    expect(page.locator("#live")).to_have_text("live")
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))
    page.on("request", lambda request: asked.append(request.url))
    return page, asked


def test_a_page_asks_at_most_once_a_second_for_what_keeps_changing_and_shows_its_last_change(
    watched: PageFixture, office: ApiFixture, changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, asked = at_a_standstill(watched, monkeypatch)
    for name in ("first", "second", "third", "last"):
        happen(office, changes, name)
        with page.expect_request("**/v1/silences") if name == "first" else nullcontext():
            changes.tell("marker", topic="silences")
    with page.expect_request("**/v1/actions"):
        changes.tell("marker", topic="actions")
    expect(page.locator("#open")).to_contain_text("first does not answer")
    page.clock.run_for(900)
    assert len([url for url in asked if "/v1/incidents" in url]) == 1
    page.clock.run_for(200)
    expect(page.locator("#open")).to_contain_text("last does not answer")
    assert len([url for url in asked if "/v1/incidents" in url]) == 2


def test_what_changes_while_it_is_answered_is_asked_for_once_more_after_the_answer(
    watched: PageFixture, changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, asked = at_a_standstill(watched, monkeypatch)
    held: list[Route] = []
    page.route("**/v1/probes", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no method of a list
    for number in range(4):
        with page.expect_request("**/v1/silences"):
            changes.tell("db", f"{number}", topic="probes")
            changes.tell("marker", topic="silences")
        page.clock.run_for(1500)
    assert len([url for url in asked if "/v1/probes" in url]) == 1
    held[0].continue_()
    with page.expect_request("**/v1/probes"):
        page.clock.run_for(1500)
    assert len([url for url in asked if "/v1/probes" in url]) == 2
