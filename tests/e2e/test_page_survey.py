"""The page of a question in a browser: one click answers, in both themes, on a phone and without scripts."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from functions.adapters.signed_tokens import sign
from functions.adapters.survey_links import SurveyLink, respondent_hash
from tests.support.builders.budget import some
from tests.support.builders.pages import SURVEY_SECRET
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]


def address(night: PageFixture, question: str) -> str:
    now = datetime.now(UTC)
    link = SurveyLink(
        stakeholder="business",
        question=question,  # type: ignore[arg-type]  # a Literal, given by the parameter of a test
        about="our ML platform",
        respondent=respondent_hash("ada@example.com", SURVEY_SECRET),
        asked_at=int(now.timestamp()),
        expires_at=int((now + timedelta(days=1)).timestamp()),
    )
    return f"{night.url}/survey?token={sign(link, SURVEY_SECRET)}"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(
    ("question", "theme", "width"),
    some([("nps", "dark", 360), ("csat", "light", 1200), ("nps", "light", 1200), ("csat", "dark", 360)], 2),
)
def test_a_click_is_the_answer_and_a_second_one_replaces_it(
    browser: Browser, night: PageFixture, question: str, theme: str, width: int
) -> None:
    buttons = 11 if question == "nps" else 5
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
    page.goto(address(night, question))
    scores = page.locator(".scores button")
    expect(scores).to_have_count(buttons)
    assert fits(page)
    assert all(box["height"] >= 44 for box in (one.bounding_box() for one in scores.all()) if box)  # for a thumb
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert night.office.reported == []
    scores.last.click()
    expect(page.get_by_role("status")).to_contain_text(f"Your answer is {'10' if question == 'nps' else '5'}.")
    scores.nth(1).click()
    page.get_by_label("What is the main reason?").fill("It is slow")
    page.get_by_role("button", name="Add the comment").click()
    expect(page.get_by_role("status")).to_contain_text("Your comment is saved.")
    assert fits(page)
    given = [(row["score"], row["comment"]) for row in night.office.reported]
    first = 0 if question == "nps" else 1
    assert given == [(first + buttons - 1, None), (first + 1, None), (first + 1, "It is slow")]
    assert faults == []
    context.close()


def test_it_works_without_scripts(browser: Browser, night: PageFixture) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(night, "nps"))
    page.get_by_role("button", name="7", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Your answer is 7.")
    assert [row["score"] for row in night.office.reported] == [7]
    context.close()
