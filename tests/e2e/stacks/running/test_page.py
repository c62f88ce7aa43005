"""The pages in a browser, over a running stack."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from core.events import Finding, Severity, Status
from tests.support.servers.stack import LocalStack, eventually, fresh
from tests.support.web.viewing import Opened, Tab

pytest_plugins = ["tests.support.web.viewing_fixtures"]
pytestmark = pytest.mark.timeout(240)  # the first test starts the stack

SCREENSHOTS = Path(__file__).resolve().parents[4] / "build" / "screenshots"
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
PAINTED = """
  () => [...document.querySelectorAll(".plot canvas")].map((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0))
"""


@dataclass
class Viewer(Opened):
    """Opens pages of a stack."""

    stack: LocalStack

    def open(self, path: str = "/", *, width: int = 1200, scheme: Any = "light", of: str = "page") -> Page:
        page = self.page(width=width, scheme=scheme)
        page.goto(self.stack.url(of) + path)
        if of == "page":
            loaded(page)
        return page


@pytest.fixture
def viewer(tab: Tab, stack: LocalStack) -> Iterator[Viewer]:
    viewer = Viewer(tab, stack)
    yield viewer
    viewer.close()
    assert viewer.faults == []


@pytest.fixture
def finding(stack: LocalStack) -> Iterator[Finding]:
    """A finding about a target of the test's own, which resolves when the test is over."""
    finding = fresh(target=f"service/{uuid4().hex[:8]}")
    yield finding
    later = finding.observed_at + timedelta(seconds=30)
    stack.publish("findings", replace(finding, status=Status.RESOLVED, observed_at=later))


def loaded(page: Page) -> None:
    page.locator("body[data-loaded]").wait_for(timeout=30_000)


def incident(stack: LocalStack, finding: Finding, state: str = "open") -> dict[str, Any]:
    """Publish the finding, and give the incident that it becomes."""
    stack.publish("findings", finding)

    def found() -> dict[str, Any] | None:
        return next((one for one in stack.incidents(finding.target) if one["state"] == state), None)

    return eventually(lambda: found() or {}, f"{state} incident of {finding.target}")


def card(page: Page, one: dict[str, Any]) -> Any:
    return page.locator(f"[data-incident='{one['id']}']")


def worsened(one: dict[str, Any]) -> bool:
    return any(entry["change"] == "escalated" for entry in one["timeline"])


def drift(stack: LocalStack, days: int = 60) -> dict[str, Any]:
    found: dict[str, Any] = stack.get(f"/v1/models/flight-delay/drift?days={days}")
    return found


def cells(page: Page, feature: str) -> int:
    row = page.get_by_role("img", name=re.compile(rf"^{feature}, .*, by day$")).first
    return row.locator("rect").count()


def test_the_model_is_shown_with_its_drift_by_feature_and_day(viewer: Viewer, stack: LocalStack) -> None:
    page, shown = viewer.open("/models"), drift(stack)
    model = page.locator("[data-model='flight-delay']")
    buttons = model.get_by_role("button")
    assert buttons.all_inner_texts() == [feature["name"].replace("_", " ") for feature in shown["features"]]
    assert len(shown["days"]) > 10
    for name in buttons.all_inner_texts():
        assert cells(page, name) == len(shown["days"])
    assert page.evaluate(PAINTED) == [True]
    [told] = stack.get("/v1/models")
    assert f"{len(told['drifted'])} of 9" in model.inner_text()
    assert f"{told['accuracy']['value']:.1%}".replace(".0%", "%") in model.inner_text()


def test_what_drifted_is_marked_in_the_heat_map(viewer: Viewer, stack: LocalStack) -> None:
    page = viewer.open("/models")
    marked = {
        feature["name"].replace("_", " "): sum(map(bool, feature["drifted"])) for feature in drift(stack)["features"]
    }
    assert sum(marked.values()) > 0, "the history has no drift to show"
    for name, days in marked.items():
        row = page.get_by_role("img", name=f"{name}, PSI, by day").first
        assert row.locator("title", has_text="drifted").count() == days


