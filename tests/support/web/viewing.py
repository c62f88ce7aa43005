"""The page in a browser, over the API with a filled store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

from tests.support.builders.pages import ApiFixture, Rows

REPORT_VIOLATIONS = """
  addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""
WORST, SECOND = "endpoint-churn-20261123-aaaa0001", "model-flight-delay-20261123-aaaa0002"


@dataclass
class PageFixture:
    """The page, and what is behind it."""

    browser: Browser
    office: ApiFixture
    warehouse: Rows
    url: str
    faults: list[str] = field(default_factory=list)
    opened: list[Page] = field(default_factory=list)

    def open(
        self,
        fragment: str = "",
        *,
        width: int = 1200,
        scheme: Any = "light",
        name: str = "Ada",
        prepare: Callable[[Page], None] = lambda _: None,
    ) -> Page:
        page = self.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.add_init_script(REPORT_VIOLATIONS)
        if name:
            page.add_init_script(f"localStorage.setItem('aia.by', {name!r})")
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._listen)
        self.opened.append(page)
        prepare(page)
        page.goto(f"{self.url}/{fragment}")
        page.locator("body[data-loaded]").wait_for(timeout=30_000)
        return page

    def _listen(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning"):
            self.faults.append(line.text)


def card(page: Page, incident_id: str = WORST) -> Locator:
    return page.locator(f"[data-incident='{incident_id}']")


def fact(page: Page, name: str, incident_id: str = WORST) -> Locator:
    return card(page, incident_id).locator(f"[data-fact='{name}']")


def button(page: Page, name: str, incident_id: str = WORST) -> Locator:
    return card(page, incident_id).get_by_role("button", name=name, exact=True)


def commands(night: PageFixture) -> list[tuple[str, str, str, str]]:
    return [(one.verb.value, one.subject, one.by, one.note) for _, one, _ in night.office.published]
