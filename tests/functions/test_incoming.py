"""Bodies of requests: read whole and in time before a function is called, or refused."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from functions.runtime import incoming


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(connection: socket.socket, **environ: Any) -> tuple[flask.Request, flask.Response | None]:
    """A request whose body comes by a connection, as gunicorn hands it over."""
    with connection.makefile("rb") as body:
        told = {"gunicorn.socket": connection, "wsgi.input": body, "wsgi.input_terminated": True}
        request = flask.Request({"REQUEST_METHOD": "POST", **told, **environ})
        return request, incoming.receive(request, 100)


def status(response: flask.Response | None) -> int:
    assert response is not None
    return response.status_code


def test_a_body_is_there_before_the_function_is_called(wire: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = wire
    theirs.sendall(b"0123456789")
    theirs.shutdown(socket.SHUT_WR)
    request, refusal = received(ours, CONTENT_LENGTH="10")
    assert refusal is None
    assert (request.stream.read(4), request.stream.read()) == (b"0123", b"456789")


def test_a_request_without_a_body_is_not_read(wire: tuple[socket.socket, socket.socket]) -> None:
    assert received(wire[0])[1] is None


def test_a_body_that_does_not_arrive_is_refused(
    wire: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "READ_SECONDS", 0.2)
    ours, theirs = wire
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.02):
            theirs.send(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        request, refusal = received(ours, CONTENT_LENGTH="100")
    finally:
        stop.set()
        dripping.join()
    assert (status(refusal), request.get_data()) == (408, b"")


@pytest.mark.parametrize(
    ("sent", "environ", "expected"),
    [
        (b"x", {"CONTENT_LENGTH": "2"}, 400),
        (b"x" * 101, {"CONTENT_LENGTH": "101"}, 413),
        (b"x" * 101, {"HTTP_TRANSFER_ENCODING": "chunked"}, 413),
    ],
)
def test_a_body_that_is_cut_off_or_too_large_is_refused(
    wire: tuple[socket.socket, socket.socket], sent: bytes, environ: dict[str, str], expected: int
) -> None:
    ours, theirs = wire
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    request, refusal = received(ours, **environ)
    assert (status(refusal), request.get_data()) == (expected, b"")