def test_an_open_incident_is_shown_with_its_timeline(viewer: Viewer, stack: LocalStack, finding: Finding) -> None:
    first = replace(finding, severity=Severity.WARNING, runbook="probes.md#slow", evidence={"p99": "9.1 s"})
    incident(stack, first)
    worse = replace(first, severity=Severity.CRITICAL, summary="checkout answers in 20 s")
    stack.publish("findings", replace(worse, observed_at=first.observed_at + timedelta(seconds=1)))
    told = eventually(lambda: [one for one in stack.incidents(finding.target) if worsened(one)], "second step")
    shown = card(viewer.open(f"/incidents/{told[0]['id']}"), told[0])
    assert [pill.lower() for pill in shown.locator(".head .pill").all_inner_texts()] == ["critical", "open"]
    expect(shown.locator("[data-fact='Next step']")).to_contain_text("probes.md#slow")
    expect(shown).to_contain_text(re.compile(r"Timeline: \d+ entries"))
    entries = shown.locator(".timeline li").all_inner_texts()
    steps = [entry for entry in entries if not entry.startswith("Updated")]  # a notification is an update
    assert [step.split(" · ")[0] for step in steps] == ["Worse", "Opened"]
    assert "checkout answers in 20 s" in steps[0]
    expect(shown.locator(".evidence")).to_contain_text("9.1 s")


@pytest.mark.parametrize(
    ("name", "width", "scheme"), [("light", 1200, "light"), ("dark", 1200, "dark"), ("phone", 360, "light")]
)
def test_screenshots_are_kept(viewer: Viewer, finding: Finding, name: str, width: int, scheme: str) -> None:
    told = incident(viewer.stack, replace(finding, runbook="probes.md#slow"))
    eventually(lambda: viewer.stack.inbox(told["id"]), "message")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for of in ("page", "inbox"):
        path = SCREENSHOTS / f"{of}-{name}.png"
        viewer.open(of=of, width=width, scheme=scheme).screenshot(path=path, full_page=of == "page")
        assert path.stat().st_size > 10_000
        viewer.close()


def test_the_worst_open_incident_is_on_top(viewer: Viewer, stack: LocalStack, finding: Finding) -> None:
    mild = replace(finding, target=finding.target + "-mild", severity=Severity.WARNING)
    incident(stack, finding)
    incident(stack, replace(mild, observed_at=mild.observed_at + timedelta(seconds=1)))
    order = viewer.open().locator("#open > [data-incident] .pill.solid").all_inner_texts()
    ranks = [list(Severity).index(Severity(name)) for name in order]
    assert ranks == sorted(ranks, reverse=True)
    resolved = replace(mild, status=Status.RESOLVED, observed_at=mild.observed_at + timedelta(seconds=2))
    incident(stack, resolved, "resolved")


def test_probes_are_shown_with_what_they_saw(viewer: Viewer, stack: LocalStack) -> None:
    eventually(
        lambda: all(probe.get("status") == "resolved" for probe in stack.get("/v1/probes")),
        "checked probes that are up",
    )
    page = viewer.open("/probes")
    for probe in stack.get("/v1/probes"):
        shown = page.locator(f"[data-probe='{probe['name']}']")
        expect(shown.locator(".pill")).to_have_text("up")
        expect(shown).to_contain_text(probe["where"])
        expect(shown).to_contain_text(probe["detail"])


def test_choosing_a_test_draws_it(viewer: Viewer, stack: LocalStack) -> None:
    page = viewer.open("/models")
    page.get_by_role("button", name="wind speed").click()
    page.get_by_role("combobox", name="Test").select_option("wasserstein")
    expect(page.locator(".plot h3")).to_have_text("wind speed, Wasserstein")
    assert cells(page, "wind speed") == len(drift(stack)["days"])
    assert cells(page, "carrier") == 0, "a categorical feature has no Wasserstein distance"
    assert page.evaluate(PAINTED) == [True]
    page.get_by_role("button", name="carrier").click()
    expect(page.locator(".plot h3")).to_have_text("carrier, Wasserstein")


