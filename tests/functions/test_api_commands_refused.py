"""Commands that the API refuses: each fault is told, and nothing is published."""

import json
from typing import Any

import pytest
from werkzeug.test import Client

from core.events import Command, Severity, Verb
from core.incidents.model import State
from core.incidents.part import Part
from tests.support.builders import pages
from tests.support.builders.commands import ACTION, CALLS, OPEN, OVER, fault, new_client, new_clock, new_office, tell
from tests.support.builders.pages import ApiFixture
from tests.support.fakes.clock import START, FakeClock

clock = pytest.fixture(new_clock)
office = pytest.fixture(new_office)
client = pytest.fixture(new_client)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "by: must be 1 to 80 printable characters, got None"),
        ({"by": "  "}, "by: must be 1 to 80 printable characters, got '  '"),
        ({"by": "a" * 81}, "by: must be 1 to 80"),
        ({"by": "a\nb"}, r"got 'a\nb'"),
        ({"by": 7}, "by: must be 1 to 80 printable characters, got 7"),
        ({"by": "Ada", "note": "x" * 301}, "note: must be 0 to 300"),
        ({"by": "Ada", "note": "\u202e"}, "note: must be 0 to 300 printable characters"),
        ({"by": "Ada", "until": 1}, "until: must be one of by, note, target, got 'until'"),
        ({"by": "", "note": 1, "so": 1}, "so: must be one of by, note, target, got 'so'; by: must"),
    ],
)
def test_every_fault_of_a_command_is_told(client: Client, office: ApiFixture, body: Any, says: str) -> None:
    response = client.post(f"/v1/incidents/{OPEN}/acknowledge", json=body)
    assert response.status_code == 400
    assert says in fault(response)
    assert office.published == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"by": "Ada", "action": "retrain_model", "action": "*"}', "action"),
        (b'{"by": "Ada", "action": {"a": 1, "\\u0061": 2}}', "a"),
    ],
)
def test_a_key_that_is_given_twice_is_refused(client: Client, office: ApiFixture, body: bytes, key: str) -> None:
    response = client.post("/v1/automation/halt", data=body, content_type="application/json")
    assert (response.status_code, fault(response)) == (400, f"body: key {key!r} must be given once, got None")
    assert office.published == []


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["pattern", "minutes"]),
        ({"pattern": "__x", "minutes": 0}, ["pattern", "minutes"]),
        ({"pattern": "x" * 301, "minutes": True}, ["pattern", "minutes"]),
        ({"pattern": "x", "minutes": 43_201}, ["minutes"]),
        ({"pattern": "x", "minutes": 1.5, "anyway": 1}, ["minutes", "anyway"]),
        ({"pattern": "x", "minutes": 1, "until": "2026-11-24T00:00:00Z"}, ["minutes"]),
        ({"pattern": "x", "until": "2026-11-24T00:00:00"}, ["until"]),
        ({"pattern": "x", "until": "2026-11-23T12:00:00Z"}, ["until"]),
        ({"pattern": "x", "until": "2027-11-23T12:00:00Z"}, ["until"]),
        ({"pattern": "x", "until": "0001-01-01T00:00:00+23:59"}, ["until"]),
        ({"pattern": "x", "until": "tomorrow"}, ["until"]),
        ({"pattern": "x", "until": 12}, ["until"]),
    ],
)
def test_every_fault_of_a_silence_is_told(
    client: Client, office: ApiFixture, body: dict[str, Any], paths: list[str]
) -> None:
    response = tell(client, "/v1/silences", **body)
    assert response.status_code == 400
    assert [one["path"] for one in json.loads(response.data)["faults"]] == paths
    assert office.published == []


def test_only_what_there_is_can_be_halted(client: Client) -> None:
    response = tell(client, "/v1/automation/halt", action="everything")
    assert response.status_code == 400
    assert "action: must be one of *, restart_service, " in fault(response)
    assert fault(response).endswith("got 'everything'")


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/v1/incidents/none/acknowledge", {}, "404 incident: none has the id 'none'"),
        (f"/v1/incidents/{OVER}/resolve", {}, "409 incident: must not be over, is resolved since 2026-11-23"),
        ("/v1/actions/none/approve", {}, "404 action: none has the id 'none'"),
        ("/v1/automation/resume", {"action": "*"}, "409 action: must be halted to be resumed, '*' is not"),
        (f"/v1/incidents/{OPEN}/reopen", {}, "409 incident: must be over, is open"),
        ("/v1/silences/end", {"pattern": "never"}, "404 pattern: nothing is silenced by 'never'"),
        (f"/v1/incidents/{OPEN}/escalate", {}, "404 "),
    ],
)
def test_what_is_not_there_or_over_is_told(
    client: Client, office: ApiFixture, path: str, body: dict[str, Any], told: str
) -> None:
    response = tell(client, path, **body)
    assert f"{response.status_code} {fault(response)}".startswith(told)
    assert office.published == []


