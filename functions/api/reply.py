"""Responses: JSON and files, with revalidation and compression; text, and errors."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import Response
from werkzeug.exceptions import NotFound

from functions.adapters import logs
from functions.api import page
from functions.api.request import Request

STATIC = Path(__file__).parent / "static"
OPENAPI = Path(__file__).parent / "openapi.json"
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
_PROBLEM = "application/problem+json"
_PACKED = ("application/json", _PROBLEM, "image/svg+xml", "text/")
_LEVEL = 5
"""Of gzip: higher ones take twice the time for a hundredth of the size."""
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Started:
    """What has been started, as it is now, and the address at which it is shown later."""

    body: Any
    location: str


def json(body: Any, request: Request | None = None) -> Response:  # noqa: ANN401 - any JSON value
    """JSON; 304 without a body if the browser has the current version."""
    response = _no_sniff(Response(_encoder.encode(body), media_type="application/json"))
    response.headers["Cache-Control"] = "no-store"
    return response if request is None else _revalidated(response, request)


def accepted(command_id: str, warning: str = "") -> Response:
    """A command was published; it is executed later. A warning says what is perhaps not meant."""
    response = json({"id": command_id} | ({"warning": warning} if warning else {}))
    response.status_code = HTTPStatus.ACCEPTED
    return response


def started(given: Started) -> Response:
    """What was asked for goes on; its address is in the header `Location`."""
    response = json(given.body)
    response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = given.location
    return response


def markdown(text: str) -> Response:
    """A report or a runbook in Markdown."""
    return _text(text, "text/markdown")


def text(shown: str) -> Response:
    """Plain text."""
    return _text(shown, "text/plain")


def _text(shown: str, kind: str) -> Response:
    response = _no_sniff(Response(shown, media_type=kind))
    response.headers["Cache-Control"] = "no-store"
    return response


def raw(body: str, kind: str, *, status: int) -> Response:
    """What was answered before."""
    response = _no_sniff(Response(body, status, headers={"Content-Type": kind}))
    response.headers["Cache-Control"] = "no-store"
    return response


def self_contained(html: str) -> Response:
    """A page that is made on the server, with its style in it and nothing else."""
    response = _no_sniff(Response(html, media_type="text/html"))
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def error(status: HTTPStatus, message: str, **more: Any) -> Response:  # noqa: ANN401 - any JSON value
    """A problem (RFC 9457): what is wrong, in one sentence, and the id of the request."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": message}
    response = json(problem | more | {"request_id": logs.request_id()})
    response.status_code = status
    response.headers["Content-Type"] = _PROBLEM
    return response


def later(message: str, *, seconds: int, **more: Any) -> Response:  # noqa: ANN401 - any JSON value
    """An unavailable dependency, and when to retry."""
    response = error(HTTPStatus.SERVICE_UNAVAILABLE, message, **more)
    response.headers["Retry-After"] = str(seconds)
    return response


def file(name: str, request: Request) -> Response:
    """A file of the pages, with an ETag by content: files of an archive have no modification time."""
    return _revalidated(_file(name), request)


def document(request: Request) -> Response:
    """The document of the API, as `make openapi` has written it."""
    return _revalidated(_guarded(OPENAPI.read_bytes(), "application/json"), request)


def app_page(name: str, request: Request) -> Response:
    """A page with scripts, by the name of its template."""
    return _revalidated(_guarded(page.html(name), "text/html"), request)


def moved(path: str) -> Response:
    """What was asked for is at another path of this site."""
    return _no_sniff(Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": path}))


def missing() -> Response:
    """The page for an unknown address."""
    response = _guarded(page.html("missing"), "text/html")
    response.headers["Cache-Control"] = "no-store"
    response.status_code = HTTPStatus.NOT_FOUND
    return response


def _file(name: str) -> Response:
    path = STATIC / name
    if not _is_file(path):
        raise NotFound(f"file: no file of the page is called {name[:_SHOWN]!r}")
    kind, _ = mimetypes.guess_type(path)
    return _guarded(path.read_bytes(), kind or "application/octet-stream")


def _guarded(body: str | bytes, kind: str) -> Response:
    response = _no_sniff(Response(body, media_type=kind))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _is_file(path: Path) -> bool:
    """Whether there is such a file in the folder; a name that no file can have is none."""
    try:
        return path.resolve().is_relative_to(STATIC.resolve()) and path.is_file()
    except (OSError, ValueError):
        return False


def is_problem(response: Response) -> bool:
    """Whether it is what `error` gives."""
    return response.headers.get("Content-Type") == _PROBLEM


def packed(response: Response, request: Request) -> Response:
    """The response, compressed if it is large and the browser accepts that."""
    if not response.headers.get("Content-Type", "").startswith(_PACKED):
        return response
    response.headers.add_vary_header("Accept-Encoding")
    if len(response.body) >= _WORTH_PACKING and request.takes_gzip:
        response.body = gzip.compress(response.body, compresslevel=_LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response


def _revalidated(response: Response, request: Request) -> Response:
    """Cached by the browser only and revalidated each time, by a hash that does not depend on compression."""
    tag = f'W/"{hashlib.sha1(response.body, usedforsecurity=False).hexdigest()}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    known = (one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(","))
    if tag.removeprefix("W/") in known:
        return _no_sniff(Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers))
    response.headers.update(headers)
    return response


def _no_sniff(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
