"""What the pages show while a system starts and its past is loaded: information, never a fault and never a verdict."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.errors import UnavailableError
from functions.api.dashboards import Dashboards
from functions.api.freshness import Start
from tests.support.builders import pages
from tests.support.builders.budget import some
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.web import charts
from tests.support.web.boards import look, tile
from tests.support.web.charts import Charts
from tests.support.web.viewing import PageFixture, Tab, go

pytest_plugins = ["tests.support.web.viewing_fixtures", "tests.support.web.board_fixtures"]

SILENT = 'absent_over_time(aia_heartbeat_timestamp_seconds{function="drift_score"}[2h])'
AWAY = UnavailableError("Prometheus: does not answer (ConnectionError)")


def now() -> datetime:
    return datetime.now(UTC)


def history(office: ApiFixture, days: int, *, done: bool = False) -> None:
    data: dict[str, Any] = {
        "days": days,
        "of": 365,
        "since": now() - timedelta(days=days),
        "updated_at": now(),
        "done": done,
    }
    pages.update(office.store, "backfills", "history", lambda _: data)


@pytest.fixture
def fresh(tab: Tab, office: ApiFixture, prometheus: Charts) -> Iterator[PageFixture]:
    """The pages of a system that started a moment ago: nothing is scored or checked, and there was no incident."""
    for document in office.store.find("incidents"):
        office.store.delete(document, "incidents")
    rows, started = Rows(), now()
    made = pages.services(office.store, rows, office, now)
    start = Start(at=started, clock=now, loading=lambda: made.backfills.loading)
    label = {"value": 1, "color": "RED", "direction": "ABOVE", "label": "DriftScoreSilent"}
    card = charts.tile(0, 0, "48x8", "Silent", charts.card(SILENT, thresholds=[label]))
    every = {"sample": charts.dashboard()}
    every["system"] = charts.dashboard(displayName="AIA: system", mosaicLayout={"columns": 48, "tiles": [card]})
    prometheus.answers = {**prometheus.answers, SILENT: [({}, lambda _: 1.0)]}
    boards = Dashboards(all=every, prometheus=prometheus, models=list, clock=now, started=started)  # type: ignore[arg-type]
    actions = replace(made.actions, start=start)
    made = replace(made, views=replace(made.views, start=start), actions=actions, start=start, dashboards=boards)
    with pages.served(pages.application(made)) as url:
        viewer = PageFixture(tab, office, rows, url, made)
        yield viewer
        viewer.close()
    assert [fault for fault in viewer.faults if "Failed to load resource" not in fault] == []


def calm(page: Page) -> None:
    """Nothing is told as a fault."""
    expect(page.get_by_role("alert").and_(page.locator(":visible"))).to_have_count(0)
    assert page.locator("main .critical:visible, main .error:visible, main .fault:visible").all_inner_texts() == []
    assert page.locator("#state.critical, #state.error, #state.warning").count() == 0


def test_what_is_not_due_yet_is_awaited_and_neither_well_nor_a_fault(fresh: PageFixture) -> None:
    page = fresh.open()
    expect(page.locator("#state")).to_have_text(
        "1 probe not checked yet · 1 model not scored yet · Alert rules not checked yet"
    )
    expect(page.locator("#state")).to_have_class("")
    calm(page)
    go(page, f"{fresh.url}/probes")
    expect(page.locator("[data-probe] .pill")).to_have_text("not checked yet")
    expect(page.locator("[data-probe]")).to_contain_text("First check due at ")
    go(page, f"{fresh.url}/models")
    expect(page.locator("#models")).to_contain_text("Not scored yet: the first score is due at ")
    calm(page)


def test_history_says_how_far_it_is_and_goes_when_all_is_in(fresh: PageFixture, office: ApiFixture) -> None:
    history(office, 46)
    page = fresh.open(clock=True)
    expect(page.locator("#history")).to_have_text("History: 46 of 365 days")
    expect(page.locator("#models-card")).to_contain_text("not known yet")
    history(office, 120)
    page.wait_for_timeout(1100)  # what the API keeps
    page.clock.fast_forward(3500)
    expect(page.locator("#history")).to_have_text("History: 120 of 365 days")
    calm(page)
    history(office, 365, done=True)
    page.wait_for_timeout(1100)
    page.clock.fast_forward(3500)
    expect(page.locator("#history")).to_be_hidden()


def test_models_are_asked_for_again_when_more_of_the_past_is_in_and_history_not_after_it(
    fresh: PageFixture, office: ApiFixture
) -> None:
    history(office, 46)
    page = fresh.open(clock=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(fresh.url)))
    history(office, 365, done=True)
    page.wait_for_timeout(1100)
    page.clock.fast_forward(3500)
    expect(page.locator("#history")).to_be_hidden()
    page.wait_for_timeout(300)
    assert "/v1/models" in asked
    asked.clear()
    page.clock.fast_forward(61_000)
    page.wait_for_timeout(300)
    assert "/v1/incidents?limit=1" in asked
    assert "/v1/backfills" not in asked


def test_where_nobody_loads_a_past_nothing_is_said_of_it(night: PageFixture) -> None:
    page = night.open()
    expect(page.locator("#history")).to_be_hidden()


def test_a_warehouse_that_is_starting_is_no_fault(fresh: PageFixture) -> None:
    fresh.warehouse.down = True
    page = fresh.open()
    expect(page.locator("#state")).to_contain_text("Models are not known yet")
    calm(page)
    go(page, f"{fresh.url}/response")
    expect(page.get_by_role("region", name="Automation")).to_contain_text("The history is starting")
    assert "does not answer" not in page.locator("body").inner_text()
    calm(page)


def test_a_prometheus_that_is_starting_is_no_fault_and_comes_by_itself(fresh: PageFixture, prometheus: Charts) -> None:
    prometheus.fault = AWAY
    page = look(fresh, clock=True)
    expect(tile(page, "Latency")).to_contain_text("No data yet, its source is starting")
    expect(tile(page, "Accuracy")).to_contain_text("No data yet")
    expect(page.locator("#updated")).to_have_text("starting")
    assert "does not answer" not in page.locator("body").inner_text()
    expect(page.locator(".failed")).to_have_count(0)
    calm(page)
    prometheus.fault = None
    page.clock.fast_forward(3500)
    expect(tile(page, "Accuracy").locator(".figure")).to_have_text("81%")
    expect(page.locator("#updated")).to_have_text(re.compile("^as of "))


def test_a_dashboard_says_what_of_its_range_is_still_loading(fresh: PageFixture, office: ApiFixture) -> None:
    history(office, 46)
    page = look(fresh, "?range=1y")
    expect(page.locator("#history")).to_have_text(
        re.compile(r"^History: 46 of 365 days; before .+ it is still loading$")
    )
    expect(tile(page, "Nothing there")).to_contain_text("No data yet, its history is loading")
    page.get_by_role("radio", name="7 days").check(force=True)
    expect(page.locator("#history")).to_have_text("History: 46 of 365 days")


def test_a_dashboard_draws_what_has_come_and_then_says_nothing_more(
    fresh: PageFixture, office: ApiFixture, prometheus: Charts
) -> None:
    history(office, 46)
    page = look(fresh, "?range=1y", clock=True)
    asked = len(prometheus.asked)
    page.wait_for_timeout(1100)
    page.clock.fast_forward(3500)
    page.wait_for_timeout(300)
    assert len(prometheus.asked) == asked, "nothing more has come"
    history(office, 365, done=True)
    page.wait_for_timeout(1100)
    page.clock.fast_forward(11_000)
    expect(page.locator("#history")).to_be_hidden()
    expect(tile(page, "Nothing there")).to_contain_text("No data in this range")
    assert len(prometheus.asked) > asked


def test_a_silent_function_is_not_told_before_its_rule_would(fresh: PageFixture) -> None:
    page = fresh.open("dashboards/system")
    expect(tile(page, "Silent").locator(".pill")).to_have_text("not known yet")
    expect(tile(page, "Silent")).to_contain_text("starting, evaluated from ")
    calm(page)


@pytest.mark.parametrize(
    ("width", "path", "scheme"),
    some(
        [
            (390, "", "dark"),
            (390, "dashboards/sample?range=1y", "light"),
            (1200, "dashboards/sample?range=1y", "dark"),
            (1200, "", "light"),
            (390, "", "light"),
            (390, "dashboards/sample?range=1y", "dark"),
            (1200, "dashboards/sample?range=1y", "light"),
            (1200, "", "dark"),
        ],
        3,
    ),
)
def test_what_is_coming_is_within_the_screen(
    fresh: PageFixture, office: ApiFixture, width: int, path: str, scheme: Any
) -> None:
    history(office, 46)
    page = fresh.open(path, width=width, scheme=scheme)
    expect(page.locator("#history")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