def test_an_action_is_answered_once_and_in_time(client: Client, office: ApiFixture, clock: FakeClock) -> None:
    path = f"/v1/actions/{ACTION.replace('?', '%3F')}/approve"
    clock.move(minutes=30)
    assert (late := tell(client, path)).status_code == 409
    assert "must be answered by 2026-11-23 12:30" in fault(late)
    clock.move(minutes=-29)
    office.carry_out(Command(verb=Verb.APPROVE, subject=ACTION, by="Ada", at=START))
    assert (again := tell(client, path)).status_code == 409
    assert "must await approval, is approved" in fault(again)
    assert office.published == []


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "text/plain; a=application/json",
    ],
)
def test_what_a_page_of_another_site_can_send_is_refused(
    client: Client, office: ApiFixture, path: str, body: dict[str, Any], kind: str
) -> None:
    data = json.dumps({"by": "Mallory", **body})
    response = client.post(path, data=data, content_type=kind, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    response = client.post(path, data=data, content_type=kind)
    assert response.status_code == 415
    assert "content-type: must be application/json" in fault(response)
    assert office.published == []


@pytest.mark.parametrize(("path", "_body"), CALLS)
def test_no_other_site_is_allowed_to_send_json(client: Client, path: str, _body: object) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = client.options(path, headers=preflight | {"Access-Control-Request-Headers": "content-type"})
    assert response.status_code == 405
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(("path", "_body"), CALLS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_nothing_but_post_commands(client: Client, office: ApiFixture, path: str, _body: object, method: str) -> None:
    response = client.open(path, method=method, json={"by": "Ada"})
    reads = path == "/v1/silences" and method in ("GET", "HEAD")
    assert response.status_code == (200 if reads else 405)
    assert office.published == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"Ada"', b"\xff", b"[" * 5000, b"null"])
def test_a_body_that_is_no_object_is_told(client: Client, data: bytes) -> None:
    response = client.post(f"/v1/incidents/{OPEN}/acknowledge", data=data, content_type="application/json")
    assert response.status_code == 400
    assert "body: must be a JSON object" in fault(response)


def test_a_body_larger_than_any_command_is_refused(client: Client) -> None:
    response = tell(client, f"/v1/incidents/{OPEN}/acknowledge", note="x" * 20_000)
    assert response.status_code == 413


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_bus_that_does_not_answer_is_told(
    client: Client, office: ApiFixture, path: str, body: dict[str, Any]
) -> None:
    office.down = True
    response = tell(client, path, **body)
    assert response.status_code == 503
    assert fault(response) == "bus: commands does not answer"


def test_an_incident_is_merged_into_another_one_and_taken_out_again(client: Client, office: ApiFixture) -> None:
    down = pages.condition("service/c", "down", Severity.ERROR, START, "c is down")
    other = "service-c-20261123-00000003"
    office.keep(pages.incident(other, [down], START))
    assert tell(client, f"/v1/incidents/{OPEN}/merge", to=other).status_code == 202
    assert [(one.verb, one.subject, one.to) for _, one, _ in office.published] == [("merge", OPEN, other)]
    refused = tell(client, f"/v1/incidents/{OPEN}/split")
    assert (refused.status_code, fault(refused)) == (409, "incident: must be merged by a person, is open")
    part = Part(target="service/c", at=START, reported_at=START)
    office.keep(pages.incident(OPEN, [down], START, state=State.RESOLVED, merged_into=other, part=part))
    assert tell(client, f"/v1/incidents/{OPEN}/split").status_code == 202
    circle = tell(client, f"/v1/incidents/{other}/merge", to=OPEN)
    assert (circle.status_code, fault(circle)) == (409, f"to: must not be a part of the incident itself, {OPEN} is")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "to: must be 1 to"),
        ({"to": OPEN}, 400, f"to: must be the id of another incident, got '{OPEN}'"),
        ({"to": "nobody-knows"}, 404, "incident: none has the id 'nobody-knows'"),
        ({"to": OVER}, 409, f"to: must not be over, {OVER} is resolved"),
    ],
)
def test_what_it_cannot_be_merged_into_is_refused(
    client: Client, office: ApiFixture, body: dict[str, Any], status: int, says: str
) -> None:
    response = tell(client, f"/v1/incidents/{OPEN}/merge", **body)
    assert response.status_code == status
    assert fault(response).startswith(says)
    assert office.published == []
