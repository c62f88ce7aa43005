"""What is published on the bus, and what comes of it, over a running stack."""

import base64
import json
import random
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import uuid4

import pytest

from core.events import Finding, Severity, Status, Tick, stamp
from functions.adapters.ports import Document
from functions.adapters.store import every
from functions.services.incidents.documents import GROUPS, read_group
from tests.support.servers.stack import LocalStack, eventually, fresh, midnight

pytestmark = pytest.mark.timeout(480)  # the first test starts the stack

SCORES = """
    SELECT * FROM ops.drift_scores WHERE model = 'flight-delay' AND window_end <= @until
    ORDER BY window_end, feature, test
"""
JOBS = ("drift_score", "health_check", "incident_sweep")


def tick(stack: LocalStack, at: datetime) -> None:
    """Publish a tick of drift_score, and return when it is scored."""
    stack.publish("ticks", Tick(job="drift_score", scheduled_at=at), job="drift_score")
    eventually(lambda: any(entry.data["state"] == "done" for entry in claims(stack, at)), f"score of {at}")


def claims(stack: LocalStack, at: datetime) -> list[Document]:
    """The entries of the ledger for the shards in which the model is scored at an instant."""
    prefix = f"drift_score_shard:{stamp(at)}:"
    found = every(stack.store, "ledger", after=prefix)
    return [
        one for one in takewhile(lambda one: one.key.startswith(prefix), found) if "flight-delay" in one.data["covers"]
    ]


def audit(stack: LocalStack, incident: str) -> list[dict[str, Any]]:
    sql = "SELECT DISTINCT id, sequence, change, state, finding_id FROM ops.incident_changes WHERE incident_id = @i ORDER BY sequence"
    return stack.rows(sql, i=incident)


