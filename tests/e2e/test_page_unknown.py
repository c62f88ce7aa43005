"""Nothing on the first page looks well that is not known, in a browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from core.events import RunStatus
from core.incidents.model import State
from functions.adapters.pipelines import pipeline_data
from functions.adapters.ports import Data
from functions.services.alert_rules import COLLECTION as RULES
from functions.services.alert_rules import KEY as RULES_KEY
from tests.support.builders import pages
from tests.support.builders.pages import MODEL, PROBE
from tests.support.builders.runs import line_of, told, whole
from tests.support.web.viewing import PageFixture, go

pytest_plugins = ["tests.support.web.viewing_fixtures"]

NONE = "\N{EN DASH}"


@pytest.fixture
def calm(night: PageFixture) -> Iterator[PageFixture]:
    """A night in which all is well: incidents are over, the probe was checked a moment ago."""
    for group in list(night.office.groups.values()):
        over = {"state": State.RESOLVED, "resolved_at": datetime.now(UTC)}
        for one in group.state.incidents:
            lead = [condition for condition in group.state.conditions if condition.key in one.conditions]
            night.office.keep(pages.incident(one.id, lead, one.opened_at, **over))
    checked(night, minutes=0)
    scored(night, minutes=0)
    asked(night, minutes=0)
    yield night
    night.faults[:] = [fault for fault in night.faults if "Failed to load resource" not in fault]


def checked(night: PageFixture, *, minutes: int) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    result = {"name": PROBE.name, "kind": "tcp", "where": "db.internal:5432", "status": "resolved", "since": at}
    result |= {"checked_at": at, "latency": 0.01, "detail": ""}
    result |= {"month_availability": 0.9987, "objective": 0.999, "budget": -0.3}
    result["measures"] = {"replication_lag": 1.5, "connections": 0.25, "messages": 7}
    pages.update(night.office.store, "probes", PROBE.name, lambda _: result)


def asked(night: PageFixture, *, minutes: int, absent: tuple[Data, ...] = ()) -> None:
    """Whether each alert rule has data was asked so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    pages.update(night.office.store, RULES, RULES_KEY, lambda _: {"checked_at": at, "rules": 98, "absent": [*absent]})


def lacks(name: str, metric: str, *, missed: bool) -> Data:
    return {"name": name, "area": "models", "metrics": [metric], "missed": missed}


def scored(night: PageFixture, *, minutes: int) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    row = {"model": MODEL.name, "version": "v1", "feature": "age", "test": "psi", "value": 0.01, "p_value": None}
    row |= {"drifted": False, "reason": "", "n_reference": 9, "n_current": 9, "window_start": at, "window_end": at}
    night.warehouse.answers = {"model_performance": [], "DATE": [], "drift_scores": [row]}


def unjudged(night: PageFixture, *, n_reference: int, n_current: int) -> None:
    """The newest window has no verdict."""
    scored(night, minutes=0)
    [row] = night.warehouse.answers["drift_scores"]
    row |= {"feature": "", "test": "", "value": None, "reason": "insufficient_data"}
    row |= {"n_reference": n_reference, "n_current": n_current}


def glance(page: Page) -> dict[str, str]:
    tiles = page.locator("#glance > div").all_inner_texts()
    return {one.split("\n")[0]: one.split("\n")[1] for one in tiles}


def without(part: str) -> object:
    def prepare(page: Page) -> None:
        page.route(re.compile(f"/v1/{part}"), answer_503)

    return prepare


def answer_503(route: Route) -> None:
    route.fulfill(status=503, json={"detail": "Firestore: does not answer"})


def test_all_is_well_where_everything_is_known(calm: PageFixture) -> None:
    page = calm.open()
    expect(page.locator("#state")).to_have_text("All systems operational")
    expect(page.locator("#state")).to_have_class("good")
    assert glance(page)["Open incidents"] == "0"


@pytest.mark.parametrize(
    ("part", "says", "tone"),
    [
        ("incidents", "Incidents are not known", "critical"),
        ("probes", "Probes are not known", "critical"),
        ("models", "Models are not known", "warning"),
    ],
)
def test_what_never_came_is_not_known(calm: PageFixture, part: str, says: str, tone: str) -> None:
    page = calm.open(prepare=without(part))  # type: ignore[arg-type]
    expect(page.locator("#state")).to_have_text(says)
    expect(page.locator("#state")).to_have_class(tone)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    incidents = part == "incidents"
    assert glance(page)["Open incidents"] == (NONE if incidents else "0")
    assert glance(page)["Revenue at risk per hour"] == (NONE if incidents else "$0")
    assert page.title() == ("(?) aia" if incidents else "aia")
    first = page.locator("#glance > div").first.locator("dd").first
    expect(first).to_have_class("critical" if incidents else "good")


