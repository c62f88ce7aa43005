"""The page of a model over HTTP: verdicts, history and distributions, and what is said where nothing is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from core.events import Severity
from core.retraining import start
from functions.adapters.ports import Data
from functions.adapters.training.port import ANSWERS
from functions.api import model_verdicts
from functions.api.services import Services
from tests.support.builders import model_pages, pages
from tests.support.builders.model_pages import DAY, measured
from tests.support.builders.pages import MODEL, ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

NOW = datetime.now(UTC)
HTML = {"Accept": "text/html"}


@dataclass
class Site:
    """The API, and what is behind it."""

    url: str
    rows: Rows
    office: ApiFixture
    made: Services

    def get(self, path: str) -> Data:
        response = requests.get(f"{self.url}/v1/models/{MODEL.name}/{path}", timeout=20)
        assert response.status_code == 200, response.text
        found: Data = response.json()
        return found


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore(Breaking(now=NOW))
    rows, office = Rows(), ApiFixture(store)
    made = pages.services(store, rows, office, lambda: NOW)
    with pages.served(pages.application(made)) as url:
        yield Site(url, rows, office, made)


def open_incident(site: Site, kind: str, summary: str) -> None:
    found = pages.condition(MODEL.target, kind, Severity.ERROR, NOW, summary)
    site.office.keep(pages.incident(f"model-churn-{kind}", [found], NOW - DAY))


def test_a_model_that_drifted_says_so_with_the_window_and_its_rows(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW)
    open_incident(site, "drift", "churn: 1 of 2 features drifted")
    found = site.get("overview")
    drift, performance = found["verdicts"]["drift"], found["verdicts"]["performance"]
    assert (drift["outcome"], drift["rows"]) == ("bad", 735)
    assert drift["summary"] == "churn: 1 of 2 features drifted; strongest age (0.41 sd up)"
    assert datetime.fromisoformat(drift["at"]) == NOW
    assert (performance["outcome"], performance["rows"], performance["summary"]) == (
        "bad",
        640,
        "Accuracy 81% is below its limit of 85%",
    )
    assert [one["id"] for one in found["incidents"]] == ["model-churn-drift"]
    assert found["target"] == MODEL.target


def test_distributions_are_those_of_the_newest_window(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW)
    found = site.get("distributions")
    assert [one["name"] for one in found["features"]] == ["age", "city", "row_id"]
    assert (found["unknown"], found["n_reference"], found["segments"].keys()) == (None, 1000, {"by city"})
    assert found["features"][0]["tests"] == {"psi": {"value": 0.4, "p_value": None}}
    [asked] = [given for sql, given in site.rows.asked if "window_distributions" in sql]
    assert asked == {"model": MODEL.name, "window_end": NOW}


def test_history_has_a_value_for_each_day_or_none(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW)
    found = site.get("history?days=12")
    assert len(found["days"]) == len(found["drift"]) == len(found["costs"]) == 13
    assert found["drift"] == [None] * 3 + [0.0] * 6 + [0.5] * 4
    assert found["costs"] == [None] * 3 + [12.5] * 9 + [None]
    performance = found["performance"]
    assert (performance["title"], performance["limit"], performance["better"]) == ("Accuracy", 0.85, "higher")
    assert performance["value"][:3] == [None] * 3
    assert (performance["low"][-1], performance["high"][-1]) == (pytest.approx(0.79), pytest.approx(0.83))
    assert [one["version"] for one in found["versions"]] == ["7", "8"]
    costs = next(given for sql, given in site.rows.asked if "model_costs_daily" in sql)
    assert costs["since"].date().isoformat() == found["days"][0]


def test_a_version_that_is_registered_again_is_no_switch(site: Site) -> None:
    used = [("6", 90), ("7", 80), ("7", 3), ("8", 2)]
    rows = [{"version": version, "in_use_from": NOW - days * DAY} for version, days in used]
    site.rows.answers = {"model_versions_in_use": rows}
    found = [(one["version"], datetime.fromisoformat(one["in_use_from"])) for one in site.get("history")["versions"]]
    assert found == [("7", NOW - 80 * DAY), ("8", NOW - 2 * DAY)]


def test_incidents_of_other_targets_are_not_listed(site: Site) -> None:
    open_incident(site, "drift", "churn drifted")
    other = pages.condition("model/other", "drift", Severity.ERROR, NOW, "other drifted")
    site.office.keep(pages.incident("model-other-1", [other], NOW))
    assert [one["title"] for one in site.get("history")["incidents"]] == ["churn drifted"]


def test_of_a_model_that_was_never_scored_nothing_is_known(site: Site) -> None:
    found = site.get("overview")
    assert [one["outcome"] for one in found["verdicts"].values()] == ["not_known", "not_known"]
    assert {one["summary"] for one in found["verdicts"].values()} == {"not scored yet"}
    assert site.get("distributions")["unknown"] == "the model has not been scored yet"
    history = site.get("history?days=2")
    assert (history["drift"], history["performance"], history["costs"]) == ([None] * 3, None, None)
    assert (history["versions"], history["incidents"]) == ([], [])


def test_a_window_without_distributions_says_why_and_has_its_verdict_from_the_scores(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW) | {"window_distributions": []}
    assert "for two days" in site.get("distributions")["unknown"]
    drift = site.get("overview")["verdicts"]["drift"]
    assert (drift["outcome"], drift["summary"]) == ("bad", "1 of 2 features drifted")


@pytest.mark.parametrize("path", ["overview", "history", "distributions"])
def test_an_unknown_model_is_not_found(site: Site, path: str) -> None:
    response = requests.get(f"{site.url}/v1/models/nobody/{path}", timeout=20)
    assert (response.status_code, response.json()["detail"]) == (404, "model: no model is called 'nobody'")


def test_the_page_of_an_unknown_model_is_the_page_for_unknown_addresses(site: Site) -> None:
    response = requests.get(f"{site.url}/models/nobody", timeout=20, headers=HTML)
    assert (response.status_code, "Page not found" in response.text) == (404, True)
    known = requests.get(f"{site.url}/models/{MODEL.name}", timeout=20, headers=HTML)
    assert (known.status_code, "model.js" in known.text) == (200, True)


@pytest.mark.parametrize("path", ["overview", "history", "distributions"])
def test_a_warehouse_that_is_away_is_said(site: Site, path: str) -> None:
    site.rows.down = True
    response = requests.get(f"{site.url}/v1/models/{MODEL.name}/{path}", timeout=20)
    assert (response.status_code, response.json()["detail"]) == (503, "BigQuery: does not answer")


def test_days_out_of_range_are_refused(site: Site) -> None:
    response = requests.get(f"{site.url}/v1/models/{MODEL.name}/history?days=0", timeout=20)
    assert (response.status_code, response.json()["detail"]) == (400, "days: must be 1 to 400, got '0'")


GOOD: Data = {
    "measure": "accuracy",
    "title": "Accuracy",
    "value": 0.9,
    "low": 0.87,
    "high": 0.93,
    "better": "higher",
    "limit": 0.85,
    "reference": 0.92,
    "beyond": False,
    "n_labels": 500,
}


def seen(**changed: Any) -> Data:
    """A model as `/v1/models` has it."""
    model: Data = {"window_end": NOW, "n_current": 700, "reason": None, "drifted": [], "features": [1, 2]}
    model |= {"overdue": False, "awaited": False, "labels": {"arrived": 500, "required": 100}}
    return model | {"performance": [GOOD], "gaps": []} | changed


GAP: Data = {"title": "Accuracy", "segment": "city", "value": 0.2, "limit": 0.1}


@pytest.mark.parametrize(
    ("changed", "outcome", "summary"),
    [
        ({}, "good", "Accuracy within limits"),
        ({"performance": [GOOD | {"limit": None}]}, "good", "not worse than in the reference"),
        (
            {"performance": [GOOD | {"limit": None, "reference": 0.95}]},
            "not_known",
            "worse than in the reference, and no limit says whether that is too much: Accuracy",
        ),
        ({"performance": [GOOD | {"limit": None, "reference": 0.8}]}, "good", "not worse than in the reference"),
        ({"performance": [GOOD | {"beyond": True}]}, "bad", "Accuracy 90% is below its limit of 85%"),
        ({"gaps": [GAP]}, "bad", "Accuracy differs too much by city"),
        ({"gaps": [GAP | {"limit": None}]}, "good", "Accuracy within limits"),
        ({"overdue": True}, "not_known", "no newer window was scored"),
        ({"awaited": True, "gaps": [GAP]}, "not_known", "no newer window was scored"),
        (
            {"labels": {"arrived": 5, "required": 1000}},
            "not_known",
            "5 labels have arrived for the window; a verdict needs 1,000",
        ),
        ({"labels": None, "performance": []}, "not_known", "the settings name no labels"),
        (
            {"performance": [GOOD | {"limit": None, "reference": None}]},
            "not_known",
            "neither a limit nor the performance of the reference is known",
        ),
    ],
)
def test_the_verdict_on_performance_has_its_reason(changed: Data, outcome: str, summary: str) -> None:
    found = model_verdicts.performance(seen(**changed), [])
    assert (found["outcome"], found["summary"]) == (outcome, summary)


def test_a_condition_of_performance_that_fires_is_bad_also_without_labels() -> None:
    model = seen(labels={"arrived": 0, "required": 100}, performance=[])
    firing = [{"kind": "drift", "summary": "drifted"}, {"kind": "estimated_performance_degraded", "summary": "worse"}]
    found = model_verdicts.performance(model, firing)
    assert (found["outcome"], found["summary"], found["rows"]) == ("bad", "worse", 0)
    assert model_verdicts.performance(model, firing[:1])["outcome"] == "not_known"


@pytest.mark.parametrize(
    ("changed", "outcome", "summary"),
    [
        ({}, "good", "0 of 2 features drifted"),
        ({"drifted": ["age"]}, "bad", "1 of 2 features drifted"),
        ({"reason": "insufficient_data"}, "not_known", "no verdict: insufficient data"),
        ({"drifted": ["age"], "overdue": True}, "not_known", "no newer window was scored"),
        ({"window_end": None}, "not_known", "not scored yet"),
    ],
)
def test_the_verdict_on_drift_has_its_reason(changed: Data, outcome: str, summary: str) -> None:
    found = model_verdicts.drift(seen(**changed), None)
    assert (found["outcome"], found["summary"]) == (outcome, summary)


def test_the_verdict_of_the_detector_goes_before_the_scores() -> None:
    joint = model_pages.distributions(NOW, summary="they no longer go together")
    assert model_verdicts.drift(seen(), joint)["outcome"] == "bad"
    assert model_verdicts.drift(seen(overdue=True), joint)["outcome"] == "not_known"


def test_a_model_whose_measures_are_all_unknown_has_no_chart(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW) | {"model_performance": [measured(NOW) | {"value": None}]}
    assert site.get("history")["performance"] is None


def test_trainings_have_their_outcomes_their_steps_and_what_came_of_their_versions(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW)
    found = site.get("trainings")["trainings"]
    assert [(one["outcome"], one["version"]) for one in found] == [
        ("requested", None),
        ("trained", "9"),
        ("not better", None),
        ("promoted", "8"),
    ]
    assert [step["outcome"] for step in found[3]["steps"]] == ["trained", "promoted"]
    trained = found[1]
    assert trained["requested_by"].startswith(f"finding:{MODEL.target}:drift:")
    assert trained["run_id"] == start.run_id(trained["request"])
    assert trained["experiment"].startswith(f"{MODEL.name}:9:")
    assert "0.021 (0.009 to 0.033)" in trained["detail"]
    assert requests.get(f"{site.url}/v1/models/nobody/trainings", timeout=20).status_code == 404


def test_a_request_that_started_nothing_has_the_word_that_is_counted(site: Site) -> None:
    site.rows.answers = model_pages.answers(NOW)
    request = site.get("trainings")["trainings"][0]["request"]
    answer = {"request": request, "outcome": "halted", "why": "Ada halted everything", "at": NOW}
    site.office.store.create(ANSWERS, MODEL.name, {"answers": [answer]})
    site.made.forget(frozenset({"models"}))
    [step] = site.get("trainings")["trainings"][0]["steps"]
    assert (step["outcome"], step["detail"]) == ("halted", "Ada halted everything")


@pytest.mark.parametrize("by_action", [True, False])
def test_an_incident_tells_what_came_of_the_trainings_that_it_asked_for(site: Site, *, by_action: bool) -> None:
    site.rows.answers = model_pages.answers(NOW)
    incident_id = model_pages.trained_for_incident(site.office, NOW, by_action=by_action)
    path = f"{site.url}/v1/incidents/{incident_id}"
    found = requests.get(path, timeout=20).json()
    # By its action, and by its finding since it opened; not by the findings before, nor by a person.
    assert [one["outcome"] for one in found["trainings"]] == ["trained"]
    assert found["actions"][0]["run_id"] == (found["trainings"][0]["run_id"] if by_action else "")
    report = requests.get(f"{path}/report.md", timeout=20).text
    [line] = [line for line in report.splitlines() if "a training" in line]
    assert "| trained | version 9: log loss lower by 0.021 (0.009 to 0.033) on 4,000 held-out rows |" in line
    lines = report.splitlines()
    assert "| 2 |" in lines[lines.index(line) - 1]  # by time between the entries
    assert "| 3 |" in lines[lines.index(line) + 1]


def test_incidents_are_shown_while_trainings_are_not_known_and_the_warehouse_is_left_alone(site: Site) -> None:
    open_incident(site, "drift", "churn: 1 of 2 features drifted")
    assert requests.get(f"{site.url}/v1/incidents", timeout=20).json()["incidents"][0]["trainings"] == []
    assert [sql for sql, _ in site.rows.asked if "retraining_requests" in sql] == []  # none was started
    model_pages.trained_for_incident(site.office, NOW)
    site.rows.down = True
    found = requests.get(f"{site.url}/v1/incidents", timeout=20).json()["incidents"]
    assert [one["trainings"] for one in found] == [[]]
