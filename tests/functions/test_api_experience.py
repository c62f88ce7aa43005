"""Reports of browsers: what becomes of them, and what is refused."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from werkzeug.test import Client, TestResponse

from core.errors import UnavailableError
from core.events import stamp
from functions.adapters.stores import open_store
from functions.api.experience import AT_ONCE, MOST_EVENTS, PATIENCE, Experience
from functions.api.main import open_once
from infra.local.warehouse import read_definitions
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock

EVENTS: list[dict[str, Any]] = [
    {"kind": "view", "ago": 0},
    {"kind": "load", "ago": 59.5, "value": 1.25},
    {"kind": "frame", "ago": 3, "value": 0.016},
    {"kind": "request", "ago": 2, "value": 0.3, "failed": False},
    {"kind": "request", "ago": 1, "failed": True},
]
REPORT: dict[str, Any] = {
    "report": "a3b1c5d7-0001",
    "service": "shop",
    "session": "5d1c0b9e-7777",
    "device": "mobile",
    "events": EVENTS,
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def client(office: ApiFixture) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, FakeClock())).test_client()


def send(client: Client, **changed: Any) -> TestResponse:
    return client.post("/api/experience", json={**REPORT, **changed})


def told(response: TestResponse) -> str:
    body: dict[str, str] = json.loads(response.data)
    return body["detail"]


def test_a_report_is_published_as_rows_of_the_table(client: Client, office: ApiFixture) -> None:
    response = send(client)
    assert (response.status_code, json.loads(response.data)) == (202, {"id": REPORT["report"]})
    [table] = [one for one in read_definitions() if one.id == "telemetry.experience"]
    assert all(list(row) == [column["name"] for column in table.schema] for row in office.reported)
    assert office.reported[1] == {
        "event_id": "5d1c0b9e-7777:a3b1c5d7-0001:1",
        "observed_at": START.replace(hour=11, minute=59, second=0, microsecond=500_000),
        "service": "shop",
        "session_id": "5d1c0b9e-7777",
        "device": "mobile",
        "kind": "load",
        "value": 1.25,
        "failed": None,
    }
    shown = [(row["kind"], row["value"], row["failed"]) for row in office.reported]
    assert shown == [
        ("view", None, None),
        ("load", 1.25, None),
        ("frame", 0.016, None),
        ("request", 0.3, False),
        ("request", None, True),
    ]
    assert {stamp(row["observed_at"])[:13] for row in office.reported} == {"2026-11-23T11", "2026-11-23T12"}


def test_services_that_strangers_invent_are_one_and_the_real_ones_stay(client: Client, office: ApiFixture) -> None:
    for number in range(210):
        assert send(client, service=f"invented-{number}").status_code == 202
    send(client)
    send(client, service="aia")
    counted = Counter(row["service"] for row in office.reported)
    assert counted == {"other": 210 * len(EVENTS), "shop": len(EVENTS), "aia": len(EVENTS)}


def test_a_report_sent_again_has_the_same_ids_and_two_reports_have_none_in_common(
    client: Client, office: ApiFixture
) -> None:
    send(client)
    send(client)
    send(client, report="a3b1c5d7-0002")
    ids = [row["event_id"] for row in office.reported]
    assert ids[:5] == ids[5:10]
    assert len(set(ids)) == 10


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"service": "Shop"}, "$.service"),
        ({"service": "a" * 64}, "$.service"),
        ({"service": ""}, "$.service"),
        ({"session": "short"}, "$.session"),
        ({"session": "x" * 65}, "$.session"),
        ({"session": "with space here"}, "$.session"),
        ({"report": "../../../etc"}, "$.report"),
        ({"device": "watch"}, "$.device"),
        ({"events": []}, "$.events"),
        ({"events": [{"kind": "view", "ago": 0}] * (MOST_EVENTS + 1)}, "$.events"),
        ({"events": [{"kind": "click", "ago": 0}]}, "$.events[0].kind"),
        ({"events": [{"kind": "view"}]}, "ago"),
        ({"events": [{"kind": "view", "ago": -1}]}, "$.events[0].ago"),
        ({"events": [{"kind": "view", "ago": 901}]}, "$.events[0].ago"),
        ({"events": [{"kind": "view", "ago": 0, "value": 1}]}, "value"),
        ({"events": [{"kind": "frame", "ago": 0}]}, "value"),
        ({"events": [{"kind": "frame", "ago": 0, "value": -0.1}]}, "$.events[0].value"),
        ({"events": [{"kind": "load", "ago": 0, "value": 601}]}, "$.events[0].value"),
        ({"events": [{"kind": "load", "ago": 0, "value": "1"}]}, "$.events[0].value"),
        ({"events": [{"kind": "request", "ago": 0}]}, "failed"),
        ({"events": [{"kind": "request", "ago": 0, "failed": 1}]}, "$.events[0].failed"),
        ({"user": "ada@example.com"}, "user"),
    ],
)
def test_what_is_no_report_is_refused_by_the_path_of_what_is_wrong(
    client: Client, office: ApiFixture, changed: dict[str, Any], where: str
) -> None:
    response = send(client, **changed)
    assert response.status_code == 400
    assert told(response).startswith("body: must be a report (")
    assert where in told(response)
    assert office.reported == []


@pytest.mark.parametrize("missing", REPORT)
def test_nothing_of_a_report_may_be_missing(client: Client, office: ApiFixture, missing: str) -> None:
    response = client.post("/api/experience", json={name: value for name, value in REPORT.items() if name != missing})
    assert response.status_code == 400
    assert f"missing required field `{missing}`" in told(response)
    assert office.reported == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"events": NaN}'])
def test_a_body_that_is_no_object_is_told(client: Client, office: ApiFixture, data: bytes) -> None:
    response = client.post("/api/experience", data=data, content_type="application/json")
    assert response.status_code == 400
    assert office.reported == []


def test_the_largest_report_fits_and_a_larger_body_does_not(client: Client, office: ApiFixture) -> None:
    largest = {"kind": "request", "ago": 123.45678901234567, "value": 0.12345678901234567, "failed": False}
    assert send(client, events=[largest] * MOST_EVENTS, session="x" * 64, report="y" * 64).status_code == 202
    assert len(office.reported) == MOST_EVENTS
    assert client.post("/api/experience", data=b" " * 20_000, content_type="application/json").status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_of_another_site_can_send_is_refused(client: Client, office: ApiFixture, kind: str) -> None:
    assert client.post("/api/experience", data=json.dumps(REPORT), content_type=kind).status_code == 415
    assert office.reported == []


def test_a_bus_that_does_not_answer_is_told(client: Client, office: ApiFixture) -> None:
    office.down = True
    response = send(client)
    assert (response.status_code, told(response)) == (503, "bus: telemetry does not answer")
    assert response.headers["Retry-After"] == "60"
    office.down = False
    assert send(client).status_code == 202


def test_reports_that_wait_hold_up_no_further_ones_and_no_page(office: ApiFixture) -> None:
    app = pages.application(pages.services(office.store, Rows(), office, FakeClock()))
    office.delay = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as waiting:
        reports = [waiting.submit(send, app.test_client(), report=f"a3b1c5d7-{n}") for n in range(AT_ONCE)]
        while office.waiting < AT_ONCE:
            time.sleep(0.01)
        refused = send(app.test_client())
        office.delay.set()
    assert (refused.status_code, told(refused)) == (503, "reports: 2 wait for the bus already")
    assert [one.result().status_code for one in reports] == [202] * AT_ONCE
    assert send(app.test_client()).status_code == 202


def test_a_report_asks_the_bus_for_a_moment_only(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def hang(_: bytes, call: grpc.ServicerContext) -> bytes:
        given.append(call.time_remaining())
        call.abort(grpc.StatusCode.UNAVAILABLE, "does not answer")
        return b""

    served = grpc.method_handlers_generic_handler(
        "google.pubsub.v1.Publisher", {"Publish": grpc.unary_unary_rpc_method_handler(hang)}
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((served,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    made = Experience(services=frozenset(), bus=open_once("aia-local", PATIENCE), clock=FakeClock())
    with pytest.raises(UnavailableError):
        made.take(pages.told(REPORT))
    server.stop(None)
    assert given
    assert max(given) <= PATIENCE * 1.01  # gRPC rounds up what it tells the server


def test_it_is_only_told_and_not_asked(client: Client) -> None:
    assert client.get("/api/experience").status_code == 405
