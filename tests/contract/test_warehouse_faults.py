"""A warehouse that is not there, never answers, is overloaded or answers nonsense."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from core.errors import UnavailableError
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse.emulator import free_port
from infra.local.warehouse.tables import create_tables
from tests.support.servers.served_at import served_at

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_a_warehouse_that_is_not_there_is_unavailable_by_name(place: "Place") -> None:
    with served_at(place, f"http://127.0.0.1:{free_port()}", patience=0.5) as warehouse:
        with pytest.raises(UnavailableError, match="BigQuery does not answer"):
            warehouse.query("SELECT 1 AS one")
        with pytest.raises(UnavailableError, match="BigQuery does not answer"):
            warehouse.append("ops.model_versions", [{"model": "m"}])


def test_a_warehouse_that_never_answers_is_unavailable_by_name(place: "Place") -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            served_at(place, url, patience=0.2, request_timeout=0.5) as warehouse,
            pytest.raises(UnavailableError, match="BigQuery does not answer"),
        ):
            warehouse.query("SELECT 1 AS one")


class Overloaded(ThreadingHTTPServer):
    """Stands before the emulator, and refuses so many requests before it passes the others on."""

    def __init__(self, emulator_url: str, refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.emulator_url = emulator_url
        self.refusals = refusals

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Passing(BaseHTTPRequestHandler):
    """Passes one request on, or refuses it."""

    server: Overloaded

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.refusals > 0:
            self.server.refusals -= 1
            self.send_error(503)
            return
        headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        url = self.server.emulator_url + self.path
        answer = requests.request(self.command, url, data=body, headers=headers, timeout=10)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = pass_on  # noqa: N815 - the name is http.server's
    do_POST = pass_on  # noqa: N815 - the name is http.server's

    def log_message(self, *_: object) -> None: ...


@contextmanager
def overloaded(place: "Place", refusals: int) -> Iterator[str]:
    with Overloaded(place.emulator.url, refusals) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def test_a_warehouse_that_is_overloaded_for_a_moment_is_asked_again(place: "Place") -> None:
    with overloaded(place, refusals=2) as url, served_at(place, url, patience=10) as warehouse:
        assert warehouse.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_warehouse_that_stays_overloaded_is_unavailable_by_name(place: "Place") -> None:
    with (
        overloaded(place, refusals=1_000_000) as url,
        served_at(place, url, patience=0.5) as warehouse,
        pytest.raises(UnavailableError, match="BigQuery does not answer"),
    ):
        warehouse.query("SELECT 1 AS one")


class Portal(BaseHTTPRequestHandler):
    """Answers every request itself, with a page."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        page = b"<html>Sign in</html>"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_GET = answer  # noqa: N815 - the name is http.server's
    do_POST = answer  # noqa: N815 - the name is http.server's

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_a_page_in_place_of_an_answer_is_a_warehouse_that_does_not_answer(place: "Place", status: int) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as portal:
        portal.status = status
        thread = threading.Thread(target=portal.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with served_at(place, f"http://127.0.0.1:{portal.server_address[1]}", patience=0.2) as warehouse:
            with pytest.raises(UnavailableError, match="BigQuery does not answer"):
                warehouse.query("SELECT 1 AS one")
            with pytest.raises(UnavailableError, match="BigQuery does not answer"):
                warehouse.append("ops.model_versions", [{"model": "m"}])
        portal.shutdown()
        thread.join()


def test_an_emulator_that_crashes_is_unavailable_and_comes_back_with_its_rows(own_place: "Place") -> None:
    with closing(own_place.client("test")) as client:
        create_tables(client)
        warehouse = BigQueryWarehouse(client, patience=1.0)
        row = {"model": "m", "version": "1", "reference_start": NOW, "reference_end": NOW, "created_at": NOW}
        warehouse.append("ops.model_versions", [row])
        own_place.emulator.kill()
        with pytest.raises(UnavailableError, match="BigQuery does not answer"):
            warehouse.query("SELECT 1 AS one")
        own_place.emulator.start()
        assert warehouse.query(f"SELECT {', '.join(row)} FROM ops.model_versions") == [row]
