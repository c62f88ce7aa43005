"""What the API answers to those who read, and that reading changes nothing."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.actions.plan import Plan, Step
from core.events import Change, Command, Severity, Verb
from core.incidents.measured import MeasuredLoss, loss_text
from core.incidents.model import Impact, IncidentReason, OrdersAtRisk, State, TimelineEntry
from core.incidents.routing import Silence
from functions.adapters.ports import Data, Store
from functions.adapters.stores import open_store
from functions.api.routes import PAGES
from functions.api.services import Services
from functions.api.views import by_day
from functions.services.incidents.documents import LOSSES, loss_data
from tests.support.builders import pages
from tests.support.builders.pages import MODEL, ApiFixture, Rows

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def score(feature: str, test: str, value: float | None, *, drifted: bool, reason: str = "drift") -> Data:
    row: Data = {"model": "churn", "version": "v1", "feature": feature, "test": test, "value": value, "p_value": None}
    row |= {"drifted": drifted, "reason": reason, "n_reference": 900, "n_current": 300}
    return row | {"window_start": NOW, "window_end": NOW}


SCORES = [
    score("age", "psi", 0.4, drifted=True),
    score("age", "ks", 0.2, drifted=True),
    score("city", "psi", 0.01, drifted=False),
]


@pytest.fixture
def warehouse() -> Rows:
    by_days = [
        {"day": date(2026, 1, 1), "feature": "age", "test": "psi", "value": 0.1, "drifted": False, "reason": ""},
        {"day": date(2026, 1, 2), "feature": "age", "test": "psi", "value": 0.4, "drifted": True, "reason": ""},
    ]
    accuracy = {"model": "churn", "measure": "accuracy", "day": date(2026, 1, 2), "value": 0.9, "n_labels": 5}
    accuracy |= dict.fromkeys(("low", "high", "reference", "expected", "expected_low", "expected_high"))
    return Rows(model_performance=[accuracy | {"window_end": NOW}], DATE=by_days, drift_scores=SCORES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield store
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def office(store: Store) -> ApiFixture:
    return ApiFixture(store)


@pytest.fixture
def views(warehouse: Rows, store: Store, office: ApiFixture) -> Services:
    return pages.services(store, warehouse, office, lambda: NOW)


def ask(views: Services, path: str, method: str = "GET") -> TestResponse:
    return pages.client_of(views).open(path, method=method)


def body(response: TestResponse) -> Any:
    assert response.status_code == 200, response.get_data()
    return json.loads(response.get_data())


def test_a_model_is_shown_with_its_newest_window_and_its_accuracy(views: Services) -> None:
    [model] = body(ask(views, "/v1/models"))
    assert (model["name"], model["owner"], model["version"]) == ("churn", "growth", "v1")
    assert model["drifted"] == ["age"]
    assert model["strongest"] == "age"
    assert [feature["name"] for feature in model["features"]] == ["age", "city"]
    assert model["features"][0]["tests"]["psi"] == {"value": 0.4, "p_value": None}
    assert [statistic["name"] for statistic in model["statistics"]] == list(MODEL.statistics)
    assert model["statistics"][-1]["title"] == "Total variation"
    assert model["accuracy"] == {
        "value": 0.9,
        "n_labels": 5,
        "floor": 0.85,
        "by_day": [{"day": "2026-01-02", "value": 0.9}],
    }


def test_a_model_that_was_never_scored_is_shown_as_such(views: Services, warehouse: Rows) -> None:
    warehouse.answers = {"model_performance": [], "drift_scores": []}
    [model] = body(ask(views, "/v1/models"))
    assert (model["window_end"], model["drifted"], model["accuracy"]) == (None, [], None)


@pytest.mark.parametrize(("minutes", "overdue"), [(59, False), (61, True)])
def test_a_model_that_is_not_scored_any_more_is_overdue(
    views: Services, warehouse: Rows, minutes: int, *, overdue: bool
) -> None:
    scored = NOW - timedelta(minutes=minutes)
    warehouse.answers["drift_scores"] = [score("age", "psi", 0.4, drifted=True) | {"window_end": scored}]
    [model] = body(ask(views, "/v1/models"))
    assert model["overdue"] is overdue


def test_a_window_that_could_not_be_judged_says_why(views: Services, warehouse: Rows) -> None:
    warehouse.answers["drift_scores"] = [score("", "", None, drifted=False, reason="insufficient_data")]
    [model] = body(ask(views, "/v1/models"))
    assert (model["reason"], model["features"]) == ("insufficient_data", [])


def test_drift_by_day_has_a_value_a_day(views: Services) -> None:
    shown = body(ask(views, "/v1/models/churn/drift?days=30"))
    assert shown["days"] == ["2026-01-01", "2026-01-02"]
    assert shown["features"] == [
        {"name": "age", "tests": {"psi": [0.1, 0.4]}, "drifted": [False, True], "threshold": None, "limits": {}}
    ]


def test_a_day_without_a_feature_is_a_gap_not_a_zero() -> None:
    rows = [
        {"day": 1, "feature": "a", "test": "ks", "value": 0.1, "drifted": False},
        {"day": 2, "feature": "b", "test": "ks", "value": 0.2, "drifted": True},
    ]
    shown = by_day(rows)
    assert [feature["tests"]["ks"] for feature in shown["features"]] == [[0.1, None], [None, 0.2]]
    assert [feature["drifted"] for feature in shown["features"]] == [[False, None], [None, True]]


def keep(office: ApiFixture, name: str, **more: Any) -> None:
    opened = more.pop("opened_at", NOW - timedelta(hours=1))
    severity = more.get("severity", Severity.ERROR)
    office.keep(
        pages.incident(name, [pages.condition(f"service/{name}", "down", severity, opened, name)], opened, **more)
    )


def over(office: ApiFixture, name: str, at: datetime) -> None:
    keep(office, name, opened_at=at - timedelta(hours=1), state=State.RESOLVED, resolved_at=at)


def ids(views: Services, path: str = "/v1/incidents") -> list[str]:
    return [one["id"] for one in body(ask(views, path))["incidents"]]


def test_open_incidents_come_first_the_worst_and_dearest_on_top_then_those_that_are_over(
    views: Services, office: ApiFixture
) -> None:
    cheap = Impact(dollars_per_hour=10.0, low=5.0, high=15.0, targets=("service/x",), reason="x")
    keep(office, "unknown")
    keep(office, "cheap", impact=cheap)
    keep(office, "dear", impact=replace(cheap, dollars_per_hour=900.0))
    keep(office, "worst", severity=Severity.CRITICAL, state=State.ACKNOWLEDGED)
    over(office, "older", NOW - timedelta(days=9))
    over(office, "newer", NOW - timedelta(hours=2))
    over(office, "ahead", NOW + timedelta(hours=13))
    assert ids(views) == ["worst", "dear", "cheap", "unknown", "ahead", "newer", "older"]
    assert body(ask(views, "/v1/incidents/older"))["state"] == "resolved"


def test_a_measured_loss_is_shown_with_its_incident_and_in_its_report(views: Services, office: ApiFixture) -> None:
    orders = (OrdersAtRisk("shop", 1.0, 100.0),)
    measured = Impact(dollars_per_hour=100.0, low=50.0, high=150.0, targets=("stream/shop",), reason="x", orders=orders)
    keep(office, "measured", impact=measured)
    keep(office, "estimated", impact=replace(measured, orders=()))
    found = MeasuredLoss(
        dollars=60.0,
        low=40.0,
        high=90.0,
        usual=100.0,
        actual=40.0,
        since=NOW - timedelta(hours=1),
        until=NOW,
        orders=("shop",),
    )
    office.store.create(LOSSES, "measured", loss_data(found))
    shown = {one["id"]: one["measured_loss"] for one in body(ask(views, "/v1/incidents"))["incidents"]}
    assert shown["estimated"] is None
    assert (shown["measured"]["dollars"], shown["measured"]["text"]) == (60.0, loss_text(found))
    assert body(ask(views, "/v1/incidents/measured"))["measured_loss"] == shown["measured"]
    reports = [
        ask(views, f"/v1/incidents/{name}/report.md").get_data(as_text=True) for name in ("measured", "estimated")
    ]
    assert [r"Loss by orders | \$60 (\$40 to \$90)" in text for text in reports] == [True, False]
    assert ["Estimated loss" in text for text in reports] == [False, True]


def test_of_those_that_are_over_only_the_newest_are_listed(views: Services, office: ApiFixture) -> None:
    keep(office, "open")
    for number in range(8):
        over(office, f"over-{number}", NOW - timedelta(hours=7 * number))
    over(office, "long-ago", NOW - timedelta(days=40))
    assert ids(views, "/v1/incidents?limit=3") == ["open", "over-0", "over-1", "over-2"]
    assert len(ids(views)) == 9
    assert body(ask(views, "/v1/incidents/long-ago"))["id"] == "long-ago"


def test_what_was_resolved_a_moment_ago_is_listed_as_such_at_once(views: Services, office: ApiFixture) -> None:
    keep(office, "a")
    keep(office, "b")
    assert ids(views) == ["a", "b"]
    over(office, "a", NOW)
    assert [(one["id"], one["state"]) for one in body(ask(views, "/v1/incidents"))["incidents"]] == [
        ("b", "open"),
        ("a", "resolved"),
    ]


def acted(office: ApiFixture) -> str:
    asked = pages.request("busy", "retrain_model", "service/busy", NOW)
    plan = Plan(summary="train", steps=(Step(what="v", before="1", after="2"),), state={"key": "inside"})
    office.case(pages.dry(asked, plan, NOW))
    entry = TimelineEntry(
        sequence=2, at=NOW, change=Change.UPDATED, reason=IncidentReason.ACTION, summary="s", finding_id=f"{asked.id}:1"
    )
    first = TimelineEntry(sequence=1, at=NOW, change=Change.OPENED, reason=IncidentReason.FIRST_FIRING, summary="busy")
    keep(office, "busy", opened_at=NOW, timeline=(first, entry))
    return asked.id


def test_an_incident_tells_what_was_done_by_itself_but_not_what_only_the_action_understands(
    views: Services, office: ApiFixture
) -> None:
    request_id = acted(office)
    for one in (body(ask(views, "/v1/incidents"))["incidents"][0], body(ask(views, "/v1/incidents/busy"))):
        [action] = one["actions"]
        assert (action["id"], action["stage"], action["reason"]) == (request_id, "planned", "dry_run")
        assert action["steps"] == [{"what": "v", "before": "1", "after": "2"}]
        assert "inside" not in json.dumps(one)


def decided(office: ApiFixture) -> Data:
    row: Data = {"request_id": acted(office), "sequence": 1, "incident_id": "busy", "action": "retrain_model"}
    row |= {"target": "service/busy", "mode": "dry_run", "stage": "planned", "reason": "dry_run", "at": NOW}
    return row | {"plan": "train as the history has it", "detail": None, "by": None}


def test_the_report_has_the_history_of_actions_each_decision_once(
    views: Services, office: ApiFixture, warehouse: Rows
) -> None:
    warehouse.answers = {"to one incident": [decided(office)]}
    response = ask(views, "/v1/incidents/busy/report.md")
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (200, "text/markdown; charset=utf-8")
    assert text.startswith("# Incident: busy\n")
    assert text.count("| retrain_model |") == 1
    assert "train as the history has it" in text
    assert warehouse.asked[0][1] == {"incident": "busy", "since": NOW - timedelta(days=1)}


def test_the_report_is_made_while_the_history_is_away(views: Services, office: ApiFixture, warehouse: Rows) -> None:
    acted(office)
    warehouse.down = True
    text = ask(views, "/v1/incidents/busy/report.md").get_data(as_text=True)
    assert text.count("| retrain_model |") == 1


def test_actions_that_wait_are_shown_with_what_they_would_change(
    views: Services, office: ApiFixture, warehouse: Rows
) -> None:
    plan = Plan(summary="back to 6", steps=(Step(what="traffic", before="7", after="6"),), touched=1)
    office.case(pages.awaiting(pages.request("i", "rollback_model", "model/m", NOW), plan, NOW))
    office.case(pages.dry(pages.request("i", "retrain_model", "model/m", NOW), plan, NOW))
    warehouse.answers = {"asked for of late": [{"id": "x", "at": NOW}]}
    shown = body(ask(views, "/v1/actions"))
    [waits] = shown["waiting"]
    assert (waits["action"], waits["stage"], waits["answer_by"]) == (
        "rollback_model",
        "awaiting_approval",
        "2026-01-02T12:30:00Z",
    )
    assert waits["steps"] == [{"what": "traffic", "before": "7", "after": "6"}]
    assert [one["id"] for one in shown["recent"]] == ["x"]


def test_what_waits_is_shown_while_the_history_is_away(views: Services, warehouse: Rows) -> None:
    warehouse.down = True
    assert body(ask(views, "/v1/actions"))["recent"] is None
    warehouse.down = False
    assert body(ask(views, "/v1/actions"))["recent"] == []


def test_what_waits_is_shown_while_the_history_hangs(
    views: Services, warehouse: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.actions.PATIENCE", 0.05)
    warehouse.answers = {"asked for of late": [{"id": "x", "at": NOW}]}
    warehouse.hangs = threading.Event()
    assert [body(ask(views, "/v1/actions"))["recent"] for _ in range(2)] == [None, None]
    assert len(warehouse.asked) == 1, "one query hangs, whoever asks meanwhile waits for it"
    warehouse.hangs.set()
    monkeypatch.setattr("functions.api.actions.PATIENCE", 20)
    assert [one["id"] for one in body(ask(views, "/v1/actions"))["recent"]] == ["x"]
    assert len(warehouse.asked) == 1, "the late answer is for the next ones"


def test_the_switches_are_shown(views: Services, office: ApiFixture, store: Store, warehouse: Rows) -> None:
    client = pages.application(views).test_client()
    assert client.post("/v1/automation/halt", json={"by": "Ada", "action": "*", "note": "stop"}).status_code == 202
    [switch] = body(ask(views, "/v1/actions"))["automation"]["halted"]
    assert switch == {
        "action": "*",
        "halted": True,
        "by": "Ada",
        "at": "2026-01-02T12:00:00Z",
        "note": "stop",
        "halted_at": "2026-01-02T12:00:00Z",
    }
    office.carry_out(Command(verb=Verb.RESUME, subject="*", by="Ada", at=NOW, lifts="halt:*:2026-01-02T12:00:00Z"))
    assert body(ask(views, "/v1/actions"))["automation"]["halted"] == []
    off = pages.services(store, warehouse, office, lambda: NOW, enabled=False)
    assert body(ask(off, "/v1/actions"))["automation"]["enabled"] is False


def test_silences_are_shown_while_they_hold(views: Services, office: ApiFixture) -> None:
    for pattern, hours in (("late/*", 2), ("over/*", 0), ("soon/*", 1)):
        office.silence(
            Silence(pattern=pattern, by="Ada", at=NOW - timedelta(hours=1), until=NOW + timedelta(hours=hours))
        )
    assert [one["pattern"] for one in body(ask(views, "/v1/silences"))] == ["soon/*", "late/*"]


@pytest.mark.parametrize("path", ["/v1/incidents", "/v1/actions", "/v1/silences", "/v1/probes", "/v1/models"])
def test_what_has_not_changed_is_not_sent_again(views: Services, office: ApiFixture, path: str) -> None:
    client = pages.application(views).test_client()
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_what_has_changed_is_sent(views: Services, office: ApiFixture) -> None:
    client = pages.application(views).test_client()
    first = client.get("/v1/incidents")
    keep(office, "new")
    again = client.get("/v1/incidents", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, len((again.json or {})["incidents"])) == (200, 1)


def test_probes_are_shown_also_before_their_first_check(views: Services, store: Store) -> None:
    [probe] = body(ask(views, "/v1/probes"))
    assert (probe["name"], probe["kind"], "status" in probe, probe["overdue"]) == ("db", "tcp", False, True)
    store.create("probes", "db", {"name": "db", "kind": "tcp", "status": "resolved", "latency": 0.1})
    assert body(ask(views, "/v1/probes"))[0]["status"] == "resolved"


@pytest.mark.parametrize(("minutes", "overdue"), [(5, False), (7, True)])
def test_a_probe_that_is_not_checked_any_more_is_overdue(
    views: Services, store: Store, minutes: int, *, overdue: bool
) -> None:
    """It is due every minute, and may be five minutes late."""
    checked = NOW - timedelta(minutes=minutes)
    store.create("probes", "db", {"name": "db", "kind": "tcp", "status": "resolved", "checked_at": checked})
    assert body(ask(views, "/v1/probes"))[0]["overdue"] is overdue


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nothing", 404, "there is nothing at"),
        ("/v1/models/other/drift", 404, "no model is called 'other'"),
        ("/v1/models/churn/drift?days=0", 400, "days: must be 1 to 400, got '0'"),
        ("/v1/models/churn/drift?days=ten", 400, "days: must be 1 to 400, got 'ten'"),
        ("/v1/incidents/none", 404, "none has the id 'none'"),
        ("/v1/incidents/none/report.md", 404, "none has the id 'none'"),
        ("/v1/incidents?limit=0", 400, "limit: must be 1 to 1000, got '0'"),
        ("/v1/incidents?limit=²", 400, "limit: must be 1 to 1000"),
        ("/assets/../main.py", 404, ""),
        ("/assets/nothing.js", 404, ""),
    ],
)
def test_what_is_asked_for_wrongly_is_told_plainly(views: Services, path: str, status: int, says: str) -> None:
    response = ask(views, path)
    assert response.status_code == status
    assert says in json.loads(response.get_data())["detail"]


@pytest.mark.parametrize("page", [one.route for one in PAGES if one.method == "GET" and one.route != "/"])
def test_a_page_is_found_with_a_slash_at_its_end(views: Services, page: str) -> None:
    path = re.sub(r"\{[^}]*\}", "a%20b", page)
    if page.startswith("/assets/"):  # a path of any length
        assert ask(views, f"{path}/").status_code == 404
        return
    for asked, location in ((f"{path}/", path), (f"{path}//?a=%2F&b=1", f"{path}?a=%2F&b=1")):
        response = ask(views, asked)
        assert (response.status_code, response.headers.get("Location")) == (308, location)
    assert ask(views, f"{path}/", "POST").status_code == 404


@pytest.mark.parametrize("path", ["/v1/models/", "/nothing/", "/incidents/a/b/", "/%2Fincidents/"])
def test_no_other_address_with_a_slash_at_its_end_is_redirected(views: Services, path: str) -> None:
    response = ask(views, path)
    assert (response.status_code, "Location" in response.headers) == (404, False)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/incidents", "/v1/incidents/x", "/v1/incidents/x/report.md"])
def test_what_is_read_takes_nothing(views: Services, path: str, method: str) -> None:
    response = ask(views, path, method)
    assert response.status_code == 405
    assert json.loads(response.get_data())["detail"] == f"method: must be GET or HEAD, got {method}"


def test_a_warehouse_that_is_down_is_named(views: Services, warehouse: Rows) -> None:
    warehouse.down = True
    response = ask(views, "/v1/models")
    assert response.status_code == 503
    problem = json.loads(response.get_data())
    assert (problem["detail"], "starting" in problem) == ("BigQuery: does not answer", False)


def test_many_viewers_cost_one_query(views: Services, warehouse: Rows) -> None:
    for _ in range(5):
        ask(views, "/v1/models")
    assert len(warehouse.asked) == len({sql for sql, _ in warehouse.asked}) == 3


def test_the_page_allows_no_foreign_script(views: Services) -> None:
    response = ask(views, "/")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert policy.endswith("form-action 'none'; frame-ancestors 'none'"), "nobody shows our buttons in a frame"
    assert b"<title>aia</title>" in response.get_data()


def test_health_needs_nothing_behind_it() -> None:
    client = pages.client_of(lambda: pytest.fail("must not be asked for"))
    assert client.get("/health").get_data() == b"ok"