def one_incident(stack: LocalStack, target: str, state: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [one for one in stack.incidents(target) if one["state"] == state]

    [incident] = eventually(found, f"{state} incident of {target}")
    return incident


def target() -> str:
    return f"service/{uuid4().hex[:8]}"


def test_a_tick_published_again_leaves_the_same_rows(stack: LocalStack) -> None:
    at = midnight(2)
    before = stack.rows(SCORES, until=midnight())
    changes = stack.rows("SELECT COUNT(*) AS n FROM ops.incident_changes")
    assert {row["window_end"] for row in before} >= {at, midnight(3)}
    for _ in range(3):
        tick(stack, at)
    tick(stack, at.replace(hour=1))  # comes after them, and is scored
    after = stack.rows(SCORES, until=midnight())
    assert [row for row in after if row["window_end"] != at.replace(hour=1)] == before
    assert stack.rows("SELECT COUNT(*) AS n FROM ops.incident_changes") == changes


def test_a_tick_whose_ledger_is_lost_writes_the_same_rows_in_place(stack: LocalStack) -> None:
    at = midnight(4)
    sql = "SELECT * FROM ops.drift_scores WHERE window_end = @at ORDER BY feature, test"
    before = stack.rows(sql, at=at)
    tick(stack, at)
    [entry] = claims(stack, at)
    stack.store.delete(entry, "ledger")
    tick(stack, at)
    assert stack.rows(sql, at=at) == before


def test_a_tick_that_comes_late_scores_the_window_it_is_for(stack: LocalStack) -> None:
    at = midnight(1) + timedelta(hours=10)
    condition = stack.store.get("conditions", "model/flight-delay:drift")
    tick(stack, at)
    [window] = stack.rows(
        "SELECT DISTINCT window_start, window_end, scored_at, n_current FROM ops.drift_scores WHERE window_end = @at",
        at=at,
    )
    assert (window["window_start"], window["window_end"], window["scored_at"]) == (at - timedelta(days=7), at, at)
    [logged] = stack.rows(
        "SELECT COUNT(DISTINCT prediction_id) AS n FROM telemetry.flight_predictions WHERE scored_at >= @start AND scored_at < @at",
        start=at - timedelta(days=7),
        at=at,
    )
    assert window["n_current"] == logged["n"] > 0
    after = stack.store.get("conditions", "model/flight-delay:drift")
    assert after == condition, "an old window changed what is believed now"


def test_a_tick_that_carries_no_instant_is_for_when_it_was_published(stack: LocalStack) -> None:
    sent = datetime.now(UTC)
    stack.send("ticks", json.dumps({"type": "tick", "version": 1, "job": "drift_score"}).encode(), job="drift_score")
    due = sent.replace(minute=sent.minute // 15 * 15, second=0, microsecond=0)

    def scored() -> list[dict[str, Any]]:
        return stack.rows("SELECT DISTINCT n_current FROM ops.drift_scores WHERE window_end >= @due", due=due)

    assert len(eventually(scored, f"score of {due}")) >= 1


def test_a_finding_of_an_outside_program_is_an_incident_a_message_and_a_row(stack: LocalStack) -> None:
    finding = fresh(target=target(), summary="checkout answers in 9 s", runbook="probes.md#slow")
    stack.publish("findings", finding)
    incident = one_incident(stack, finding.target, "open")
    assert (incident["title"], incident["severity"]) == ("checkout answers in 9 s", "critical")
    [message] = eventually(lambda: stack.inbox(incident["id"]), "message")
    assert (message["change"], message["deliveries"]) == ("opened", 1)
    assert message["url"].endswith(f"/incidents/{incident['id']}")
    assert "probes.md#slow" in message["text"]
    for channel in ("operations", "executive"):
        assert eventually(lambda c=channel: stack.inbox(incident["id"], c), f"message to {channel}")  # type: ignore[misc] # a lambda's default
    rows = eventually(lambda: _whole(audit(stack, incident["id"]), 2), "rows of the audit trail")
    assert [(row["id"], row["change"], row["finding_id"]) for row in rows] == [
        (f"{incident['id']}:1", "opened", finding.id),
        (f"{incident['id']}:2", "updated", ""),
    ]


def life(of: str) -> list[Finding]:
    """A life of three steps: it fires, gets worse, is over."""
    began = datetime.now(UTC) - timedelta(minutes=10)
    first = fresh(target=of, observed_at=began, severity=Severity.ERROR)
    worse = replace(first, severity=Severity.CRITICAL, observed_at=began + timedelta(minutes=2))
    over = replace(worse, status=Status.RESOLVED, observed_at=began + timedelta(minutes=4))
    return [first, worse, over]


@pytest.mark.parametrize("order", ["in order", "in reverse", "shuffled"])
def test_the_same_findings_five_times_in_any_order_are_one_incident(stack: LocalStack, order: str) -> None:
    of = target()
    findings = life(of)
    sequence = [finding for finding in findings for _ in range(5)]
    if order == "in reverse":
        sequence.reverse()
    elif order == "shuffled":
        random.Random(7).shuffle(sequence)
    _give(stack, sequence)
    incident = one_incident(stack, of, "resolved")
    assert datetime.fromisoformat(incident["opened_at"]) == findings[0].observed_at
    assert datetime.fromisoformat(incident["resolved_at"]) == findings[2].observed_at
    changes = [entry["change"] for entry in incident["timeline"]]
    assert changes.count("opened") == changes.count("resolved") == 1 or "reopened" in changes
    assert [change for change in changes if change != "updated"][-1] == "resolved"
    rows = eventually(lambda: _whole(audit(stack, incident["id"]), len(changes)), "whole audit trail")
    assert [(row["sequence"], row["change"]) for row in rows] == list(enumerate(changes, 1))
    messages = stack.inbox(incident["id"])
    assert len({message["key"] for message in messages}) == len(messages)
    assert {message["deliveries"] for message in messages} == {1}
    assert messages[-1]["change"] == "resolved"
    assert [message["change"] for message in messages].count("opened") <= 1, "several were told of the same opening"


def _give(stack: LocalStack, findings: Sequence[Finding]) -> None:
    """Publish the findings, and return when the router has counted every different one."""
    for finding in findings:
        stack.publish("findings", finding)

    def counted() -> bool:
        group = stack.store.get(GROUPS, findings[0].target)
        if group is None or (known := read_group(group.data)).pending:
            return False
        seen = [seen for condition in known.state.conditions for seen in condition.history]
        return len(seen) == len({finding.id for finding in findings})

    eventually(counted, "every finding counted")


def _whole(rows: list[dict[str, Any]], length: int) -> list[dict[str, Any]]:
    return rows if len(rows) == length else []


BAD = {
    "no JSON": (b"drift!", "JSON is malformed"),
    "a list": (b"[1, 2]", "Expected `object`, got `array`"),
    "empty": (b"", "truncated"),
    "a newer version": (
        b'{"type": "KIND", "version": 99, "id": "x", "job": "JOB", "scheduled_at": "2026-01-02T03:04:00Z"}',
        "must be version 1, got 99",
    ),
    "no instant in UTC": (
        b'{"type": "KIND", "version": 1, "job": "JOB", "scheduled_at": "yesterday", "observed_at": "yesterday"}',
        "KIND: ",
    ),
}


FUNCTIONS = ("drift_score", "health_check", "incident_router", "incident_sweep", "action_runner", "pipeline_monitor")
TOPICS = {
    "incident_router": ("finding", "findings"),
    "action_runner": ("action_request", "actions"),
    "pipeline_monitor": ("pipeline_run", "pipeline-runs"),
}


def test_what_a_function_cannot_read_is_parked_with_its_reason_and_counted(stack: LocalStack) -> None:
    began = datetime.now(UTC)
    sent = {function: _send_bad(stack, function) for function in FUNCTIONS}
    direct = {function: _post_bad_base64(stack, function) for function in FUNCTIONS}
    for function in FUNCTIONS:
        rows = eventually(
            lambda f=function: _whole(_letters(stack, f, began), len(BAD) + 1),  # type: ignore[misc] # a lambda's default
            f"every message to {function} parked",
        )
        [posted] = [row for row in rows if row["message_id"] not in sent[function]]
        assert "message.data must be base64" in posted["reason"]
        assert base64.b64decode(posted["body"]) == direct[function]
        for row in rows:
            if row is not posted:
                _assert_parked(row, function, *sent[function][row["message_id"]])
    eventually(lambda: _counted(stack), "parked messages of every function in Prometheus", within=120, every=1.0)


def _send_bad(stack: LocalStack, function: str) -> dict[str, tuple[bytes, str]]:
    """Publish everything bad to a function: body and expected reason by message id."""
    kind, topic = TOPICS.get(function, ("tick", "ticks"))
    sent = {}
    for body, reason in BAD.values():
        data = body.replace(b"KIND", kind.encode()).replace(b"JOB", function.encode())
        sent[stack.send(topic, data, job=function)] = (data, reason.replace("KIND", kind))
    return sent


def _assert_parked(row: dict[str, Any], function: str, data: bytes, reason: str) -> None:
    assert reason in row["reason"]
    assert base64.b64decode(json.loads(base64.b64decode(row["body"]))["message"].get("data", "")) == data
    assert row["subscription"] == function.replace("_", "-")
    assert row["attempt"] == 1, "a poisoned message is not worth a retry"


def _post_bad_base64(stack: LocalStack, function: str) -> bytes:
    body = b'{"message": {"data": "%%%", "messageId": "7", "publishTime": "2026-01-02T03:04:05Z"}, "subscription": "s"}'
    url = f"http://127.0.0.1:{stack.port(function)}"
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        assert response.status == 204
    return body


def _letters(stack: LocalStack, function: str, began: datetime) -> list[dict[str, Any]]:
    sql = "SELECT * FROM ops.dead_letters WHERE function = @function AND received_at >= @began QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY received_at) = 1"
    return stack.rows(sql, function=function, began=began)


def _counted(stack: LocalStack) -> bool:
    """Whether Prometheus has them; a function sends its counts when it has something to do, and every 10 s at most."""
    stack.publish("findings", fresh(target="service/quiet", status=Status.RESOLVED))
    for function in set(FUNCTIONS) - {"incident_router"}:
        stack.publish("ticks", Tick(job=function, scheduled_at=midnight(5)), job=function)
    query = 'sum by (function) (aia_function_requests_total{outcome="parked"})'
    return all(stack.prometheus(query).get(function, 0) > len(BAD) for function in FUNCTIONS)
