"""A browser, and the page over a store that is filled for each test."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from functions.adapters.stores import open_store
from tests.support.builders import pages
from tests.support.builders.night import fill
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.web.browser import chromium
from tests.support.web.viewing import PageFixture, Tab

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Tab:
    return Tab(browser, "Ada")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    office = ApiFixture(store)
    fill(office, datetime.now(UTC))
    yield office
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def night(tab: Tab, office: ApiFixture) -> Iterator[PageFixture]:
    warehouse = Rows()
    made = pages.services(office.store, warehouse, office, lambda: datetime.now(UTC))
    with pages.served(pages.application(made)) as url:
        night = PageFixture(tab, office, warehouse, url, made)
        yield night
        night.close()
    assert night.faults == []
