"""The browser that the pages are tested in."""

import shutil

import pytest


def chromium() -> str:
    """The path of Chromium, of its headless shell where there is one: it draws no browser around a page; skips where there is none."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"chromium is absent: none of {', '.join(names)} is on PATH")
    return found
