"""The page that lists the operations of the API and asks those that read, in a browser."""

from playwright.sync_api import expect

from tests.support.web.accessible import violations
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]


def test_every_operation_is_listed_and_what_reads_can_be_asked(night: PageFixture) -> None:
    page = night.open("v1/docs", scheme="dark")
    expect(page.locator(".operation")).to_have_count(int(page.locator("#updated").inner_text().split()[0]))
    one = page.locator('[data-key="get /v1/models/{name}/drift"]')
    one.locator("summary").click()
    one.locator("input[name=name]").fill("churn")
    one.locator("input[name=days]").fill("30")
    one.get_by_role("button", name="Ask").click()
    expect(one.locator("pre")).to_contain_text("GET /v1/models/churn/drift?days=30\n200")
    expect(one.locator("pre")).to_contain_text('"model": "churn"')
    page.locator('[data-key="post /v1/silences"] summary').click()
    expect(page.locator('[data-key="post /v1/silences"]')).to_contain_text("by, minutes, note, pattern, until")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