def test_what_does_not_come_any_more_is_not_known_and_pale(calm: PageFixture) -> None:
    page = calm.open(clock=True)
    expect(page.locator("#state")).to_have_text("All systems operational")
    page.route(re.compile("/v1/(incidents|probes|actions)"), answer_503)
    page.clock.fast_forward(16_000)
    expect(page.locator("#state")).to_have_text("Incidents and probes are not known")
    expect(page.locator("#probes-card")).to_have_class(re.compile("stale"))
    assert set(glance(page).values()) == {NONE}
    assert page.locator("#glance .good").count() == 0
    page.unroute(re.compile("/v1/(incidents|probes|actions)"))
    page.clock.fast_forward(16_000)
    expect(page.locator("#state")).to_have_text("All systems operational")
    expect(page.locator("#probes-card")).not_to_have_class(re.compile("stale"))


def test_a_probe_that_is_not_checked_any_more_is_neither_up_nor_well(calm: PageFixture) -> None:
    checked(calm, minutes=30)
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 probe not checked")
    expect(page.locator("#state")).to_have_class("critical")
    expect(page.locator("#probes-card .pill")).to_have_text("not known")
    go(page, f"{calm.url}/probes")
    expect(page.locator("[data-probe] .pill")).to_have_text("not known, was up")
    expect(page.locator("[data-probe]")).to_contain_text("not checked for 30 minutes")
    expect(page.locator("[data-probe]")).to_contain_text("99.87% good this month, objective 99.9%")
    expect(page.locator("[data-probe]")).to_contain_text("error budget spent")
    expect(page.locator("[data-probe]")).to_contain_text("replication lag 1.5 s · connections 25% · messages 7")


def test_a_model_that_is_not_scored_any_more_is_not_as_it_was(calm: PageFixture) -> None:
    scored(calm, minutes=90)
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 model not scored")
    expect(page.locator("#state")).to_have_class("warning")
    expect(page.locator("#models-card .pill")).to_have_text("not known, not scored for 1 h 30 min")


def test_what_was_never_looked_at_is_not_well(calm: PageFixture) -> None:
    calm.warehouse.answers = {}
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 model not scored")
    expect(page.locator("#state")).to_have_class("warning")


@pytest.mark.parametrize(
    ("n_reference", "n_current", "says"),
    [
        (0, 0, 'its table needs rows whose column "model" is "churn"'),
        (9000, 1, "The window has 1 row; a verdict needs 200."),
        (150, 9000, "The reference has 150 rows; a verdict needs 200."),
        (9000, 9000, "No feature can be compared"),
    ],
)
def test_a_window_without_a_verdict_is_not_well_and_says_why(
    calm: PageFixture, n_reference: int, n_current: int, says: str
) -> None:
    unjudged(calm, n_reference=n_reference, n_current=n_current)
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 model without a verdict")
    expect(page.locator("#state")).to_have_class("")
    expect(page.locator("#models-card .pill")).to_have_text("no verdict")
    go(page, f"{calm.url}/models")
    expect(page.locator("[data-model] .pill")).to_have_text("no verdict")
    expect(page.locator("[data-model]")).to_contain_text(says)
    assert page.locator("[data-model] .good").count() == 0