@pytest.mark.parametrize("days", [30, 120])
def test_choosing_days_asks_for_them_and_draws_them(viewer: Viewer, days: int) -> None:
    page = viewer.open("/models")
    before = page.locator(".heat").element_handle()
    with page.expect_response(re.compile(rf"/drift\?days={days}$")) as answer:
        page.get_by_role("combobox", name="Days").select_option(str(days))
    expect(page.locator(".plot canvas")).to_have_count(1)
    page.wait_for_function("(old) => !old.isConnected", arg=before)
    assert cells(page, "hour") == len(answer.value.json()["days"])


def test_a_feature_is_chosen_with_the_keyboard_and_keeps_the_focus(viewer: Viewer) -> None:
    page = viewer.open("/models")
    name = ""
    for _ in range(150):  # past other models
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.innerText")
        if name == "hour":
            break
    assert name == "hour"
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="hour")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".plot h3")).to_have_text("hour, PSI")
    expect(page.get_by_role("button", name="hour")).to_be_focused()
    with page.expect_response(re.compile("/drift")):  # what the page does by itself every 15 seconds
        page.locator("#days").dispatch_event("change")
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="hour")).to_be_focused()
    expect(page.locator(".plot h3")).to_have_text("hour, PSI")


def test_what_is_open_and_where_one_reads_stay_when_the_page_is_refreshed(viewer: Viewer) -> None:
    page = viewer.open("/models")
    summary = page.locator("[data-model='flight-delay'] .performance summary").first
    summary.focus()
    page.keyboard.press("Enter")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    before = page.evaluate("scrollY")
    with page.expect_response(re.compile("/drift")):
        page.locator("#days").dispatch_event("change")
    page.wait_for_timeout(300)
    expect(page.locator("[data-model='flight-delay'] .performance table").first).to_be_visible()
    expect(summary).to_be_focused()
    assert page.evaluate("scrollY") == before


def test_every_control_and_picture_has_a_name(viewer: Viewer) -> None:
    for path, roles in (
        ("/models", ("button", "combobox", "img")),
        ("/probes", ("img",)),
        ("/response", ("combobox",)),
    ):
        page = viewer.open(path)
        for role in roles:
            everything = page.get_by_role(role)
            named = page.get_by_role(role, name=re.compile(r"\S"))
            assert everything.count() == named.count() > 0, (path, role)
        viewer.close()
    page = viewer.open()
    for region in ("Incidents", "Models", "Probes", "Pipelines", "Alert rules", "Channels", "On call"):
        expect(page.get_by_role("region", name=region)).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("of", "width"), [("page", 360), ("page", 1200), ("inbox", 360), ("inbox", 1200)])
def test_nothing_is_wider_than_the_screen(viewer: Viewer, finding: Finding, of: str, width: int, scheme: str) -> None:
    long = replace(finding, summary="x" * 200 + " words", evidence={"y" * 70: "z" * 150})
    told = incident(viewer.stack, long)
    eventually(lambda: viewer.stack.inbox(told["id"]), "message")
    page = viewer.open(of=of, width=width, scheme=scheme)
    for summary in page.locator("summary:visible").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(246, 247, 249)"
    assert dark == (scheme == "dark")


def test_hostile_text_stays_text(viewer: Viewer, stack: LocalStack, finding: Finding) -> None:
    target = f"{finding.target}{HOSTILE}"
    hostile = replace(finding, target=target, summary=HOSTILE, evidence={HOSTILE: HOSTILE}, runbook=HOSTILE)
    told = incident(stack, hostile)
    page = viewer.open(f"/incidents/{told['id']}")
    shown = card(page, told)
    expect(shown.locator("h1")).to_have_text(HOSTILE)
    expect(shown.locator(".evidence")).to_contain_text(HOSTILE)
    assert page.locator("main script, main img").count() == 0
    assert page.title() == f"{HOSTILE} · aia"
    eventually(lambda: stack.inbox(told["id"]), "message")
    inbox = viewer.open(of="inbox")
    expect(inbox.locator("article", has_text=told["id"]).locator("h3").first).to_have_text(HOSTILE)
    assert inbox.locator("main script, main img").count() == 0
    assert inbox.title() == "Inbox"
    over = replace(hostile, status=Status.RESOLVED, observed_at=hostile.observed_at + timedelta(seconds=5))
    incident(stack, over, "resolved")


