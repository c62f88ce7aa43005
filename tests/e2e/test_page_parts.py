"""The pages of models, probes, pipelines, events and the response, in a browser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from functions.adapters.prometheus import Series
from functions.api.probe_history import ProbeHistory
from tests.support.builders import model_pages, pages
from tests.support.web.accessible import violations
from tests.support.web.viewing import PageFixture, go

pytest_plugins = ["tests.support.web.viewing_fixtures"]

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = [(390, "dark"), (1200, "light")]


class Half:
    """A Prometheus in which the probe was down half of the time, and not checked at first."""

    def range(self, _query: str, *, start: int, end: int, step: int) -> list[Series]:
        count = (end - start) // step
        return [Series(labels={"probe": "db"}, values=(None, *(float(n % 2) for n in range(count))))]


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("path", ["", "models", "probes", "pipelines", "events", "response", "incidents"])
def test_a_page_fits_the_screen_and_axe_finds_nothing_wrong(
    night: PageFixture, path: str, width: int, scheme: str
) -> None:
    night.warehouse.answers = {"ops.commands": [], **model_pages.answers(datetime.now(UTC))}
    page = night.open(path, width=width, scheme=scheme)
    assert page.evaluate(WIDE) <= 0
    assert violations(page) == []
    night.faults[:] = [fault for fault in night.faults if "503" not in fault]  # no Prometheus listens


def test_the_bars_of_a_probe_say_how_often_it_was_up_and_when_it_was_not_checked(night: PageFixture) -> None:
    history = ProbeHistory(prometheus=Half(), clock=lambda: datetime.now(UTC))  # type: ignore[arg-type]
    with pages.served(pages.application(replace(night.made, probe_history=history))) as url:
        page = night.page(width=1200, scheme="light", name="Ada")
        go(page, f"{url}/probes")
        bars = page.locator("[data-probe='db'] .bars")
        expect(bars).to_have_attribute(
            "aria-label", "db: 48.9% up over 24 hours; 24 intervals with failures, 1 without a check"
        )
        expect(bars.locator("rect.none")).to_have_count(1)
        page.get_by_role("radio", name="90 days").check(force=True)
        expect(bars.locator("rect")).to_have_count(90)
        expect(page).to_have_url(f"{url}/probes?range=90d")
        page.goto("about:blank")


def test_events_say_who_did_what_to_what_and_lead_there(night: PageFixture) -> None:
    now = datetime.now(UTC)
    row = {"id": "1", "at": now, "kind": "action", "what": "failed", "person": "Ada", "subject": "rollback_model"}
    row |= {"target": "model/churn", "incident": "endpoint-churn-20261123-aaaa0001", "text": "no traffic"}
    night.warehouse.answers = {"ops.commands": [row, row | {"id": "2", "at": now - timedelta(minutes=1)}]}
    page = night.open("events?kind=action")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("rollback modelmodel/churn no trafficAda")
    expect(rows.first.get_by_role("link")).to_have_attribute("href", "/incidents/endpoint-churn-20261123-aaaa0001")
    night.warehouse.answers = {}
    page.get_by_label("Search").fill("nothing says this")
    expect(page.locator(".empty")).to_contain_text("No event matches.")
    assert night.warehouse.asked[-1][1]["words"] == "nothing says this"
    assert night.warehouse.asked[-1][1]["kinds"] == ["action"]


def test_the_drift_of_a_model_is_drawn_with_the_smallest_change_that_matters(night: PageFixture) -> None:
    night.warehouse.answers = model_pages.answers(datetime.now(UTC))
    page = night.open("models")
    expect(page.locator("[data-model] .plot")).to_contain_text("Drift from 0.07 sd0.0047")
    page.locator("[data-model] .by-day summary").click()
    expect(page.locator("[data-model] .plot")).to_be_hidden()
