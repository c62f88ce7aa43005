"""The browser that the pages are tested in."""

import shutil

import pytest


def chromium() -> str:
    """The path of Chromium; skips where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"chromium is absent: none of {', '.join(names)} is on PATH")
    return found
