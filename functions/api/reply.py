"""Answers: JSON and files that a browser asks for again only where they have changed, packed; text, and errors."""

import gzip
import mimetypes
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and requests are our own; nobody may show the page in a frame, to catch clicks on its buttons."""
_SHOWN = 80
_WORTH_PACKING = 1000
"""Bytes: less travels as one packet anyway."""
_PACKED = ("application/json", "image/svg+xml", "text/")
_LEVEL = 5
"""Of gzip: higher ones take twice the time for a hundredth of the size."""
_encoder = msgspec.json.Encoder()


def json(body: Any, request: flask.Request | None = None) -> flask.Response:  # noqa: ANN401 - any JSON value
    """JSON; 304 without a body where the request says that the browser has it already."""
    response = _no_sniff(flask.Response(_encoder.encode(body), mimetype="application/json"))
    response.headers["Cache-Control"] = "no-store"
    return response if request is None else _revalidated(response, request)


def accepted(command_id: str) -> flask.Response:
    """A command was published; whoever carries it out does so later."""
    response = json({"id": command_id})
    response.status_code = HTTPStatus.ACCEPTED
    return response


def markdown(text: str) -> flask.Response:
    """A report or a runbook, to be read as it is or kept."""
    response = _no_sniff(flask.Response(text, content_type="text/markdown; charset=utf-8"))
    response.headers["Cache-Control"] = "no-store"
    return response


def error(status: HTTPStatus, message: str, **more: Any) -> flask.Response:  # noqa: ANN401 - any JSON value
    """What is wrong."""
    response = json({"error": message, **more})
    response.status_code = status
    return response


def later(message: str, *, seconds: int) -> flask.Response:
    """What does not answer now, and when to ask again."""
    response = error(HTTPStatus.SERVICE_UNAVAILABLE, message)
    response.headers["Retry-After"] = str(seconds)
    return response


def file(name: str, request: flask.Request) -> flask.Response:
    """The page or a part of it, under the hash of its contents: every file of an archive says that it is of 1980."""
    return _revalidated(_file(name), request)


def missing() -> flask.Response:
    """That there is nothing of that address, to be read by a person."""
    response = _file("missing.html")
    response.headers["Cache-Control"] = "no-store"
    response.status_code = HTTPStatus.NOT_FOUND
    return response


def _file(name: str) -> flask.Response:
    path = safe_join(str(STATIC), name)
    if path is None or not Path(path).is_file():
        raise NotFound(f"file: no file of the page is called {name[:_SHOWN]!r}")
    kind, _ = mimetypes.guess_type(path)
    response = _no_sniff(flask.Response(Path(path).read_bytes(), mimetype=kind or "application/octet-stream"))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def packed(response: flask.Response, request: flask.Request) -> flask.Response:
    """The same answer in fewer bytes, where it has many and the browser takes them."""
    if not (response.mimetype or "").startswith(_PACKED):
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= _WORTH_PACKING and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, compresslevel=_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _revalidated(response: flask.Response, request: flask.Request) -> flask.Response:
    """To be kept by the browser alone, which asks each time whether it has changed: by a hash, packed or not."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag(weak=True)
    response.make_conditional(request.environ)
    return response


def _no_sniff(response: flask.Response) -> flask.Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
