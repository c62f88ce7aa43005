"""What hangs: a body that does not arrive, and a dependency that does not answer."""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from starlette.types import Message
from werkzeug.exceptions import Unauthorized
from werkzeug.test import Client

from core.errors import UnavailableError
from functions.adapters.stores import open_store
from functions.api import asgi, server
from functions.api.request import Request
from functions.api.services import Services
from functions.api.work import EACH, Work
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock


@pytest.fixture
def warehouse() -> Rows:
    return Rows()


@pytest.fixture
def services(tmp_path: Path, warehouse: Rows) -> Services:
    office = ApiFixture(open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test"))
    return pages.services(office.store, warehouse, office, FakeClock())


@pytest.fixture
def client(services: Services) -> Client:
    return pages.client_of(services)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of drift and of models wait less long."""
    names = {"models", "dependencies"}
    monkeypatch.setattr(
        asgi, "ENDPOINTS", [replace(one, patience=0.3) if one.name in names else one for one in asgi.ENDPOINTS]
    )


@pytest.fixture
def url(client: Client) -> Iterator[str]:
    with pages.served(client.application) as url:
        yield url


@pytest.mark.usefixtures("hasty")
def test_what_was_known_is_shown_with_its_age_while_the_warehouse_hangs(services: Services, warehouse: Rows) -> None:
    client = pages.client_of(services)
    before = client.get("/v1/dependencies?until=2026-01-02T00:00:00Z")
    warehouse.hangs = threading.Event()
    try:
        kept = client.get(
            "/v1/dependencies?until=2026-01-02T00:00:00Z", headers={"If-None-Match": before.headers["ETag"]}
        )
        assert (kept.status_code, kept.json, kept.headers["Age"]) == (200, before.json, "0")
        assert "Age" not in before.headers
        assert client.get("/v1/dependencies?until=2026-01-03T00:00:00Z").status_code == 503
    finally:
        warehouse.hangs.set()


@pytest.mark.usefixtures("hasty")
def test_a_warehouse_that_hangs_holds_no_reader_and_no_other_endpoint(services: Services, warehouse: Rows) -> None:
    client = pages.client_of(services)
    warehouse.hangs = threading.Event()
    try:
        for _ in range(EACH + 2):
            refused = client.get("/v1/models")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert "models: no answer within 0.3 s" in (refused.json or {})["detail"]
        assert client.get("/v1/incidents").status_code == 200
    finally:
        warehouse.hangs.set()


@pytest.mark.usefixtures("hasty")
def test_what_failed_too_late_for_one_reader_is_told_the_next(services: Services, warehouse: Rows) -> None:
    client = pages.client_of(services)
    warehouse.hangs, warehouse.failing = threading.Event(), True
    assert client.get("/v1/models").status_code == 503
    warehouse.hangs.set()
    while "BigQuery" not in (client.get("/v1/models").json or {})["detail"]:
        time.sleep(0.01)
    warehouse.hangs = threading.Event()
    try:
        told = client.get("/v1/models").json or {}
        assert told["detail"] == "models: no answer within 0.3 s; before: BigQuery: does not answer"
    finally:
        warehouse.hangs.set()


def test_a_store_that_hangs_keeps_out_who_has_a_token_of_it_and_nobody_else(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "_KEYS_SECONDS", 0.1)
    hangs = threading.Event()
    monkeypatch.setattr(type(services.tokens), "holder", lambda _self, _token: hangs.wait(20))
    client = pages.application(services, lambda _: "ada@example.com").test_client()
    try:
        for _ in range(EACH + 1):
            assert client.get("/v1/me", headers={"Authorization": "Bearer aia_x_y"}).status_code == 503
        assert client.get("/v1/me").status_code == 200
    finally:
        hangs.set()


def test_what_a_call_answers_too_late_frees_its_thread_again() -> None:
    async def ask() -> list[str]:
        work, gate = Work(threads=4, each=1), threading.Event()
        with pytest.raises(UnavailableError, match=r"slow: no answer within 0.01 s"):
            await work.run("slow", gate.wait, patience=0.01)
        with pytest.raises(UnavailableError):
            await work.run("slow", lambda: "", patience=0.01)
        others = await work.run("other", lambda: "other", patience=5)
        gate.set()
        return [others, await work.run("slow", lambda: "slow", patience=5)]

    assert asyncio.run(ask()) == ["other", "slow"]


def test_a_fault_of_the_call_itself_is_no_lack_of_patience() -> None:
    def fail() -> None:
        raise TimeoutError("of a socket")

    with pytest.raises(TimeoutError, match="of a socket"):
        asyncio.run(Work().run("x", fail, patience=5))


HEAD = b"POST /v1/automation/halt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def sent(url: str, data: bytes) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(data)
    return connection


def test_bodies_that_do_not_arrive_hold_up_nobody_and_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "READ_SECONDS", 1.0)
    slow = [sent(url, HEAD + b"Content-Length: 10\r\n\r\n{") for _ in range(100)]
    assert requests.get(f"{url}/v1/incidents", timeout=20).status_code == 200
    assert {one.recv(1000).split()[1] for one in slow} == {b"408"}
    for one in slow:
        one.close()


def test_who_sends_no_headers_or_goes_on_with_them_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADERS_SECONDS", 0.5)
    known = requests.Session()
    assert known.get(f"{url}/health", timeout=20).status_code == 200
    silent, slow = sent(url, b""), sent(url, HEAD)
    with silent, slow:
        over = time.monotonic() + 20
        with suppress(OSError):
            while not select.select([slow], [], [], 0.1)[0]:
                slow.sendall(b"X-More: and more\r\n")
                assert time.monotonic() < over
        assert silent.recv(100) == b""
    assert known.get(f"{url}/health", timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Content-Length: 2000001\r\n\r\n{", b"413"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1e8481\r\n" + b" " * 2_000_001 + b"\r\n0\r\n\r\n", b"413"),
        (HEAD.replace(b"127.0.0.1", b"evil.example") + b"Content-Length: 2000001\r\n\r\n{", b"421"),
    ],
)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(url: str, data: bytes, status: bytes) -> None:
    with sent(url, data) as connection:
        assert connection.recv(1000).split()[1] == status


def test_a_fault_nobody_foresaw_is_told_as_that_and_the_next_request_is_answered(client: Client) -> None:
    def broken() -> None:
        raise ValueError("secret of the inside")

    refused = pages.client_of(broken).get("/v1/incidents")  # type: ignore[arg-type] # it is broken
    assert refused.status_code == 500
    assert "secret" not in refused.get_data(as_text=True)
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"host": "localhost"}])
def test_a_websocket_of_nobody_or_to_another_name_is_closed_before_it_is_open(
    services: Services, headers: dict[str, str]
) -> None:
    sent: list[Message] = []

    def identify(_: Request) -> str:
        raise Unauthorized("token: must be given")

    async def connect() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/v1/live", "query_string": b"", "headers": told}
    asyncio.run(asgi.application(lambda: services, identify=identify)(scope, connect, send))
    assert [one["type"] for one in sent] == ["websocket.close"]


@pytest.mark.parametrize("then", ["", "Connection: close\r\n"])
def test_who_does_not_read_an_answer_loses_the_connection(
    client: Client, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.4)
    with pages.served(client.application) as url, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = url.removeprefix("http://").partition(":")
        stuck.connect((host, int(port)))
        asked = f"GET /v1/openapi.json HTTP/1.1\r\nHost: {host}:{port}\r\n"
        stuck.sendall(f"{asked}\r\n".encode() * 40 + f"{asked}{then}\r\n".encode())  # more than the system keeps
        hung_up = select.poll()
        hung_up.register(stuck, select.POLLHUP | select.POLLERR)
        assert hung_up.poll(10_000)
        assert requests.get(f"{url}/health", timeout=10).text == "ok"