def test_a_rule_that_lost_its_metric_is_counted_and_one_that_never_had_it_is_told_apart(calm: PageFixture) -> None:
    missed, never = lacks("ModelDriftHigh", "aia_drift", missed=True), lacks("PostgresDown", "pg_up", missed=False)
    lacking = lacks("IncidentsOpen", "aia_incidents_open", missed=False)
    asked(calm, minutes=1, absent=(missed, lacking, never))
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 alert rule lost its data \N{MIDDLE DOT} 1 alert rule without data")
    expect(page.locator("#state")).to_have_class("warning")
    expect(page.locator("#rules-card")).to_contain_text("ModelDriftHigh lost its data")
    expect(page.locator("#rules-card")).to_contain_text("1 set up, no data \N{MIDDLE DOT} 1 not set up here")
    go(page, f"{calm.url}/response")
    expect(page.locator("#rules")).to_contain_text("95 of 98 rules have data")
    for name, metric in (
        ("ModelDriftHigh", "aia_drift"),
        ("IncidentsOpen", "aia_incidents_open"),
        ("PostgresDown", "pg_up"),
    ):
        row = page.locator(f'[data-rule="{name}"]')
        row.locator("xpath=ancestor::details").locator("summary").click()
        expect(row).to_contain_text(metric)
    asked(calm, minutes=0, absent=(lacking, never))
    go(page, calm.url)
    expect(page.locator("#state")).to_have_text("1 alert rule without data")
    expect(page.locator("#state")).to_have_class("")


def test_rules_that_are_not_asked_for_data_any_more_are_not_known(calm: PageFixture) -> None:
    asked(calm, minutes=30, absent=())
    page = calm.open()
    expect(page.locator("#state")).to_have_text("Alert rules not checked for data")
    expect(page.locator("#rules-card")).to_contain_text("is not known")


def test_pipelines_without_a_run_or_that_cannot_be_read_are_not_known_and_a_live_run_is_followed(
    calm: PageFixture,
) -> None:
    store = calm.office.store
    pages.update(store, "pipelines", "broken", lambda _: {"line": "{"})
    pages.update(store, "pipelines", "etl", lambda _: pipeline_data(line_of([told(RunStatus.RUNNING, 0)])))
    pages.update(store, "pipelines", "well", lambda _: pipeline_data(replace(line_of(whole(0, fit=10)), name="well")))
    page = calm.open()
    expect(page.locator("#state")).to_have_text("2 pipelines not known")
    expect(page.locator("#state")).to_have_class("warning")
    expect(page.locator("#pipelines-card .pill")).to_have_text(["not known", "not known"])
    go(page, f"{calm.url}/pipelines")
    expect(page.locator('[data-pipeline="broken"]')).to_contain_text("cannot be read")
    expect(page.locator('[data-pipeline="etl"]')).to_contain_text("No run has succeeded or failed yet")
    well = page.locator('[data-pipeline="well"]')
    expect(well.locator(".pill")).not_to_have_text("not known")
    expect(well).to_contain_text("Saving not known: its inputs are not reported")
    well.get_by_text("Newest run: succeeded in 10 min, 1 stage").click()
    expect(well.locator("rect.done").first).to_be_visible()
    now = datetime.now(UTC)
    run = line_of([replace(told(RunStatus.RUNNING, stage="fit"), observed_at=now)])
    pages.update(store, "pipelines", "etl", lambda _: pipeline_data(run))
    live = page.locator('[data-pipeline="etl"]')
    expect(live).to_contain_text("1 run active", timeout=10_000)
    expect(live.locator(".gantt")).to_contain_text(re.compile(r"fit.*running, "))
    failed = line_of(
        [replace(told(RunStatus.FAILED, error="out of memory"), observed_at=now + timedelta(seconds=1))], run
    )
    pages.update(store, "pipelines", "etl", lambda _: pipeline_data(failed))
    expect(live).to_contain_text("Newest run: failed in 1 s, 1 stage", timeout=10_000)
    expect(page.locator("#summary")).to_have_text("3 pipelines \N{MIDDLE DOT} 1 not known")
    expect(well.locator("rect.done").first).to_be_visible()


def test_a_model_whose_labels_do_not_arrive_has_no_verdict_on_performance(calm: PageFixture) -> None:
    row = {"model": MODEL.name, "measure": "accuracy", "day": "2026-01-02", "value": None, "n_labels": 0}
    row |= dict.fromkeys(("low", "high", "reference", "expected", "expected_low", "expected_high"))
    calm.warehouse.answers["model_performance"] = [row | {"window_end": datetime.now(UTC)}]
    page = calm.open()
    expect(page.locator("#state")).to_have_text("1 model without a verdict on performance")
    expect(page.locator("#state")).to_have_class("")
    go(page, f"{calm.url}/models")
    expect(page.locator("[data-model] .pill").last).to_have_text("performance not known")
    expect(page.locator("[data-model]")).to_contain_text("no labels have arrived for the window; a verdict needs 200")
