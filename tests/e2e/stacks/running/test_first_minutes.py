"""From the moment a new stack answers until its history is in, no page shows a fault that is none."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from infra.local.outcome import MODEL
from tests.support.servers.stack import LocalStack, eventually

pytest_plugins = ["tests.support.web.viewing_fixtures"]
pytestmark = pytest.mark.timeout(900)

KINDS = re.compile(r"drift(?!.*stale)|accuracy|performance|measure|quality|missing", re.IGNORECASE)
"""What may really be wrong with the model: by what scores it, and by the alert rules about that."""
RED = "#problem:visible, #missing:visible, #state.critical, .failed:visible, [data-probe] .critical:visible, .fault:visible"


LATE = re.compile(r"no answer within \d+ s")
"""What a page says on a busy machine, and takes back."""


def reached(page: Page, stack: LocalStack, path: str = "/") -> Page:
    """The page as soon as it answers."""

    def go() -> bool:
        try:
            return page.goto(stack.url("page") + path) is not None
        except Error:
            return False

    eventually(go, "page that answers", within=300)
    return page


def faults(page: Page) -> list[str]:
    """What the page shows as wrong right now, but the model's own incident."""
    red = [f"{one!r} is shown" for one in page.locator(RED).all_inner_texts()]
    said = [
        line
        for line in page.locator("body").inner_text().splitlines()
        if re.search("(Prometheus|BigQuery|warehouse|store|history)[^.]* does not answer|Not responding", line)
    ]
    return [*red, *said]


def untrue(page: Page) -> list[str]:
    """The same without what is only late."""
    return [one for one in faults(page) if not LATE.search(one)]


def strangers(stack: LocalStack) -> list[str]:
    """Open incidents that are not about the model and what may be wrong with it."""
    found = [one for one in stack.get("/v1/incidents")["incidents"] if one["state"] != "resolved"]
    return [
        f"{one['id']}: {one['title']}"
        for one in found
        if one["target"] != f"model/{MODEL}" or not all(KINDS.search(member["kind"]) for member in one["conditions"])
    ]


def history(stack: LocalStack) -> dict[str, Any]:
    found: dict[str, Any] = stack.get("/v1/backfills")["history"] or {}
    return found


def silent(board: Page) -> set[str]:
    """What a dashboard says of tiles about heartbeats."""
    return set(board.get_by_role("article", name=re.compile("heartbeat")).locator(".pill").all_inner_texts())


def test_while_history_comes_pages_say_so_and_show_no_fault(browser: Browser, new: LocalStack) -> None:
    first = reached(browser.new_page(), new)
    boards = [reached(browser.new_page(), new, f"/dashboards/{name}?range=1y") for name in ("operations", "models")]
    said, deadline = set(), time.monotonic() + 600
    while time.monotonic() < deadline:
        assert [untrue(page) for page in (first, *boards)] == [[], [], []]
        assert strangers(new) == []
        assert set().union(*map(silent, boards)) <= {"not known yet", "OK"}
        shown = first.locator("#history:visible").all_inner_texts()
        said |= {re.sub(r"^\s*", "", text) for text in shown}
        if history(new).get("done"):
            break
        first.wait_for_timeout(500)
    assert history(new)["done"], "the history did not come to its end"
    told = [re.fullmatch(r"History: (\d+) of (\d+) days", text) for text in said]
    assert told, "nothing was said of the history while it came"
    assert all(told), said
    days = sorted(int(one[1]) for one in told if one)
    assert days[-1] <= history(new)["of"]
    eventually(lambda: not first.locator("#history:visible").count(), "page without the word that history comes")
    eventually(lambda: not any(faults(page) for page in (first, *boards)), "pages without a fault")
    incidents = [one for one in new.incidents(f"model/{MODEL}") if one["state"] != "resolved"]
    eventually(lambda: incidents and new.inbox(incidents[0]["id"]), "message about the model's incident")
