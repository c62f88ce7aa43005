"""The page of upkeep and the header of all pages, in a browser."""

import base64
import json
from datetime import UTC, datetime

from playwright.sync_api import expect

from core.maintenance.task import Progress, finished
from functions.api.page import PAGES
from functions.services.maintenance import save
from tests.support.fakes.ports import push
from tests.support.web.accessible import violations
from tests.support.web.viewing import PageFixture, saved

pytest_plugins = ["tests.support.web.viewing_fixtures"]

SAYS = {"type": "finding", "version": 9, "at": 1790000000123456789}  # of which a browser makes …456800
PHONE, LAPTOP = 390, 1280
MIDDLES = """
  (all) => all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect()).map((box) => box.top + box.height / 2)
"""


def filled(night: PageFixture) -> None:
    """A task has failed, and a message was parked."""
    now = datetime.now(UTC)
    save(night.office.store, "backup", finished(Progress(due=now), at=now, tick=now, fault="ops.a differs"))
    body = base64.b64encode(push(json.dumps(SAYS).encode())).decode()
    parked = {"id": "a1", "received_at": now, "n_parked": 2, "function": "incident_router", "reason": "<b>version</b>"}
    sent = {"subscription": "incident-router-findings", "message_id": "7", "attributes": "{}", "body": body}
    night.warehouse.answers["ops.dead_letters"] = [parked | sent]


def test_a_dead_letter_is_looked_at_corrected_and_sent_again_after_a_question(night: PageFixture) -> None:
    filled(night)
    page = night.open("maintenance", width=PHONE, scheme="dark")
    expect(page.locator("#state")).to_have_text("backup failed · 1 dead letter")
    expect(page.locator("#backups")).to_contain_text("No backup yet. The first one is made at the next tick")
    expect(page.locator("#checks .good")).to_have_count(0)
    letter = page.locator(".letter")
    expect(letter.locator("summary")).to_contain_text("<b>version</b>")
    letter.locator("summary").focus()
    page.keyboard.press("Enter")
    text = letter.get_by_role("textbox", name="What dead letter a1 says")
    assert json.loads(text.input_value()) == SAYS
    text.fill('{"type": "finding", "version": 1}')
    letter.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    reason = letter.get_by_role("textbox", name="Reason")
    expect(reason).to_be_focused()
    reason.fill("wrong version")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations(page) == []
    letter.get_by_role("button", name="Send again").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert night.office.published == []
    letter.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("dialog")).to_contain_text("as you edited it")
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(letter.locator(".pill")).to_have_text("sent again")
    saved(page)
    [(_, command, _)] = night.office.published
    assert (command.subject, command.by, command.note, json.loads(command.body)["version"]) == (
        "a1",
        "Ada",
        "wrong version",
        1,
    )


def test_the_header_is_one_line_with_the_pages_or_with_a_menu_of_them(night: PageFixture) -> None:
    page = night.open("", width=LAPTOP)
    pages, menu = page.get_by_role("navigation", name="Pages"), page.get_by_role("button", name="Pages")
    middles = page.locator("header > :not(.space)").evaluate_all(MIDDLES)
    assert len(middles) > 3
    assert max(middles) - min(middles) < 1, "something wraps"
    expect(menu).to_be_hidden()
    page.set_viewport_size({"width": PHONE, "height": 900})
    expect(pages).to_be_hidden()
    menu.focus()
    page.keyboard.press("Enter")
    expect(pages.get_by_role("link")).to_have_count(len(PAGES))
    assert violations(page) == []
    pages.get_by_role("link", name="Coverage").click()
    expect(page).to_have_url(f"{night.url}/coverage")
    expect(page.locator("#pages")).to_be_hidden()
