"""Pictures of the first page and of each dashboard in the first minutes of a new stack, for people to look at.

python tests/benchmarks/pictures.py [build/pictures] [--days 306] [--at 20 60 180] [--dark]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Error, Page, sync_playwright  # noqa: E402 - the tests' own modules are found from the root

from infra.local.command import local  # noqa: E402 - the same
from tests.support.servers.stack import LocalStack  # noqa: E402 - the same
from tests.support.web.browser import chromium  # noqa: E402 - the same

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BOARDS = ("executive", "technical", "operations", "business", "models")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_DAYS = {one.name: one.default for one in local.params}["days"]
_PATIENCE = 600.0
_MEANWHILE = 500.0
"""Milliseconds between two looks at a page that does not answer yet."""


def opened(browser: "Browser", stack: LocalStack, *, dark: bool) -> dict[str, Page]:
    """A page each, opened as soon as the stack answers, as a user has it open while the rest comes."""
    pages = {}
    for name, path in {"first": "/", **{name: f"/dashboards/{name}" for name in BOARDS}}.items():
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="dark" if dark else "light")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                page.goto(stack.url("page") + path)
                break
            except Error:
                page.wait_for_timeout(_MEANWHILE)
        pages[name] = page
    return pages


def take(stack: LocalStack, folder: Path, instants: list[float], *, dark: bool) -> None:
    """Start the stack, and keep a picture of each page at each instant, in seconds after the start."""
    began = time.monotonic()
    stack.launch()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        pages = opened(browser, stack, dark=dark)
        print(f"the pages answer after {time.monotonic() - began:.0f} s", flush=True)
        for instant in instants:
            wait = began + instant - time.monotonic()
            if wait > 0:
                pages["first"].wait_for_timeout(1000 * wait)
            for name, page in pages.items():
                path = folder / f"{name}-{instant:03.0f}s{'-dark' if dark else ''}.png"
                page.screenshot(path=path, full_page=True)
            print(f"{instant:.0f} s: taken after {time.monotonic() - began:.0f} s, in {folder}", flush=True)
        browser.close()


def main() -> int:
    """Take them; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "pictures")
    parser.add_argument("--days", type=int, default=_DAYS, help=f"of history (default: {_DAYS}, all there are)")
    parser.add_argument("--at", type=float, nargs="+", default=[20.0, 60.0, 180.0], help="seconds after the start")
    parser.add_argument("--dark", action="store_true", help="in dark colours")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="aia-pictures-") as name,
        LocalStack(Path(name) / "data", options.days) as stack,
    ):
        take(stack, options.folder, sorted(options.at), dark=options.dark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
