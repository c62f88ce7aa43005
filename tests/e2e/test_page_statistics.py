"""The page offers the statistics that the settings switch on, in a browser."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from core.statistics import STATISTICS
from tests.support.builders.pages import MODEL
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]


def test_the_statistics_of_a_model_are_offered_and_drawn(night: PageFixture) -> None:
    now = datetime.now(UTC)
    about = {
        "model": MODEL.name,
        "version": "v1",
        "feature": "age",
        "p_value": None,
        "drifted": True,
        "reason": "drift",
    }
    about |= {"n_reference": 9, "n_current": 9, "window_start": now, "window_end": now, "day": now.date()}
    rows = [about | {"test": test, "value": value} for test, value in (("psi", 0.4), ("tvd", 0.2))]
    night.warehouse.answers = {"model_performance": [], "DATE": rows, "drift_scores": rows}
    page = night.open("models")
    choice = page.get_by_role("combobox", name="Test")
    expect(choice.locator("option")).to_have_text([STATISTICS[name].title for name in MODEL.statistics])
    expect(choice).to_have_value("psi")
    expect(page.locator(".plot h3")).to_have_text("age, PSI")
    choice.select_option("tvd")
    expect(page.locator(".plot h3")).to_have_text("age, Total variation")
    expect(page.locator(".heat rect")).to_have_count(1)
    expect(choice).to_have_attribute("title", STATISTICS["tvd"].blind_to)
