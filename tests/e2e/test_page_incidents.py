"""What a person does on the page about incidents, in a browser, over the API with a filled store."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from core.actions.plan import Plan, Step
from core.events import Severity, Status
from core.incidents.measured import MeasuredLoss, loss_text
from core.incidents.model import Evidence, Impact, OrdersAtRisk, State
from core.incidents.notified import NotificationState
from core.incidents.routing import Silence
from functions.services.incidents.documents import LOSSES, loss_data
from tests.support.builders import pages
from tests.support.builders.budget import some
from tests.support.web.viewing import SECOND, WORST, PageFixture, button, card, commands, fact, go, saved

pytest_plugins = ["tests.support.web.viewing_fixtures"]

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
HIDE = """
  (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }
"""


def test_an_incident_says_what_is_wrong_since_when_what_it_costs_who_has_it_and_what_to_do(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    expect(card(page).locator(".head .pill")).to_have_text(["critical", "open"])
    expect(card(page).get_by_role("heading", level=1)).to_have_text(
        "churn is right in 71% of its answers, 85% are agreed on"
    )
    expect(fact(page, "Opened")).to_contain_text("14 minutes ago")
    expect(fact(page, "Impact")).to_contain_text("$4,200 an hour$3,100 to $5,300")
    expect(fact(page, "Acknowledged by")).to_contain_text("Nobody yetnotified: technical, log, ada · technical: tier 2")
    expect(fact(page, "Next step")).to_contain_text("models.md#accuracy")
    shown = card(page)
    expect(shown).to_contain_text("71% against a threshold of 85%")
    expect(shown).to_contain_text("2.4 s against a threshold of 500 ms (4.8 times)")
    for target in ("endpoint/churn", "table/telemetry.churn", "stream/retention"):
        expect(shown.locator(".affected")).to_contain_text(target)
    expect(shown.locator(".done")).to_contain_text("awaits approval")
    go(page, f"{night.url}/incidents/{SECOND}")
    expect(card(page, SECOND).locator(".done")).to_contain_text("Would do: train flight-delay on 60 days")


def test_the_timeline_says_why_in_plain_words_and_leads_to_the_report(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    expect(card(page)).to_contain_text("Timeline: 4 entries")
    entries = card(page).locator(".timeline li")
    expect(entries.first).to_contain_text("because nobody acknowledged in time, so the next tier was notified")
    expect(card(page)).to_contain_text("because its kind is accuracy; raised to critical by the impact")
    report = card(page).get_by_role("link", name="Report as Markdown").get_attribute("href")
    answer = page.request.get(night.url + str(report))
    assert answer.text().startswith("# Incident: churn is right in 71%")


def test_the_dearest_of_the_worst_is_on_top_and_the_total_at_risk_above_all(night: PageFixture) -> None:
    now = datetime.now(UTC)
    small = Impact(dollars_per_hour=90.0, low=1.0, high=99.0, targets=("service/s",), reason="s")
    for name, more in (("small", {"impact": small}), ("mended", {"impact": small, "state": State.MITIGATED})):
        lead = pages.condition(f"service/{name}", "down", Severity.ERROR, now, name)
        night.office.keep(pages.incident(name, [lead], now, **more))
    page = night.open()
    order = page.locator("#open > [data-incident]").evaluate_all("all => all.map((one) => one.dataset.incident)")
    assert order[:2] == [WORST, SECOND]
    assert set(order[2:]) == {"small", "mended"}
    glance = page.locator("#glance > div").all_inner_texts()
    assert glance[0].split("\n") == ["Open incidents", "4", "2 unacknowledged, 1 mitigated"]
    assert glance[1].split("\n") == ["Revenue at risk per hour", "$4,890", "$3,551 to $6,149"], (
        "what is mitigated costs nothing"
    )


def test_what_costs_an_unknown_amount_is_counted_and_is_not_0(night: PageFixture) -> None:
    now = datetime.now(UTC)
    for group in list(night.office.groups.values()):
        live = tuple(replace(one, state=State.RESOLVED, resolved_at=now) for one in group.state.incidents)
        night.office.keep(replace(group, state=replace(group.state, incidents=live), revision=group.revision + 1))
    for name in ("a", "b"):
        night.office.keep(
            pages.incident(name, [pages.condition(f"service/{name}", "down", Severity.ERROR, now, name)], now)
        )
    page = night.open()
    at_risk = page.locator("#glance > div").nth(1)
    expect(at_risk).to_have_text("Revenue at risk per hourNot known2 not known")
    expect(at_risk.locator("dd").first).not_to_have_class("good")
    small = Impact(dollars_per_hour=90.0, low=1.0, high=99.0, targets=("service/c",), reason="s")
    lead = pages.condition("service/c", "down", Severity.ERROR, now, "c")
    night.office.keep(pages.incident("c", [lead], now, impact=small))
    page.reload()
    expect(at_risk).to_have_text("Revenue at risk per hour$90$1 to $99 · 2 not known")


def test_a_storm_says_how_many_conditions_fire_and_shows_the_first_of_them(night: PageFixture) -> None:
    now = datetime.now(UTC)
    firing = [
        pages.condition(
            "service/shop", f"CrashLoop.08ed2809b{n % 10}@pod/{n:02}", Severity.ERROR, now, f"pod {n} restarts"
        )
        for n in range(20)
    ]
    ends: tuple[dict[str, Any], ...] = (
        {},
        {"expired_at": now},
        {"evidence": (Evidence(name="part", text="taken out"),)},
    )
    ended = [
        pages.condition("service/shop", f"part:{n}", Severity.ERROR, now, "full", status=Status.RESOLVED, **more)
        for n, more in enumerate(ends)
    ]
    night.office.keep(pages.incident("storm", [*firing, *ended], now))
    page = night.open("incidents/storm")
    shown = card(page, "storm")
    expect(shown).to_contain_text("20 firing conditions")
    expect(shown.locator(".conditions li:visible")).to_have_count(8)
    shown.get_by_text("15 more").click()
    rows = shown.locator(".conditions li:visible")
    expect(rows).to_have_count(23)
    assert [rows.nth(n).get_attribute("class") for n in (20, 21, 22)] == ["good", "info", "info"]
    expect(rows.nth(21)).to_contain_text("no longer reported")
    expect(rows.nth(22)).to_contain_text("taken out")
    expect(shown).not_to_contain_text("08ed2809b")


def test_what_it_has_cost_is_what_was_counted_and_what_came_since(night: PageFixture) -> None:
    now = datetime.now(UTC)
    cost = Impact(dollars_per_hour=600.0, low=450.0, high=750.0, targets=("service/s",), reason="s")
    ended: dict[str, Any] = {"state": State.MITIGATED, "mitigated_at": now - timedelta(minutes=10)}
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "counted": (
            {"impact": cost, "loss": 1000.0, "loss_until": now - timedelta(minutes=40), **ended},
            "$1,300 until it was mitigated",
        ),
        "uncounted": ({"impact": cost, **ended}, "$500 until it was mitigated"),
        "back": ({"impact": cost, "reopened_at": now - timedelta(minutes=30), **ended}, "$200 until it was mitigated"),
        "eased": ({"loss": 12.0, "loss_until": now - timedelta(minutes=40)}, "$0 an hour$0 to $0 · $12 so far"),
        "unknown": ({}, "Not knownthe settings name no revenue of service/unknown, nor of what depends on it"),
    }
    for name, (more, _) in cases.items():
        lead = pages.condition(f"service/{name}", "down", Severity.ERROR, now, name)
        night.office.keep(pages.incident(name, [lead], now - timedelta(minutes=60), **more))
    page = night.page(width=1200, scheme="light", name="Ada")
    for name, (_, words) in cases.items():
        go(page, f"{night.url}/incidents/{name}")
        expect(fact(page, "Impact", name)).to_contain_text(words)


def test_orders_at_risk_in_two_incidents_count_once_and_a_measured_loss_is_shown(night: PageFixture) -> None:
    now = datetime.now(UTC)
    at_risk = night.open().locator("#glance > div").nth(1)
    before = at_risk.inner_text().split("\n")[1]
    orders = (OrdersAtRisk("shop", 1.0, 1000.0),)
    cost = Impact(dollars_per_hour=1000.0, low=800.0, high=1500.0, targets=("stream/shop",), reason="s", orders=orders)
    for name in ("one", "two"):
        lead = pages.condition(f"service/{name}", "down", Severity.ERROR, now, name)
        night.office.keep(pages.incident(name, [lead], now - timedelta(minutes=60), impact=cost))
    since, until = datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC)
    loss = MeasuredLoss(dollars=70.0, high=90.0, usual=100.0, actual=30.0, since=since, until=until, orders=("shop",))
    night.office.store.create(LOSSES, "one", loss_data(loss))
    page = night.open()
    more = float(before.strip("$").replace(",", "")) + 1000
    expect(page.locator("#glance > div").nth(1)).to_contain_text(f"${more:,.0f}")
    go(page, f"{night.url}/incidents/one")
    expect(fact(page, "Impact", "one")).to_contain_text("$70 ($0 to $90) lost so far")
    expect(card(page, "one")).to_contain_text(f"Loss by orders: {loss_text(loss)}")
    go(page, f"{night.url}/incidents/two")
    expect(fact(page, "Impact", "two")).to_contain_text("so far")


@pytest.mark.parametrize("which", ["open", "over", "long over"])
def test_an_old_link_leads_to_the_page_of_its_incident(night: PageFixture, which: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=80)
    lead = pages.condition("service/s", "down", Severity.ERROR, long_ago, "s was down")
    night.office.keep(pages.incident("long", [lead], long_ago, state=State.RESOLVED, resolved_at=long_ago))
    incident_id = {"open": SECOND, "over": "probe-db-20261121-aaaa0004", "long over": "long"}[which]
    page = night.page(width=1200, scheme="light", name="Ada")
    page.goto(f"{night.url}/#incident={incident_id}")
    expect(page).to_have_url(f"{night.url}/incidents/{incident_id}")
    expect(card(page, incident_id).locator(".timeline")).to_be_visible()


def test_following_a_link_commands_nothing(night: PageFixture) -> None:
    page = night.open(f"incidents/{WORST}")
    go(page, f"{night.url}/")
    for path in (f"/v1/incidents/{WORST}/acknowledge", f"/v1/incidents/{WORST}/resolve", "/v1/automation/halt"):
        assert page.request.get(night.url + path).status == 405
    assert commands(night) == []
    expect(card(page).locator(".pill")).to_have_text(["critical"])


def test_hostile_text_stays_text(night: PageFixture) -> None:
    now = datetime.now(UTC)
    evidence = (Evidence(name=HOSTILE, text=HOSTILE),)
    lead = pages.condition(
        f"service/{HOSTILE}", HOSTILE, Severity.CRITICAL, now, HOSTILE, evidence=evidence, unit=HOSTILE, value=2.0,
        threshold=1.0, runbook="javascript:document.title='owned'",
    )  # fmt: skip
    other = pages.condition(HOSTILE, "k", Severity.ERROR, now, HOSTILE, runbook="data:text/html,x")
    impact = Impact(dollars_per_hour=1e9, low=0.0, high=2e9, targets=(HOSTILE,), reason=HOSTILE)
    notified = NotificationState(channels=(HOSTILE,), mute_reason=HOSTILE)
    night.office.keep(
        pages.incident(
            "hostile",
            [lead, other],
            now,
            impact=impact,
            notified=notified,
            category=HOSTILE,
            classification=HOSTILE,
            acknowledged_by=HOSTILE,
            acknowledged_at=now,
        )
    )
    plan = Plan(summary=HOSTILE, steps=(Step(what=HOSTILE, before=HOSTILE, after=HOSTILE),))
    night.office.case(pages.awaiting(pages.request("hostile", "flush_cache", HOSTILE, now), plan, now))
    night.office.silence(
        Silence(pattern=f"{HOSTILE}*", by=HOSTILE, at=now, until=now + timedelta(hours=1), note=HOSTILE)
    )
    page = night.open("incidents/hostile")
    shown = card(page, "hostile")
    expect(shown.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(shown.locator(".evidence")).to_contain_text(HOSTILE)
    button(page, "Mitigated", "hostile").click()
    saved(page)
    assert page.locator("main script, main img").count() == 0
    assert set(shown.locator("a").evaluate_all("all => all.map((one) => one.protocol)")) == {"http:"}
    assert page.title() == f"{HOSTILE} · aia"
    home = go(page, night.url)
    expect(home.locator("#open")).to_contain_text(HOSTILE)
    assert home.locator("main script, main img").count() == 0
    assert home.title() == "(3) aia"
    go(page, f"{night.url}/incidents")
    expect(page.locator("#list")).to_contain_text(HOSTILE)
    assert page.locator("main script, main img").count() == 0


def test_a_runbook_with_an_address_is_a_link(night: PageFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIA_RUNBOOKS_URL", "https://git.example.com/docs/runbooks")
    page = night.open(f"incidents/{WORST}")
    link = fact(page, "Next step").get_by_role("link")
    expect(link).to_have_attribute("href", "https://git.example.com/docs/runbooks/models.md#accuracy")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_what_has_not_changed_is_not_drawn_again(night: PageFixture) -> None:
    page = night.open(clock=True)
    before = card(page).element_handle()
    for _ in range(2):
        with page.expect_response(re.compile(r"/v1/silences")):
            page.clock.fast_forward(10_500)
    assert page.evaluate("(old) => old.isConnected", before)


def test_a_page_asks_often_for_incidents_seldom_for_models_and_for_nothing_while_it_is_hidden(
    night: PageFixture,
) -> None:
    page = night.open(clock=True)
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(re.sub("[?](?!running).*", "", request.url.removeprefix(night.url)))
    )

    def settle() -> set[str]:
        page.wait_for_timeout(500)
        found = set(asked)
        asked.clear()
        return found

    page.clock.fast_forward(15_500)
    live = "/v1/pipelines?running=true"
    assert settle() == {"/v1/incidents", "/v1/actions", "/v1/silences", "/v1/probes", live}
    page.clock.fast_forward(61_000)
    assert "/v1/models" in settle()
    page.evaluate(f"({HIDE})(true)")
    assert settle() <= {"/api/experience"}  # it says what was seen until then
    page.clock.fast_forward(600_000)
    assert settle() == set()
    page.evaluate(f"({HIDE})(false)")
    assert settle() > {"/v1/incidents", "/v1/actions", "/v1/models"}


def test_the_page_without_a_warehouse_shows_incidents_and_what_waits(night: PageFixture) -> None:
    night.warehouse.down = True
    page = night.open()
    expect(card(page)).to_be_visible()
    expect(page.get_by_role("region", name="Awaiting approval")).to_be_visible()
    expect(page.locator("#problem")).to_contain_text("BigQuery: does not answer")
    go(page, f"{night.url}/response")
    expect(page.get_by_role("region", name="Automation")).to_contain_text("The history does not answer")
    assert [fault for fault in night.faults if "503" not in fault] == []
    night.faults.clear()


@pytest.mark.parametrize(("width", "scheme"), some([(390, "dark"), (1200, "light"), (390, "light"), (1200, "dark")], 2))
def test_nothing_is_wider_than_the_screen(night: PageFixture, width: int, scheme: str) -> None:
    now = datetime.now(UTC)
    lead = pages.condition(f"service/{'t' * 200}", "k" * 80, Severity.ERROR, now, "x" * 200, value=1e12, threshold=1e-9, unit="u" * 80, runbook="r" * 160)  # fmt: skip
    notified = NotificationState(channels=tuple(f"channel-{number}-{'c' * 40}" for number in range(9)))
    night.office.keep(pages.incident("wide", [lead], now, notified=notified))
    page = night.page(width=width, scheme=scheme, name="Ada")
    for path in ("", "incidents/wide", "incidents", "response"):
        go(page, f"{night.url}/{path}")
        for summary in page.locator("summary:visible").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize(
    ("path", "regions"),
    [
        ("", ("Incidents", "Awaiting approval", "Models", "Probes", "Pipelines", "Alert rules", "Channels", "On call")),
        ("response", ("Awaiting approval", "Automation", "Silences", "On call", "Channels", "Alert rules")),
        (f"incidents/{WORST}", ("Awaiting approval",)),
    ],
)
def test_every_control_has_a_name_of_its_own(night: PageFixture, path: str, regions: tuple[str, ...]) -> None:
    page = night.open(path)
    for role in ("button", "combobox", "textbox", "link"):
        everything = page.get_by_role(role)
        named = page.get_by_role(role, name=re.compile(r"\S"))
        assert everything.count() == named.count(), role
        assert named.count() or role == "combobox", role
    for region in regions:
        expect(page.get_by_role("region", name=region)).to_be_visible()
    ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_who_is_on_call_is_shown_with_who_stands_in_for_whom(night: PageFixture) -> None:
    row = night.open("response").locator('[data-rotation="ml"]')
    expect(row).to_contain_text("Grace ml, reached by team instead of Ada")
    expect(row).to_contain_text(", then Ada")
    expect(row.get_by_label("Overrides of ml")).to_contain_text("Grace from 2026-01-01")
