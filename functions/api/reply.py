"""Answers: JSON that a browser asks for again only where it has changed, text, files, and errors."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import msgspec

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and requests are our own; nobody may show the page in a frame, to catch clicks on its buttons."""
_encoder = msgspec.json.Encoder()


def json(body: Any, request: flask.Request | None = None) -> flask.Response:  # noqa: ANN401 - any JSON value
    """JSON; 304 without a body where the request says that the browser has it already."""
    response = _plain(flask.Response(_encoder.encode(body), mimetype="application/json"))
    response.headers["Cache-Control"] = "no-store"
    if request is not None:
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        response.make_conditional(request.environ)
    return response


def accepted(command_id: str) -> flask.Response:
    """A command was published; whoever carries it out does so later."""
    response = json({"id": command_id})
    response.status_code = HTTPStatus.ACCEPTED
    return response


def markdown(text: str) -> flask.Response:
    """A report or a runbook, to be read as it is or kept."""
    response = _plain(flask.Response(text, content_type="text/markdown; charset=utf-8"))
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


def file(name: str) -> flask.Response:
    """The page or a part of it."""
    response = _plain(flask.send_from_directory(STATIC, name, max_age=300))
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _plain(response: flask.Response) -> flask.Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
