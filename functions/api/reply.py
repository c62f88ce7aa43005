"""Responses: JSON and files, with revalidation and compression; text, and errors."""

import gzip
import mimetypes
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from functions.api import page

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and requests are our own; the page may not be framed, which prevents clickjacking."""
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of a page that is one file: no script at all."""
_SHOWN = 80
_WORTH_PACKING = 1000
"""Bytes: a smaller response fits into one packet anyway."""
_PACKED = ("application/json", "image/svg+xml", "text/")
_LEVEL = 5
"""Of gzip: higher ones take twice the time for a hundredth of the size."""
_encoder = msgspec.json.Encoder()


def json(body: Any, request: flask.Request | None = None) -> flask.Response:  # noqa: ANN401 - any JSON value
    """JSON; 304 without a body if the browser has the current version."""
    response = _no_sniff(flask.Response(_encoder.encode(body), mimetype="application/json"))
    response.headers["Cache-Control"] = "no-store"
    return response if request is None else _revalidated(response, request)


def accepted(command_id: str, warning: str = "") -> flask.Response:
    """A command was published; it is executed later. A warning says what is perhaps not meant."""
    response = json({"id": command_id} | ({"warning": warning} if warning else {}))
    response.status_code = HTTPStatus.ACCEPTED
    return response


def markdown(text: str) -> flask.Response:
    """A report or a runbook in Markdown."""
    return _text(text, "text/markdown")


def text(shown: str) -> flask.Response:
    """Plain text."""
    return _text(shown, "text/plain")


def _text(shown: str, kind: str) -> flask.Response:
    response = _no_sniff(flask.Response(shown, content_type=f"{kind}; charset=utf-8"))
    response.headers["Cache-Control"] = "no-store"
    return response


def self_contained(html: str) -> flask.Response:
    """A page that is made on the server, with its style in it and nothing else."""
    response = _no_sniff(flask.Response(html, content_type="text/html; charset=utf-8"))
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def error(status: HTTPStatus, message: str, **more: Any) -> flask.Response:  # noqa: ANN401 - any JSON value
    """An error."""
    response = json({"error": message, **more})
    response.status_code = status
    return response


def later(message: str, *, seconds: int) -> flask.Response:
    """An unavailable dependency, and when to retry."""
    response = error(HTTPStatus.SERVICE_UNAVAILABLE, message)
    response.headers["Retry-After"] = str(seconds)
    return response


def file(name: str, request: flask.Request) -> flask.Response:
    """A file of the pages, with an ETag by content: files of an archive have no modification time."""
    return _revalidated(_file(name), request)


def app_page(name: str, request: flask.Request) -> flask.Response:
    """A page with scripts, by the name of its template."""
    return _revalidated(_guarded(page.html(name), "text/html"), request)


def missing() -> flask.Response:
    """The page for an unknown address."""
    response = _guarded(page.html("missing"), "text/html")
    response.headers["Cache-Control"] = "no-store"
    response.status_code = HTTPStatus.NOT_FOUND
    return response


def _file(name: str) -> flask.Response:
    path = safe_join(str(STATIC), name)
    if path is None or not _is_file(path):
        raise NotFound(f"file: no file of the page is called {name[:_SHOWN]!r}")
    kind, _ = mimetypes.guess_type(path)
    return _guarded(Path(path).read_bytes(), kind or "application/octet-stream")


def _guarded(body: str | bytes, kind: str) -> flask.Response:
    response = _no_sniff(flask.Response(body, mimetype=kind))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _is_file(path: str) -> bool:
    """Whether there is such a file; a name that is longer than names of files may be is none."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def packed(response: flask.Response, request: flask.Request) -> flask.Response:
    """The response, compressed if it is large and the browser accepts that."""
    if not (response.mimetype or "").startswith(_PACKED):
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= _WORTH_PACKING and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, compresslevel=_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _revalidated(response: flask.Response, request: flask.Request) -> flask.Response:
    """Cached by the browser only and revalidated each time, by a hash that does not depend on compression."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag(weak=True)
    response.make_conditional(request.environ)
    return response


def _no_sniff(response: flask.Response) -> flask.Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
