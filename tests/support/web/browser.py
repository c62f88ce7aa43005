"""The browser that the pages are tested in."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"]


def chromium() -> str:
    """The path of Chromium, of its headless shell where there is one: it draws no browser around a page; skips where there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"chromium is absent: none of {', '.join(names)} is on PATH")
    return found


def open_browser() -> Iterator[Browser]:
    """A fixture: Chromium, until what it is for is over."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()
