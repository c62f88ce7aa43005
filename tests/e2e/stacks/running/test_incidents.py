"""An incident from its alert to its end over a running stack: foreign alerts, people, playbooks, and what hangs together."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from getpass import getuser
from typing import Any
from uuid import uuid4

import pytest

from core.events import Severity, Status, stamp
from infra.local import session_token
from tests.support.servers.stack import LocalStack, eventually, fresh

pytestmark = pytest.mark.timeout(240)  # the first test starts the stack


def post(url: str, body: object, *, token: str = "") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.status, json.load(response)


def one(stack: LocalStack, target: str, state: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [incident for incident in stack.incidents(target) if incident["state"] == state]

    [incident] = eventually(found, f"{state} incident of {target}")
    return incident


def changes(stack: LocalStack, incident: str, channel: str = "technical") -> list[str]:
    return [message["change"] for message in stack.inbox(incident, channel)]


def reasons(incident: dict[str, Any]) -> list[str]:
    return [entry["reason"] for entry in incident["timeline"]]


def alert(service: str, ends: datetime) -> list[dict[str, Any]]:
    """As Prometheus posts it."""
    labels = {"alertname": "HighErrorRatio", "service": service, "severity": "critical"}
    started = datetime.now(UTC) - timedelta(minutes=2)
    return [
        {
            "labels": labels,
            "annotations": {"summary": f"{service} fails 12% of its requests"},
            "startsAt": stamp(started),
            "endsAt": stamp(ends),
            "generatorURL": "http://prometheus.example/graph",
        }
    ]


def test_an_alert_of_prometheus_is_told_acknowledged_and_resolved(stack: LocalStack) -> None:
    service = uuid4().hex[:8]
    firing = alert(service, datetime.now(UTC) + timedelta(minutes=4))
    assert post(f"http://127.0.0.1:{stack.ports['intake']}/api/v2/alerts", firing)[1] == {
        "accepted": 1,
        "parked": 0,
        "ignored": 0,
    }
    incident = one(stack, f"service/{service}", "open")
    assert eventually(lambda: changes(stack, incident["id"]), "message") == ["opened"]

    page = f"http://127.0.0.1:{stack.ports['page']}/v1/incidents/{incident['id']}"
    session = session_token.read(stack.folder)
    assert post(f"{page}/acknowledge", {"by": "ada", "note": "looking"}, token=session)[0] == 202
    taken = one(stack, f"service/{service}", "acknowledged")
    assert taken["acknowledged_by"] == getuser(), "whoever has the session, whatever the body says"
    eventually(lambda: changes(stack, incident["id"]) == ["opened", "acknowledged"], "message that somebody takes care")

    over = [firing[0] | {"endsAt": stamp(datetime.now(UTC))}]
    post(f"http://127.0.0.1:{stack.ports['intake']}/api/v2/alerts", over)
    assert "all_recovered" in reasons(one(stack, f"service/{service}", "resolved"))
    with urllib.request.urlopen(f"{page}/report.md") as response:
        report = response.read().decode()
    assert "fails 12% of its requests" in report
    assert getuser() in report


def test_drift_that_costs_money_is_told_to_the_business_and_a_retraining_is_planned(stack: LocalStack) -> None:
    """The history of this stack has drift of the model in it: what the router made of it is looked at."""

    def planned() -> list[dict[str, Any]]:
        incidents = stack.incidents("model/flight-delay")
        return [incident for incident in incidents if "action" in reasons(incident)]

    incident = eventually(planned, "planned retraining in the timeline")[0]
    assert incident["impact"]["dollars_per_hour"] >= 1000
    [entry] = [entry for entry in incident["timeline"] if entry["reason"] == "action"][:1]
    assert entry["summary"].startswith("retrain_model on model/flight-delay planned (dry run)")
    assert stack.inbox(incident["id"], "business")
    rows = stack.rows("SELECT DISTINCT action, mode, stage FROM ops.action_decisions")
    assert {"action": "retrain_model", "mode": "dry_run", "stage": "planned"} in rows
    requests = stack.rows("SELECT COUNT(*) AS n FROM ops.action_decisions WHERE stage = 'applied'")
    assert requests == [{"n": 0}]


def open_with(stack: LocalStack, target: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        incidents = stack.get("/v1/incidents")["incidents"]
        return [incident for incident in incidents if incident["open"] and target in incident["targets"]]

    [incident] = eventually(found, f"open incident with {target} in it")
    return incident


def test_what_hangs_together_is_one_incident_whose_root_is_named(stack: LocalStack) -> None:
    at, table = datetime.now(UTC), "table/telemetry.flight_predictions"
    stack.publish("findings", fresh(target="stream/rebookings", observed_at=at, severity=Severity.WARNING))
    first = open_with(stack, "stream/rebookings")
    stack.publish("findings", fresh(target=table, observed_at=at + timedelta(seconds=1)))
    second = open_with(stack, table)
    assert (second["id"], second["target"]) == (first["id"], table)
    assert "stream/rebookings" in second["targets"]
    for target in ("stream/rebookings", table):
        stack.publish("findings", fresh(target=target, observed_at=at + timedelta(minutes=2), status=Status.RESOLVED))
    eventually(
        lambda: "partly_recovered" in reasons(stack.get(f"/v1/incidents/{first['id']}")) or not stack.incidents(table),
        "recovery",
    )


def test_answers_are_not_taken_where_the_settings_have_no_secret(stack: LocalStack) -> None:
    """The function is served like the others; what it takes is in tests/functions/test_command_intake.py."""
    for path in ("slack", "pagerduty", "answer"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['commands']}/{path}", data=b"{}", timeout=30)
