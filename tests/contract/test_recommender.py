"""Google's Recommender API over the wire, against a local server that answers as the reference documents it."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from core.business.recommendations import Confidence, CostScope
from core.errors import QueryError, UnavailableError
from functions.adapters.recommender import OF_REGIONS, OF_ZONES, Recommender

# https://cloud.google.com/recommender/docs/reference/rest/v1/billingAccounts.locations.recommenders.recommendations#Recommendation
VM = "//compute.googleapis.com/projects/p/zones/us-central1-a/instances/vm-1"


def recommendation(number: int, **changed: Any) -> dict[str, Any]:
    parent = "projects/123/locations/us-central1-a/recommenders/google.compute.instance.MachineTypeRecommender"
    return {
        "name": f"{parent}/recommendations/{number}",
        "description": "Save cost by changing machine type from n1-standard-4 to custom-2-5120.",
        "lastRefreshTime": "2026-03-01T07:00:00Z",
        "primaryImpact": {
            "category": "COST",
            "costProjection": {
                "cost": {"currencyCode": "USD", "units": "-12", "nanos": -340000000},
                "duration": "2592000s",
            },
        },
        "content": {
            "operationGroups": [
                {"operations": [{"action": "test", "resourceType": "compute.googleapis.com/Instance", "resource": VM}]}
            ]
        },
        "stateInfo": {"state": "ACTIVE"},
        "etag": '"9fc3241da8bfab51"',
        "recommenderSubtype": "CHANGE_MACHINE_TYPE",
        "priority": "P2",
    } | changed


class Google(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status = 200
        self.body: bytes | None = None
        self.pages: dict[str, dict[str, Any]] = {"": {}}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: Google

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.asked.append((parts.path, query))
        page = self.server.pages[query.get("pageToken", [""])[0]] if "MachineType" in parts.path else {}
        body = self.server.body if self.server.body is not None else json.dumps(page).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def google() -> Iterator[Google]:
    with Google() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def recommender(google: Google) -> Recommender:
    return Recommender(requests.Session, url=google.url, patience=2.0)


def test_every_page_is_read_and_a_negative_cost_is_a_saving(google: Google, recommender: Recommender) -> None:
    google.pages = {
        "": {"recommendations": [recommendation(1)], "nextPageToken": "t&2"},
        "t&2": {"recommendations": [recommendation(2, priority="P4")]},
    }
    first, second = recommender.active("p", ["us-central1-a"])
    assert first.dollars_per_month == pytest.approx(12.34)
    assert (first.confidence, second.confidence) == (Confidence.HIGH, Confidence.LOW)
    assert first.scope == CostScope(resource=VM)
    assert first.key.endswith("MachineTypeRecommender/recommendations/1")
    assert first.evidence.startswith("CHANGE_MACHINE_TYPE: Save cost")
    assert google.asked[0][1] == {"filter": ["stateInfo.state=ACTIVE"], "pageSize": ["100"]}


def test_zones_regions_and_multi_regions_have_their_own_recommenders(google: Google, recommender: Recommender) -> None:
    assert recommender.active("p", ["us-central1-a", "us-central1", "us"]) == []
    paths = [path for path, _ in google.asked]
    of = "/v1/projects/p/locations/{}/recommenders/{}/recommendations".format
    assert paths == [
        *(of("us-central1-a", name) for name in OF_ZONES),
        *(of(location, name) for location in ("us-central1", "us") for name in OF_REGIONS),
    ]


@pytest.mark.parametrize(
    ("impact", "dollars"),
    [
        ({"category": "COST"}, None),
        (
            {
                "category": "COST",
                "costProjection": {"cost": {"currencyCode": "EUR", "units": "-5"}, "duration": "2592000s"},
            },
            None,
        ),
        ({"category": "COST", "costProjection": {"cost": {"units": "-1"}, "duration": "86400s"}}, 30.0),
        ({"category": "COST", "costProjection": {"cost": {"units": "many"}, "duration": "86400s"}}, None),
        ({"category": "COST", "costProjection": {"cost": {"units": "-1"}, "duration": "0s"}}, None),
    ],
)
def test_a_saving_that_is_not_in_dollars_is_not_known(
    google: Google, recommender: Recommender, impact: dict[str, Any], dollars: float | None
) -> None:
    google.pages = {"": {"recommendations": [recommendation(1, primaryImpact=impact)]}}
    [found] = recommender.active("p", ["us-central1-a"])
    assert found.dollars_per_month == dollars


def test_recommendations_about_security_are_left_out(google: Google, recommender: Recommender) -> None:
    google.pages = {"": {"recommendations": [recommendation(1, primaryImpact={"category": "SECURITY"})]}}
    assert recommender.active("p", ["us-central1-a"]) == []


def error(code: int, status: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


def test_a_refusal_names_the_permission(google: Google, recommender: Recommender) -> None:
    google.status = 403
    google.body = error(403, "PERMISSION_DENIED", "Permission 'recommender.computeInstances.list' denied.")
    with pytest.raises(
        QueryError, match=r"refuses projects/p/locations/us-central1-a/.*: 403: .*computeInstances\.list"
    ):
        recommender.active("p", ["us-central1-a"])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests'.")),
        (503, error(503, "UNAVAILABLE", "The service is currently unavailable.")),
        (502, b"<html>Bad Gateway</html>"),
        (302, b""),
        (200, b"<html>Sign in</html>"),
        (200, b'{"recommendations": 7}'),
        (200, b"[" * 100_000),
    ],
)
def test_what_does_not_answer_or_answers_nonsense_may_be_tried_again(
    google: Google, recommender: Recommender, status: int, body: bytes
) -> None:
    google.status, google.body = status, body
    with pytest.raises(UnavailableError, match="Recommender answers"):
        recommender.active("p", ["us-central1-a"])


def test_a_silent_or_absent_server_is_unavailable(google: Google) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 9):
            slow = Recommender(requests.Session, url=f"http://127.0.0.1:{port}", patience=0.2)
            with pytest.raises(UnavailableError, match="Recommender does not answer"):
                slow.active("p", ["us-central1-a"])


def test_a_list_without_end_is_cut_off(google: Google, recommender: Recommender) -> None:
    google.pages = {token: {"recommendations": [recommendation(1)], "nextPageToken": "x"} for token in ("", "x")}
    assert len(recommender.active("p", ["us-central1-a"])) == 20
