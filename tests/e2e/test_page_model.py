"""The page of a model in a browser: one that has drifted, one of which nothing is known, and one that there is not."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from functions.services.promotions import COLLECTION
from tests.support.builders import model_pages
from tests.support.builders.budget import some
from tests.support.builders.pages import MODEL
from tests.support.web.accessible import violations
from tests.support.web.viewing import PageFixture, card, go

pytest_plugins = ["tests.support.web.viewing_fixtures"]

NAMELESS = """
  () => [...document.querySelectorAll("main :is(a, button, select, svg[role=img], [role=img], table)")]
    .filter((node) => node.checkVisibility() && !(node.getAttribute("aria-label") || node.labels?.length || node.textContent.trim()))
    .map((node) => node.outerHTML.slice(0, 100))
"""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def feature(page: Page, name: str) -> str:
    return f"[data-feature='{name}']"


def test_a_model_that_has_drifted_is_shown_with_its_history_versions_and_distributions(night: PageFixture) -> None:
    night.warehouse.answers = model_pages.answers(datetime.now(UTC))
    home = night.open()
    home.get_by_role("link", name=MODEL.name, exact=True).click()
    page = home
    page.locator("body[data-loaded]").wait_for()
    expect(page).to_have_url(f"{night.url}/models/{MODEL.name}")
    expect(page.locator("h1")).to_have_text(MODEL.name)
    expect(page.locator("[data-verdict='drift']")).to_contain_text("bad")
    expect(page.locator("[data-verdict='drift']")).to_contain_text("735 rows")
    expect(page.locator("[data-verdict='performance']")).to_contain_text("640 labels")
    expect(page.locator(".facts")).to_contain_text("9, step, 5% of the traffic")
    expect(page.locator("#charts [role='img']")).to_have_count(3)
    expect(page.locator("#charts")).to_contain_text("In use: 7 since")
    link = page.locator("#incidents a").first
    expect(link).to_have_attribute("href", "/incidents/endpoint-churn-20261123-aaaa0001")
    rows = page.locator("#versions tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("8 champion")
    expect(rows.nth(1)).to_contain_text("auc 0.75 (0.73 to 0.77)")
    age = page.locator(feature(page, "age"))
    expect(age).to_contain_text("Strength 0.41 sd, threshold 0.07 sd")
    expect(age.get_by_role("img")).to_have_attribute(
        "aria-label",
        "age: below 20: reference 1%, now 0.29%; 20 to 29: reference 30%, now 11.4%; 30 to 39: reference 40%, now 21.4%; "
        "40 to 49: reference 25%, now 45.7%; 50 and above: reference 4%, now 21.1%",
    )
    expect(age).to_contain_text("Missing: 0% in the reference, 4.8% now")
    expect(page.locator(f"{feature(page, 'city')} li").nth(2)).to_have_text("<b>Bern</b>15% → 15%")
    expect(page.locator(feature(page, "row_id"))).to_contain_text(
        "not compared: almost every row has a value of its own"
    )
    expect(page.locator("#segments")).to_contain_text("80% of the drift of age comes from Oslo")
    assert page.evaluate(NAMELESS) == []


def test_of_a_model_that_was_never_scored_everything_is_said_to_be_unknown(night: PageFixture) -> None:
    page = night.page(width=390, scheme="dark", name="Ada")
    go(page, f"{night.url}/models/{MODEL.name}")
    for verdict in ("drift", "performance"):
        expect(page.locator(f"[data-verdict='{verdict}'] .pill")).to_have_text("not known")
    for said in ("Drift is not known", "Performance is not known", "Costs are not known", "was in use is not known"):
        expect(page.locator("#charts")).to_contain_text(said)
    expect(page.locator("#versions")).to_contain_text("No version of this model is registered")
    expect(page.locator("[data-verdict=drift]")).to_contain_text("not scored yet; a score was due at")
    expect(page.locator("#features")).to_have_text("Not known: the model has not been scored yet.")
    expect(page.locator("main .good")).to_have_count(0)
    assert page.evaluate(WIDE) == 0


@pytest.mark.parametrize(("width", "scheme"), some([(390, "dark"), (1200, "light"), (390, "light"), (1200, "dark")], 2))
def test_the_page_fits_the_screen_and_axe_finds_nothing_wrong(night: PageFixture, width: int, scheme: str) -> None:
    now = datetime.now(UTC)
    night.warehouse.answers = model_pages.answers(now)
    night.office.store.create(COLLECTION, MODEL.name, model_pages.promotion(now))
    page = night.page(width=width, scheme=scheme, name="Ada")
    go(page, f"{night.url}/models/{MODEL.name}")
    page.locator("body[data-loaded]").wait_for()
    page.locator("#facts .performance > summary").click()
    assert page.evaluate(WIDE) == 0
    expect(page.locator("#promotion")).to_contain_text("has no replica on the endpoint")
    outcomes = page.locator("#trainings li > .row .pill")
    expect(outcomes).to_have_text(["requested", "trained", "not better", "promoted"])
    expect(page.locator("#trainings .pill.critical")).to_have_count(0)  # that it is not better is no failure
    expect(page.locator("#trainings > ol > li").nth(1)).to_contain_text("log loss lower by 0.021 (0.009 to 0.033)")
    assert violations(page) == []


def test_the_timeline_of_an_incident_has_what_came_of_its_training(night: PageFixture) -> None:
    now = datetime.now(UTC)
    night.warehouse.answers = model_pages.answers(now)
    name = model_pages.trained_for_incident(night.office, now)
    shown = card(night.open(f"incidents/{name}"), name)
    expect(shown).to_contain_text("Timeline: 4 entries")
    entries = shown.locator(".timeline li")
    expect(entries.nth(1)).to_contain_text("Training trained")
    expect(entries.nth(1)).to_contain_text("version 9: log loss lower by 0.021 (0.009 to 0.033)")
    expect(shown.locator(".done .pill")).to_have_text("trained")  # of the action too, not that it failed


def test_what_does_not_answer_is_said_and_nothing_is_green(night: PageFixture) -> None:
    night.warehouse.down = True
    page = night.page(width=1200, scheme="light", name="Ada")
    go(page, f"{night.url}/models/{MODEL.name}")
    expect(page.locator("#problem")).to_contain_text("BigQuery: does not answer")
    expect(page.locator("#verdicts")).to_have_text("Not known")
    expect(page.locator("main .good")).to_have_count(0)
    night.faults[:] = [fault for fault in night.faults if "503" not in fault]


def test_a_model_that_there_is_not_is_not_found(night: PageFixture) -> None:
    page = night.page(width=1200, scheme="light", name="Ada")
    page.goto(f"{night.url}/models/nobody")
    expect(page.locator("h1")).to_have_text("Page not found")
    night.faults[:] = [fault for fault in night.faults if "404" not in fault]
