"""The page shows the performance of a model in a browser: every measure with its interval, its reference and its limit."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from functions.adapters.ports import Data
from tests.support.builders.pages import MODEL
from tests.support.web.viewing import PageFixture

pytest_plugins = ["tests.support.web.viewing_fixtures"]


def scored(measure: str, value: float, now: datetime) -> Data:
    row: Data = {"model": MODEL.name, "measure": measure, "day": now.date(), "window_end": now, "value": value}
    row |= {"low": value - 0.02, "high": value + 0.02, "reference": 0.92, "n_labels": 1200, "n_current": 1500}
    return row | {"expected": 0.91, "expected_low": 0.88, "expected_high": 0.94}


def test_every_measure_is_shown_beside_the_reference_the_estimate_and_the_limit(night: PageFixture) -> None:
    now = datetime.now(UTC)
    about = {"model": MODEL.name, "version": "v1", "feature": "age", "test": "psi", "value": 0.4, "p_value": None}
    about |= {"drifted": False, "reason": "none", "n_reference": 9, "n_current": 9, "window_start": now}
    drift = [about | {"window_end": now, "day": now.date()}]
    rows = [scored("accuracy", 0.8, now), scored("auc", 0.9, now), scored("mae", 12.0, now)]
    city: Data = {"model": MODEL.name, "segment": "city", "measure": "accuracy", "low": 0.1, "high": 0.3, "n_rows": 600}
    groups = [city | {"segment_value": name, "value": value} for name, value in (("Oslo", 0.9), ("Rome", 0.7))]
    groups.append(city | {"segment_value": None, "value": 0.2, "best": "Oslo", "worst": "Rome"})
    night.warehouse.answers = {
        "model_group_performance": groups,
        "model_performance": rows,
        "DATE": drift,
        "drift_scores": drift,
    }
    page = night.open("models")
    page.get_by_text("Performance by 1,200 labels").click()
    table = page.locator(".performance:not(.gaps) tbody tr")
    expect(table).to_have_count(3)
    expect(table.nth(0)).to_have_text("Accuracy80% (78% to 82%)92%91% (88% to 94%)at least 85%")
    expect(table.nth(0).locator("td").first).to_have_class("critical")
    expect(table.nth(1)).to_contain_text("Area under the ROC curve90% (88% to 92%)")
    expect(table.nth(2)).to_contain_text("Mean absolute error12 (12 to 12)")
    page.get_by_text("Performance by group").click()
    expect(page.locator(".gaps p")).to_have_text("Accuracy by city: 20% (10% to 30%) between Oslo and Rome")
    expect(page.locator(".gaps tbody tr").first).to_have_text("Rome70% (10% to 30%)600")
    expect(page.locator(".facts")).to_contain_text("Accuracy80% (floor 85%)")


GENERATIVE = """async () => {
  const { performance } = await import("/assets/performance.js");
  const measure = (title, unit, value) => ({
    title, unit, value, low: value, high: value, reference: value, limit: 2 * value, better: "lower",
    expected: null, n_labels: 300,
  });
  const measures = [["Total time", "seconds", 8.85], ["Cost per request", "dollars", 0.0000469], ["Errors", "ratio", 0.074]];
  const shown = performance({ name: "chat", task: "generative", performance: measures.map((one) => measure(...one)) });
  const cells = (row) => [...row.childNodes].map((part) => part.textContent).join("|");
  return [shown.querySelector("summary"), ...shown.querySelectorAll("tr")].map(cells);
}"""


def test_the_measures_of_a_generative_model_have_their_units_and_no_estimate(night: PageFixture) -> None:
    assert night.open().evaluate(GENERATIVE) == [
        "Performance by 300 requests",
        "Measure|Now|Reference|Limit",
        "Total time|8.85 s (8.85 s to 8.85 s)|8.85 s|at most 17.7 s",
        "Cost per request|$0.000047 ($0.000047 to $0.000047)|$0.000047|at most $0.000094",
        "Errors|7.4% (7.4% to 7.4%)|7.4%|at most 14.8%",
    ]


RECORD = """
  window.drawn = [];
  const fill = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    window.drawn.push(String(text));
    return fill.call(this, text, ...rest);
  };
"""
"""Keeps every text that is drawn on a canvas."""


def test_the_chart_of_a_single_day_shows_that_day(night: PageFixture) -> None:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    row = {"model": MODEL.name, "version": "v1", "feature": "age", "test": "psi", "value": 0.4, "p_value": None}
    row |= {"drifted": False, "reason": "", "n_reference": 9, "n_current": 9}
    row |= {"window_start": at, "window_end": datetime.now(UTC)}
    night.warehouse.answers = {"model_performance": [], "DATE": [row | {"day": at.date()}], "drift_scores": [row]}
    page = night.open("models")
    page.add_init_script(RECORD)
    page.reload()
    expect(page.locator(".plot canvas").first).to_be_visible()
    drawn = page.evaluate("window.drawn")
    assert [text for text in drawn if "Nov 29" in text]
    assert not [text for text in drawn if "2027" in text or "2029" in text]
