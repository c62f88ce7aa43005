"""The page in a browser, over the API with a filled store."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, expect

from functions.api.services import Services
from tests.support.builders.pages import ApiFixture, Rows

REPORT_VIOLATIONS = """
  addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""
FORGET = "if (location.protocol === 'http:') { localStorage.clear(); sessionStorage.clear(); }"
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"
WORST, SECOND = "endpoint-churn-20261123-aaaa0001", "model-flight-delay-20261123-aaaa0002"


def signed(name: str) -> str:
    """What has the page know who looks at it."""
    return f"if (location.protocol === 'http:') localStorage.setItem('aia.by', {name!r});"


@dataclass
class Tab:
    """One page that tests have one after the other, each as if it were new: a new one costs more than most tests do on it.

    What cannot be taken back (a clock, headers, another name) is for a page of the test's own.

    Attributes:
        browser: whose page it is.
        name: of who looks at it; nobody's where it is empty.
    """

    browser: Browser
    name: str = ""
    _page: Page | None = None
    _lent: bool = False
    _faults: list[str] = field(default_factory=list)

    def lend(self, faults: list[str], *, width: int, scheme: Any) -> Page | None:
        """The page, which tells what goes wrong in it, until it is given back; none while somebody has it."""
        if self._lent:
            return None
        page = self._page = self._page or self._new()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        self._lent, self._faults = True, faults
        return page

    def give_back(self) -> None:
        """Have it forget the test, if one had it."""
        if not self._lent or self._page is None:
            return
        self._lent, self._faults = False, []
        page, self._page = self._page, None
        try:
            page.unroute_all()
            for other in page.context.pages:
                if other != page:
                    other.close()
            page.evaluate(FORGET)
            page.mouse.move(0, 0)
            page.goto("about:blank")
            page.context.clear_cookies()
        except Error:  # the test broke it: the next one gets another
            page.close()
        else:
            self._page = page

    def _new(self) -> Page:
        page = self.browser.new_page()
        listen(page, self._tell)
        page.add_init_script(REPORT_VIOLATIONS)
        if self.name:
            page.add_init_script(signed(self.name))
        return page

    def _tell(self, fault: str) -> None:
        self._faults.append(fault)


def listen(page: Page, tell: Callable[[str], None]) -> None:
    """Have everything told that goes wrong in a page."""

    def on_line(line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            tell(line.text)

    page.on("pageerror", lambda error: tell(str(error)))
    page.on("console", on_line)


@dataclass
class Opened:
    """The pages that a test opened, and what went wrong in them."""

    tab: Tab
    faults: list[str] = field(default_factory=list, kw_only=True)
    opened: list[Page] = field(default_factory=list, kw_only=True)

    @property
    def browser(self) -> Browser:
        return self.tab.browser

    def page(self, *, width: int, scheme: Any, name: str = "", clock: bool = False) -> Page:
        """The tab that the tests share where it is free, else a page of the test's own, which alone may have a clock."""
        if not clock and name == self.tab.name and (page := self.tab.lend(self.faults, width=width, scheme=scheme)):
            return page
        page = self.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.opened.append(page)
        page.add_init_script(REPORT_VIOLATIONS)
        if name:
            page.add_init_script(signed(name))
        listen(page, self.faults.append)
        if clock:
            page.clock.install()
        return page

    def close(self) -> None:
        """Close what was opened."""
        for page in self.opened:
            page.close()
        self.tab.give_back()


def go(page: Page, address: str) -> Page:
    """Go to an address, and return when the page shows everything."""
    page.goto(address)
    page.locator("body[data-loaded]").wait_for(timeout=30_000)
    return page


@dataclass
class PageFixture(Opened):
    """The page, and what is behind it."""

    office: ApiFixture
    warehouse: Rows
    url: str
    made: Services

    def open(
        self,
        fragment: str = "",
        *,
        width: int = 1200,
        scheme: Any = "light",
        name: str = "Ada",
        clock: bool = False,
        prepare: Callable[[Page], None] = lambda _: None,
    ) -> Page:
        """The page as somebody sees it."""
        page = self.page(width=width, scheme=scheme, name=name, clock=clock)
        prepare(page)
        return go(page, f"{self.url}/{fragment}")


def card(page: Page, incident_id: str = WORST) -> Locator:
    return page.locator(f"[data-incident='{incident_id}']")


def fact(page: Page, name: str, incident_id: str = WORST) -> Locator:
    return card(page, incident_id).locator(f"[data-fact='{name}']")


def button(page: Page, name: str, incident_id: str = WORST) -> Locator:
    return card(page, incident_id).get_by_role("button", name=name, exact=True)


def confirm(page: Page, label: str) -> None:
    """Answer the question that the page asks."""
    page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()


def at_once(page: Page) -> None:
    """Not wait for the end of the time in which it can be undone."""
    page.get_by_role("button", name="Now", exact=True).click()


def saved(page: Page) -> None:
    """Return when everything that was told is confirmed; the page asks at once, as when somebody comes back to it."""
    deadline, pause = time.monotonic() + 30, 50.0
    while page.locator(".saving").count() and time.monotonic() < deadline:
        page.evaluate(COME_BACK)
        page.wait_for_timeout(pause)
        pause = min(2 * pause, 1000.0)
    expect(page.locator(".saving")).to_have_count(0)


def commands(night: PageFixture) -> list[tuple[str, str, str, str]]:
    return [(one.verb.value, one.subject, one.by, one.note) for _, one, _ in night.office.published]