def test_the_title_counts_open_incidents(viewer: Viewer, stack: LocalStack, finding: Finding) -> None:
    incident(stack, finding)
    page = viewer.open()
    count = sum(one["state"] != "resolved" for one in stack.get("/v1/incidents")["incidents"])
    assert page.title() == f"({count}) aia"
    expect(page.locator("#state")).to_contain_text(f"{count} open incident")


def test_an_incident_that_is_over_has_its_page_and_old_links_lead_there(
    viewer: Viewer, stack: LocalStack, finding: Finding
) -> None:
    incident(stack, finding)
    over = replace(finding, status=Status.RESOLVED, observed_at=finding.observed_at + timedelta(seconds=5))
    told = incident(stack, over, "resolved")
    page = viewer.open(f"/#incident={told['id']}")
    expect(page).to_have_url(re.compile(f"/incidents/{told['id']}$"))
    expect(card(page, told).locator(".timeline")).to_be_visible()


def test_a_message_of_the_inbox_leads_to_its_incident(viewer: Viewer, stack: LocalStack, finding: Finding) -> None:
    told = incident(stack, finding)
    eventually(lambda: stack.inbox(told["id"]), "message")
    page = viewer.open(of="inbox")
    page.locator("article", has_text=told["id"]).get_by_role("link", name="Show or acknowledge").first.click()
    loaded(page)
    expect(card(page, told)).to_be_in_viewport()
    expect(card(page, told).locator(".timeline")).to_be_visible()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/nobody/drift", 404),
        ("GET", "/v1/models/flight-delay/drift?days=0", 400),
        ("GET", "/v1/models/flight-delay/drift?days=many", 400),
        ("GET", "/v1/incidents/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/assets/../main.py", 404),
        ("GET", "/assets/%2e%2e/main.py", 404),
        ("POST", "/v1/incidents", 405),
        ("DELETE", "/v1/models", 405),
    ],
)
def test_the_api_tells_plainly_what_is_asked_for_wrongly(
    stack: LocalStack, method: str, path: str, status: int
) -> None:
    request = urllib.request.Request(stack.url("page") + path, method=method)
    request.add_header("Authorization", f"Bearer {(stack.folder / 'session-token').read_text().strip()}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.status == status
        assert b'"detail"' in answer.read()


def test_while_the_warehouse_is_down_incidents_still_come_and_then_all_recovers(
    viewer: Viewer, stack: LocalStack, finding: Finding
) -> None:
    home, page = viewer.open(), viewer.open("/models")
    with stack.kept_dead("warehouse"):
        told = incident(stack, finding)
        page.get_by_role("combobox", name="Days").select_option("300")
        problem = page.get_by_role("alert")
        expect(problem).to_contain_text(re.compile("BigQuery does not answer|no answer within 3 s"), timeout=60_000)
        expect(card(home, told)).to_be_visible(timeout=60_000)
        expect(page.locator("[data-model='flight-delay']")).to_be_visible()
    expect(problem).to_be_hidden(timeout=60_000)
    assert cells(page, "hour") > 0
    expected = re.compile(r"status of 503")
    viewer.faults[:] = [fault for fault in viewer.faults if not expected.search(fault)]


def test_a_page_whose_api_is_gone_says_so_and_recovers(viewer: Viewer, stack: LocalStack) -> None:
    page = viewer.open()
    with stack.kept_dead("functions"):
        expect(page.locator("#state")).to_have_text("Not responding", timeout=60_000)
        expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden(timeout=60_000)
    expect(page.locator("#state")).not_to_have_text("Not responding")
    # nobody there, or killed before the first byte of an answer or amid its body: which one, the moment decides
    killed = re.compile(
        r"net::ERR_(CONNECTION_\w+|SOCKET_NOT_CONNECTED|EMPTY_RESPONSE|CONTENT_LENGTH_MISMATCH|INCOMPLETE_CHUNKED_ENCODING)$"
    )
    viewer.faults[:] = [fault for fault in viewer.faults if not killed.search(fault)]
