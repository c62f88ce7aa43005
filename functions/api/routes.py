"""Which path gives what, and how errors are answered."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import Map, Rule

from core.errors import AiaError
from functions.api.views import Views

log = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
_LONGEST_DAYS = 400
_encoder = msgspec.json.Encoder()
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"
)

_routes = Map(
    [
        Rule("/", endpoint="page"),
        Rule("/healthz", endpoint="healthz"),
        Rule("/assets/<path:name>", endpoint="static"),  # /static is Flask's own
        Rule("/api/models", endpoint="models"),
        Rule("/api/models/<name>/drift", endpoint="drift"),
        Rule("/api/incidents", endpoint="incidents"),
        Rule("/api/incidents/<path:incident_id>", endpoint="incident"),
        Rule("/api/probes", endpoint="probes"),
    ]
)


def answer(request: flask.Request, views: Callable[[], Views]) -> flask.Response:
    """Answer one request; what is asked for wrongly is told plainly, and only reading is allowed.

    Args:
        request: as functions-framework gives it.
        views: what the data comes from; not asked for by the page, its parts and `/healthz`.
    """
    try:
        if request.method not in ("GET", "HEAD"):
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, f"method: must be GET or HEAD, got {request.method}")
        endpoint, values = _routes.bind_to_environ(request.environ).match()
        return _ENDPOINTS[endpoint](request, views, **values)
    except HTTPException as error:
        return _error(HTTPStatus(error.code or 500), error.description or "")
    except LookupError as error:
        return _error(HTTPStatus.NOT_FOUND, str(error.args[0]))
    except AiaError as error:
        log.error("%s: %s", request.path, error)  # noqa: TRY400 - the message names what is missing
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


def _json(body: Any) -> flask.Response:  # noqa: ANN401 - any JSON value
    response = flask.Response(_encoder.encode(body), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _error(status: HTTPStatus, message: str) -> flask.Response:
    response = _json({"error": message})
    response.status_code = status
    return response


def _file(name: str) -> flask.Response:
    response = flask.send_from_directory(STATIC, name, max_age=300)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _days(request: flask.Request) -> int:
    given = request.args.get("days", "60")
    if not given.isdigit() or not 1 <= int(given) <= _LONGEST_DAYS:
        raise BadRequest(f"days: must be 1 to {_LONGEST_DAYS}, got {given!r}")
    return int(given)


_ENDPOINTS: dict[str, Callable[..., flask.Response]] = {
    "page": lambda _request, _views: _file("index.html"),
    "static": lambda _request, _views, name: _file(name),
    "healthz": lambda _request, _views: flask.Response("ok", mimetype="text/plain"),
    "models": lambda _request, views: _json(views().models()),
    "drift": lambda request, views, name: _json(views().drift(name, _days(request))),
    "incidents": lambda _request, views: _json(views().incidents()),
    "incident": lambda _request, views, incident_id: _json(views().incident(incident_id)),
    "probes": lambda _request, views: _json(views().probes()),
}
