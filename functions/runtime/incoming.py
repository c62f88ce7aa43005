"""Reading of request bodies before a function is called: bounded in time and in size.

A server has a few threads. A client that sends its body byte by byte, or never, would keep one of them for as long as
it likes; when its time is over, the connection is shut for reading, which ends the read at once.
"""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from threading import Event, Timer
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_content_length, get_input_stream

READ_SECONDS = 10.0
"""Time that a body may take."""
LARGEST = 16_000_000
"""Bytes of a body: Pub/Sub's largest message, 10 MB, in base64. What a function takes of people is bounded by it."""


def receive(request: flask.Request, largest: int = LARGEST) -> flask.Response | None:
    """Read the body of a request, for `get_data` and `stream` to give at once; the refusal if it must not be handled.

    Args:
        request: of functions-framework, by gunicorn.
        largest: bytes that are accepted.
    """
    environ = request.environ
    length = get_content_length(environ)
    if not length and "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    if length is not None and length > largest:
        return _refused(environ, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: must be at most {largest} bytes")
    with _deadline(environ.get("gunicorn.socket")) as late:
        data = _read(environ, largest)
    if late.is_set():
        return _refused(environ, HTTPStatus.REQUEST_TIMEOUT, f"body: must arrive within {READ_SECONDS:g} s")
    if data is None or (length is not None and len(data) < length):
        return _refused(environ, HTTPStatus.BAD_REQUEST, "body: must be as long as Content-Length says")
    if len(data) > largest:
        return _refused(environ, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: must be at most {largest} bytes")
    _replace(environ, data)
    return None


def _read(environ: dict[str, Any], largest: int) -> bytes | None:
    """The body, as far as one byte beyond what is allowed; None if the connection broke."""
    try:
        return get_input_stream(environ).read(largest + 1)
    except (OSError, ValueError, HTTPException):
        return None


@contextmanager
def _deadline(connection: socket.socket | None) -> Iterator[Event]:
    """Shut a connection for reading when the time is over; the event tells that it was. Without one there is no limit."""
    late = Event()

    def end() -> None:
        late.set()
        if connection:
            with suppress(OSError):  # it is closed
                connection.shutdown(socket.SHUT_RD)

    timer = Timer(READ_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _replace(environ: dict[str, Any], data: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(data)
    environ["CONTENT_LENGTH"] = str(len(data))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _refused(environ: dict[str, Any], status: HTTPStatus, why: str) -> flask.Response:
    """The refusal; what is left of the body is not read by whoever asks for it later."""
    _replace(environ, b"")
    return flask.Response(msgspec.json.encode({"error": why}), status, mimetype="application/json")
